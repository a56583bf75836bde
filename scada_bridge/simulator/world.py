"""What the simulated field is: positions of devices, and the value each point shows; pure."""

import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from scada_bridge.points import Point

_DAY_SECONDS = 86_400.0
_ZERO_WHEN_OPEN = ("current", "power", "load", "active_power", "reactive_power")
_TYPICAL = {"A": 120.0, "V": 10_000.0, "kV": 10.0, "kW": 1_500.0, "kvar": 400.0, "Hz": 50.0}


@dataclass
class World:
    """Devices by the owner's id: `closed` positions, and how often each has opened."""

    closed: dict[str, bool] = field(default_factory=dict)
    openings: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, points: Iterable[Point], normal_open: Mapping[str, bool]) -> "World":
        """Every device of the points in its normal position."""
        devices = {point.equipment for point in points if point.equipment}
        return cls({device: not normal_open.get(device, False) for device in sorted(devices)})

    def move(self, device: str, *, closed: bool) -> None:
        """Open or close a device. Raises KeyError for one that no point belongs to."""
        if self.closed[device] and not closed:
            self.openings[device] = self.openings.get(device, 0) + 1
        self.closed[device] = closed

    def value(self, point: Point, seconds: float) -> float:
        """What a point shows at `seconds` since 1970."""
        device = point.equipment or ""
        if point.is_position:
            return float(self.closed.get(device, True))
        if point.kind == "discrete":
            return point.normal_state or 0.0
        if point.quantity == "operations":
            return float(self.openings.get(device, 0))
        if point.kind == "accumulator":
            return float(int(seconds % _DAY_SECONDS))
        if not self.closed.get(device, True) and (point.quantity in _ZERO_WHEN_OPEN or point.unit in ("A", "kW")):
            return 0.0
        return _analog(point, seconds)


def _analog(point: Point, seconds: float) -> float:
    """A calm curve of the day inside the point's limits, a little different for each point."""
    if point.minimum is not None and point.maximum is not None:
        typical, swing = (point.minimum + point.maximum) / 2, (point.maximum - point.minimum) / 20
    else:
        typical = _TYPICAL.get(point.unit or "", 100.0)
        swing = typical * 0.01 if point.unit in ("V", "kV", "Hz") else typical * 0.2
    shift = zlib.crc32(point.point_id.encode()) / 2**32
    return typical + swing * math.sin(2 * math.pi * (seconds / _DAY_SECONDS + shift))
