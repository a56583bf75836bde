"""How much usage points take: a mean by kind and size, and shapes of the year; pure.

Live values, histories, monthly energy and bills of the demo all come from here, so that they agree.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from scada_bridge.simulator.profiles import HOURS, MONTHS

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

KINDS = ("residential", "commercial", "industrial", "agricultural", "public")

# How a kind takes energy: mean load of its rating, rating where none is known (kVA), power factor. The power factors
# lie close together, so that the sum of currents is the current of the sum within 0.1 %.
_MEAN_OF_RATING = np.array([0.06, 0.25, 0.35, 0.12, 0.25])
_USUAL_KVA = np.array([8.0, 50.0, 400.0, 20.0, 100.0])
_POWER_FACTOR = np.array([0.960, 0.950, 0.940, 0.935, 0.955])
_SPREAD = 0.4
_HOUR, _DAY = 3600, 86_400
_OFFSET_SECONDS = 900  # no zone changes its offset more finely
_COLDEST_DAY = 15.0
_KINDS_OF_DAY = np.array([0, 0, 1, 2, 0, 0, 0])  # 1970-01-01 was a Thursday


def power_factors() -> Floats:
    """Power factor of each of KINDS, lagging."""
    return _POWER_FACTOR.copy()


def mean_kw(kind: NDArray[np.integer], rated_kva: Floats, key: NDArray[np.uint32]) -> Floats:
    """Mean load in kW of usage points (n): `kind` in KINDS, `rated_kva` (NaN or 0: unknown), `key` crc32 of the code.

    Lognormal around a share of the rating, the same for the same key; never more than 0.8 of the rating.
    """
    rated = np.where(np.nan_to_num(rated_kva) > 0, np.nan_to_num(rated_kva), _USUAL_KVA[kind])
    spread = np.exp(_SPREAD * _normal(key) - _SPREAD**2 / 2)
    mean: Floats = np.minimum(rated * _MEAN_OF_RATING[kind] * spread, 0.8 * rated)
    return mean


def shapes(times_s: NDArray[np.number], zone: ZoneInfo) -> Floats:
    """Load of each of KINDS (times, KINDS) at instants in seconds since 1970, as a multiple of its year's mean.

    Days, weeks and seasons are those of `zone`. Smooth: the middles of hours are joined by straight lines, so the
    value of an hour's middle is nearly its mean.
    """
    local = _local_seconds(np.asarray(times_s, np.float64), zone) - _HOUR / 2
    hour = np.floor(local / _HOUR).astype(np.int64)
    part = (local / _HOUR - hour)[:, None]
    return _of_hour(hour) * (1 - part) + _of_hour(hour + 1) * part


def _normal(key: NDArray[np.uint32]) -> Floats:
    """A standard normal number of each key, nearly: the sum of four well mixed bytes."""
    mixed = np.asarray(key, np.uint32).copy()
    for factor in (0x85EBCA6B, 0xC2B2AE35):
        mixed = (mixed ^ (mixed >> np.uint32(15))) * np.uint32(factor)
    mixed ^= mixed >> np.uint32(16)
    total = np.zeros(mixed.shape)
    for shift in (0, 8, 16, 24):
        total += (mixed >> np.uint32(shift)) & np.uint32(0xFF)
    normal: Floats = (total - 510.0) / 147.8
    return normal


def _local_seconds(times: Floats, zone: ZoneInfo) -> Floats:
    quarters, places = np.unique(np.floor(times / _OFFSET_SECONDS).astype(np.int64), return_inverse=True)
    offsets = [
        datetime.fromtimestamp(quarter * _OFFSET_SECONDS, UTC).astimezone(zone).utcoffset() for quarter in quarters
    ]
    seconds = np.array([0.0 if offset is None else offset.total_seconds() for offset in offsets])
    local: Floats = times + seconds[places] if len(times) else times
    return local


def _of_hour(hour: Index, days_later: int = 0) -> Floats:
    """Shapes of whole local hours (counted from 1970), at their middle, with the week moved by some days."""
    day = hour // 24
    since_new_year = day - day.astype("datetime64[D]").astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    year = since_new_year / 365.0
    winter = ((1 + np.cos(2 * np.pi * (year - _COLDEST_DAY / 365.0))) / 2)[:, None]
    month = year * 12 - 0.5
    before = np.floor(month).astype(np.int64)
    part = (month - before)[:, None]
    level = _LEVEL[before % 12] * (1 - part) + _LEVEL[(before + 1) % 12] * part
    of_day, kind_of_day = hour % 24, _KINDS_OF_DAY[(day + days_later) % 7]
    curve = winter * _CURVE[0, kind_of_day, of_day] + (1 - winter) * _CURVE[1, kind_of_day, of_day]
    shape: Floats = level * curve / _YEAR
    return shape


_LEVEL = np.array([[float(number) for number in MONTHS[kind].split()] for kind in KINDS]).T / 100  # month, kind
_CURVE = (
    np.array([[[float(number) for number in line.split()] for line in HOURS[kind]] for kind in KINDS])
    .reshape(len(KINDS), 2, 3, 24)
    .transpose(1, 2, 3, 0)
    / 100
)  # season, kind of day, hour, kind
_YEAR: Floats = np.ones(len(KINDS))
_YEAR = sum(_of_hour(np.arange(365 * 24), shift).mean(axis=0) for shift in range(7)) / 7  # every date on every weekday
