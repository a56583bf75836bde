"""The interruptions of some usage points out of the ledger, and which transformers are out, for pages."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.db import chunked
from cis_power.core.time import day_bounds, local_date
from cis_power.customers.models import UsagePoint, UsagePointDistrict
from cis_power.customers.validity import valid_at
from cis_power.network.models import Element
from cis_power.outages.models import Interruption, Outage, OutageTransformer
from cis_power.outages.reads import MAY_READ

Position = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class InterruptionRow:
    """One interruption of one usage point; `restored_at` None: it goes on."""

    outage_id: str
    usage_point: str
    began_at: datetime
    restored_at: datetime | None
    minutes: float | None
    kind: str
    cause: str | None
    device: str | None


@dataclass(frozen=True, slots=True)
class YearOfInterruptions:
    """The interruptions of some usage points that began in a local year; `minutes` are of those that are over."""

    year: int
    interruptions: int
    planned: int
    minutes: float


def interruptions_of(
    session: Session, viewer: Viewer, usage_point_ids: Sequence[int], now: datetime, *,
    from_at: datetime | None = None, limit: int = 50,
) -> list[InterruptionRow]:  # fmt: skip
    """The latest interruptions of usage points in the viewer's territory, newest first."""
    found = interruption_positions(session, viewer, usage_point_ids, now, from_at=from_at, limit=limit)
    return [row for row, _ in found]


def interruption_positions(
    session: Session, viewer: Viewer, usage_point_ids: Sequence[int], now: datetime, *,
    from_at: datetime | None = None, before: Position | None = None, limit: int = 50,
) -> list[tuple[InterruptionRow, Position]]:  # fmt: skip
    """The list with the position of each row, to go on `before` it with the next page."""
    viewer.require("outages:minutes:read")
    row = Interruption
    query = (
        select(row, Outage.code, UsagePoint.code)
        .join(Outage, Outage.id == row.outage_id)
        .join(UsagePoint, UsagePoint.id == row.usage_point_id)
        .where(_of(viewer, usage_point_ids, now))
        .order_by(row.began_at.desc(), row.id.desc())
        .limit(limit)
    )
    if from_at is not None:
        query = query.where(row.began_at >= from_at)
    if before is not None:
        query = query.where(or_(row.began_at < before[0], and_(row.began_at == before[0], row.id < before[1])))
    return [
        (
            InterruptionRow(
                outage_id=outage,
                usage_point=usage_point,
                began_at=found.began_at,
                restored_at=found.restored_at,
                minutes=_minutes(found.began_at, found.restored_at),
                kind=found.kind,
                cause=found.cause_code,
                device=found.device_code,
            ),
            (found.began_at, found.id),
        )
        for found, outage, usage_point in session.execute(query)
    ]


def interruption_years(
    session: Session, viewer: Viewer, usage_point_ids: Sequence[int], now: datetime, zone: tzinfo, *, years: int = 3
) -> list[YearOfInterruptions]:
    """The present local year and those before it, each with how often and how long; newest first."""
    viewer.require("outages:minutes:read")
    this_year = local_date(now, zone).year
    from_at = day_bounds(date(this_year - years + 1, 1, 1), zone)[0]
    row = Interruption
    query = select(row.began_at, row.restored_at, row.kind).where(
        _of(viewer, usage_point_ids, now), row.began_at >= from_at
    )
    sums: dict[int, list[float]] = {year: [0, 0, 0.0] for year in range(this_year, this_year - years, -1)}
    for began_at, restored_at, kind in session.execute(query):
        year = sums.get(local_date(began_at, zone).year)
        if year is not None:
            year[0] += 1
            year[1] += kind == "planned"
            year[2] += _minutes(began_at, restored_at) or 0.0
    return [
        YearOfInterruptions(year, int(count), int(planned), spent) for year, (count, planned, spent) in sums.items()
    ]


def _of(viewer: Viewer, usage_point_ids: Sequence[int], now: datetime) -> ColumnElement[bool]:
    """Rows of these usage points as held true now, those of them that lie in the viewer's territory."""
    row, district = Interruption, UsagePointDistrict
    own = and_(row.usage_point_id.in_(usage_point_ids), row.superseded_at.is_(None))
    if viewer.districts is None:
        return own
    return and_(
        own,
        exists().where(
            district.usage_point_id == row.usage_point_id,
            valid_at(district.began_at, district.ended_at, now),
            in_territory(viewer, district.district_id),
        ),
    )


def transformers_out(session: Session, viewer: Viewer, codes: Collection[str]) -> frozenset[str]:
    """Which of these transformers are without supply now, for callers that found them in the viewer's territory."""
    if not viewer.may_any(MAY_READ):
        viewer.require(MAY_READ[0])
    row = OutageTransformer
    found: set[str] = set()
    for part in chunked(codes, 5_000):
        query = (
            select(Element.code)
            .join(row, row.element_id == Element.id)
            .where(Element.code.in_(part), row.superseded_at.is_(None), row.ended_at.is_(None))
        )
        found.update(session.scalars(query))
    return frozenset(found)


def _minutes(began_at: datetime, restored_at: datetime | None) -> float | None:
    return None if restored_at is None else (restored_at - began_at).total_seconds() / 60
