"""What meters have counted: the integral of the shapes, less what was not supplied; pure."""

from zoneinfo import ZoneInfo

import numpy as np

from scada_bridge.simulator.loads import KINDS, Floats, shapes

_BEGIN = 1_704_067_200  # 2024-01-01: where every meter stood at nought
_HOUR = 3600
_AHEAD_HOURS = 48


class Counted:
    """Energy of one kW of mean load of each kind (KINDS) since the beginning, in kWh."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._until = np.zeros((1, len(KINDS)))

    def at(self, moment: float) -> Floats:
        """What was counted by an instant; nothing before the beginning."""
        hours = max((moment - _BEGIN) / _HOUR, 0.0)
        whole = int(hours)
        if whole + 1 >= len(self._until):
            self._extend(whole + _AHEAD_HOURS)
        part = hours - whole
        found: Floats = self._until[whole] * (1 - part) + self._until[whole + 1] * part
        return found

    def _extend(self, hours: int) -> None:
        known = len(self._until) - 1
        middles = _BEGIN + (np.arange(known, hours) + 0.5) * _HOUR
        grown = self._until[-1] + np.cumsum(shapes(middles, self._zone), axis=0)
        self._until = np.concatenate([self._until, grown])
