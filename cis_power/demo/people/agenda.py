"""What is to be done when: one queue for all people, and what they have done. Pure."""

import heapq
from collections.abc import Callable
from datetime import datetime
from itertools import count

from cis_power.demo.people.acts import Act, Move, Report

Doing = Callable[[datetime], None]


class Agenda:
    """Doings by their time; acts come out in order. `moved`: devices touched; `reported`: those told as open last."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.moved: set[str] = set()
        self.reported: set[str] = set()
        self._queue: list[tuple[datetime, int, Doing]] = []
        self._order = count()
        self._done: list[Act] = []

    def at(self, at: datetime, do: Doing) -> None:
        """Have something done at its time; what is late is done at once when time goes on."""
        heapq.heappush(self._queue, (at, next(self._order), do))

    def plan(self, act: Act) -> None:
        """Do an act when its time has come."""
        self.at(act.at, lambda _at: self.emit(act))

    def emit(self, act: Act) -> None:
        """Do an act now."""
        self._done.append(act)
        if isinstance(act, Move):
            self.moved.add(act.device)
        elif isinstance(act, Report):
            (self.reported.discard if act.closed else self.reported.add)(act.device)

    def advance(self, now: datetime) -> None:
        """Let time go on; it never goes back."""
        while self._queue and self._queue[0][0] <= now:
            at, _, do = heapq.heappop(self._queue)
            self.now = max(self.now, at)
            do(at)
        self.now = max(self.now, now)

    def take(self) -> list[Act]:
        """The acts done since the last call, in order."""
        done, self._done = self._done, []
        return done

    def forget(self) -> None:
        """Nothing is planned any more."""
        self._queue.clear()
        self.moved.clear()
