"""What people do to an outage: correct, merge, split, cancel, review and sign; lock and reopen a month.

Nothing is overwritten: states and ledger rows are superseded, and each act is an entry of the intake with who, when and
why. Times are corrected at their origin: the entry that opened or closed the device is withdrawn in favour of one with
the right time, and the engine replays from there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import inspect, select, update
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.db import Base
from cis_power.core.errors import Conflict, InvalidInput, NotFound
from cis_power.core.time import iso
from cis_power.customers.models import UsagePoint
from cis_power.outages.entries import RANKS
from cis_power.outages.intake import ENGINE_KINDS
from cis_power.outages.knowledge import Moment
from cis_power.outages.models import (
    IntakeEntry,
    Interruption,
    MonthLock,
    Outage,
    OutageMember,
    OutageState,
    OutageTransformer,
    Restatement,
    RestorationEstimate,
)
from cis_power.outages.outage_states import outage_code
from cis_power.outages.reads import find_state
from cis_power.outages.restatement import LockedMonths

HUMAN = "people"
LEDGER_FIELDS = ("kind", "sub_kind", "cause_code", "responsibility")
_SPELLS: tuple[type[Base], ...] = (OutageMember, OutageTransformer, Interruption)


@dataclass(frozen=True, slots=True)
class Act:
    """Who does it, when, and why."""

    by: str
    reason: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Correction:
    """What is to be right from now on; `None` leaves a field as it is."""

    began_at: datetime | None = None
    restored_at: datetime | None = None
    kind: str | None = None
    sub_kind: str | None = None
    cause_code: str | None = None
    responsibility: str | None = None
    cancelled: bool = False


def correct(session: Session, viewer: Viewer, outage_id: str, correction: Correction, act: Act) -> bool:
    """Correct an outage; answers whether the engine has to run for it."""
    state = _writable(session, viewer, outage_id, act)
    said = {name: getattr(correction, name) for name in LEDGER_FIELDS if getattr(correction, name) is not None}
    moves = [(name, moment) for name, moment in (("began_at", correction.began_at),
                                                 ("restored_at", correction.restored_at)) if moment]  # fmt: skip
    if not (said or moves or correction.cancelled):
        raise InvalidInput("say what is to be corrected")
    if any(moment > act.now for _name, moment in moves):
        raise InvalidInput("the corrected time lies in the future")
    began_at, restored_at = correction.began_at or state.began_at, correction.restored_at or state.restored_at
    if moves and restored_at is not None and restored_at <= began_at:
        raise InvalidInput("the outage would end before it begins")
    outage = session.get_one(Outage, state.outage_id)
    if moves and (outage.imported or outage.frozen):
        raise Conflict("the times of this outage do not come from entries: import its rows again")
    _record(session, state, "correct", act, {name: iso(moment) for name, moment in moves} | said
            | ({"cancelled": True} if correction.cancelled else {}))  # fmt: skip
    if correction.cancelled:
        outage.frozen = True
        _restate(session, state, act, status="cancelled")
        for model in _SPELLS:
            _supersede(session, model, [outage.id], act.now)
        return False
    if said:
        state = _restate(session, state, act, **said)
        _replace(session, Interruption, Interruption.outage_id == outage.id, act.now, **said)
    for name, moment in moves:
        _move(session, state, outage, name, moment, act)
    return bool(moves)


def merge(session: Session, viewer: Viewer, outage_id: str, others: Sequence[str], act: Act) -> None:
    """Make other outages part of this one; all must be restored."""
    state = _over(session, viewer, outage_id, act)
    merged = [_over(session, viewer, other, act) for other in others]
    if not merged or any(other.outage_id == state.outage_id for other in merged):
        raise InvalidInput("name other outages to merge into this one")
    _record(session, state, "merge", act, {"merged": list(others)})
    everything = [state, *merged]
    for other in merged:
        for model in _SPELLS:
            _replace(session, model, model.outage_id == other.outage_id, act.now, outage_id=state.outage_id)  # type: ignore[attr-defined]
        _restate(session, other, act, status="cancelled")
    _restate(session, state, act, began_at=min(one.began_at for one in everything),
             restored_at=max(one.restored_at for one in everything if one.restored_at))  # fmt: skip
    _freeze(session, [one.outage_id for one in everything])


def split(session: Session, viewer: Viewer, outage_id: str, usage_points: Sequence[str], act: Act) -> str:
    """Make an outage of its own of some usage points of a restored one; answers its id."""
    state = _over(session, viewer, outage_id, act)
    keys = session.scalars(select(UsagePoint.id).where(UsagePoint.code.in_(usage_points))).all()
    mine = Interruption.usage_point_id.in_(keys) & (Interruption.outage_id == state.outage_id)
    rows = session.scalars(select(Interruption).where(mine, Interruption.superseded_at.is_(None))).all()
    missing = set(keys) - {row.usage_point_id for row in rows}
    if not rows or missing or len(keys) != len(set(usage_points)):
        raise InvalidInput("each usage point to split off must have been interrupted by this outage")
    key = f"{HUMAN}|{outage_id}/{iso(act.now)}|split"
    outage = Outage(code=outage_code(key), opening_key=key, imported=False, frozen=True, created_at=act.now)
    session.add(outage)
    session.flush()
    _record(session, state, "split", act, {"into": outage.code, "usage_points": sorted(usage_points)})
    began, ends = min(row.began_at for row in rows), [row.restored_at for row in rows if row.restored_at]
    session.add(_copy(state, outage_id=outage.id, began_at=began, restored_at=max(ends), recorded_at=act.now,
                      recorded_by=act.by, reason=act.reason))  # fmt: skip
    _replace(session, Interruption, mine, act.now, outage_id=outage.id)
    members = OutageMember.usage_point_id.in_(keys) & (OutageMember.outage_id == state.outage_id)
    _replace(session, OutageMember, members, act.now, outage_id=outage.id)
    _freeze(session, [state.outage_id])
    return outage.code


def review(session: Session, viewer: Viewer, outage_id: str, act: Act, *, signs: bool) -> None:
    """Mark a restored outage as reviewed, or sign it."""
    state = _over(session, viewer, outage_id, act)
    word = "signed" if signs else "reviewed"
    _record(session, state, word, act, {})
    _restate(session, state, act, review_state=word)


def estimate(
    session: Session, viewer: Viewer, outage_id: str, act: Act, *, latest_at: datetime, earliest_at: datetime | None,
    source: str,
) -> None:  # fmt: skip
    """Say when supply is expected back; what was expected before stays in the history."""
    viewer.require("outages:outage:write")
    state = find_state(session, viewer, outage_id, Moment.of(act.now))
    if state.restored_at is not None:
        raise Conflict(f"outage {outage_id} is restored")
    if latest_at <= act.now or (earliest_at is not None and earliest_at > latest_at):
        raise InvalidInput("the window must end in the future, and not before it begins")
    session.add(RestorationEstimate(
        outage_id=state.outage_id, earliest_at=earliest_at, latest_at=latest_at, source=source, recorded_by=act.by,
        recorded_at=act.now,
    ))  # fmt: skip


def lock_month(session: Session, viewer: Viewer, month: date, act: Act) -> None:
    """Lock a month of the ledger: from now on changes in it wait as proposals."""
    viewer.require("outages:outage:write")
    if session.scalar(select(MonthLock).where(MonthLock.month_on == month, MonthLock.reopened_at.is_(None))):
        raise Conflict(f"{month:%Y-%m} is locked already")
    session.add(MonthLock(month_on=month, locked_at=act.now, locked_by=act.by))


def reopen_month(session: Session, viewer: Viewer, month: date, act: Act) -> None:
    """Reopen a locked month with a reason; what was proposed is applied by the engine's next pass."""
    viewer.require("outages:outage:write")
    lock = session.scalar(select(MonthLock).where(MonthLock.month_on == month, MonthLock.reopened_at.is_(None)))
    if lock is None:
        raise NotFound(f"{month:%Y-%m} is not locked")
    lock.reopened_at, lock.reopened_by, lock.reason = act.now, act.by, act.reason
    waiting = session.scalars(
        select(Restatement).where(Restatement.month_on == month, Restatement.state == "proposed")
    ).all()
    for proposal in waiting:
        proposal.state, proposal.decided_at, proposal.decided_by = "applied", act.now, act.by
        proposal.reason = act.reason
    if waiting:
        earliest = min(datetime.fromisoformat(proposal.change["began_at"]) for proposal in waiting)
        _replay_from(session, earliest)


