"""The devices that may have opened, as a forest, and the usage points below each.

Nodes are numbered in preorder (`network.topology`), so what hangs on a device is a slice of nodes, and a slice of the
usage points when these are seated in the order of their nodes.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cis_power.core.phases import ALL_PHASES
from cis_power.outages.grid import Index, Mask

MASKS = 8


@dataclass(frozen=True, eq=False)
class Candidates:
    """`k` devices in preorder: one stands before all that hang on it. Usage points are seats in the order of nodes.

    `parent` (k): the device next above, -1 at the top. `level` (k): how many stand above. `phases` (k): carried.
    `first`, `last` (k): seats `[first, last)` below it. `seat_phases` (s): mask each usage point takes.
    """

    parent: Index
    level: Index
    phases: Mask
    first: Index
    last: Index
    seat_phases: Mask

    @classmethod
    def of(cls, lo: Index, hi: Index, phases: Mask, seat_node: Index, seat_phases: Mask) -> tuple["Candidates", Index]:
        """Arrange devices with the nodes `[lo, hi)` below each. `seat_node` rises; phases 0 of a seat mean all.

        Also answers the order: the place in the input of each candidate.
        """
        order = np.lexsort((-hi, lo))
        parent, level = _nest(lo[order], hi[order])
        taken = np.where(seat_phases == 0, ALL_PHASES, seat_phases).astype(np.uint8)
        first, last = (np.searchsorted(seat_node, edge[order]).astype(np.int64) for edge in (lo, hi))
        return cls(parent, level, np.asarray(phases, np.uint8)[order], first, last, taken), order

    def __len__(self) -> int:
        return len(self.parent)

    @cached_property
    def innermost(self) -> Index:
        """The device next above each seat, -1 where there is none."""
        found = np.full(len(self.seat_phases) + 1, -1, np.int64)
        for level in range(int(self.level.max(initial=-1)) + 1):
            at = np.flatnonzero(self.level == level)
            lengths = self.last[at] - self.first[at]
            found[_ranges(self.first[at], lengths)] = np.repeat(at, lengths)
        return found[:-1]

    @cached_property
    def customers(self) -> Index:
        """Usage points below each device by the phases they take (k, 8)."""
        return self.count(np.arange(len(self.seat_phases)))

    def count(self, seats: Index, devices: Index | None = None) -> Index:
        """How many of the rising `seats` are below each of the devices (`None`: all), by phases taken (k, 8)."""
        first, last = (self.first, self.last) if devices is None else (self.first[devices], self.last[devices])
        found = np.zeros((len(first), MASKS), np.int64)
        taken = self.seat_phases[seats]
        for mask in np.unique(taken).tolist():
            of_mask = seats[taken == mask]
            found[:, mask] = np.searchsorted(of_mask, last) - np.searchsorted(of_mask, first)
        return found

    def above(self, seats: Index) -> Index:
        """Every device with one of the seats below it, rising."""
        marked = np.zeros(len(self), bool)
        frontier = np.unique(self.innermost[seats])
        while len(frontier := frontier[frontier >= 0]):
            frontier = frontier[~marked[frontier]]
            marked[frontier] = True
            frontier = np.unique(self.parent[frontier])
        return np.flatnonzero(marked)


def _nest(lo: Index, hi: Index) -> tuple[Index, Index]:
    """The next slice around each, and how many are around it. Slices are nested or apart, outer ones first."""
    parent, level = np.full(len(lo), -1, np.int64), np.zeros(len(lo), np.int64)
    around: list[tuple[int, int]] = []
    for place, (begin, end) in enumerate(zip(lo.tolist(), hi.tolist(), strict=True)):
        while around and around[-1][1] <= begin:
            around.pop()
        if around:
            parent[place], level[place] = around[-1][0], len(around)
        around.append((place, end))
    return parent, level


def _ranges(first: Index, lengths: Index) -> Index:
    """`first[i] … first[i] + lengths[i] - 1` of every i, one behind the other."""
    before = np.concatenate([[0], np.cumsum(lengths)])[:-1]
    return np.repeat(first - before, lengths) + np.arange(int(lengths.sum()))
