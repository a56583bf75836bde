"""One source: its devices, what is known of its points, and the batch that each poll makes."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from cis_power.core.config import SourceSettings
from cis_power.core.errors import ConfigError
from cis_power.core.time import utc_now
from scada_bridge.batch import Batch, to_ms
from scada_bridge.picture import Picture, Reading
from scada_bridge.points import Point
from scada_bridge.reader import DeviceReader
from scada_bridge.sources import source_type


@dataclass(frozen=True, slots=True)
class Clock:
    """What a collector takes the time from: instants, and seconds that only go forward."""

    now: Callable[[], datetime] = utc_now
    seconds: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a poll of one source went. `failed`: device → reason; `batch`: its number in the spool."""

    source: str
    points: int
    good: int
    failed: dict[str, str]
    batch: int | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class SourceTask:
    """One source. Its devices are asked side by side; all they bring is one batch, so that a poll is one step.

    `unusable` says why it cannot be polled at all (not configured, a wrong URL); then `poll` must not be called.
    """

    def __init__(
        self, name: str, settings: SourceSettings | None, points: Sequence[Point], clock: Clock | None = None
    ) -> None:
        self.name = name
        self._clock = clock or Clock()
        self.picture = Picture(points)
        rows: dict[float, dict[int, list[int]]] = {}
        for row, point in enumerate(points):
            rows.setdefault(point.poll_seconds, {}).setdefault(point.device_id, []).append(row)
        self._rows = {
            seconds: {device: np.array(own, np.intp) for device, own in devices.items()}
            for seconds, devices in rows.items()
        }
        self._resumed: dict[float, int] = {}
        self.unusable: str | None = None
        self._readers: dict[int, DeviceReader] = {}
        try:
            self._readers = self._open(settings, points)
        except ConfigError as error:
            self.unusable = error.message

    def _open(self, settings: SourceSettings | None, points: Sequence[Point]) -> dict[int, DeviceReader]:
        if settings is None:
            raise ConfigError("the source is not configured")
        kind = source_type(settings)
        if kind.open_channel is None:
            raise ConfigError("the source is an archive and is not polled")
        readers = {}
        for device in sorted({point.device_id for point in points}):
            groups = {
                seconds: [points[row] for row in devices[device]]
                for seconds, devices in self._rows.items()
                if device in devices
            }
            channel = kind.open_channel(settings, device)
            readers[device] = DeviceReader(f"{self.name}/{device}", channel, groups, self._clock.seconds)
        return readers

    def restore(self, batches: Sequence[Batch]) -> None:
        """Take over what an earlier collector knew; the first poll of each group tells since when none was made."""
        self.picture.restore(batches)
        self._resumed = dict(self.picture.polled_ms)

    @property
    def points(self) -> int:
        """How many points it has."""
        return len(self.picture.points)

    @property
    def poll_groups(self) -> tuple[float, ...]:
        """Its polling groups, by their seconds."""
        return tuple(sorted(self._rows))

    async def poll(self, groups: Sequence[float], *, insist: bool = False) -> list[Batch]:
        """Read polling groups of every device, all as of one instant; whatever happens there is a batch a group."""
        began_at = self._clock.now()
        asked = [(seconds, device) for seconds in groups for device in self._rows[seconds]]
        readings = await asyncio.gather(*(self._read(device, seconds, insist) for seconds, device in asked))
        polled_at = self._clock.now()
        batches = []
        for group in groups:
            own = {
                device: reading for (seconds, device), reading in zip(asked, readings, strict=True) if seconds == group
            }
            batches.append(self._batch(group, own, began_at, polled_at))
        return batches

    async def _read(self, device: int, poll_seconds: float, insist: bool) -> Reading:
        return await self._readers[device].poll(poll_seconds, insist=insist)

    def _batch(
        self, poll_seconds: float, readings: Mapping[int, Reading], began_at: datetime, polled_at: datetime
    ) -> Batch:
        failed = {}
        for device, reading in readings.items():
            trouble = self._readers[device].trouble
            if trouble or reading.failed.all():
                failed[str(device)] = trouble or next((reason for reason in reading.reason if reason), "not read")
        rows = np.concatenate([self._rows[poll_seconds][device] for device in readings])
        joined = Reading(
            np.concatenate([reading.value for reading in readings.values()]),
            np.concatenate([reading.quality for reading in readings.values()]),
            np.concatenate([reading.reason for reading in readings.values()]),
            np.concatenate([reading.failed for reading in readings.values()]),
        )
        polled_ms = to_ms(polled_at)
        told = self.picture.take(rows, joined, polled_ms)
        return Batch(
            self.name,
            to_ms(began_at),
            polled_ms,
            poll_seconds,
            told,
            failed,
            len(readings),
            self._resumed.pop(poll_seconds, None),
        )

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(reader.close() for reader in self._readers.values()))
