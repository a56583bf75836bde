"""Spells: since when a subject is without supply, on which phases, and as a member of which outage.

Subjects are usage points, transformers or connections, by index. A spell that ends where it began never was.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cis_power.outages.grid import Flags, Index, Mask

Columns = dict[str, NDArray[np.generic]]


@dataclass(slots=True)
class Spells:
    """The open spells of `count` subjects as arrays, and what has closed since the last `drain`.

    `outage` is -1 where there is no spell. `stored` says that the database has the open spell as it is; `stale` gathers
    subjects whose stored open spell has become untrue.
    """

    outage: Index
    began: Index
    mask: Mask
    stored: Flags
    closed: list[Columns] = field(default_factory=list)
    stale: list[Index] = field(default_factory=list)

    @classmethod
    def none(cls, count: int) -> "Spells":
        return cls(np.full(count, -1, np.int64), np.zeros(count, np.int64), np.zeros(count, np.uint8),
                   np.zeros(count, bool))  # fmt: skip

    @property
    def open(self) -> Flags:
        return self.outage >= 0

    def grow(self, count: int) -> None:
        """Make room for further subjects, up to `count`."""
        more = Spells.none(count - len(self.outage))
        self.outage, self.began = np.concatenate([self.outage, more.outage]), np.concatenate([self.began, more.began])
        self.mask, self.stored = np.concatenate([self.mask, more.mask]), np.concatenate([self.stored, more.stored])

    def begin(self, who: Index, outage: Index, at: int, mask: Mask) -> None:
        self.outage[who], self.began[who], self.mask[who], self.stored[who] = outage, at, mask, False

    def change(self, who: Index, mask: Mask) -> None:
        """Other phases are out now; the spell goes on."""
        self.outdate(who)
        self.mask[who] = mask

    def end(self, who: Index, at: int) -> None:
        self.outdate(who)
        lasted = who[self.began[who] < at]
        if len(lasted):
            self.closed.append({
                "subject": lasted, "outage": self.outage[lasted], "began": self.began[lasted],
                "mask": self.mask[lasted], "ended": np.full(len(lasted), at, np.int64),
            })  # fmt: skip
        self.outage[who] = -1

    def outdate(self, who: Index) -> None:
        """The stored open spells of these subjects no longer tell the truth."""
        stored = who[self.stored[who]]
        if len(stored):
            self.stale.append(stored)
            self.stored[stored] = False


@dataclass(slots=True)
class Interruptions(Spells):
    """Spells of usage points as the ledger has them: whole from the first loss of a phase until all are back.

    `outage` is the first one and stays; `mask` is the union of the phases ever out; `earliest` and `latest` bound the
    beginning. `phases` has the parts of interruptions that were not always complete: subject → [mask, from, to].
    """

    earliest: Index = field(default_factory=lambda: np.zeros(0, np.int64))
    latest: Index = field(default_factory=lambda: np.zeros(0, np.int64))
    phases: dict[int, list[list[int | None]]] = field(default_factory=dict)
    closed_phases: dict[tuple[int, int], list[list[int | None]]] = field(default_factory=dict)

    @classmethod
    def none(cls, count: int) -> "Interruptions":
        plain = Spells.none(count)
        earliest, latest = np.zeros(count, np.int64), np.zeros(count, np.int64)
        return cls(plain.outage, plain.began, plain.mask, plain.stored, earliest=earliest, latest=latest)

    def start(self, who: Index, outage: Index, at: int, bounds: tuple[int, int], lost: Mask, partial: Flags) -> None:
        self.begin(who, outage, at, lost)
        self.earliest[who], self.latest[who] = bounds
        for one, mask in zip(who[partial].tolist(), lost[partial].tolist(), strict=True):
            self.phases[one] = [[mask, at, None]]

    def turn(self, who: Index, at: int, before: Mask, lost: Mask) -> None:
        """Other phases are out from now on: `before` were, `lost` are."""
        for one, old, new in zip(who.tolist(), before.tolist(), lost.tolist(), strict=True):
            parts = self.phases.setdefault(one, [[old, int(self.began[one]), None]])
            parts[-1][2] = at
            if parts[-1][1] == at:
                parts.pop()
            parts.append([new, at, None])
        self.outdate(who)
        self.mask[who] |= lost

    def finish(self, who: Index, at: int, step: Index) -> None:
        """Every phase is back; `step` is the restoration step of each one's first outage."""
        for one in who[np.isin(who, list(self.phases))].tolist() if self.phases else ():
            parts = self.phases.pop(one)
            parts[-1][2] = at
            if parts[-1][1] == at:
                parts.pop()
            self.closed_phases[(one, int(self.began[one]))] = parts
        lasted = self.began[who] < at
        chosen = who[lasted]
        extra = {"earliest": self.earliest[chosen], "latest": self.latest[chosen], "step": step[lasted]}
        self.end(who, at)
        if len(chosen):
            self.closed[-1].update(extra)
