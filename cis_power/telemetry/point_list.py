"""Lists of points by what they are and how they stand: quality and age as everybody sees them, judged in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, false, func, or_, select
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.quality import Quality
from cis_power.network.models import Element
from cis_power.telemetry.models import LatestValue, Point, PointOverride, Source
from cis_power.telemetry.quality import SKEW_SECONDS, stale_after
from cis_power.telemetry.reads import PERMISSION, points_query, shown_rows
from cis_power.telemetry.rows import PointRow

SORTS = ("point", "age", "quality")
NOT_GOOD = "not_good"
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

Position = Sequence[Any]


@dataclass(frozen=True, slots=True)
class PointFilter:
    """Which points, in which order. `quality`: a word of Quality in small letters, or `not_good`.

    `older_than_seconds`: last measured before that, or never. `text`: part of the id or of the equipment's code.
    `sort`: point (by id), age (the oldest first), quality (the worst first).
    """

    source: str | None = None
    equipment: str | None = None
    kind: str | None = None
    quantity: str | None = None
    quality: str | None = None
    older_than_seconds: float | None = None
    text: str | None = None
    sort: str = "point"


def page_points(
    session: Session,
    viewer: Viewer,
    now: datetime,
    wanted: PointFilter,
    *,
    stale_after_seconds: float | None = None,
    after: Position | None = None,
    limit: int = 50,
) -> tuple[list[PointRow], list[Any] | None]:
    """A page of points, and the position behind it to go on `after`; None at the end."""
    viewer.require(PERMISSION)
    quality = _shown_quality(session, now, stale_after_seconds)
    query = points_query(session, viewer, now).order_by(None)
    for condition in _conditions(wanted, quality, now):
        query = query.where(condition)
    key: Any = None
    if wanted.sort == "age":
        key = func.coalesce(LatestValue.measured_at, _NEVER, type_=LatestValue.measured_at.type)
        value = None if after is None else datetime.fromisoformat(str(after[0]))
        query = _behind(query, key, value, after, rising=True).order_by(key, Point.point_id)
    elif wanted.sort == "quality":
        key = quality
        query = _behind(query, key, None if after is None else int(after[0]), after, rising=False)
        query = query.order_by(key.desc(), Point.point_id)
    else:
        if after is not None:
            query = query.where(Point.point_id > after[-1])
        query = query.order_by(Point.point_id)
    if key is not None:
        query = query.add_columns(key.label("sort_key"))
    rows = session.execute(query.limit(limit + 1)).all()
    shown = shown_rows(session, [row[:3] for row in rows[:limit]], now, stale_after_seconds)
    if len(rows) <= limit:
        return shown, None
    last = rows[limit - 1]
    if key is None:
        return shown, [shown[-1].point_id]
    sort_key = last.sort_key.isoformat() if isinstance(last.sort_key, datetime) else int(last.sort_key)
    return shown, [sort_key, shown[-1].point_id]


def _behind(query: Any, key: Any, value: Any, after: Position | None, *, rising: bool) -> Any:
    if after is None:
        return query
    beyond = key > value if rising else key < value
    return query.where(or_(beyond, and_(key == value, Point.point_id > after[-1])))


def _conditions(wanted: PointFilter, quality: ColumnElement[int], now: datetime) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.source is not None:
        found.append(Source.name == wanted.source)
    if wanted.equipment is not None:
        known = select(Element.id).where(Element.kind == "equipment", Element.code == wanted.equipment)
        found.append(or_(Point.equipment == wanted.equipment, Point.element_id.in_(known)))
    if wanted.kind is not None:
        found.append(Point.kind == wanted.kind)
    if wanted.quantity is not None:
        found.append(Point.quantity == wanted.quantity)
    if wanted.quality == NOT_GOOD:
        found.append(quality != int(Quality.GOOD))
    elif wanted.quality is not None:
        found.append(quality == int(Quality[wanted.quality.upper()]))
    if wanted.older_than_seconds is not None:
        measured = LatestValue.measured_at
        found.append(or_(measured.is_(None), measured < now - timedelta(seconds=wanted.older_than_seconds)))
    if wanted.text is not None:
        found.append(text_matches(wanted.text))
    return found


def text_matches(text: str) -> ColumnElement[bool]:
    """Points whose id or equipment holds a text, whatever its case."""
    pattern = "%" + text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return or_(
        func.lower(Point.point_id).like(pattern, escape="\\"), func.lower(Point.equipment).like(pattern, escape="\\")
    )


def _shown_quality(session: Session, now: datetime, setting_seconds: float | None) -> ColumnElement[int]:
    """The quality that `telemetry.quality.shown` gives, as SQL."""
    stored, measured = LatestValue.quality, LatestValue.measured_at
    held = exists().where(PointOverride.point_id == Point.id, PointOverride.ended_at.is_(None))
    ahead = measured > now + timedelta(seconds=SKEW_SECONDS)
    periods = session.scalars(select(Point.poll_seconds).where(Point.retired_at.is_(None)).distinct()).all()
    old = or_(
        *(
            and_(Point.poll_seconds == period, measured < now - timedelta(seconds=stale_after(period, setting_seconds)))
            for period in periods
        ),
        false(),
    )
    return case(
        (held, int(Quality.SUBSTITUTED)),
        (measured.is_(None), int(Quality.MISSING)),
        (and_(ahead, stored < int(Quality.SUSPECT)), int(Quality.SUSPECT)),
        (and_(old, stored < int(Quality.STALE)), int(Quality.STALE)),
        else_=stored,
    )
