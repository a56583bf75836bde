"""Where telemetry comes from and what was lost on the way: sources, gaps, batches."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.telemetry.models import Gap, Point, PullWatermark, Source, SpoolBatch
from cis_power.telemetry.rows import GapRow, SourceRow

PERMISSION = "system:source:read"
LOST_BATCHES = ("batch_missing", "spool_dropped")
REFUSED_BATCHES = ("batch_damaged",)

Position = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class CollectorRow:
    """A collector by what came of it: the newest batch that is in, and batches that are missing or were refused."""

    collector: str
    last_number: int
    last_loaded_at: datetime
    batches_lost: int
    batches_refused: int


def list_sources(session: Session, viewer: Viewer) -> list[SourceRow]:
    """Every source with its state, its points, its gaps and how far its history was pulled."""
    viewer.require(PERMISSION)
    points: dict[int, int] = dict(
        session.execute(
            select(Point.source_id, func.count()).where(Point.retired_at.is_(None)).group_by(Point.source_id)
        ).all()
    )
    counts = select(Gap.source_id, func.count(), func.sum(case((Gap.filled_at.is_(None), 1), else_=0)),
                    func.sum(case((Gap.filled_at.is_(None), Gap.values_missing), else_=0)))  # fmt: skip
    gaps = {row[0]: row[1:] for row in session.execute(counts.group_by(Gap.source_id))}
    pulled = {row.source_id: row for row in session.scalars(select(PullWatermark).order_by(PullWatermark.pulled_to_at))}
    return [
        SourceRow(
            name=row.name,
            state=row.state,
            reason=row.state_reason,
            state_at=row.state_at,
            last_poll_at=row.last_poll_at,
            last_good_poll_at=row.last_good_poll_at,
            polls=row.polls,
            polls_failed=row.polls_failed,
            points=points.get(row.id, 0),
            gaps=gaps.get(row.id, (0, 0, 0))[0],
            open_gaps=int(gaps.get(row.id, (0, 0, 0))[1] or 0),
            values_missing=int(gaps.get(row.id, (0, 0, 0))[2] or 0),
            pulled_from=pulled[row.id].archive if row.id in pulled else None,
            pulled_to_at=pulled[row.id].pulled_to_at if row.id in pulled else None,
        )
        for row in session.scalars(select(Source).order_by(Source.name))
    ]


def list_collectors(session: Session, viewer: Viewer) -> list[CollectorRow]:
    """Every collector whose batches were loaded, the latest first."""
    viewer.require(PERMISSION)
    numbers = Gap.last_number - Gap.first_number + 1
    sums = select(
        Gap.collector,
        func.sum(case((Gap.reason.in_(LOST_BATCHES), numbers), else_=0)),
        func.sum(case((Gap.reason.in_(REFUSED_BATCHES), numbers), else_=0)),
    ).where(Gap.collector.is_not(None), Gap.filled_at.is_(None))
    lost = {row[0]: (int(row[1] or 0), int(row[2] or 0)) for row in session.execute(sums.group_by(Gap.collector))}
    batch = SpoolBatch
    query = select(batch.collector, func.max(batch.number), func.max(batch.loaded_at)).group_by(batch.collector)
    rows = [CollectorRow(name, number, at, *lost.get(name, (0, 0))) for name, number, at in session.execute(query)]
    return sorted(rows, key=lambda row: row.last_loaded_at, reverse=True)


def list_gaps(
    session: Session,
    viewer: Viewer,
    *,
    source: str | None = None,
    unfilled_only: bool = False,
    before: Position | None = None,
    limit: int = 1_000,
) -> tuple[list[GapRow], Position | None]:
    """The gap ledger, the latest first, and the position to go on `before`; None at the end."""
    viewer.require(PERMISSION)
    query = (
        select(Gap, Source.name, Point.point_id)
        .outerjoin(Source, Source.id == Gap.source_id)
        .outerjoin(Point, Point.id == Gap.point_id)
        .order_by(Gap.began_at.desc(), Gap.id.desc())
        .limit(limit + 1)
    )
    if source is not None:
        query = query.where(Source.name == source)
    if unfilled_only:
        query = query.where(Gap.filled_at.is_(None))
    if before is not None:
        query = query.where(or_(Gap.began_at < before[0], and_(Gap.began_at == before[0], Gap.id < before[1])))
    rows = session.execute(query).all()
    found = [
        GapRow(
            source=name,
            point_id=point,
            began_at=gap.began_at,
            ended_at=gap.ended_at,
            reason=gap.reason,
            values_missing=gap.values_missing,
            batches=None if gap.first_number is None else (gap.last_number or gap.first_number) - gap.first_number + 1,
            filled_at=gap.filled_at,
            filled_from=gap.filled_from,
        )
        for gap, name, point in rows[:limit]
    ]
    last = rows[limit - 1][0] if len(rows) > limit else None
    return found, None if last is None else (last.began_at, last.id)


def point_gaps(session: Session, viewer: Viewer, point_id: str, from_at: datetime, to_at: datetime) -> list[GapRow]:
    """Gaps of one point or of its whole source that touch [from_at, to_at), the latest first; at most 50.

    For whoever found the point in his territory.
    """
    viewer.require("telemetry:point:read")
    point = session.scalars(select(Point).where(Point.point_id == point_id)).one()
    query = (
        select(Gap, Source.name)
        .join(Source, Source.id == Gap.source_id)
        .where(Gap.source_id == point.source_id, or_(Gap.point_id.is_(None), Gap.point_id == point.id))
        .where(Gap.began_at < to_at, or_(Gap.ended_at.is_(None), Gap.ended_at > from_at))
        .order_by(Gap.began_at.desc())
        .limit(50)
    )
    return [
        GapRow(
            source=name,
            point_id=point_id if gap.point_id else None,
            began_at=gap.began_at,
            ended_at=gap.ended_at,
            reason=gap.reason,
            values_missing=gap.values_missing,
            batches=None,
            filled_at=gap.filled_at,
            filled_from=gap.filled_from,
        )
        for gap, name in session.execute(query)
    ]
