"""Takes telemetry into the intake: positions that changed, and what is held by hand.

The loader writes signal events and people set, tag and release points; both stand below the outages and know nothing of
them. The engine takes them in at the beginning of its pass, in its own transaction.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from cis_power.core.quality import Quality
from cis_power.core.time import iso
from cis_power.outages.entries import CLOSED, OPENED, Entry
from cis_power.outages.intake import record_entries
from cis_power.outages.models import EngineMark, IntakeEntry
from cis_power.telemetry.models import Point, PointOverride, SignalEvent, Source

POSITION = "position"
BY_HAND = "points"


def take_in_telemetry(session: Session, mark: EngineMark, now: datetime) -> int:
    """Record what telemetry has that the intake has not; answers the number of new entries."""
    return _take_signals(session, mark, now) + _take_overrides(session, now)


def telemetry_waits(session: Session, mark: EngineMark) -> bool:
    """Whether there are signal events or overrides that a pass would look at."""
    if (session.scalar(select(func.max(SignalEvent.id))) or 0) > mark.signal_event_id:
        return True
    if session.scalar(_linked_points()) != mark.linked_points:
        return True
    held = select(func.count(PointOverride.id) + func.count(PointOverride.ended_at)).join(
        Point, Point.id == PointOverride.point_id
    ).where(Point.quantity == POSITION, Point.element_id.is_not(None))  # fmt: skip
    taken = select(func.count()).select_from(IntakeEntry).where(IntakeEntry.source == BY_HAND)
    return session.scalar(held) != session.scalar(taken)


def _linked_points() -> Select[int]:
    return select(func.count(Point.id)).where(Point.quantity == POSITION, Point.element_id.is_not(None))


def _take_signals(session: Session, mark: EngineMark, now: datetime) -> int:
    """Only what may decide becomes an entry: the rest stays with telemetry and can change nothing here.

    A point whose device came to the network after the point's first events gives all of them when it is linked.
    """
    newest = session.scalar(select(func.max(SignalEvent.id))) or 0
    linked = session.scalar(_linked_points()) or 0
    wanted: ColumnElement[bool] = SignalEvent.id > mark.signal_event_id
    if linked != mark.linked_points:
        heard = select(IntakeEntry.element_id).where(IntakeEntry.kind == "signal", IntakeEntry.element_id.is_not(None))
        wanted = or_(wanted, Point.element_id.not_in(heard))
    rows = session.execute(
        select(SignalEvent, Point.point_id, Point.element_id, Source.name)
        .join(Point, Point.id == SignalEvent.point_id)
        .join(Source, Source.id == Point.source_id)
        .where(wanted, Point.quantity == POSITION, Point.element_id.is_not(None))
        .order_by(SignalEvent.id)
    ).all()
    entries = []
    mark.signal_event_id, mark.linked_points = max(mark.signal_event_id, newest), linked
    for event, point_id, element_id, source in rows:
        if event.value in (OPENED, CLOSED) and Quality(event.quality).decides:
            payload: dict[str, Any] = {"point": point_id}
            if event.time_uncertain:
                payload["time_uncertain"] = True
            entries.append(Entry(
                "signal", event.occurred_at, source, f"{point_id}@{iso(event.occurred_at)}#{event.sequence}", "",
                element_id, None, event.value, 0, Quality(event.quality), event.earliest_at, event.latest_at, payload,
                f"source:{source}",
            ))  # fmt: skip
    return record_entries(session, entries, now)


def _take_overrides(session: Session, now: datetime) -> int:
    known = set(session.scalars(select(IntakeEntry.source_key).where(IntakeEntry.source == BY_HAND)))
    rows = session.execute(
        select(PointOverride, Point.point_id, Point.element_id)
        .join(Point, Point.id == PointOverride.point_id)
        .where(Point.quantity == POSITION, Point.element_id.is_not(None))
    ).all()
    entries = []
    for override, point_id, element_id in rows:
        payload = {"point": point_id, "tag": override.tag, "reason": override.reason}
        held = Entry(
            override.kind, override.began_at, BY_HAND, f"{override.id:012d}", None, element_id, None, override.value,
            payload=payload, recorded_by=override.begun_by,
        )  # fmt: skip
        entries.append(held)
        if override.ended_at is not None:
            entries.append(Entry(
                "release", override.ended_at, BY_HAND, f"{override.id:012d}/release", None, element_id,
                payload=payload, recorded_by=override.ended_by or override.begun_by,
            ))  # fmt: skip
    return record_entries(session, [entry for entry in entries if entry.source_key not in known], now)
