"""Trouble calls: every one is kept, once, in one transaction; it is evidence, and it is answered at once."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.db.serial import one_at_a_time
from cis_power.core.errors import Conflict, InvalidInput, Problem
from cis_power.core.time import iso
from cis_power.customers.models import CustomerAccount, UsagePoint
from cis_power.customers.read_rows import customer_rows
from cis_power.customers.records import CustomerRow
from cis_power.customers.search import Subject
from cis_power.outages.callers import CallAbout, Found, find_caller, points_of_place, points_of_transformer
from cis_power.outages.callers_seen import within_territory
from cis_power.outages.entries import RANKS
from cis_power.outages.knowledge import Moment
from cis_power.outages.models import CallEvent, IntakeEntry, Outage, OutageMember, TroubleCall
from cis_power.outages.records import SupplyPoint
from cis_power.outages.supply_answer import usage_point_supply
from cis_power.service.writes import record_contact

JOINED_WITHIN = timedelta(minutes=30)
HAZARDS = frozenset({"wire_down", "fire", "shock", "sparks", "smoke", "flood", "tree_on_line", "gas"})
CALLS = "calls"
MANY = 20


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call as it is taken. `idempotency_key`: the same key again is the same call."""

    about: CallAbout
    trouble_code: str | None = None
    text: str | None = None
    caller_phone: str | None = None
    channel: str = "phone"
    idempotency_key: str | None = None

    @property
    def request_hash(self) -> str:
        plain = asdict(self) | {"idempotency_key": None}
        return hashlib.sha256(json.dumps(plain, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """The call as recorded, and what is known about the supply of what it is about.

    `candidates`: where several supply points fit, none is chosen. `repeated`: it had been recorded before.
    """

    id: str
    received_at: datetime
    account_no: str | None
    usage_point: str | None
    trouble_code: str | None
    hazard: bool
    outage_id: str | None
    joined_to: str | None
    repeated: bool
    supply: tuple[SupplyPoint, ...]
    candidates: tuple[CustomerRow, ...]
    problems: tuple[Problem, ...]

    def as_dict(self, zone: tzinfo = UTC) -> dict[str, Any]:
        return {
            "id": self.id, "received_at": iso(self.received_at, zone), "account_no": self.account_no,
            "usage_point": self.usage_point, "trouble_code": self.trouble_code, "hazard": self.hazard,
            "outage_id": self.outage_id, "joined_to": self.joined_to, "repeated": self.repeated,
            "supply": {
                "account_no": self.account_no, "as_of": iso(self.received_at, zone),
                "usage_points": [point.as_dict(zone) for point in self.supply],
            },
            "candidates": [_candidate(row) for row in self.candidates],
            "problems": [problem.as_dict() for problem in self.problems],
        }  # fmt: skip


def _candidate(row: CustomerRow) -> dict[str, Any]:
    return {"account_no": row.account_no, "name": row.name, "address": row.address, "district": row.district,
            "usage_points": list(row.usage_points) or [row.usage_point], "transformer": row.transformer}  # fmt: skip


def add_call(session: Session, viewer: Viewer, now: datetime, call: NewCall, region: str) -> CallAnswer:
    """Record a call and answer it. An unknown caller is kept too: `problems` say what was not found.

    Raises InvalidInput when nothing, or more than one thing, says what the call is about, and Conflict when its
    idempotency key was used for another call.
    """
    viewer.require("outages:call:write")
    if len(call.about.given) != 1:
        names = "account, phone, usage point, transformer, place"
        raise InvalidInput(f"say what the call is about by exactly one of: {names}")
    before = _recorded_before(session, call)
    found = within_territory(session, viewer, find_caller(session, call.about, region, now), call.about, now)
    row = before if before is not None else _record(session, viewer, now, call, found)
    return _answer(session, viewer, row, found, repeated=before is not None)


def _recorded_before(session: Session, call: NewCall) -> TroubleCall | None:
    if call.idempotency_key is None:
        return None
    one_at_a_time(session, f"call {call.idempotency_key}")
    row = session.scalar(select(TroubleCall).where(TroubleCall.idempotency_key == call.idempotency_key))
    if row is not None and row.request_hash != call.request_hash:
        raise Conflict("this idempotency key was used for another call")
    return row


def _record(session: Session, viewer: Viewer, now: datetime, call: NewCall, found: Found) -> TroubleCall:
    point = found.usage_point_id
    unknown = ", ".join(problem.message for problem in found.problems if problem.severity == "error")
    row = TroubleCall(
        code="C" + secrets.token_hex(6), idempotency_key=call.idempotency_key, request_hash=call.request_hash,
        received_at=now, recorded_by=viewer.actor, channel=call.channel,
        caller_phone=call.caller_phone or found.caller_phone, account_id=found.account_id, usage_point_id=point,
        element_id=found.element_id, place_id=found.place_id, trouble_code=call.trouble_code,
        text="; ".join(filter(None, (call.text, unknown))) or None, hazard=call.trouble_code in HAZARDS,
        outage_id=_outage_of(session, point, now), joined_call_id=_recent(session, point, found.element_id, now),
    )  # fmt: skip
    session.add(row)
    session.flush()
    session.add(IntakeEntry(
        kind="call", occurred_at=now, source_rank=RANKS["call"], source=CALLS, source_key=row.code,
        element_id=row.element_id, usage_point_id=point, outage_id=row.outage_id, recorded_by=viewer.actor,
        payload={"trouble_code": call.trouble_code}, recorded_at=now, applied_at=now,
    ))  # fmt: skip
    customer = session.scalar(select(CustomerAccount.customer_id).where(CustomerAccount.id == row.account_id))
    record_contact(session, viewer, now, subject="trouble call", kind="trouble", channel=call.channel,
                   customer_id=customer, usage_point_id=point, text=call.text or call.trouble_code)  # fmt: skip
    return row


def _outage_of(session: Session, point: int | None, now: datetime) -> int | None:
    if point is None:
        return None
    moment, member = Moment.of(now), OutageMember
    return session.scalar(
        select(member.outage_id).where(member.usage_point_id == point, member.superseded_at.is_(None),
                                       moment.holding(member.began_at, member.ended_at)).limit(1)
    )  # fmt: skip


def _recent(session: Session, point: int | None, element: int | None, now: datetime) -> int | None:
    """The first call of the last half hour about the same thing, which this one joins."""
    same = TroubleCall.usage_point_id == point if point is not None else TroubleCall.element_id == element
    if point is None and element is None:
        return None
    return session.scalar(
        select(TroubleCall.id)
        .where(same, TroubleCall.received_at > now - JOINED_WITHIN, TroubleCall.joined_call_id.is_(None))
        .order_by(TroubleCall.received_at, TroubleCall.id).limit(1)
    )  # fmt: skip


def _answer(session: Session, viewer: Viewer, row: TroubleCall, found: Found, *, repeated: bool) -> CallAnswer:
    now = row.received_at
    points = {point for _account, point in found.spots}
    if row.usage_point_id is None and row.account_id is None and len(points) > 1:
        points = set()
    if found.element_id is not None:
        points = set(points_of_transformer(session, found.element_id, Moment.of(now))[:MANY])
    if found.place_id is not None:
        points = set(points_of_place(session, found.place_id)[:MANY])
    supply = usage_point_supply(session, viewer, sorted(points), now) if points else ()
    outage = session.get(Outage, row.outage_id) if row.outage_id is not None else None
    if outage is not None and outage.heir_id is not None:
        outage = session.get_one(Outage, outage.heir_id)
    return CallAnswer(
        id=row.code, received_at=row.received_at,
        account_no=session.scalar(select(CustomerAccount.account_no).where(CustomerAccount.id == row.account_id)),
        usage_point=session.scalar(select(UsagePoint.code).where(UsagePoint.id == row.usage_point_id)),
        trouble_code=row.trouble_code, hazard=row.hazard, outage_id=outage.code if outage is not None else None,
        joined_to=session.scalar(select(TroubleCall.code).where(TroubleCall.id == row.joined_call_id)),
        repeated=repeated, supply=tuple(supply),
        candidates=_candidates(session, viewer, found, now) if row.usage_point_id is None else (),
        problems=tuple(found.problems),
    )  # fmt: skip


def _candidates(session: Session, viewer: Viewer, found: Found, now: datetime) -> tuple[CustomerRow, ...]:
    accounts = list(dict.fromkeys(account for account, _point in found.spots if account is not None))
    subjects = [Subject(account, None) for account in accounts[:MANY]]
    return customer_rows(session, viewer, subjects, now) if subjects else ()


def record_cti_event(
    session: Session, viewer: Viewer, now: datetime, *, event: str, call_id: str, caller: str | None,
    called: str | None, direction: str | None, user: str | None, queue: str | None,
) -> None:  # fmt: skip
    """Keep an event of the telephone system."""
    viewer.require("outages:call:write")
    session.add(CallEvent(event=event, call_id=call_id, caller=caller, called=called, direction=direction, user=user,
                          queue=queue, received_at=now))  # fmt: skip
    session.flush()


def identify(session: Session, viewer: Viewer, phone: str, region: str, now: datetime) -> Sequence[CustomerRow]:
    """Customers known by a number, for the screen that opens when the telephone rings."""
    viewer.require("customers:place:find")
    return _candidates(session, viewer, find_caller(session, CallAbout(phone=phone), region, now), now)
