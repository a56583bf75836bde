"""The life of the demo's people: what they do, as a function of the truth log, a seed, and the time. Pure.

`hear` what happens, in order; ask `due` for what is to be done by now. The same happenings, the same seed and the same
times asked at give the same acts. Whoever begins late takes up what was begun: see `resume`.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import partial

from cis_power.demo.people.acts import Act, Call, Estimate, Report
from cis_power.demo.people.agenda import Agenda
from cis_power.demo.people.business import Business
from cis_power.demo.people.callers import Callers, Loss
from cis_power.demo.people.chores import Chores
from cis_power.demo.people.crews import CONTROL_ROOM, Crews, Job, Steps
from cis_power.demo.people.dice import dice, spread
from cis_power.demo.people.directory import Directory
from cis_power.demo.people.field import LASTING, Field
from cis_power.demo.people.manner import Manner
from cis_power.demo.people.office import Office
from cis_power.demo.people.truth import Happening
from cis_power.demo.people.wiring import Wiring

_STILL_CALLING_MINUTES = 60.0
_STILL_OUT_FROM = 3  # so many others of a loss are back: then those who are not call again


@dataclass(frozen=True, slots=True)
class Utility:
    """What people know of the utility they live in."""

    wiring: Wiring
    directory: Directory
    zone: tzinfo
    loose_ends: bool = True  # whether office, billing system and idle callers act too


class Life:
    """Callers, crews, office and billing system on one clock."""

    def __init__(self, seed: int, manner: Manner, utility: Utility, begins_at: datetime) -> None:
        self.field = Field(utility.wiring)
        self.crews = Crews(seed, manner, self.field)
        self._seed, self._manner, self._utility = seed, manner, utility
        self._callers = Callers(seed, manner, utility.directory)
        self._agenda = Agenda(begins_at)
        office = Office(seed, manner, utility.wiring)
        business = Business(seed, manner, utility.directory, utility.zone)
        self._chores = Chores(manner, self._agenda, self.field, self._callers, office, business)
        self._called: dict[str, set[str]] = {}  # loss → usage points that called about themselves
        self._back: dict[str, int] = {}
        self._noticed: set[str] = set()  # causes that somebody is about to be sent for
        self._waiting: list[Job] = []
        self._busy = 0
        if utility.loose_ends:
            self._chores.begin()

    def hear(self, happening: Happening) -> None:
        """Take in what happens in the field; earlier than what was asked for already it counts as of now."""
        self._agenda.advance(max(happening.at, self._agenda.now))
        was = {point: self.field.lost.get(point) for point in happening["usage_points"] or ()}
        opened_by = happening["by"] if happening.event == "open" else None
        loss = self.field.take(happening)
        if happening.event == "start":
            self._begin_anew()
        elif loss is not None:
            self._plan_calls(loss)
        elif happening.event == "restored":
            self._plan_still_out([known for known in was.values() if known is not None], happening.at)
        elif happening.event == "fault" and happening["kind"] in LASTING:
            self._plan_hazard(str(happening["id"]), happening["equipment"], happening.at)
        elif opened_by in ("protection", "fuse"):
            self._notice_alarm(happening)

    def due(self, now: datetime) -> list[Act]:
        """What is to be done by now, in order."""
        self._agenda.advance(now)
        return self._agenda.take()

    def resume(
        self, past: Iterable[Happening], moved: Collection[str], now: datetime, reported: Collection[str] = ()
    ) -> None:
        """Begin in the middle: nothing of the past is done again, but what is broken or was left open is taken up.

        `moved`, `reported`: those of the earlier life.
        """
        for happening in past:
            self.field.take(happening)
        self._agenda.advance(now)
        self._agenda.moved, self._agenda.reported = set(moved), set(reported)
        self._take_back(reported)
        recent = self._agenda.now - self._manner.of(_STILL_CALLING_MINUTES)
        for loss in sorted(set(self.field.lost.values()), key=lambda loss: loss.name):
            if loss.at >= recent:  # who called before calls with the same key: that is the same call
                self._plan_calls(loss)
        self.crews.left = {code for code in moved if self.field.is_abnormal(code)}
        for fault in self.field.faults.values():
            self._notice(fault.id, fault.equipment, self._agenda.now, self._agenda.now)
        for device, cause in self.field.tripped.items():
            self._notice(cause, device, self._agenda.now, self._agenda.now)
        if self.crews.left and not self._noticed:
            first = min(self.crews.left)
            self._give(self.crews.job(f"tidy {first}", first, self._agenda.now))

    @property
    def reported(self) -> set[str]:
        """What was reported as open last."""
        return set(self._agenda.reported)

    @property
    def moved(self) -> set[str]:
        """What people have put out of its normal position, and nobody has put back."""
        return {code for code in self._agenda.moved if self.field.is_abnormal(code)}

    def _take_back(self, reported: Iterable[str]) -> None:
        """Say of what was reported as open, and is not, since when it is closed."""
        for device in sorted(set(reported) - self.field.is_open):
            closed_at = self.field.closed_at.get(device, self.field.began_at) or self._agenda.now
            self._agenda.plan(Report(self._agenda.now, device, True, closed_at, CONTROL_ROOM))

    def _begin_anew(self) -> None:
        """The field begins anew: what was going on there is over, and what was reported as open is closed."""
        self._agenda.forget()
        self._waiting.clear()
        self._busy = 0
        self._noticed.clear()
        self.crews.jobs.clear()
        self.crews.left.clear()
        for known in (self._called, self._back, self._chores.planned):
            known.clear()
        self._take_back(self._agenda.reported)
        if self._utility.loose_ends:
            self._chores.begin()

    # callers

    def _plan_calls(self, loss: Loss) -> None:
        device, _fault = self.field.cause_of[loss.name]
        calls = self._callers.after_loss(loss)
        if device in self._chores.planned:
            calls = calls[: len(calls) // 5]  # most were told before
        for call in calls:
            self._agenda.at(call.at, partial(self._make_call, call, loss))

    def _make_call(self, call: Call, loss: Loss, _at: datetime) -> None:
        point = call.key.removeprefix(f"{loss.name}/").partition("/")[0]
        known = self.field.lost.get(point)
        if point in loss.usage_points and known is not loss:
            return  # it is back: nobody calls
        self._agenda.emit(call)
        if point in loss.usage_points:
            self._called.setdefault(loss.name, set()).add(point)
            if call.honest:
                self._notice_call(call, loss)

    def _plan_still_out(self, losses: list[Loss], at: datetime) -> None:
        for name in {loss.name for loss in losses}:
            loss = next(known for known in losses if known.name == name)
            before = self._back.get(name, 0)
            self._back[name] = before + sum(known.name == name for known in losses)
            if before < _STILL_OUT_FROM <= self._back[name]:
                for call in self._callers.still_out(loss, at, self._called.get(name, ())):
                    self._agenda.at(call.at, partial(self._make_call, call, loss))

    def _plan_hazard(self, fault: str, equipment: str, at: datetime) -> None:
        piece = self._utility.wiring.pieces.get(self._utility.wiring.behind(equipment))
        near = self._utility.wiring.nearest(piece.code, "transformer") if piece else None
        if piece is not None and near is not None:
            for call in self._callers.hazard(f"{fault}@{at:%m%dT%H%M%S}", piece.kind, at, near):
                self._agenda.plan(call)
                self._agenda.at(call.at, lambda at: self._notice(fault, equipment, at, at))

    # crews

    def _notice_alarm(self, happening: Happening) -> None:
        """A device with telemetry opened by itself: the control room waits whether it recloses, then sends somebody."""
        device = happening["device"]
        piece = self._utility.wiring.pieces.get(device)
        if piece is not None and piece.told:
            self._notice(self.field.tripped[device], device, happening.at, happening.at)

    def _notice_call(self, call: Call, loss: Loss) -> None:
        """A call about something that no telemetry shows: the control room looks, and sends somebody."""
        device, fault = self.field.cause_of[loss.name]
        broken = self.field.faults.get(fault or "")
        if broken is not None and broken.kind == "broken_conductor":
            self._notice(broken.id, broken.equipment, call.at, call.at)
        elif device in self.field.tripped:
            self._notice(self.field.tripped[device], device, call.at, call.at)

    def _notice(self, cause: str, device: str, at: datetime, known_since: datetime) -> None:
        if cause in self._noticed:
            return
        self._noticed.add(cause)
        wait = self._manner.of(spread(dice(self._seed, "notice", cause, at.isoformat()), self._manner.notice_minutes))

        def look(now: datetime) -> None:
            if device not in self.field.tripped and cause not in self.field.faults:
                self._noticed.discard(cause)
            elif self.crews.covers(cause, device):  # whoever is there may be leaving just now
                self._agenda.at(now + wait, look)
            else:
                self._noticed.discard(cause)
                self._give(self.crews.job(cause, device, known_since))

        self._agenda.at(at + wait, look)

    def _give(self, job: Job) -> None:
        if self._busy >= self._manner.crews:
            self._waiting.append(job)
            return
        self._busy += 1
        self._step(job, self.crews.work(job))

    def _look_after(self, job: Job) -> None:
        """Some are still out, or a tie cannot be opened again: something else is broken, and nobody knew."""
        if self.crews.left or any(
            self.field.cause_of[loss.name][0] in job.devices for loss in self.field.lost.values()
        ):
            for fault in self.field.faults.values():
                self._notice(fault.id, fault.equipment, self._agenda.now, self._agenda.now)

    def _step(self, job: Job, steps: Steps) -> None:
        """Let a crew go on until it waits."""
        while True:
            self.crews.now = self._agenda.now
            step = next(steps, None)
            if step is None:
                self._busy -= 1
                self._look_after(job)
                if self._waiting:
                    self._give(self._waiting.pop(0))
                return
            if isinstance(step, timedelta):
                self._agenda.at(self._agenda.now + step, lambda _at: self._step(job, steps))
                return
            if isinstance(step, Report | Estimate):
                self._agenda.plan(step)
            else:
                self._agenda.emit(step)
