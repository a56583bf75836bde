"""The most probable sets of one tree, in order: what else could have happened."""

import heapq
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from cis_power.outages.prediction.chances import OPTIONS
from cis_power.outages.prediction.choosing import total_of_tree
from cis_power.outages.prediction.evidence import Evidence

_Set = tuple[float, tuple[tuple[int, int], ...]]


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """A set of openings, each a device (place in the evidence) with the phases that went dead by it."""

    probability: float
    openings: tuple[tuple[int, int], ...]


def runners_up(evidence: Evidence, top: int, count: int) -> list[RunnerUp]:
    """List the `count` most probable sets of the tree under the device `top`, the most probable one first."""
    children: dict[int, list[int]] = {}
    for device, above in enumerate(evidence.parent.tolist()):
        children.setdefault(above, []).append(device)

    @cache
    def below(device: int, dead: int) -> list[_Set]:
        sets: list[_Set] = [(0.0, ())]
        for child in children.get(device, ()):
            sets = heapq.nlargest(count, (_joined(*pair) for pair in product(sets, ranked(child, dead))))
        return sets

    @cache
    def ranked(device: int, dead: int) -> list[_Set]:
        sets = [(evidence.none[device, dead] + weight, chosen) for weight, chosen in below(device, dead)]
        for option in range(OPTIONS):
            gain, opens = evidence.gain[device, option, dead], int(evidence.masks[device, option])
            if np.isfinite(gain):
                opening = (device, opens & ~dead)
                sets += [(gain + weight, (opening, *chosen)) for weight, chosen in below(device, dead | opens)]
        return heapq.nlargest(count, sets)

    total = total_of_tree(evidence, top)
    return [RunnerUp(float(np.exp(weight - total)), chosen) for weight, chosen in ranked(top, 0)]


def _joined(one: _Set, other: _Set) -> _Set:
    return one[0] + other[0], one[1] + other[1]
