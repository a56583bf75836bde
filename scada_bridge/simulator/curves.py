"""Calm curves of the day for points of which the field knows nothing; pure."""

import zlib
from collections.abc import Sequence

import numpy as np

from scada_bridge.points import Point
from scada_bridge.simulator.field import Floats
from scada_bridge.simulator.quantities import FLOWING, meaning_of

_DAY_SECONDS = 86_400.0
_TYPICAL = {"A": 120.0, "V": 10_000.0, "kV": 10.0, "kW": 1_500.0, "kvar": 400.0, "Hz": 50.0}


class Curves:
    """One curve a point: analog ones swing a little, each at its own time; discrete ones stand in their normal state.

    `gated`: places of the points that show nought where their device is open.
    """

    def __init__(self, points: Sequence[Point]) -> None:
        self._middle, self._swing = np.array([_calm(point) for point in points]).reshape(-1, 2).T
        self._shift = np.array([zlib.crc32(point.point_id.encode()) / 2**32 for point in points])
        self._counts = np.array([point.kind == "accumulator" for point in points], bool)
        self.gated = [
            place
            for place, point in enumerate(points)
            if point.kind == "analog" and point.equipment and meaning_of(point)[0] in FLOWING
        ]

    def at(self, moment: float) -> Floats:
        """Values of all points at an instant, in seconds since 1970."""
        values: Floats = self._middle + self._swing * np.sin(2 * np.pi * (moment / _DAY_SECONDS + self._shift))
        values[self._counts] = int(moment % _DAY_SECONDS)
        return values


def _calm(point: Point) -> tuple[float, float]:
    """Middle and swing of a point's curve, inside its limits."""
    if point.kind == "discrete":
        return point.normal_state or 0.0, 0.0
    if point.minimum is not None and point.maximum is not None:
        return (point.minimum + point.maximum) / 2, (point.maximum - point.minimum) / 20
    typical = _TYPICAL.get(point.unit or "", 100.0)
    return typical, typical * (0.01 if point.unit in ("V", "kV", "Hz") else 0.2)
