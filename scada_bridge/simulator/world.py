"""The simulated field as it goes on: people and protection move devices, things break and are mended. Pure.

Time is virtual: `step(now)` lets happen what is due, in its order, and every act takes the time it happens at. The same
acts at the same times give the same world. `drain` hands out what happened.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cis_power.core.errors import CisError, NotFound
from scada_bridge.simulator.field import Field
from scada_bridge.simulator.happenings import (
    BROKEN,
    ELECTRICAL,
    FUSE,
    MOMENTARY,
    PROTECTION,
    REPAIR,
    REQUEST,
    Fault,
    Happening,
    Timing,
)
from scada_bridge.simulator.protection import clearing, fed_nodes
from scada_bridge.simulator.state import State

_TRIP, _RECLOSE, _RECLAIM, _MEND = range(4)
_NO_MORE = 99


@dataclass(order=True, slots=True)
class _Due:
    """Something that will happen to a device, or because of a fault. `mark`: how often the device moved before."""

    at: float
    order: int
    what: int = field(compare=False)
    fault: int | None = field(compare=False, default=None)
    device: str = field(compare=False, default="")
    mark: int = field(compare=False, default=0)


class World:
    """One field in time. `repair_seconds`: after that everything broken is mended and closed again; None: never."""

    def __init__(
        self,
        field_: Field,
        others: Iterable[str] = (),
        timing: Timing | None = None,
        repair_seconds: float | None = None,
    ) -> None:
        self.field = field_
        self.state = State(field_, others)
        self.faults: dict[int, Fault] = {}
        self.tripped: set[str] = set()  # devices that protection opened and nobody has closed
        self._timing = timing or Timing()
        self._repair_seconds = repair_seconds
        self._due: list[_Due] = []
        self._count = 0
        self._numbered = 0
        self._attempts: dict[str, int] = {}
        self._moves: dict[str, int] = {}
        self._pending: set[int] = set()
        self._told: list[Happening] = []

    # reading

    @property
    def next_at(self) -> float | None:
        """When something is due next."""
        return self._due[0].at if self._due else None

    def drain(self) -> list[Happening]:
        """What happened since the last call, in order."""
        told, self._told = self._told, []
        return told

    def require(self, word: str) -> str:
        """The equipment a person means. Raises NotFound."""
        code = self.state.find(word)
        if code is None:
            raise NotFound(f"neither the network nor a simulated point has a device {word!r}")
        return code

    # acts of people

    def move(self, word: str, at: float, *, closed: bool) -> str:
        """Open or close a device by hand; answers its code. Raises NotFound, and CisError for what is no switch."""
        code = self.require(word)
        if not self.state.can_switch(code):
            kind = self.field.kind_of(self.field.edges_of(code)[0])
            raise CisError(f"{code} is a {kind}: it cannot be switched")
        self._moves[code] = self._moves.get(code, 0) + 1  # reclosing that waits is given up
        if closed and not self.state.is_closed(code):
            # Whoever closes by hand closes without reclosing: on a fault it trips once and stays open.
            self._attempts[code] = _NO_MORE
            self._put(_RECLAIM, at + self._timing.reclaim, device=code, mark=self._moves[code] + 1)
        self._set(code, closed, REQUEST, None, at)
        return code

    def transfer(self, usage_point: str, at: float, *, standby: bool) -> None:
        """Transfer a usage point to its standby connection, or back. Raises NotFound, CisError."""
        try:
            point = self.field.usage_points.index(usage_point)
        except ValueError:
            raise NotFound(f"there is no usage point {usage_point!r}") from None
        if not self.field.by_hand[point]:
            raise CisError(f"{usage_point} is not transferred by hand")
        self.state.on_standby[point] = standby
        self._settle(at, None, None)

    def strike(self, word: str, kind: str, at: float, phases: int = 7) -> Fault:
        """Let a fault of ELECTRICAL strike an equipment of the network. Raises NotFound, CisError."""
        if kind not in ELECTRICAL:
            raise CisError(f"no fault {kind!r}; there are {', '.join(ELECTRICAL)}")
        code = self.require(word)
        edges = self.field.edges_of(code)
        if not edges:
            raise NotFound(f"{code} is not in the network: nothing can strike it")
        if any(fault.edge in edges for fault in self.faults.values()):
            raise CisError(f"{code} is broken already")
        mask = int(self.field.phases[edges[0]]) & phases
        if not mask:
            raise CisError(f"{code} has no such phases")
        self._numbered += 1
        fault = Fault(self._numbered, kind, edges[0], mask)
        self.faults[fault.id] = fault
        letters = "".join(letter for letter, bit in (("A", 1), ("B", 2), ("C", 4)) if mask & bit)
        self._tell(at, "fault", id=fault.id, kind=kind, equipment=code, phases=letters)
        if kind == BROKEN:
            for edge in edges:
                self.state.broken[edge] |= mask
        if kind != MOMENTARY and self._repair_seconds is not None:
            self._put(_MEND, at + self._repair_seconds, fault.id)
        self._settle(at, code, fault.id)
        if kind == MOMENTARY and fault.id not in self._pending:
            self._mend(fault, at)
        return fault

    def repair(self, word: str, at: float) -> list[str]:
        """Mend what is broken at an equipment; answers the devices that it opened and that still stand open.

        What stands open is closed by whoever switches. Raises NotFound where nothing is broken.
        """
        code = self.require(word)
        found = [fault for fault in self.faults.values() if self.field.edges[fault.edge] == code]
        if not found:
            raise NotFound(f"nothing is broken at {code}")
        for fault in found:
            self._mend(fault, at)
        opened = dict.fromkeys(device for fault in found for device in fault.opened)
        return [device for device in opened if not self.state.is_closed(device)]

    # time

    def step(self, now: float) -> None:
        """Let everything happen that is due by `now`."""
        while self._due and self._due[0].at <= now:
            due = heapq.heappop(self._due)
            fault = self.faults.get(due.fault or 0)
            as_left = self._moves.get(due.device, 0) == due.mark
            if due.what == _TRIP and fault is not None:
                self._trip(fault, due.at)
            elif due.what == _RECLOSE and as_left:
                self._set(due.device, True, PROTECTION, due.fault, due.at)
                self._put(_RECLAIM, due.at + self._timing.reclaim, device=due.device, mark=due.mark + 1)
            elif due.what == _RECLAIM and as_left:
                self._attempts.pop(due.device, None)
            elif due.what == _MEND and fault is not None:
                self._put_right(fault, due.at)

    def _put(self, what: int, at: float, fault: int | None = None, device: str = "", mark: int = 0) -> None:
        self._count += 1
        heapq.heappush(self._due, _Due(at, self._count, what, fault, device, mark))

    def _tell(self, at: float, event: str, **facts: Any) -> None:
        self._told.append(Happening(at, event, facts))

    def _set(self, code: str, closed: bool, by: str, fault: int | None, at: float, phases: int = 7) -> None:
        if not self.state.set_position(code, closed=closed, phases=phases):
            return
        self._moves[code] = self._moves.get(code, 0) + 1
        if closed:
            self.tripped.discard(code)
        elif by in (PROTECTION, FUSE):
            self.tripped.add(code)
        self._tell(at, "close" if closed else "open", device=code, by=by, fault=fault)
        self._settle(at, code, fault)

    def _settle(self, at: float, device: str | None, fault: int | None) -> None:
        """Trace, tell who lost supply and who has it back, and let protection see what is fed."""
        change = self.state.settle(at)
        for event, points in (("lost", change.lost), ("restored", change.restored)):
            if points:
                self._tell(at, event, usage_points=list(points), device=device, fault=fault)
        for one in self.faults.values():
            if one.kind != BROKEN and one.id not in self._pending and fed_nodes(self.state, one):
                opening = clearing(self.state, one)
                delay = self._timing.fuse if opening is not None and opening.kind == "fuse" else self._timing.trip
                self._pending.add(one.id)
                self._put(_TRIP, at + delay, one.id)

    # protection

    def _trip(self, fault: Fault, at: float) -> None:
        self._pending.discard(fault.id)
        opening = clearing(self.state, fault)
        if opening is None and fed_nodes(self.state, fault):
            self._burn(fault, at)
        elif opening is not None:
            if opening.device not in fault.opened:
                fault.opened.append(opening.device)
            by = FUSE if opening.kind == "fuse" else PROTECTION
            self._set(opening.device, False, by, fault.id, at, opening.phases)
            self._plan_reclosing(opening.device, opening.kind, fault.id, at)
        if fault.kind == MOMENTARY and not fed_nodes(self.state, fault):
            self._mend(fault, at)

    def _plan_reclosing(self, device: str, kind: str, fault: int, at: float) -> None:
        waits, made = self._timing.dead(kind), self._attempts.get(device, 0)
        if made < len(waits):
            self._attempts[device] = made + 1
            self._put(_RECLOSE, at + waits[made], fault, device, self._moves[device])

    def _burn(self, fault: Fault, at: float) -> None:
        """Nothing protects: the short circuit burns until the conductor parts."""
        fault.kind = BROKEN
        self.state.broken[self.field.edges_of(self.field.edges[fault.edge])] |= fault.phases
        self._settle(at, self.field.edges[fault.edge], fault.id)

    # mending

    def _mend(self, fault: Fault, at: float) -> None:
        code = self.field.edges[fault.edge]
        del self.faults[fault.id]
        self._pending.discard(fault.id)
        self._tell(at, "repaired", id=fault.id)
        if fault.kind == BROKEN:
            self.state.broken[self.field.edges_of(code)] = 0
            self._settle(at, code, fault.id)

    def _put_right(self, fault: Fault, at: float) -> None:
        """Mend and close again what the fault opened: repair without people."""
        self._mend(fault, at)
        for device in fault.opened:
            self._set(device, True, REPAIR, fault.id, at)
