"""Local days as arrays of instants."""

from datetime import date, datetime, timedelta, tzinfo

import numpy as np
from numpy.typing import NDArray

from cis_power.core.time import day_bounds, local_date


def local_days(from_at: datetime, to_at: datetime, zone: tzinfo) -> list[date]:
    """The local days that [from_at, to_at) touches."""
    first, last = local_date(from_at, zone), local_date(to_at - timedelta(microseconds=1), zone)
    return [first + timedelta(days=count) for count in range((last - first).days + 1)]


def day_starts(days: list[date], zone: tzinfo) -> NDArray[np.int64]:
    """Epoch seconds of each local day's beginning."""
    return np.array([int(day_bounds(day, zone)[0].timestamp()) for day in days], np.int64)


def day_index(starts: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which day each instant belongs to; -1 before the first."""
    return np.searchsorted(starts, at, "right") - 1