def _replay_from(session: Session, moment: datetime) -> None:
    """Let the engine's next pass begin with the first entry at or after an instant."""
    entry = session.scalar(
        select(IntakeEntry).where(IntakeEntry.occurred_at >= moment, IntakeEntry.kind.in_(ENGINE_KINDS))
        .order_by(IntakeEntry.occurred_at).limit(1)
    )  # fmt: skip
    if entry is not None:
        entry.applied_at = None


def _writable(session: Session, viewer: Viewer, outage_id: str, act: Act) -> OutageState:
    """The present state of an outage that may be changed: not signed, and in no locked month."""
    viewer.require("outages:outage:write")
    if not act.reason.strip():
        raise InvalidInput("give a reason")
    state = find_state(session, viewer, outage_id, Moment.of(act.now))
    if state.review_state == "signed":
        raise Conflict(f"outage {outage_id} is signed")
    return state


def _over(session: Session, viewer: Viewer, outage_id: str, act: Act) -> OutageState:
    state = _writable(session, viewer, outage_id, act)
    if state.restored_at is None:
        raise Conflict(f"outage {outage_id} is not restored yet")
    return state


def refuse_locked(session: Session, states: Iterable[OutageState], locks: LockedMonths) -> None:
    """Raise Conflict when an outage began in a locked month."""
    for state in states:
        month = locks.month(state.began_at)
        if month is not None:
            raise Conflict(f"{month:%Y-%m} is locked: reopen it first")


