"""The process `simulate`: one Modbus TCP server a configured source, showing a world that people can switch."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cis_power.core.config import Settings
from cis_power.core.errors import CisError, ConfigError, NotFound
from scada_bridge.control import holding, listen
from scada_bridge.lifetime import until_signalled
from scada_bridge.modbus import Endpoint, parse_url
from scada_bridge.points import Point
from scada_bridge.simulator.memory import Memory
from scada_bridge.simulator.server import FAULTS, Device
from scada_bridge.simulator.world import World

CONTROL = "simulator"
_TICK_SECONDS = 0.5
_log = logging.getLogger(__name__)


def control_folder(run_dir: Path) -> Path:
    """Where a running simulator is asked to switch."""
    return run_dir / CONTROL


class Simulator:
    """Devices by source name. Memories are written by the world only; readers see whole values."""

    def __init__(self, settings: Settings, points: Sequence[Point], normal_open: Mapping[str, bool]) -> None:
        self.world = World.of(points, normal_open)
        self._points: dict[str, list[Point]] = {}
        self._endpoints: dict[str, Endpoint] = {}
        for point in points:
            self._points.setdefault(point.source, []).append(point)
        for name in self._points:
            self._endpoints[name] = _endpoint(settings, name)
        self.devices = {name: self._device(name) for name in sorted(self._points)}

    def _device(self, name: str) -> Device:
        units = {self._unit(name, point) for point in self._points[name]}
        return Device({unit: Memory() for unit in sorted(units)}, identity=("cis-power", name, "1"))

    def _unit(self, name: str, point: Point) -> int:
        overriding = self._endpoints[name].unit
        return point.device_id if overriding is None else overriding

    def show(self, source: str | None = None) -> None:
        """Write what the world is now into the memories; a frozen source keeps what it showed."""
        seconds = time.time()
        for name in self._points if source is None else (source,):
            device = self.devices[name]
            if device.fault == "frozen":
                continue
            for point in self._points[name]:
                device.memories[self._unit(name, point)].put(point, self.world.value(point, seconds))

    async def start(self) -> None:
        """Listen for every source. Raises CisError when a port is taken."""
        self.show()
        for name, device in self.devices.items():
            endpoint = self._endpoints[name]
            try:
                await device.start(endpoint.host, endpoint.port)
            except OSError as error:
                raise CisError(f"{name} cannot listen on {endpoint.host}:{endpoint.port}: {error.strerror}") from error
            _log.info("%s listens on %s:%d, %d points", name, endpoint.host, device.port, len(self._points[name]))

    async def stop(self) -> None:
        """Stop every server."""
        await asyncio.gather(*(device.stop() for device in self.devices.values()))

    async def tick(self) -> None:
        """Let the analog values go on until cancelled."""
        while True:
            self.show()
            await asyncio.sleep(_TICK_SECONDS)

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Act on a request: `move` a device, begin or end a `fault`, tell what was `asked`."""
        match request:
            case {"do": "move", "device": str(device), "closed": bool(closed)}:
                if device not in self.world.closed:
                    raise NotFound(f"no simulated point belongs to {device!r}")
                self.world.move(device, closed=closed)
                self.show()
                return {"device": device, "closed": closed}
            case {"do": "fault", "source": str(source), "fault": str(fault)}:
                if source not in self.devices:
                    raise NotFound(f"no simulated source {source!r}; there are {', '.join(self.devices)}")
                if fault not in FAULTS:
                    raise CisError(f"no fault {fault!r}; there are {', '.join(FAULTS)}")
                await self.devices[source].set_fault(fault)
                self.show(source)
                return {"source": source, "fault": fault}
            case {"do": "asked"}:
                return {"asked": {name: dict(device.asked) for name, device in self.devices.items()}}
            case _:
                raise CisError("the simulator does not understand that")


def _endpoint(settings: Settings, name: str) -> Endpoint:
    source = settings.sources.get(name)
    if source is None:
        raise ConfigError(f"source {name!r} of the point list is not configured: where should it listen?")
    if not source.url.startswith("modbus://"):
        raise ConfigError(f"source {name!r}: only modbus:// can be simulated")
    return parse_url(source.url)


async def _run(simulator: Simulator, run_dir: Path) -> None:
    await simulator.start()
    try:
        await until_signalled(simulator.tick(), listen(control_folder(run_dir), simulator.answer))
    finally:
        await simulator.stop()


def run_simulator(settings: Settings, points: Sequence[Point], normal_open: Mapping[str, bool]) -> None:
    """Simulate until SIGTERM or SIGINT. Raises Conflict when a simulator runs already."""
    with holding(control_folder(settings.run_dir), "a simulator"):
        asyncio.run(_run(Simulator(settings, points, normal_open), settings.run_dir))
