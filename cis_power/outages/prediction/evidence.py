"""What each device opening would say of the calls: log weights by option and by what is dead above it already."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cis_power.outages.grid import Index, Mask
from cis_power.outages.prediction.candidates import MASKS, Candidates
from cis_power.outages.prediction.chances import OPTIONS, Chances, Reals, effects, masks_of

NOBODY: Index = np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class Evidence:
    """The `t` devices that somebody below calls about, in preorder; the others are no candidates.

    `devices` (t): places among the candidates. `parent` (t): place among these, -1. `levels`: places by level,
    top first. `phases` (t). `masks` (t, 4): phases that each option opens. `gain` (t, 4, 8): log weight of an option by
    the phases dead above, -inf where it changes nothing. `none` (t, 8): that of no change, idle openings included.
    """

    devices: Index
    parent: Index
    levels: tuple[Index, ...]
    phases: Mask
    masks: Mask
    gain: Reals
    none: Reals

    @cached_property
    def options(self) -> list[int]:
        """Options that have effect anywhere."""
        return np.flatnonzero(np.isfinite(self.gain).any(axis=(0, 2))).tolist()

    @cached_property
    def after(self) -> Index:
        """Phases dead below a device after each option, by the phases dead above (t, 4, 8)."""
        return np.asarray(self.masks[:, :, None] | np.arange(MASKS, dtype=np.uint8), np.int64)


def weigh(candidates: Candidates, chances: Chances, callers: Index, live: Index = NOBODY) -> Evidence:
    """Weigh the calls. `callers`: seats that called, once each and rising; `live`: seats with a meter known to live."""
    devices = candidates.above(callers)
    place = np.full(len(candidates) + 1, -1, np.int64)
    place[devices] = np.arange(len(devices))
    level = candidates.level[devices]
    levels = tuple(np.flatnonzero(level == depth) for depth in range(int(level.max(initial=-1)) + 1))
    phases = candidates.phases[devices]
    masks = masks_of(phases)
    odds, none = _prior(masks, chances.odds()[devices])
    below = candidates.customers[devices]
    calling = candidates.count(callers, devices)
    living = candidates.count(live, devices)
    gain = np.full((len(devices), OPTIONS, MASKS), -np.inf)
    left, lost = effects()
    for dead in _reachable(masks[chances.opened[devices] > 0]):
        for option in range(OPTIONS):
            rows = np.flatnonzero(odds[:, option, dead] > 0)
            opened = masks[rows, option]
            loses = lost[opened, dead]
            weight = chances.weight((below[rows] * loses).sum(axis=1), (calling[rows] * loses).sum(axis=1))
            alive = (living[rows] * (left[opened, dead][:, None] & np.arange(MASKS) != 0)).any(axis=1)
            gain[rows, option, dead] = np.where(alive, -np.inf, weight + np.log(odds[rows, option, dead]))
    return Evidence(devices, place[candidates.parent[devices]], levels, phases, masks, gain, none)


def _reachable(masks: Mask) -> list[int]:
    """Every mask that can be dead once some of these are opened, none of them included."""
    reached = {0}
    for mask in np.unique(masks).tolist():
        reached |= {mask | other for other in reached}
    return sorted(reached)


def _prior(masks: Mask, odds: Reals) -> tuple[Reals, Reals]:
    """Odds of each option by what is dead above (t, 4, 8), and the log odds of no effect (t, 8).

    Options with the same effect are one: the first of them has the odds of all.
    """
    left, _ = effects()
    by_effect = np.repeat(odds[:, :, None], MASKS, axis=2)
    effect = left[masks]
    for option in range(1, OPTIONS):
        same = (effect[:, option] == effect[:, 0]) & (effect[:, 0] != 0)
        by_effect[:, 0] += np.where(same, by_effect[:, option], 0)
        by_effect[:, option][same] = 0
    idle = effect == 0
    none = np.log1p(np.where(idle, by_effect, 0).sum(axis=1))
    return np.where(idle, 0, by_effect), none