def _record(session: Session, state: OutageState, act_name: str, act: Act, detail: dict[str, Any]) -> None:
    key = f"{act_name}/{state.outage_id}/{iso(act.now)}"
    session.add(IntakeEntry(
        kind="correction", occurred_at=act.now, source_rank=RANKS["correction"], source=HUMAN, source_key=key,
        outage_id=state.outage_id, payload={"act": act_name, "reason": act.reason} | detail, recorded_by=act.by,
        recorded_at=act.now, applied_at=act.now,
    ))  # fmt: skip


def _restate(session: Session, state: OutageState, act: Act, **changes: Any) -> OutageState:
    """Supersede the present state of an outage by one with changes."""
    state.superseded_at = act.now
    changes |= {"recorded_at": act.now, "recorded_by": act.by, "reason": act.reason}
    new: OutageState = _copy(state, **changes)
    session.add(new)
    session.flush()
    return new


def _replace(session: Session, model: Any, which: Any, now: datetime, **changes: Any) -> None:
    """Supersede present rows by copies with changes."""
    rows = session.scalars(select(model).where(which, model.superseded_at.is_(None))).all()
    for row in rows:
        session.add(_copy(row, recorded_at=now, **changes))
        row.superseded_at = now
    session.flush()


def _supersede(session: Session, model: Any, outages: Sequence[int], now: datetime) -> None:
    session.execute(
        update(model).where(model.outage_id.in_(outages), model.superseded_at.is_(None)).values(superseded_at=now)
    )


def _freeze(session: Session, outages: Sequence[int]) -> None:
    session.execute(update(Outage).where(Outage.id.in_(outages)).values(frozen=True))


def _copy(row: Any, **changes: Any) -> Any:
    """A new row like another, without its key and its supersession."""
    columns = [column.key for column in inspect(type(row)).column_attrs if column.key not in ("id", "superseded_at")]
    return type(row)(**({name: getattr(row, name) for name in columns} | changes))


def _move(session: Session, state: OutageState, outage: Outage, name: str, moment: datetime, act: Act) -> None:
    """Withdraw the entries that opened (or restored) an outage in favour of ones with the right time."""
    if name == "began_at":
        source, key = (outage.opening_key or "||").rsplit("|", 1)[0].split("|", 1)
        entries = session.scalars(
            select(IntakeEntry).where(IntakeEntry.withdrawn_by_id.is_(None)).where(
                ((IntakeEntry.source == source) & (IntakeEntry.source_key == key))
                | (IntakeEntry.source_key.startswith(f"{source}|{key}#", autoescape=True)))
        ).all()  # fmt: skip
    else:
        entries = session.scalars(
            select(IntakeEntry).where(IntakeEntry.occurred_at == state.restored_at,
                                      IntakeEntry.withdrawn_by_id.is_(None), IntakeEntry.kind.in_(ENGINE_KINDS))
        ).all()  # fmt: skip
    if not entries:
        raise Conflict(f"no entry is known that decides {name} of this outage")
    for entry in entries:
        identity = entry.payload.get("identity") or f"{entry.source}|{entry.source_key}"
        number = 1 + int(entry.source_key.rpartition("#")[2]) if entry.source == HUMAN else 1
        new = _copy(entry, source=HUMAN, source_key=f"{identity}#{number}", occurred_at=moment, earliest_at=None,
                    latest_at=None, payload=dict(entry.payload) | {"identity": identity}, recorded_by=act.by,
                    recorded_at=act.now, applied_at=None)  # fmt: skip
        session.add(new)
        session.flush()
        entry.withdrawn_by_id, entry.applied_at = new.id, None
