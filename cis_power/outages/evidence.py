"""The evidence of outages: entries of the intake about their device, and calls."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select, true
from sqlalchemy.orm import Session

from cis_power.core.db import chunked
from cis_power.core.quality import Quality
from cis_power.network.models import Element
from cis_power.outages.entries import OPENED
from cis_power.outages.knowledge import Moment
from cis_power.outages.models import IntakeEntry, Outage, OutageState, TroubleCall
from cis_power.outages.records import Evidence

CALLS_COUNT_FOR = timedelta(hours=24)
_SWITCHING = ("switch", "transfer", "tag", "set", "release", "confirmation")


def device_evidence(
    session: Session, states: Sequence[tuple[OutageState, Outage]], moment: Moment
) -> dict[int, tuple[Evidence, ...]]:
    """What opened, and what has moved the device of each outage since, by outage; imported history has none."""
    own = [(state, outage) for state, outage in states if outage.opening_key and state.device_id is not None]
    if not own:
        return {}
    told = _told(session, own, moment)
    answer: dict[int, tuple[Evidence, ...]] = {}
    for state, outage in own:
        key = _opening(outage)
        entries, code = told.get(state.device_id or 0, ([], ""))
        first = bisect_left(entries, state.began_at, key=_occurred_at)
        end = len(entries) if state.restored_at is None else bisect_right(entries, state.restored_at, key=_occurred_at)
        before = (entry for entry in entries[:first] if _opens(entry, key))
        answer[state.outage_id] = tuple(_piece(entry, code) for entry in (*before, *entries[first:end]))
    return answer


def _told(
    session: Session, states: Sequence[tuple[OutageState, Outage]], moment: Moment
) -> dict[int, tuple[list[IntakeEntry], str]]:
    """Entries about each device, in order, and its code."""
    earliest = min(state.began_at for state, _outage in states)
    keys = {_opening(outage).split("|", 1)[1] for _state, outage in states}
    devices = {state.device_id for state, _outage in states if state.device_id is not None}
    entry = IntakeEntry
    told: dict[int, tuple[list[IntakeEntry], str]] = {}
    for part in chunked(sorted(devices), 1_000):
        query = (
            select(entry, Element.code)
            .join(Element, Element.id == entry.element_id)
            .where(
                entry.element_id.in_(part), entry.applied_at <= moment.known_at, entry.occurred_at <= moment.about,
                entry.withdrawn_by_id.is_(None),
                or_(entry.occurred_at >= earliest, entry.source_key.in_(sorted(keys)) if len(keys) < 1_000 else true()),
            )
            .order_by(entry.occurred_at, entry.source_rank, entry.source_key)
        )  # fmt: skip
        for row, code in session.execute(query):
            told.setdefault(row.element_id or 0, ([], code))[0].append(row)
    return told


def _opening(outage: Outage) -> str:
    """Source and key of the entry that opened an outage."""
    return (outage.opening_key or "||").rsplit("|", 1)[0]


def _opens(entry: IntakeEntry, key: str) -> bool:
    return f"{entry.source}|{entry.source_key}" == key or entry.payload.get("identity") == key


def _occurred_at(entry: IntakeEntry) -> datetime:
    return entry.occurred_at


def call_evidence(session: Session, points: Sequence[int], moment: Moment) -> dict[int, tuple[Evidence, ...]]:
    """Calls of the last day before the instant about each usage point."""
    call = TroubleCall
    rows = session.scalars(
        select(call)
        .where(and_(call.usage_point_id.in_(points), call.received_at <= moment.known_at,
                    call.received_at > moment.about - CALLS_COUNT_FOR))
        .order_by(call.received_at)
    )  # fmt: skip
    answer: dict[int, tuple[Evidence, ...]] = {}
    for row in rows:
        if row.usage_point_id is not None:
            words = " ".join(filter(None, ("call", row.code, row.trouble_code)))
            piece = Evidence("call", row.received_at, words, Quality.GOOD.name)
            answer[row.usage_point_id] = (*answer.get(row.usage_point_id, ()), piece)
    return answer


def _piece(row: IntakeEntry, device: str) -> Evidence:
    position = "" if row.value is None else " open" if row.value == OPENED else " closed"
    if row.kind == "signal":
        detail = f"{device}{position} (point {row.payload.get('point', '')})"
        return Evidence("signal", row.occurred_at, detail, Quality(row.quality).name)
    kind = "switching" if row.kind in _SWITCHING else row.kind
    words = "" if row.kind == "switch" else f" {row.kind}"
    return Evidence(kind, row.occurred_at, f"{device}{words}{position}, by {row.recorded_by}",
                    Quality(row.quality).name)  # fmt: skip
