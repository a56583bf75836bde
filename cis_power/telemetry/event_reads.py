"""Signal events: what was found changed, when, and how sure that is."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.quality import Quality
from cis_power.network.reads import version_at
from cis_power.telemetry.models import Point, SignalEvent, Source
from cis_power.telemetry.point_list import text_matches
from cis_power.telemetry.reads import PERMISSION, scoped
from cis_power.telemetry.rows import EventRow

Position = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events: those in [from_at, to_at). `to`: positions found open, or closed. `text`: as in lists of points."""

    from_at: datetime | None = None
    to_at: datetime | None = None
    point_id: str | None = None
    source: str | None = None
    equipment: str | None = None
    quantity: str | None = None
    quality: str | None = None
    to: str | None = None
    text: str | None = None


def page_events(
    session: Session,
    viewer: Viewer,
    now: datetime,
    wanted: EventFilter,
    *,
    before: Position | None = None,
    limit: int = 50,
) -> tuple[list[EventRow], Position | None]:
    """Events, the latest first, and the position to go on `before`; None at the end."""
    viewer.require(PERMISSION)
    version = version_at(session, now)
    event = SignalEvent
    query = (
        select(event, Point.point_id, Point.equipment, Point.quantity, Point.unit, Source.name)
        .join(Point, Point.id == event.point_id)
        .join(Source, Source.id == Point.source_id)
        .order_by(event.occurred_at.desc(), event.id.desc())
        .limit(limit + 1)
    )
    for column, value in (
        (Point.point_id, wanted.point_id),
        (Source.name, wanted.source),
        (Point.equipment, wanted.equipment),
        (Point.quantity, wanted.quantity),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.from_at is not None:
        query = query.where(event.occurred_at >= wanted.from_at)
    if wanted.to_at is not None:
        query = query.where(event.occurred_at < wanted.to_at)
    if wanted.quality is not None:
        query = query.where(event.quality == int(Quality[wanted.quality.upper()]))
    if wanted.to is not None:
        query = query.where(Point.quantity == "position", event.value == (1.0 if wanted.to == "closed" else 0.0))
    if wanted.text is not None:
        query = query.where(text_matches(wanted.text))
    if before is not None:
        at, key = before
        query = query.where(or_(event.occurred_at < at, and_(event.occurred_at == at, event.id < key)))
    rows = session.execute(scoped(viewer, query, None if version is None else version.id)).all()
    found = [
        EventRow(
            point_id=point_id,
            equipment=equipment,
            quantity=quantity,
            unit=unit,
            source=source,
            value=one.value,
            previous_value=one.previous_value,
            quality=Quality(one.quality),
            reason=one.reason,
            occurred_at=one.occurred_at,
            earliest_at=one.earliest_at,
            latest_at=one.latest_at,
            time_uncertain=one.time_uncertain,
            received_at=one.received_at,
        )
        for one, point_id, equipment, quantity, unit, source in rows[:limit]
    ]
    last = rows[limit - 1][0] if len(rows) > limit else None
    return found, None if last is None else (last.occurred_at, last.id)
