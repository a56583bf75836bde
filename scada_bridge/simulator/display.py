"""What the devices show of the field: every point's value, and what stands between it and who asks."""

from collections.abc import Callable, Mapping, Sequence
from zoneinfo import ZoneInfo

import numpy as np

from scada_bridge.points import Point
from scada_bridge.simulator.field import Flags, Floats
from scada_bridge.simulator.memory import Readable
from scada_bridge.simulator.readings import Readings
from scada_bridge.simulator.screen import Screen
from scada_bridge.simulator.troubles import BAD, FROZEN, INTERMEDIATE, SKEW, bad, intermediate
from scada_bridge.simulator.world import World

_SKEW_S = 3600.0


class Display:
    """All points of a list. `values` is what they showed last; `troubles`: source → what is wrong with it."""

    def __init__(
        self, points: Sequence[Point], unit_of: Callable[[Point], int], world: World, zone: ZoneInfo, seed: int
    ) -> None:
        self.points = tuple(points)
        self.troubles: dict[str, str] = {}
        self._unit_of = unit_of
        self._screen = Screen(points, unit_of)
        self._readings = Readings(points, world, zone, seed)
        self._positions = np.array([point.is_position for point in points], bool)
        self._source = np.array([point.source for point in points], np.object_)
        self.values: Floats = np.full(len(points), np.nan)

    def refresh(self, at: float) -> Flags:
        """Show what is now; answers the positions (points) that changed since the last time."""
        before, self.values = self.values, self._readings.values(at)
        self._screen.show(self.values)
        changed: Flags = self._positions & (self.values != before) & ~np.isnan(before)
        return changed

    def units(self, source: str) -> Mapping[int, Readable]:
        """The units of a source as they are to be read while it has the trouble it has."""
        own = self._screen.memories[source]
        trouble = self.troubles.get(source)
        if trouble == FROZEN:
            return {unit: memory.frozen() for unit, memory in own.items()}
        if trouble not in (BAD, INTERMEDIATE):
            return own
        overlay = bad if trouble == BAD else intermediate
        points = [point for point in self.points if point.source == source]
        return {
            unit: overlay(memory, [point for point in points if self._unit_of(point) == unit])
            for unit, memory in own.items()
        }

    def archived_quality(self) -> list[str]:
        """The quality with which each value goes into the archive."""
        return ["BAD" if self.troubles.get(source) == BAD else "GOOD" for source in self._source.tolist()]

    def clock_error(self) -> Floats:
        """By how many seconds the clock of each point's source is ahead."""
        skewed = [self.troubles.get(source) == SKEW for source in self._source.tolist()]
        return np.where(skewed, _SKEW_S, 0.0)
