"""What happens in the field, as the truth log tells it, and the words for faults; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PERMANENT, MOMENTARY, BROKEN = "permanent", "momentary", "broken_conductor"
ELECTRICAL = {
    PERMANENT: "a short circuit that stays until it is repaired",
    MOMENTARY: "a short circuit that is gone once it is without voltage",
    BROKEN: "a conductor without connection; no switch opens",
}
PROTECTION, REQUEST, FUSE, REPAIR = "protection", "request", "fuse", "repair"


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the truth log; `at` in seconds since 1970."""

    at: float
    event: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Fault:
    """Something broken. `edge`: what is struck; `phases`: mask of those concerned; `opened`: devices it made open."""

    id: int
    kind: str
    edge: int
    phases: int
    opened: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Timing:
    """How fast protection acts, in seconds. `*_dead`: how long each reclosing attempt waits; none: lockout at once."""

    trip: float = 0.2
    fuse: float = 0.4
    breaker_dead: tuple[float, ...] = (1.0,)
    recloser_dead: tuple[float, ...] = (2.0, 10.0)
    reclaim: float = 30.0

    def dead(self, kind: str) -> tuple[float, ...]:
        """How long a device of this kind stays open before each attempt to reclose."""
        return {"breaker": self.breaker_dead, "recloser": self.recloser_dead}.get(kind, ())
