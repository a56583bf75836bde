"""The evidence of outages: entries of the intake about their device, and calls."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

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
    """What opened, and what has moved the device of each outage since, by outage."""
    devices = {state.device_id for state, _outage in states if state.device_id is not None}
    if not devices:
        return {}
    earliest = min(state.began_at for state, _outage in states)
    opening = {outage.opening_key.rsplit("|", 1)[0] for _state, outage in states if outage.opening_key}
    entry = IntakeEntry
    keys = [key.split("|", 1)[1] for key in opening]
    query = (
        select(entry, Element.code)
        .join(Element, Element.id == entry.element_id)
        .where(
            entry.element_id.in_(sorted(devices)), entry.applied_at <= moment.known_at,
            entry.occurred_at <= moment.about, entry.withdrawn_by_id.is_(None),
            or_(entry.occurred_at >= earliest, entry.source_key.in_(keys)),
        )
        .order_by(entry.occurred_at, entry.source_rank, entry.source_key)
    )  # fmt: skip
    rows = session.execute(query).all()
    answer: dict[int, tuple[Evidence, ...]] = {}
    for state, outage in states:
        key = outage.opening_key.rsplit("|", 1)[0] if outage.opening_key else None
        until = state.restored_at
        answer[state.outage_id] = tuple(
            _piece(row, code) for row, code in rows
            if row.element_id == state.device_id and (
                f"{row.source}|{row.source_key}" == key or row.payload.get("identity") == key
                or (row.occurred_at >= state.began_at and (until is None or row.occurred_at <= until))
            )
        )  # fmt: skip
    return answer


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
            piece = Evidence("call", row.received_at, words, Quality.GOOD.name.lower())
            answer[row.usage_point_id] = (*answer.get(row.usage_point_id, ()), piece)
    return answer


def _piece(row: IntakeEntry, device: str) -> Evidence:
    position = "" if row.value is None else " open" if row.value == OPENED else " closed"
    if row.kind == "signal":
        detail = f"{device}{position} (point {row.payload.get('point', '')})"
        return Evidence("signal", row.occurred_at, detail, Quality(row.quality).name.lower())
    kind = "switching" if row.kind in _SWITCHING else row.kind
    words = "" if row.kind == "switch" else f" {row.kind}"
    return Evidence(kind, row.occurred_at, f"{device}{words}{position}, by {row.recorded_by}",
                    Quality(row.quality).name.lower())  # fmt: skip
