"""One pass of the engine: takes what is not applied yet, in order, and writes it with all that follows from it.

Everything happens in one transaction, so that a pass that is killed never was. A late entry, or a change of the model
in the past, replays from a checkpoint before it, with the networks and connections that were valid at the time.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cis_power.core.db import Database
from cis_power.core.db.serial import one_at_a_time
from cis_power.outages.checkpoint import pack, step_of_text, step_text, unpack
from cis_power.outages.claiming import claim_calls
from cis_power.outages.conflicts import write_conflicts
from cis_power.outages.engine import Engine
from cis_power.outages.entries import StepKey, instant, micros, steps
from cis_power.outages.harvest import forget_stored, harvest
from cis_power.outages.intake import applied, entry_of, mark_applied, pending
from cis_power.outages.ledger import Writing, write_spells
from cis_power.outages.model_view import Fingerprint, ModelView, changed_from, fingerprint, glance
from cis_power.outages.models import EngineCheckpoint, EngineMark, IntakeEntry
from cis_power.outages.outage_states import write_states
from cis_power.outages.restatement import LockedMonths
from cis_power.outages.scene import Prepared
from cis_power.outages.state import State
from cis_power.outages.supply import EVER
from cis_power.outages.taking_in import take_in_telemetry, telemetry_waits

CHECKPOINT_STEPS = 64
CHECKPOINTS_KEPT = 50  # the newest; of those before, the last of each day stays
OUTAGES_IN_MEMORY = 2_000
FULL_LOOK_EVERY = timedelta(seconds=10)
_FIRST = datetime(1, 1, 2, tzinfo=UTC)
_MOMENT = timedelta(microseconds=1)


@dataclass(slots=True)
class Memory:
    """What a process keeps from pass to pass; only a help, everything is in the database too."""

    view: ModelView = field(default_factory=ModelView)
    prepared: dict[int, Prepared] = field(default_factory=dict)
    known: Fingerprint | None = None
    engine: Engine | None = None
    passes: int = -1
    steps_since_checkpoint: int = 0
    glanced: tuple[int, int, int, str] | None = None
    looked: Fingerprint | None = None
    looked_at: datetime | None = None

    def look(self, session: Session, now: datetime) -> Fingerprint:
        """The fingerprint of the model; in full only now and then, or when a glance sees something new."""
        glanced = glance(session)
        fresh = self.looked_at is not None and timedelta(0) <= now - self.looked_at < FULL_LOOK_EVERY
        if self.looked is None or not fresh or glanced != self.glanced:
            self.glanced, self.looked, self.looked_at = glanced, fingerprint(session), now
        return self.looked


@dataclass(frozen=True, slots=True)
class PassResult:
    """What a pass did: entries applied, whether it replayed, outages whose state it wrote."""

    applied: int
    replayed: bool
    outages: int


def run_engine(
    database: Database, now: datetime, memory: Memory | None = None, zone: ZoneInfo | None = None
) -> PassResult:
    """Run one pass in a transaction of its own."""
    memory = Memory() if memory is None else memory
    if memory.engine is not None:
        with database.reading() as session:
            if not _anything_new(session, memory, now):
                return PassResult(0, False, 0)
    try:
        with database.transaction() as session:
            return run_pass(session, now, memory, zone)
    except BaseException:
        memory.engine = None  # what it has may be ahead of the database
        raise


def _anything_new(session: Session, memory: Memory, now: datetime) -> bool:
    """Whether a pass would find anything to do; asked without holding up those who write."""
    mark = session.scalar(select(EngineMark))
    if mark is None or mark.passes != memory.passes:
        return True
    if session.scalar(select(IntakeEntry.id).where(IntakeEntry.applied_at.is_(None)).limit(1)) is not None:
        return True
    if telemetry_waits(session, mark) or memory.look(session, now) != memory.known:
        return True
    return not _nothing_due(mark, memory, memory.known, now)


def run_pass(session: Session, now: datetime, memory: Memory, zone: ZoneInfo | None = None) -> PassResult:
    """Run one pass in the caller's transaction."""
    mark = _mark(session, now)
    take_in_telemetry(session, mark, now)
    session.flush()
    todo = pending(session)
    seen = memory.look(session, now)
    if not todo and seen.same_model(mark) and _nothing_due(mark, memory, seen, now):
        return PassResult(0, False, 0)
    return _Pass(session, max(now, mark.recorded_at), memory, mark, seen, todo, zone or ZoneInfo("UTC")).run()


