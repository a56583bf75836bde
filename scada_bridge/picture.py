"""What is known of a source's points from poll to poll; pure.

A good read replaces the value; a failed one keeps value and time and makes the quality stale, with the reason. A
discrete point that is read with another value or quality than at its last read is a change.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cis_power.core.quality import Quality
from scada_bridge.batch import Batch, Change, PollRows
from scada_bridge.points import Point

NEVER = np.iinfo(np.int64).min


@dataclass(slots=True)
class Reading:
    """What one poll brought for some points: `value` (NaN: none), `quality`, `reason`; `failed`: nothing was read."""

    value: NDArray[np.float64]
    quality: NDArray[np.uint8]
    reason: NDArray[np.object_]  # str or None
    failed: NDArray[np.bool_]


def nothing_read(count: int, reason: str) -> Reading:
    """A poll that brought nothing, for `count` points."""
    return Reading(
        np.full(count, np.nan),
        np.full(count, Quality.STALE, np.uint8),
        np.full(count, reason, np.object_),
        np.ones(count, np.bool_),
    )


class Picture:
    """The points of one source as last known."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.points = tuple(points)
        count = len(self.points)
        self._rows = {point.point_id: row for row, point in enumerate(self.points)}
        self._discrete = np.array([point.kind == "discrete" for point in self.points], np.bool_)
        self._value = np.full(count, np.nan)
        self._measured = np.full(count, NEVER, np.int64)
        self._read_quality = np.full(count, Quality.MISSING, np.uint8)  # of the last read that came
        self._good_value = np.full(count, np.nan)
        self._good_at = np.full(count, NEVER, np.int64)
        self._broken = np.zeros(count, np.bool_)  # reads failed, or the collector was away, since the last good one
        self.polled_ms: dict[float, int] = {}  # last poll of each polling group

    def restore(self, batches: Iterable[Batch]) -> None:
        """Take over what an earlier collector knew, from its last batches, oldest first."""
        for batch in batches:
            rows = batch.rows
            for name, value, measured, code in zip(
                rows.points, rows.values, rows.measured_ms, rows.quality, strict=True
            ):
                row = self._rows.get(name)
                if row is None or measured is None:
                    continue
                self._measured[row] = measured
                self._value[row] = np.nan if value is None else value
                good = code == Quality.GOOD or (code == Quality.STALE and value is not None)
                self._read_quality[row] = Quality.GOOD if good else code
                if good and value is not None:
                    self._good_value[row], self._good_at[row] = value, measured
                self._broken[row] = True
            self.polled_ms[batch.poll_seconds] = max(batch.polled_ms, self.polled_ms.get(batch.poll_seconds, NEVER))

    def take(self, rows: NDArray[np.intp], reading: Reading, polled_ms: int) -> PollRows:
        """Take in what a poll brought for the points at `rows`; answers what to say about each of them."""
        came = rows[~reading.failed]
        value = reading.value[~reading.failed]
        quality = reading.quality[~reading.failed]
        changed = self._discrete[came] & (
            ~_same(value, self._value[came]) | (quality != self._read_quality[came]) | (self._measured[came] == NEVER)
        )
        places = np.flatnonzero(~reading.failed)
        changes = tuple(self._change(int(came[i]), int(places[i])) for i in np.flatnonzero(changed))
        self._value[came] = value
        self._measured[came] = polled_ms
        self._read_quality[came] = quality
        good = came[quality == Quality.GOOD]
        self._good_value[good], self._good_at[good] = self._value[good], polled_ms
        self._broken[good] = False
        self._broken[rows[reading.failed]] = True
        return self._told(rows, reading, changes)

    def _change(self, row: int, place: int) -> Change:
        known = self._good_at[row] != NEVER
        return Change(
            place,
            float(self._good_value[row]) if known else None,
            int(self._good_at[row]) if known else None,
            bool(self._broken[row]) or not known,
        )

    def _told(self, rows: NDArray[np.intp], reading: Reading, changes: tuple[Change, ...]) -> PollRows:
        quality = np.where(reading.failed, Quality.STALE, reading.quality)
        never = self._measured[rows] == NEVER
        quality[never] = Quality.MISSING
        # A read that failed after a bad one does not make the bad value better.
        quality = np.where(reading.failed & ~never, np.maximum(quality, self._read_quality[rows]), quality)
        return PollRows(
            [self.points[row].point_id for row in rows],
            [None if np.isnan(value) else value for value in self._value[rows].tolist()],
            [None if at == NEVER else at for at in self._measured[rows].tolist()],
            quality.tolist(),
            reading.reason.tolist(),
            changes,
        )


def _same(new: NDArray[np.float64], old: NDArray[np.float64]) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = (new == old) | (np.isnan(new) & np.isnan(old))
    return same
