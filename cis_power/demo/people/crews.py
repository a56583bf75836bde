"""Crews: they find what is broken, part it from the rest, bring the rest back step by step, mend it, and say so. Pure.

A job is a generator of waits and acts. What it does next it decides when the time has come, by what is so then, so that
a second fault in the middle of the work is met as crews meet it.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cis_power.demo.people.acts import Act, Estimate, Finding, Move, Repair, Report
from cis_power.demo.people.dice import dice, spread
from cis_power.demo.people.field import Fault, Field
from cis_power.demo.people.manner import Manner
from cis_power.demo.people.wiring import Piece

Steps = Iterator[timedelta | Act]
NAMES = ("王班", "李班", "张班", "刘班", "陈班", "赵班", "孙班", "周班")
CONTROL_ROOM = "调度值班"
CAUSES = {
    "line": ("tree", "wind", "lightning", "animal", "foreign_object"),
    "transformer": ("equipment", "overload", "lightning"),
    "fuse": ("overload", "animal"),
}
_ROUNDS = 40  # more switching than that is no plan


@dataclass
class Job:
    """One piece of work. `tripped`: what protection opened; `opened`, `closed`: what the crew has moved itself."""

    name: str
    first: str
    began_at: datetime
    crew: str
    chance: random.Random
    tripped: set[str] = field(default_factory=set)
    opened: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)

    @property
    def devices(self) -> tuple[str, ...]:
        """Every device that outages of this job may be known by."""
        lines = [fault.equipment for fault in self.faults if fault.kind == "broken_conductor"]
        return tuple(dict.fromkeys([self.first, *lines, *sorted(self.tripped), *self.opened, *self.closed]))


class Crews:
    """The work of all crews on one field. `now` is set by whoever steps them; `known_since` by what callers told."""

    def __init__(self, seed: int, manner: Manner, field_: Field) -> None:
        self._seed, self._manner, self._field = seed, manner, field_
        self.jobs: dict[str, Job] = {}
        self.now = datetime.min.replace(tzinfo=UTC)
        self.left: set[str] = set()  # what a crew could not put back, because of another one's work
        self._told_at: dict[str, datetime] = {}

    def job(self, cause: str, first: str, began_at: datetime) -> Job:
        """A new job for a cause (a fault, or a device that opened by itself)."""
        chance = dice(self._seed, "crew", cause, began_at.isoformat())
        job = Job(cause, first, began_at, chance.choice(NAMES), chance)
        self.jobs[cause] = job
        return job

    def covers(self, cause: str, device: str) -> bool:
        """Whether somebody works on that already."""
        return cause in self.jobs or any(
            device in job.devices or cause in {fault.id for fault in job.faults} for job in self.jobs.values()
        )

    def work(self, job: Job) -> Steps:
        """All of a job, from the moment it is given."""
        manner, chance = self._manner, job.chance
        piece = self._field.wiring.pieces.get(job.first)
        if piece is not None and piece.told:
            yield self._expected(job, 30, 150, "dispatcher", CONTROL_ROOM)
        yield manner.of(spread(chance, manner.travel_minutes, 0.3))
        yield manner.of(spread(chance, manner.patrol_minutes, 0.3))
        for _ in range(_ROUNDS):  # what breaks in the dark meanwhile is found before it comes under voltage
            found = self._look(job)
            yield from self._tell_what_was_found(job, found)
            for fault in found:
                yield from self._isolate(job, fault)
            yield from self._restore(job)
            if found:
                yield from self._mend(job, found)
            yield from self._close_again(job)
            if not self._broken_in_the_dark(job):
                break
        yield from self._part_ties(job)
        yield manner.of(spread(chance, 5.0))
        if self.left:  # another crew had to leave something that is free now
            yield from self._close_again(job)
            yield from self._part_ties(job)
        touched = {*job.tripped, *job.opened, *job.closed, *self.left}
        self.left = {code for code in touched if self._field.is_abnormal(code)}
        yield Finding(self.now, job.devices, job.began_at, self._cause(job), job.crew)
        del self.jobs[job.name]

    def _look(self, job: Job) -> list[Fault]:
        """What the patrol finds: everything broken in what the job has left dark, and nobody's work yet."""
        causes = {job.name, job.first, *(fault.id for fault in job.faults)}
        job.tripped |= {device for device, cause in self._field.tripped.items() if {cause, device} & causes}
        found = self._broken_in_the_dark(job)
        job.faults += found
        causes = {fault.id for fault in found}
        job.tripped |= {device for device, cause in self._field.tripped.items() if cause in causes}
        return found

    def _broken_in_the_dark(self, job: Job) -> list[Fault]:
        known = {fault.id for other in self.jobs.values() for fault in other.faults}
        pieces, dark = self._field.wiring.pieces, self._dark_of(job)
        return [
            fault for fault in self._field.faults.values()
            if fault.id not in known and fault.at in pieces
            and (fault.id == job.name or not dark.isdisjoint(pieces[fault.at].ends))
        ]  # fmt: skip

    def _mend(self, job: Job, found: list[Fault]) -> Steps:
        minutes = self._repair_minutes(job, found)
        yield self._expected(job, minutes * 0.8, minutes * 1.5, "crew", job.crew)
        yield self._manner.of(minutes)
        for fault in found:
            yield Repair(self.now, fault.equipment, job.crew)
            self._field.mended(fault.id)
            if fault.kind == "broken_conductor":
                yield self._report(job, fault.equipment, closed=True)
        job.held.clear()

    def _dark_of(self, job: Job) -> set[str]:
        dark: set[str] = set()
        for device in {*job.tripped, *job.opened, job.first} & set(self._field.wiring.pieces):
            for node in self._field.wiring.pieces[device].ends:
                part = self._field.wiring.part(node, self._field.is_open)
                if self._field.wiring.sources.isdisjoint(part):
                    dark |= part
        return dark

    def _tell_what_was_found(self, job: Job, found: list[Fault]) -> Steps:
        """Report what no telemetry shows, as of the first call: a blown fuse, a broken line."""
        pieces = self._field.wiring.pieces
        phases = {fault.id: fault.phases for fault in found}
        open_now = {fault.equipment: fault.phases for fault in found if fault.kind == "broken_conductor"}
        for device in job.tripped & self._field.is_open & set(pieces):
            if not pieces[device].told:
                open_now[device] = phases.get(self._field.tripped.get(device, ""), "")
        for device in sorted(set(open_now) - job.told):
            job.told.add(device)
            about = {"kind": "unplanned", "cause": self._cause(job)}
            about |= {"phases": open_now[device]} if open_now[device] else {}
            yield self._report(job, device, closed=False, happened_at=job.began_at, about=about)

    def _isolate(self, job: Job, fault: Fault) -> Steps:
        """Open every switch through which what is broken could be fed; dead ends may stay on it."""
        wiring = self._field.wiring
        section = wiring.section(fault.at)
        for piece in wiring.border(section, but=fault.at):
            if wiring.feeds(piece, section):
                job.held.add(piece.code)
                if piece.code not in self._field.is_open:
                    job.opened.append(piece.code)
                    yield from self._move(job, piece, closed=False)

    def _restore(self, job: Job) -> Steps:
        """Bring back what is healthy: first through what tripped, then from the neighbours, each dead part once."""
        pieces = self._field.wiring.pieces
        for device in sorted(job.tripped - job.held):
            if device in self._field.is_open and device in pieces and self._wakes(device):
                yield from self._move(job, pieces[device], closed=True)
        for _ in range(_ROUNDS):
            tie = self._best_tie(job)
            if tie is None:
                return
            job.closed.append(tie.code)
            yield from self._move(job, tie, closed=True)

    def _wakes(self, device: str) -> bool:
        """Whether closing it brings something back, and nothing broken."""
        lit = self._field.wiring.lights(device, self._field.is_open)
        return bool(lit) and lit.isdisjoint(self._field.hot())

    def _best_tie(self, job: Job) -> Piece | None:
        """The tie that brings back most of what lies dark around the job; those with remote control first."""
        wiring, found = self._field.wiring, dict[str, tuple[bool, int]]()
        for held in sorted(job.held):
            for node in wiring.pieces[held].ends:
                for piece in self._ties(node):
                    lit = wiring.lights(piece.code, self._field.is_open)
                    if lit and lit.isdisjoint(self._field.hot()):
                        found[piece.code] = (piece.told, len(lit))
        return wiring.pieces[max(sorted(found), key=lambda code: found[code])] if found else None

    def _ties(self, node: str) -> Iterator[Piece]:
        part = self._field.wiring.part(node, self._field.is_open)
        if self._field.wiring.sources.isdisjoint(part):
            for place in sorted(part):
                yield from (
                    piece for piece in self._field.wiring.at(place)
                    if piece.normal_open and piece.switchable and piece.code in self._field.is_open
                )  # fmt: skip

    def _close_again(self, job: Job) -> Steps:
        """Close what is open for this job, as far as nothing broken comes under voltage."""
        pieces = self._field.wiring.pieces
        ours = {*job.tripped, *job.opened, *self.left} & set(pieces)
        ours = {code for code in ours if not pieces[code].normal_open}
        for _ in range(_ROUNDS):
            ready = [code for code in sorted(ours) if code in self._field.is_open and self._field.may_close(code)]
            ready = [code for code in ready if not self._held_by_others(job, code)]
            if not ready:
                break
            waking = [code for code in ready if self._wakes(code)]
            yield from self._move(job, pieces[(waking or ready)[0]], closed=True)

    def _part_ties(self, job: Job) -> Steps:
        """Open the ties again, once the ways that feed in the normal state are closed: nobody is out a second time."""
        pieces = self._field.wiring.pieces
        for code in (*job.closed, *sorted(self.left - set(job.closed))):
            if pieces[code].normal_open and code not in self._field.is_open and self._spare(code):
                yield from self._move(job, pieces[code], closed=False)

    def _held_by_others(self, job: Job, code: str) -> bool:
        return any(code in other.held for other in self.jobs.values() if other is not job)

    def _spare(self, code: str) -> bool:
        """Whether both sides of a closed tie stay in supply without it."""
        without = self._field.is_open | {code}
        return all(self._field.wiring.live(node, without) for node in self._field.wiring.pieces[code].ends)

    def _move(self, job: Job, piece: Piece, *, closed: bool) -> Steps:
        yield self._manner.of(spread(job.chance, self._manner.switching_minutes, 0.3))
        if not (self._field.may_close(piece.code) if closed else not piece.normal_open or self._spare(piece.code)):
            return  # something else has broken meanwhile
        yield Move(self.now, piece.code, closed, job.crew)
        (self._field.is_open.discard if closed else self._field.is_open.add)(piece.code)
        if not piece.told:
            yield self._report(job, piece.code, closed=closed)

    def _report(
        self, job: Job, device: str, *, closed: bool, happened_at: datetime | None = None,
        about: dict[str, str] | None = None,
    ) -> Report:  # fmt: skip
        """What a crew says by radio: entered a little later, with a time that is a little off."""
        said_at = self.now + self._manner.of(spread(job.chance, self._manner.report_minutes))
        off = self._manner.of(job.chance.gauss(0.0, self._manner.report_error_minutes))
        told = happened_at if happened_at is not None else min(self.now + off, said_at)
        before = self._told_at.get(device)
        if before is not None and told <= before:
            told = before + timedelta(seconds=1)
        self._told_at[device] = told
        return Report(max(said_at, told), device, closed, told, job.crew, about or {})

    def _expected(self, job: Job, earliest: float, latest: float, source: str, by: str) -> Estimate:
        of = self._manner.of
        entered_at = self.now + of(4 * self._manner.report_minutes)  # behind what they report at the same time
        return Estimate(entered_at, job.devices, self.now + of(earliest), self.now + of(latest), source, by)

    def _repair_minutes(self, job: Job, found: list[Fault]) -> float:
        small = all(self._field.wiring.pieces[fault.at].kind == "fuse" for fault in found)
        return spread(job.chance, self._manner.fuse_minutes if small else self._manner.repair_minutes, 0.4)

    def _cause(self, job: Job) -> str:
        kind = self._field.wiring.pieces[job.faults[0].at].kind if job.faults else "line"
        return dice(self._seed, "cause", job.name).choice(CAUSES.get(kind, CAUSES["line"]))
