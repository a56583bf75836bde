"""The most probable set of opened devices, exactly, and how probable each is: one pass up the forest, one down."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cis_power.outages.grid import Index, Mask
from cis_power.outages.prediction.candidates import MASKS
from cis_power.outages.prediction.chances import Reals
from cis_power.outages.prediction.evidence import Evidence


@dataclass(frozen=True, eq=False)
class Verdict:
    """The most probable set for the whole forest: `r` openings, each with effect.

    `device` (r): places in the evidence. `opened` (r): phases that went dead by it. `probability` (r): that it opened
    with some effect, over all sets. `of_set` (t): probability of the whole set chosen in the tree of each device.
    """

    device: Index
    opened: Mask
    probability: Reals
    of_set: Reals


def choose(evidence: Evidence) -> Verdict:
    """Find the most probable set, each tree of the forest for itself."""
    best, best_below = _up(evidence, np.maximum)
    total, total_below = _up(evidence, np.logaddexp)
    dead, option = _down(evidence, best_below)
    chosen = np.flatnonzero(option >= 0)
    opened = evidence.masks[chosen, option[chosen]] & ~dead[chosen]
    return Verdict(
        chosen, opened.astype(np.uint8), _opened(evidence, total, total_below)[chosen], _of_set(evidence, best, total)
    )


def total_of_tree(evidence: Evidence, top: int) -> float:
    """Log weight of all sets of the tree under a device that has none above."""
    return float(_up(evidence, np.logaddexp)[0][top, 0])


def _up(evidence: Evidence, join: Callable[[Reals, Reals], Reals]) -> tuple[Reals, Reals]:
    """Log weight of all of a device's subtree, and of what is below it, by the phases dead there (t, 8) each."""
    count = len(evidence.devices)
    whole, below = np.zeros((count, MASKS)), np.zeros((count, MASKS))
    after = evidence.after
    for rows in reversed(evidence.levels):
        value = evidence.none[rows] + below[rows]
        for option in evidence.options:
            value = join(
                value, evidence.gain[rows, option] + np.take_along_axis(below[rows], after[rows, option], axis=1)
            )
        whole[rows] = value
        above = evidence.parent[rows]
        inner = above >= 0
        np.add.at(below, above[inner], value[inner])
    return whole, below


def _down(evidence: Evidence, below: Reals) -> tuple[Mask, Index]:
    """Phases dead above each device, and the option chosen there (-1: none), in the best set."""
    count = len(evidence.devices)
    dead, option = np.zeros(count, np.uint8), np.full(count, -1, np.int64)
    names = np.array([-1, *evidence.options])
    dead_below = np.zeros(count + 1, np.uint8)  # the last one: nothing is dead above the top
    after = evidence.after
    for rows in evidence.levels:
        at = dead[rows] = dead_below[evidence.parent[rows]]
        values = [evidence.none[rows, at] + below[rows, at]]
        for each in evidence.options:
            values.append(evidence.gain[rows, each, at] + below[rows, after[rows, each, at]])
        option[rows] = names[np.argmax(values, axis=0)]
        opened = np.where(option[rows] >= 0, evidence.masks[rows, option[rows]], 0)
        dead_below[rows] = at | opened
    return dead, option


def _opened(evidence: Evidence, whole: Reals, below: Reals) -> Reals:
    """Probability that each device opened with some effect (t), over all sets."""
    count = len(evidence.devices)
    dead = np.zeros((count + 1, MASKS))
    dead[count, 0] = 1.0
    found = np.zeros(count)
    after = evidence.after
    for rows in evidence.levels:
        at = dead[evidence.parent[rows]]
        left = at * np.exp(evidence.none[rows] + below[rows] - whole[rows])
        for option in evidence.options:
            goes = after[rows, option]
            weight = evidence.gain[rows, option] + np.take_along_axis(below[rows], goes, axis=1) - whole[rows]
            share = at * np.exp(weight)
            found[rows] += share.sum(axis=1)
            np.add.at(left, (np.arange(len(rows))[:, None], goes), share)
        dead[rows] = left
    return found


def _of_set(evidence: Evidence, best: Reals, total: Reals) -> Reals:
    top = np.arange(len(evidence.devices))
    for rows in evidence.levels[1:]:
        top[rows] = top[evidence.parent[rows]]
    return np.asarray(np.exp(best[top, 0] - total[top, 0]), np.float64)
