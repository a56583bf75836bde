"""Entries of the one ordered intake, and the steps they fall into.

The order is `(occurred_at, source rank, source, step, key)` and never that of arrival, so that late, doubled and
shuffled entries end in the same state. All changes of one poll of one source are one step, applied together.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from cis_power.core.phases import ALL_PHASES
from cis_power.core.quality import Quality

OPENED, CLOSED = 0.0, 1.0

# At one instant the model changes first, then what was measured, then what people say.
RANKS: dict[str, int] = {
    "activation": 0,
    "connection": 1,
    "signal": 2,
    "release": 3,
    "tag": 4,
    "set": 5,
    "switch": 6,
    "transfer": 7,
    "confirmation": 8,
    "call": 9,
    "correction": 10,
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(moment: datetime) -> int:
    """Microseconds since 1970, exact."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def instant(value: int) -> datetime:
    """The instant of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=value)


OrderKey = tuple[datetime, int, str, str, str]
StepKey = tuple[datetime, int, str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that bears on who is out.

    `value` is a position, 1 closed and 0 open; `None` is intermediate. `phases` is the mask it speaks of, 0 for all.
    `earliest_at` and `latest_at` bound the time where it is known as an interval. `identity` names an outage that this
    entry opens; it survives a correction of the entry's time. `id` is the key of the stored row, 0 before storing.
    """

    kind: str
    occurred_at: datetime
    source: str
    source_key: str
    step_key: str | None = None
    element_id: int | None = None
    usage_point_id: int | None = None
    value: float | None = None
    phases: int = 0
    quality: Quality = Quality.GOOD
    earliest_at: datetime | None = None
    latest_at: datetime | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    recorded_by: str = "system"
    id: int = 0

    @property
    def rank(self) -> int:
        return RANKS[self.kind]

    @property
    def order(self) -> OrderKey:
        return (*self.step, self.source_key)

    @property
    def step(self) -> StepKey:
        return (self.occurred_at, self.rank, self.source, self.source_key if self.step_key is None else self.step_key)

    @property
    def identity(self) -> str:
        return str(self.payload.get("identity") or f"{self.source}|{self.source_key}")

    @property
    def mask(self) -> int:
        """The phases it speaks of."""
        return self.phases or ALL_PHASES

    @property
    def decides(self) -> bool:
        """Whether its position may be believed: good or substituted, and neither intermediate nor missing."""
        return self.value in (OPENED, CLOSED) and self.quality.decides


@dataclass(frozen=True, slots=True)
class Step:
    """Entries that are applied together, in order."""

    key: StepKey
    entries: tuple[Entry, ...]

    @property
    def at(self) -> datetime:
        return self.key[0]


def steps(entries: Iterable[Entry]) -> Iterator[Step]:
    """Order entries and gather them into steps; of entries doubled by (source, key) the first counts."""
    seen: set[tuple[str, str]] = set()
    unique = []
    for entry in entries:
        if (entry.source, entry.source_key) not in seen:
            seen.add((entry.source, entry.source_key))
            unique.append(entry)
    for key, members in groupby(sorted(unique, key=lambda entry: entry.order), key=lambda entry: entry.step):
        yield Step(key, tuple(members))
