"""Intervals of energy as arrays, and what they sum to. Pure; instants are epoch seconds."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis_power.core.quality import Quality

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Intervals:
    """Energy of usage points in [at, at + seconds), ordered by usage point and instant.

    `energy_kwh` is after the multiplier. Missing intervals are simply not there.
    """

    usage_point: Ints
    at: Ints
    seconds: Ints
    energy_kwh: Floats
    quality: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.at)

    def taken(self, which: NDArray[Any] | slice) -> "Intervals":
        """The chosen intervals, by mask, by index or by slice."""
        return Intervals(
            self.usage_point[which], self.at[which], self.seconds[which], self.energy_kwh[which], self.quality[which]
        )


NO_INTERVALS = Intervals(
    np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint8)
)


def in_order(parts: list[Intervals]) -> Intervals:
    """All intervals of some parts, ordered by usage point and instant."""
    if not parts:
        return NO_INTERVALS
    names = [field.name for field in fields(Intervals)]
    whole = Intervals(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
    return whole.taken(np.lexsort((whole.at, whole.usage_point)))


def finest(at: Ints, seconds: Ints) -> NDArray[np.bool_]:
    """Which intervals of one channel to take: of overlapping ones the finer, so that no energy counts twice."""
    taken = np.ones(len(at), np.bool_)
    steps = np.unique(seconds)
    for step in steps[1:].tolist():
        coarse, fine = np.flatnonzero(seconds == step), np.flatnonzero((seconds < step) & taken)
        begins, ends = at[fine], at[fine] + seconds[fine]
        order = np.argsort(begins)
        begins, ends = begins[order], np.maximum.accumulate(ends[order]) if len(order) else ends
        before = np.searchsorted(begins, at[coarse] + step, "left")  # finer ones that begin before the coarse one ends
        covered = (before > 0) & (np.append(0, ends)[before] > at[coarse])
        taken[coarse[covered]] = False
    return taken


def between_reads(
    read_at: Ints, value: Floats, quality: NDArray[np.uint8]
) -> tuple[Ints, Ints, Floats, NDArray[np.uint8]]:
    """Intervals from the reads of one register, in order: (at, seconds, amount, quality).

    A read lower than the one before it tells nothing about the time between (the register was changed or rolled over).
    """
    known = ~np.isnan(value)
    read_at, value, quality = read_at[known], value[known], quality[known]
    amount = np.diff(value)
    rising = amount >= 0
    worst = np.maximum(quality[1:], quality[:-1])
    return read_at[:-1][rising], np.diff(read_at)[rising], amount[rising], worst[rising]


def clipped_evenly(given: Intervals, from_s: int, to_s: int) -> Intervals:
    """What of long intervals lies in [from_s, to_s), their energy spread evenly; a part of one is SUBSTITUTED."""
    begin = np.maximum(given.at, from_s)
    end = np.minimum(given.at + given.seconds, to_s)
    share = np.maximum(end - begin, 0) / given.seconds
    part = np.maximum(given.quality, np.where(share < 1, np.uint8(Quality.SUBSTITUTED), given.quality))
    found = Intervals(given.usage_point, begin, end - begin, given.energy_kwh * share, part.astype(np.uint8))
    return found.taken(share > 0)


def known(given: Intervals) -> NDArray[np.bool_]:
    """Which intervals have a value to count: BAD and STALE ones have none."""
    return ~np.isnan(given.energy_kwh) & np.isin(given.quality, (Quality.GOOD, Quality.SUBSTITUTED, Quality.SUSPECT))