def _mark(session: Session, now: datetime) -> EngineMark:
    """The engine's one row, locked for this transaction."""
    one_at_a_time(session, "outages.engine")
    mark = session.scalar(select(EngineMark))
    if mark is None:
        mark = EngineMark(id=1, passes=0, step_key="", recorded_at=now, signal_event_id=0, linked_points=0,
                          connection_id=0, connections=0, versions="")  # fmt: skip
        session.add(mark)
        session.flush()
    return mark


def _nothing_due(mark: EngineMark, memory: Memory, seen: Fingerprint | None, now: datetime) -> bool:
    """Whether no change of the model falls due; only a process that knows the world can say so quickly."""
    if memory.engine is None or memory.known != seen or memory.passes != mark.passes:
        return False
    return not memory.engine.world.boundaries(memory.engine.state.model_at, micros(now))


class _Pass:
    """The parts of one pass that share its session, clock and world."""

    def __init__(
        self, session: Session, now: datetime, memory: Memory, mark: EngineMark, seen: Fingerprint,
        todo: list[IntakeEntry], zone: ZoneInfo,
    ) -> None:  # fmt: skip
        self.session, self.now, self.memory, self.mark, self.seen = session, now, memory, mark, seen
        self.todo, self.zone = todo, zone
        fresh = memory.engine is None or memory.known != seen or memory.passes != mark.passes
        self.world = memory.view.world(session) if fresh or memory.engine is None else memory.engine.world
        self.fresh = fresh

    def run(self) -> PassResult:
        last = step_of_text(self.mark.step_key)
        late = self._late(last)
        new = [entry_of(row) for row in self.todo if row.withdrawn_by_id is None]
        if late is None:
            engine = self._present(last)
        else:
            engine = self._past(last, late)
            forget_stored(engine.state)
            new += applied(self.session, late - _MOMENT)
        ordered = list(steps(new))
        engine.run(ordered, micros(self.now))
        written = self._write(engine, late)
        self._finish(engine, len(ordered), late)
        return PassResult(len(self.todo), late is not None, written)

    def _late(self, last: StepKey | None) -> datetime | None:
        """The instant from which to replay; `None`: everything new lies behind what is applied."""
        times = [
            row.occurred_at for row in self.todo
            if row.withdrawn_by_id is not None or (last is not None and entry_of(row).step <= last)
            or (self.mark.model_at is not None and row.occurred_at < self.mark.model_at)
        ]  # fmt: skip
        if not self.seen.same_model(self.mark):
            changed = changed_from(self.session, self.mark, self.seen)
            reached = self._reached(last)
            if changed is not None and reached is not None and changed <= micros(reached):
                times.append(_FIRST if changed == EVER else max(_FIRST, instant(changed)))
        return min(times, default=None)

    def _reached(self, last: StepKey | None) -> datetime | None:
        """Up to where entries or changes of the model are applied."""
        times = [moment for moment in (last[0] if last else None, self.mark.model_at) if moment]
        return max(times, default=None)

    def _present(self, last: StepKey | None) -> Engine:
        """The engine behind the last applied step."""
        memory = self.memory
        if memory.engine is None or memory.passes != self.mark.passes:
            return self._past(last, None)
        if not self.fresh:
            return memory.engine
        packed = pack(memory.engine.state, memory.engine.world)
        return Engine(self.world, unpack(packed, self.world), memory.prepared)

    def _past(self, last: StepKey | None, before: datetime | None) -> Engine:
        """The engine right before an instant (`None`: behind the last step), from a checkpoint; all of it is stored."""
        query = select(EngineCheckpoint).order_by(EngineCheckpoint.occurred_at.desc(), EngineCheckpoint.id.desc())
        if before is not None:
            query = query.where(EngineCheckpoint.occurred_at < before)
        row = self.session.scalar(query.limit(1))
        state = State.initial(self.world) if row is None else unpack(row.state, self.world)
        engine = Engine(self.world, state, self.memory.prepared)
        until = self._reached(last) if before is None else before - _MOMENT
        ordered = []
        if last is not None and until is not None:
            after = None if state.step is None else state.step[0] - _MOMENT
            past = applied(self.session, after, until)
            ordered = list(steps(entry for entry in past if state.step is None or entry.step > state.step))
        if until is not None:
            engine.run(ordered, micros(until))
        self.memory.steps_since_checkpoint = len(ordered)
        harvest(engine.state, self.world, engine.normal())
        return engine

    def _write(self, engine: Engine, late: datetime | None) -> int:
        state = engine.state
        reaped = harvest(state, self.world, engine.normal())
        writing = Writing(self.session, self.now, late)
        numbers = {
            number for rows in (reaped.members, reaped.interruptions, reaped.transformers)
            for number in set(rows.columns["outage"].tolist())
        }  # fmt: skip
        wanted = {state.outages[number].key for number in numbers}
        states = write_states(writing, self.world, reaped.outages, wanted, reaped.vanished)
        write_spells(writing, reaped, state.outages, states, LockedMonths.of(self.session, self.zone))
        write_conflicts(writing, reaped.conflicts, reaped.contradicting)
        if reaped.outages:
            claim_calls(self.session, instant(min(facts.began for facts in reaped.outages)), self.now)
        return len(reaped.outages)

    def _finish(self, engine: Engine, count: int, late: datetime | None) -> None:
        mark, memory, state = self.mark, self.memory, engine.state
        mark_applied(self.session, [row.id for row in self.todo], self.now)
        mark.passes += 1
        mark.step_key = step_text(state.step)
        mark.model_at = None if state.model_at == EVER else instant(state.model_at)
        mark.recorded_at = self.now
        self.seen.note(mark)
        if len(state.outages) > OUTAGES_IN_MEMORY:  # those that nothing refers to any more are forgotten
            engine = Engine(self.world, unpack(pack(state, self.world), self.world), memory.prepared)
        memory.engine, memory.known, memory.passes = engine, self.seen, mark.passes
        memory.steps_since_checkpoint += count
        if late is not None:
            self.session.execute(delete(EngineCheckpoint).where(EngineCheckpoint.occurred_at >= late))
        if late is not None or memory.steps_since_checkpoint >= CHECKPOINT_STEPS:
            self._checkpoint(state)

    def _checkpoint(self, state: State) -> None:
        times = [state.step[0]] if state.step else []
        times += [] if state.model_at == EVER else [instant(state.model_at)]
        self.session.add(EngineCheckpoint(
            order_key=step_text(state.step), occurred_at=max(times, default=_FIRST),
            version_id=self.world.version_at(micros(self.now)), state=pack(state, self.world), created_at=self.now,
        ))  # fmt: skip
        self.memory.steps_since_checkpoint = 0
        self.session.flush()
        self._thin_checkpoints()

    def _thin_checkpoints(self) -> None:
        row = EngineCheckpoint
        rows = self.session.execute(select(row.id, row.occurred_at).order_by(row.occurred_at.desc(), row.id.desc()))
        days: set[date] = set()
        for place, (key, occurred_at) in enumerate(rows.all()):
            if place >= CHECKPOINTS_KEPT and occurred_at.date() in days:
                self.session.execute(delete(row).where(row.id == key))
            days.add(occurred_at.date())
