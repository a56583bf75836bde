"""What goes on without any fault: calls about other things, planned work, the business system's days. Pure."""

from datetime import datetime, timedelta

from cis_power.demo.people.acts import Estimate, Move, Report
from cis_power.demo.people.agenda import Agenda
from cis_power.demo.people.business import Business, day_of, end_of
from cis_power.demo.people.callers import Callers
from cis_power.demo.people.crews import CONTROL_ROOM
from cis_power.demo.people.field import Field
from cis_power.demo.people.manner import Manner
from cis_power.demo.people.office import PLANNED, Office
from cis_power.demo.people.wiring import Piece


class Chores:
    """Each chore plans its next one. `planned`: device → number of the work it is open for."""

    def __init__(
        self, manner: Manner, agenda: Agenda, field: Field, callers: Callers, office: Office, business: Business
    ) -> None:
        self.planned: dict[str, int] = {}
        self._manner, self._agenda, self._field = manner, agenda, field
        self._callers, self._office, self._business = callers, office, business

    def begin(self) -> None:
        """Begin with everything from now on."""
        at = self._agenda.now
        self._plan_idle(int(at.timestamp()), at)
        self._plan_work(int(at.timestamp()), at)
        if self._manner.business_days_an_hour > 0:
            self._plan_business(day_of(at, self._manner), at)

    def _plan_idle(self, number: int, since: datetime) -> None:
        if self._manner.idle_calls_an_hour <= 0:
            return
        call = self._callers.idle(number, since)
        at = since + timedelta(hours=1) if call is None else call.at

        def make(at: datetime) -> None:
            if call is not None:
                self._agenda.emit(call)
            self._plan_idle(number + 1, at)

        self._agenda.at(at, make)

    def _plan_work(self, number: int, since: datetime) -> None:
        found = self._office.next_work(number, since)
        if found is None:
            return
        at, piece = found

        def begin(at: datetime) -> None:
            self._plan_work(number + 1, at)
            if self._may_take_out(piece):
                self._take_out(piece, number, at)

        self._agenda.at(at, begin)

    def _may_take_out(self, piece: Piece) -> bool:
        stands = piece.code not in self._field.is_open and piece.code not in self.planned
        return stands and self._field.wiring.live(piece.ends[0], self._field.is_open)

    def _take_out(self, piece: Piece, number: int, at: datetime) -> None:
        self.planned[piece.code] = number
        until = at + self._office.duration(number)
        self._switch(piece, at, closed=False)
        window = until, until + self._manner.of(15)
        self._agenda.plan(Estimate(at + self._manner.of(3), (piece.code,), *window, "plan", CONTROL_ROOM))

        def end(at: datetime) -> None:
            if not self._field.may_close(piece.code):
                self._agenda.at(at + self._manner.of(10), end)
                return
            self.planned.pop(piece.code, None)
            self._switch(piece, at, closed=True)

        self._agenda.at(until, end)

    def _switch(self, piece: Piece, at: datetime, *, closed: bool) -> None:
        """Planned work is told while it is done: its time is right."""
        self._agenda.emit(Move(at, piece.code, closed, CONTROL_ROOM))
        (self._field.is_open.discard if closed else self._field.is_open.add)(piece.code)
        said_at = at + self._manner.of(1)
        self._agenda.plan(Report(said_at, piece.code, closed, at, CONTROL_ROOM, {} if closed else dict(PLANNED)))

    def _plan_business(self, day: int, since: datetime) -> None:
        def close_day(at: datetime) -> None:
            for act in self._business.acts(day, at):
                self._agenda.plan(act)
            self._plan_business(day + 1, at)

        self._agenda.at(end_of(day, since, self._manner), close_day)
