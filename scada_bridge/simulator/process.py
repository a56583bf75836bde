"""The process `simulate`: one Modbus TCP server a configured source, showing a field that people can switch."""

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cis_power.core.config import Settings
from cis_power.core.errors import CisError, ConfigError
from scada_bridge.control import holding, listen
from scada_bridge.lifetime import until_signalled
from scada_bridge.modbus import Endpoint, parse_url
from scada_bridge.points import Point
from scada_bridge.simulator.archive import Archive
from scada_bridge.simulator.chance import Blow, Chance, Rates
from scada_bridge.simulator.display import Display
from scada_bridge.simulator.field import Field, Flags
from scada_bridge.simulator.happenings import Happening, Timing
from scada_bridge.simulator.readings import Readings
from scada_bridge.simulator.requests import answer
from scada_bridge.simulator.server import FAULTS, Device
from scada_bridge.simulator.truth import TruthLog
from scada_bridge.simulator.world import World

CONTROL = "simulator"
_TICK_SECONDS = 1.0
_SHARE_OF_A_CORE = 0.05
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """How the field behaves by itself. `archive_seconds`: how often its archive keeps every value."""

    seed: int = 0
    rates: Rates = field(default_factory=Rates)
    timing: Timing = field(default_factory=Timing)
    repair_seconds: float | None = None
    archive_seconds: float = 300.0


def control_folder(run_dir: Path) -> Path:
    """Where a running simulator is asked to switch; its truth log and archive stand there too."""
    return run_dir / CONTROL


