"""When to try a silent device again: later and later, never all devices at one moment; pure but for its dice."""

import random
from dataclasses import dataclass, field

_FIRST_SECONDS = 1.0
_LONGEST_SECONDS = 30.0
_TOLERATED = 2
_PATIENT = 6


@dataclass(slots=True)
class Backoff:
    """Counts failures in a row.

    After two of them the device is asked aside from the polls: a few times every second or so, as most troubles are
    short, then ever more seldom.
    """

    longest_seconds: float = _LONGEST_SECONDS
    dice: random.Random = field(default_factory=random.Random)
    failures: int = 0
    next_at: float = 0.0

    @property
    def down(self) -> bool:
        """Whether the device is to be asked aside from the polls, so that its silence delays nobody."""
        return self.failures >= _TOLERATED

    def failed(self, clock: float) -> None:
        """Note a failure at `clock` (monotonic seconds)."""
        self.failures += 1
        wait = min(self.longest_seconds, _FIRST_SECONDS * 2 ** min(max(self.failures - _PATIENT, 0), 16))
        self.next_at = clock + wait * self.dice.uniform(0.5, 1.0)

    def succeeded(self) -> None:
        """Note an answer."""
        self.failures = 0
        self.next_at = 0.0

    def due(self, clock: float) -> bool:
        """Whether it may be tried at `clock`."""
        return clock >= self.next_at
