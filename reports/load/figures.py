"""Energy, peak, mean and load factor of a group of usage points, with bounds for what is missing. Pure.

The peak of a group is the highest mean of a slot of one common grid. The grid is the coarsest interval of at most an
hour that the group has (else its finest): finer intervals are summed into it, coarser ones spread evenly over it.
Instants are epoch seconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cis_power.core.quality import Quality

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

COARSEST_GRID_SECONDS = 3_600
COARSEST_PEAK_SECONDS = 86_400  # a mean over more than a day is no peak


@dataclass(frozen=True, slots=True)
class LoadFigures:
    """Figures of a group over a period; None where nothing is known.

    `energy_kwh` sums what is known, so that it is also the lower bound; `energy_high_kwh` and `peak_high_kw` suppose
    each missing interval at the highest power its own usage point had in the period (None: one has no value at all).
    `mean_kw` is over the time known; `load_factor` is None where some of the energy is known only for longer than a
    day, because such energy is in the mean but in no peak. Shares are of the time in which readings were expected.
    """

    energy_kwh: float | None
    energy_high_kwh: float | None
    peak_kw: float | None
    peak_at: int | None
    peak_high_kw: float | None
    mean_kw: float | None
    load_factor: float | None
    good_share: float | None
    known_share: float | None
    grid_seconds: int | None


def grid_seconds(steps: Iterable[int]) -> int | None:
    """The common grid for intervals of some lengths; None where none is fit for a peak."""
    fit = [step for step in steps if step <= COARSEST_PEAK_SECONDS]
    fine = [step for step in fit if step <= COARSEST_GRID_SECONDS]
    return max(fine) if fine else min(fit, default=None)


class GroupSum:
    """Adds up usage points one after the other; `figures` tells the result."""

    def __init__(self, begin: int, end: int, until: int, grid: int | None) -> None:
        """Over [begin, end), of which readings can be expected up to `until`, on a grid of so many seconds."""
        self._begin, self._end, self._grid = begin, end, grid
        self._last = until
        slots = 0 if grid is None else -(-(end - begin) // grid)
        self._sum, self._high, self._covered = np.zeros(slots), np.zeros(slots), np.zeros(slots, np.bool_)
        self._energy = self._missing_energy = self._weighted_mean = 0.0
        self._known = self._good = self._expected = 0.0
        self._unbounded = self._coarse = False
        self._last_window = (0, 0), np.zeros(slots)

    def add(
        self, at: Ints, seconds: Ints, energy_kwh: Floats, quality: NDArray[np.uint8], window: tuple[int, int]
    ) -> None:
        """Add the known intervals of one usage point; readings were expected in `window`."""
        known = float(seconds.sum())
        expected = max(float(window[1] - window[0]), 0.0)
        self._expected += expected
        if not len(at):
            self._unbounded |= expected > 0
            return
        self._last = max(self._last, min(int((at + seconds).max()), self._end))
        energy = float(energy_kwh.sum())
        self._coarse |= bool((energy_kwh[seconds > COARSEST_PEAK_SECONDS] > 0).any())
        top_kw = float((energy_kwh * 3600.0 / seconds).max())
        self._known += min(known, expected) if expected else known
        self._good += float(seconds[quality == Quality.GOOD].sum())
        self._energy += energy
        self._missing_energy += max(expected - known, 0.0) / 3600.0 * top_kw
        self._weighted_mean += energy / known * 3600.0 * max(expected, known)
        if self._grid is not None:
            self._add_to_grid(at, seconds, energy_kwh, top_kw, window)

    def figures(self) -> LoadFigures:
        """What has been added so far."""
        expected = max(self._expected, self._known)
        good = min(self._good / expected, 1.0) if expected else None
        known = self._known / expected if expected else None
        if not self._known:
            return LoadFigures(None, None, None, None, None, None, None, good, known, self._grid)
        mean = self._weighted_mean / max(self._last - self._begin, 1)
        peak, peak_at, peak_high = self._peak()
        return LoadFigures(
            energy_kwh=self._energy,
            energy_high_kwh=None if self._unbounded else self._energy + self._missing_energy,
            peak_kw=peak,
            peak_at=peak_at,
            peak_high_kw=None if self._unbounded else peak_high,
            mean_kw=mean,
            load_factor=mean / peak if peak and not self._coarse else None,
            good_share=good,
            known_share=known,
            grid_seconds=self._grid,
        )

    def curve(self) -> tuple[Ints, Floats, NDArray[np.bool_]]:
        """Beginning of each slot, known power in kW, and whether anything is known there."""
        grid = self._grid or 1
        at = self._begin + np.arange(len(self._sum)) * grid
        return at, self._sum * 3600.0 / grid, self._covered

    def _peak(self) -> tuple[float | None, int | None, float | None]:
        if self._grid is None or not self._covered.any():
            return None, None, None
        power = np.where(self._covered, self._sum, -np.inf) * 3600.0 / self._grid
        top = int(power.argmax())
        high = float(((self._sum * 3600.0 / self._grid) + self._high).max())
        return float(power[top]), self._begin + top * self._grid, high

    def _add_to_grid(self, at: Ints, seconds: Ints, energy_kwh: Floats, top_kw: float, window: tuple[int, int]) -> None:
        assert self._grid is not None
        fit = seconds <= COARSEST_PEAK_SECONDS
        if not fit.any():
            self._high += self._wanted(window) / self._grid * top_kw
            return
        at, seconds, energy_kwh = at[fit], seconds[fit], energy_kwh[fit]
        pieces = np.maximum(1, seconds // self._grid)
        first = (at - self._begin) // self._grid
        within = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        slot = np.repeat(first, pieces) + within
        inside = (slot >= 0) & (slot < len(self._sum))
        amount, length = np.repeat(energy_kwh / pieces, pieces), np.repeat(seconds / pieces, pieces)
        self._sum += np.bincount(slot[inside], amount[inside], len(self._sum))
        covered = np.bincount(slot[inside], length[inside], len(self._sum))
        self._covered |= covered > 0
        missing = np.maximum(self._wanted(window) - covered, 0)
        self._high += missing / self._grid * top_kw

    def _wanted(self, window: tuple[int, int]) -> Floats:
        """Seconds of each slot that lie in a window."""
        if self._last_window[0] != window:
            assert self._grid is not None
            edges = self._begin + np.arange(len(self._sum)) * self._grid
            wanted = np.minimum(edges + self._grid, window[1]) - np.maximum(edges, window[0])
            self._last_window = window, np.maximum(wanted, 0).astype(np.float64)
        return self._last_window[1]