class Simulator:
    """A field, the devices that show it, and what it leaves behind: truth log and archive."""

    def __init__(self, settings: Settings, points: Sequence[Point], field_: Field, options: Options) -> None:
        self.options = options
        self._settings = settings
        self._endpoints = _endpoints(settings, sorted({point.source for point in points}))
        others = {point.equipment for point in points if point.equipment and field_.find(point.equipment) is None}
        self.world = World(field_, sorted(others), options.timing, options.repair_seconds)
        self.display = Display(points, self._unit, self.world, settings.zone, options.seed)
        shared: dict[tuple[str, int], Device] = {}
        self.devices = {
            name: shared.setdefault((end.host, end.port), self._device(name)) for name, end in self._endpoints.items()
        }
        for name in self.devices:
            self._connect(name)
        self._truth = TruthLog(control_folder(settings.run_dir))
        self.archive = Archive(
            control_folder(settings.run_dir), [point.point_id for point in points], options.archive_seconds
        )
        self._chance: Chance | None = None
        self._over: list[tuple[float, str]] = []  # when troubles that came by chance end
        self._changed = asyncio.Event()

    def _device(self, source: str) -> Device:
        """What is late comes when the reader has given up: later than the source's own limit."""
        late_seconds = 1.5 * self._settings.sources[source].timeout_seconds
        return Device({}, identity=("cis-power", source, "1"), late_seconds=late_seconds)

    def _unit(self, point: Point) -> int:
        end = self._endpoints.get(point.source)
        return point.device_id if end is None or end.unit is None else end.unit

    def _connect(self, source: str) -> None:
        """Let the device of a source show its units as they are to be read now, beside those of other sources."""
        device = self.devices[source]
        device.memories = {**device.memories, **self.display.units(source)}

    async def start(self) -> None:
        """Listen for every source. Raises CisError when a port is taken."""
        now = time.time()
        self.display.refresh(now)
        for name, device in self.devices.items():
            await self._listen(name, device)
        self._truth.write([Happening(now, "start", {"seed": self.options.seed})])
        self._chance = Chance(self.options.seed, self.options.rates, self.world.state, list(self._endpoints), began=now)
        past = World(self.world.field, self.world.state.others)
        readings = Readings(self.display.points, past, self._settings.zone, self.options.seed)
        self.archive.fill(now, readings.values)

    async def _listen(self, name: str, device: Device) -> None:
        end = self._endpoints[name]
        if not device.listening:
            try:
                await device.start(end.host, end.port)
            except OSError as error:
                why = os.strerror(error.errno or 0).lower()
                raise CisError(f"{name} cannot listen on {end.host}:{end.port}: {why}") from error
        count = sum(point.source == name for point in self.display.points)
        _log.info("%s listens on %s:%d, %d points", name, end.host, device.port, count)

    async def stop(self) -> None:
        """Stop every server, and end the truth log."""
        await asyncio.gather(*(device.stop() for device in self.devices.values()))
        if self._chance is not None:
            self._truth.write([Happening(time.time(), "stop")])
        self._truth.close()
        await asyncio.to_thread(self.archive.close)

    async def tick(self) -> None:
        """Let the field go on until cancelled."""
        while True:
            began = time.monotonic()
            await self.go_on(time.time())
            taken = time.monotonic() - began
            self._changed.clear()
            await self._sleep(max(_TICK_SECONDS, taken / _SHARE_OF_A_CORE))

    async def _sleep(self, seconds: float) -> None:
        """Until the next tick, or until something is due before it."""
        assert self._chance is not None
        due = [self._chance.next_at, *(at for at, _ in self._over)]
        if self.world.next_at is not None:
            due.append(self.world.next_at)
        seconds = min(seconds, max(min(due) - time.time(), 0.01))
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return

    async def go_on(self, now: float) -> None:
        """Let happen what is due, tell it, and show what is now."""
        assert self._chance is not None
        for blow in self._chance.due(now):
            await self._befall(blow)
        for at, source in [end for end in self._over if end[0] <= now]:
            await self.set_trouble(source, "none", at)
        self.world.step(now)
        told = self.world.drain()
        self._truth.write(told)
        moved = self.display.refresh(now)
        if told:
            self._keep(told[-1].at, moved)
        if self.archive.due(now):
            self._keep(now)

    def _keep(self, at: float, chosen: Flags | None = None) -> None:
        """Let the archive keep what is shown: of all points at full steps, of some when they moved."""
        display = self.display
        marks = display.archived_quality(), display.clock_error()
        if chosen is None:
            self.archive.keep(at, display.values, *marks)
        elif chosen.any():
            self.archive.keep_some(at, chosen, display.values, *marks)

    async def _befall(self, blow: Blow) -> None:
        if blow.seconds is not None:
            if self.display.troubles.get(blow.target, "none") == "none":
                await self.set_trouble(blow.target, blow.kind, blow.at)
                self._over.append((blow.at + blow.seconds, blow.target))
            return
        self.world.step(blow.at)
        try:
            self.world.strike(blow.target, blow.kind, blow.at)
        except CisError as error:
            _log.info("%s", error.message)  # it is broken already

    async def set_trouble(self, source: str, trouble: str, at: float) -> None:
        """Begin a trouble of COMMUNICATION with a source, or end it with `none`."""
        self._over = [end for end in self._over if end[1] != source]
        self.display.troubles[source] = trouble
        self._connect(source)
        await self.devices[source].set_fault(trouble if trouble in FAULTS else "none")
        self._truth.write([Happening(at, "comm", {"source": source, "fault": trouble})])

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Act on a request, and show what came of it before saying so."""
        now = time.time()
        await self.go_on(now)
        try:
            found = await answer(self, request, now)
        finally:
            await self.go_on(now)
        self._changed.set()
        return found


def _endpoints(settings: Settings, names: Sequence[str]) -> dict[str, Endpoint]:
    """Where the sources listen. What is no Modbus TCP is left out and told; ConfigError where nothing is left."""
    found = {}
    for name in names:
        source = settings.sources.get(name)
        if source is None:
            _log.warning("source %s of the point list is not configured: it is not simulated", name)
        elif not source.url.startswith("modbus://"):
            _log.warning("source %s is not simulated: only modbus:// can be", name)
        else:
            found[name] = parse_url(source.url)
    if not found:
        raise ConfigError("no source of the point list is configured as modbus://: where should the simulator listen?")
    return found


async def _run(simulator: Simulator, run_dir: Path) -> None:
    try:
        await simulator.start()
        await until_signalled(simulator.tick(), listen(control_folder(run_dir), simulator.answer))
    finally:
        await simulator.stop()


def run_simulator(settings: Settings, points: Sequence[Point], field_: Field, options: Options) -> None:
    """Simulate until SIGTERM or SIGINT. Raises Conflict when a simulator runs already."""
    with holding(control_folder(settings.run_dir), "a simulator"):
        asyncio.run(_run(Simulator(settings, points, field_, options), settings.run_dir))
