"""The roll-up rule as practised: callers → transformer → fuse → recloser → feeder."""

from dataclasses import dataclass

import numpy as np

from cis_power.outages.grid import Flags, Index
from cis_power.outages.prediction.candidates import Candidates
from cis_power.outages.prediction.evidence import NOBODY


@dataclass(frozen=True, slots=True)
class Rule:
    """When callers make an outage of their transformer, and branches one of the device above them."""

    callers: int = 2
    share: float = 0.15
    branches: int = 2


def escalate(
    candidates: Candidates,
    transformers: Flags,
    eligible: Flags,
    callers: Index,
    live: Index = NOBODY,
    rule: Rule | None = None,
) -> Index:
    """Topmost devices that the rule takes for open. `transformers`, `eligible` (k); seats that call, and that live.

    A device is taken for open when enough of its customers call (a transformer) or enough branches below it have
    something; never with a live meter below it, nor where it is not eligible (known to be closed).
    """
    rule = rule or Rule()
    devices = candidates.above(callers)
    place = np.full(len(candidates) + 1, -1, np.int64)
    place[devices] = np.arange(len(devices))
    calls = candidates.count(callers, devices).sum(axis=1)
    customers = candidates.customers[devices].sum(axis=1)
    may = eligible[devices] & (candidates.count(live, devices).sum(axis=1) == 0)
    enough = (calls >= rule.callers) | ((calls >= 1) & (calls >= rule.share * customers))
    opened = transformers[devices] & enough & may
    branches = np.zeros(len(devices) + 1, np.int64)
    level, above = candidates.level[devices], place[candidates.parent[devices]]
    for depth in range(int(level.max(initial=-1)), -1, -1):
        rows = np.flatnonzero(level == depth)
        opened[rows] |= may[rows] & (branches[rows] >= rule.branches)
        np.add.at(branches, above[rows], opened[rows] | (branches[rows] > 0))
    covered = np.zeros(len(devices) + 1, bool)
    top = np.zeros(len(devices), bool)
    for depth in range(int(level.max(initial=-1)) + 1):
        rows = np.flatnonzero(level == depth)
        top[rows] = opened[rows] & ~covered[above[rows]]
        covered[rows] = covered[above[rows]] | opened[rows]
    return devices[top]
