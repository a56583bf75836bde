"""The position of a device, resolved from signals, manual entries, and what is held by hand.

- A tag or a hand-set value holds until it is released, and wins over everything.
- A `switch` entry is an event. A later good signal that *changed* supersedes it; an unchanged one that contradicts it
  decides nothing and is a conflict.
- Stale, bad, suspect, missing and intermediate signals decide nothing.
- Before any event a device stands in its normal position.

Positions are masks of open phases (A 1, B 2, C 4; 0 is closed).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cis_power.core.phases import ALL_PHASES
from cis_power.outages.entries import OPENED, Entry, micros

CONTRADICTION = "the switching entry contradicts the signal of the device"
OSCILLATION_MOVES = 10
OSCILLATION_MICROS = 60_000_000
OUTAGE_FIELDS = ("kind", "sub_kind", "cause", "responsibility")
HELD = "the device is held by a tag or a hand-set value"


@dataclass(slots=True)
class DevicePosition:
    """What is known of one device. `open_mask` is what holds; `opened_by` names the entry that last opened a phase.

    `base` is what events say beneath everything held; `base_by_hand` says whether a person decided it last; `signals`
    is the last deciding word of each of the device's points; `held` maps a point to the mask that it holds.
    """

    base: int
    base_by_hand: bool = False
    signals: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    opened_by: str | None = None
    opened_as: dict[str, Any] = field(default_factory=dict)
    moves: list[int] = field(default_factory=list)
    oscillates: bool = False
    contradicting: list[int] = field(default_factory=list)

    @property
    def open_mask(self) -> int:
        return next(reversed(self.held.values())) if self.held else self.base

    def as_list(self) -> list[Any]:
        """Plain data for a checkpoint."""
        return [self.base, self.base_by_hand, self.signals, self.held, self.opened_by, self.opened_as, self.moves,
                self.oscillates, self.contradicting]  # fmt: skip

    @classmethod
    def from_list(cls, plain: list[Any]) -> "DevicePosition":
        return cls(*plain)


@dataclass(frozen=True, slots=True)
class Change:
    """Phases that an entry opened and closed, a contradiction it raised, and entries whose contradiction it ended.

    `oscillates`: with this entry the device has begun to move to and fro.
    """

    opened: int = 0
    closed: int = 0
    conflict: str | None = None
    resolved: tuple[int, ...] = ()
    oscillates: bool = False


def apply(position: DevicePosition, entry: Entry, normal: int) -> Change:
    """Let an entry act on a device whose normal position is `normal`; answers what changed."""
    before = position.open_mask
    conflict = _ACTIONS[entry.kind](position, entry, normal)
    after = position.open_mask
    began = after != before and _count_move(position, entry)
    if after & ~before and (began or not position.oscillates):
        position.opened_by = entry.identity
        position.opened_as = {name: entry.payload[name] for name in OUTAGE_FIELDS if entry.payload.get(name)}
    resolved: tuple[int, ...] = ()
    if conflict is not None:
        position.contradicting.append(entry.id)
    elif position.contradicting and not (_contradicted(position) or _withheld(position)):
        resolved, position.contradicting = tuple(position.contradicting), []
    return Change(after & ~before, before & ~after, conflict, resolved, began)


def _count_move(position: DevicePosition, entry: Entry) -> bool:
    """Keep the latest moves; answers whether the device begins to oscillate: so many moves in so short a time.

    While it does, all its openings are one outage. A pause as long as that time ends it.
    """
    now = micros(entry.occurred_at)
    position.moves = [*(moment for moment in position.moves if moment > now - OSCILLATION_MICROS), now]
    position.moves = position.moves[-OSCILLATION_MOVES:]
    before = position.oscillates and len(position.moves) > 1
    position.oscillates = before or len(position.moves) == OSCILLATION_MOVES
    return position.oscillates and not before


def _point(entry: Entry) -> str:
    return str(entry.payload.get("point", ""))


def _merged(base: int, entry: Entry) -> int:
    """The mask after the entry's phases took its position."""
    return base | entry.mask if entry.value == OPENED else base & ~entry.mask & ALL_PHASES


def _contradicted(position: DevicePosition) -> bool:
    return position.base_by_hand and any(mask != position.base for mask in position.signals.values())


def _withheld(position: DevicePosition) -> bool:
    return position.base_by_hand and position.open_mask != position.base


def _signal(position: DevicePosition, entry: Entry, normal: int) -> str | None:
    if not entry.decides:
        return None
    point = _point(entry)
    previous = position.signals.get(point)
    mask = _merged(normal if previous is None else previous, entry)
    position.signals[point] = mask
    if not position.base_by_hand or mask != (normal if previous is None else previous):
        position.base, position.base_by_hand = mask, False
        return None
    return CONTRADICTION if mask != position.base else None


def _switch(position: DevicePosition, entry: Entry, _normal: int) -> str | None:
    if not entry.decides:
        return None
    position.base, position.base_by_hand = _merged(position.base, entry), True
    if _withheld(position):
        return HELD
    return CONTRADICTION if _contradicted(position) else None


def _set(position: DevicePosition, entry: Entry, _normal: int) -> str | None:
    if entry.value is None:
        return None
    mask = _merged(position.open_mask, entry)
    position.held.pop(_point(entry), None)  # the newest holder comes last
    position.held[_point(entry)] = mask
    return None


def _tag(position: DevicePosition, entry: Entry, _normal: int) -> str | None:
    mask = position.open_mask
    position.held.pop(_point(entry), None)
    position.held[_point(entry)] = mask
    return None


def _release(position: DevicePosition, entry: Entry, _normal: int) -> str | None:
    position.held.pop(_point(entry), None)
    return None


def _nothing(_position: DevicePosition, _entry: Entry, _normal: int) -> str | None:
    return None


_ACTIONS: dict[str, Callable[[DevicePosition, Entry, int], str | None]] = {
    "signal": _signal,
    "switch": _switch,
    "set": _set,
    "tag": _tag,
    "release": _release,
    "confirmation": _switch,
    "call": _nothing,
    "correction": _nothing,
}
