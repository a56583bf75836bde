"""What is so in the field: positions, faults, and who is without supply, as crews and callers find it. Pure."""

from dataclasses import dataclass, field
from datetime import datetime

from cis_power.demo.people.callers import Loss
from cis_power.demo.people.truth import Happening
from cis_power.demo.people.wiring import Wiring

LASTING = frozenset({"permanent", "broken_conductor"})


@dataclass(frozen=True, slots=True)
class Fault:
    """Something broken, until it is repaired. `at`: the piece of wiring it belongs to; `phases`: empty: all."""

    id: str
    kind: str
    equipment: str
    at: str
    phases: str = ""


@dataclass
class Field:
    """Folds the truth log. `is_open` also holds what crews have just moved and the log does not say yet."""

    wiring: Wiring
    is_open: set[str] = field(default_factory=set)
    faults: dict[str, Fault] = field(default_factory=dict)
    tripped: dict[str, str] = field(default_factory=dict)  # device that protection opened → name of its cause
    lost: dict[str, Loss] = field(default_factory=dict)  # usage point → the loss it suffers from
    cause_of: dict[str, tuple[str, str | None]] = field(default_factory=dict)  # loss → (device or equipment, fault)

    closed_at: dict[str, datetime] = field(default_factory=dict)
    began_at: datetime | None = None

    def __post_init__(self) -> None:
        self.is_open |= self.wiring.normally_open()

    def begin(self) -> None:
        """Everything stands as normal: the simulator has begun."""
        self.is_open = self.wiring.normally_open()
        for known in (self.faults, self.tripped, self.lost, self.cause_of, self.closed_at):
            known.clear()

    def take(self, happening: Happening) -> Loss | None:
        """Take in a line of the log; answers the loss that it is, if it is one."""
        match happening.event:
            case "start":
                self.begin()
                self.began_at = happening.at
            case "fault" if happening["kind"] in LASTING:
                equipment = str(happening["equipment"])
                fault = Fault(
                    str(happening["id"]),
                    happening["kind"],
                    equipment,
                    self.wiring.behind(equipment),
                    _partly(happening["phases"]),
                )
                self.faults[fault.id] = fault
                if fault.kind == "broken_conductor":
                    self.is_open.add(fault.equipment)
            case "repaired":
                fault_ = self.mended(str(happening["id"]))
                if fault_ is not None:
                    self.closed_at[fault_.equipment] = happening.at
            case "open":
                self.is_open.add(happening["device"])
                if happening["by"] in ("protection", "fuse"):
                    self.tripped[happening["device"]] = _word(happening["fault"]) or happening["device"]
            case "close":
                self.is_open.discard(happening["device"])
                self.tripped.pop(happening["device"], None)
                self.closed_at[happening["device"]] = happening.at
            case "restored":
                for point in happening["usage_points"]:
                    self.lost.pop(point, None)
            case "lost":
                return self._lose(happening)
        return None

    def _lose(self, happening: Happening) -> Loss:
        device, fault = happening["device"], _word(happening["fault"])
        loss = Loss(
            f"{happening.at:%m%dT%H%M%S.%f}/{device or fault or '-'}", happening.at, tuple(happening["usage_points"])
        )
        for point in loss.usage_points:
            self.lost[point] = loss
        known = self.faults.get(fault or "")
        self.cause_of[loss.name] = (str(device or (known.equipment if known else "")), fault)
        return loss

    def is_abnormal(self, code: str) -> bool:
        """Whether a device stands otherwise than it normally does."""
        piece = self.wiring.pieces.get(code)
        return piece is not None and (code in self.is_open) != piece.normal_open

    def mended(self, fault_id: str) -> Fault | None:
        """A fault is no more; a broken line conducts again."""
        fault = self.faults.pop(fault_id, None)
        if fault is not None and fault.kind == "broken_conductor":
            self.is_open.discard(fault.equipment)
        return fault

    def hot(self) -> set[str]:
        """Nodes that must not come into supply: where something is broken."""
        nodes: set[str] = set()
        for fault in self.faults.values():
            if fault.at in self.wiring.pieces:
                nodes |= self.wiring.section(fault.at)
        return nodes

    def may_close(self, device: str) -> bool:
        """Whether closing a device brings nothing broken into supply."""
        lit = self.wiring.lights(device, self.is_open)
        return lit.isdisjoint(self.hot())


def _partly(phases: str | None) -> str:
    return "" if phases in (None, "ABC") else str(phases)


def _word(value: object) -> str | None:
    return None if value is None else str(value)
