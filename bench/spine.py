"""The spine: from a change in the field to the answer over HTTP, on a generated network, with the real processes.

Ours: simulator, collector, scheduler and web as they run in production, on SQLite. A breaker or switch is opened (and
later closed) in the simulator, and the supply of a customer behind it is asked over HTTP until it says so. Peer: the
bare pymodbus client polls the positions at the same period, and networkx finds who is fed, all in one process without a
store. Limit: the same polling alone, until the changed bit is seen. The database stays in build/bench for the next run.
"""

import asyncio
import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import networkx
from pymodbus.client import AsyncModbusTcpClient

from bench.result import Result, peak_memory_of, percentile
from cis_power.access import sandbox
from cis_power.core.config import load_settings
from cis_power.core.db import Database
from cis_power.demo import build, codes, home, network, occupancy, points
from cis_power.demo.plan import RESIDENTIAL, Plan, plan
from cis_power.migrations.integrity import find_problems
from scada_bridge.control import ask
from scada_bridge.simulator.process import control_folder

SIZES = {"small": 2_000, "full": 200_000}
POLL_SECONDS = 1.0
SEED = 7
PLACE = Path("build") / "bench"
GIVE_UP_SECONDS = 60.0
KINDS = ("districts", "network", "customers", "connections", "points")


@dataclass(frozen=True)
class Target:
    """A device to move, the place of its position among the discrete inputs, and a customer who feels it."""

    device: str
    source: str
    address: int
    account_no: str
    usage_point: str


def run(size: int, _databases: str) -> Result:
    town = plan(size)
    folder = (PLACE / f"spine-{size}").resolve()
    _environment(folder)
    _built(folder, size)
    settings_file = _configured(town)
    targets = _targets(town)
    with _processes(settings_file) as field:
        ports = _modbus_ports(settings_file)
        limit = asyncio.run(_limit(field, targets, ports))
        peer = asyncio.run(_peer(field, town, targets, ports))
        ours, memory = _ours(field, targets)
    sides = {name: _figures(seconds) for name, seconds in (("ours", ours), ("peer", peer), ("limit", limit))}
    sides["ours"]["memory_mb"] = memory
    return Result(
        "spine",
        {"usage_points": size, "points": len(list(points.points(town, POLL_SECONDS))), "poll_seconds": POLL_SECONDS},
        **sides,
        ratio_to_peer=sides["peer"]["p95_s"] / sides["ours"]["p95_s"],
        ratio_to_limit=sides["limit"]["p95_s"] / sides["ours"]["p95_s"],
        memory_mb=max(memory.values()),
    )


def _figures(seconds: list[float]) -> dict[str, Any]:
    p50, p95 = percentile(seconds, 0.5), percentile(seconds, 0.95)
    return {
        "changes": len(seconds),
        "p50_s": p50,
        "p95_s": p95,
        "p50_beyond_poll_s": p50 - POLL_SECONDS,
        "p95_beyond_poll_s": p95 - POLL_SECONDS,
    }


def _environment(folder: Path) -> None:
    for name in [name for name in os.environ if name.startswith("CIS_")]:
        del os.environ[name]
    os.environ["CIS_DATABASE"] = f"sqlite:///{folder / 'cis.db'}"


def _built(folder: Path, size: int) -> None:
    """Build the utility unless an earlier run of the same tables did."""
    settings = load_settings()
    database = Database(settings.database)
    found = sandbox.look(settings) if folder.exists() else sandbox.Sandbox("absent")
    if found.state != "complete" or find_problems(database):
        database.dispose()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        wish = build.Wish(size, build.end_of_past(datetime.now(UTC)), SEED, POLL_SECONDS)
        build.build(settings, wish, lambda words: print(words, file=sys.stderr), KINDS, roles=())
    database.dispose()


def _configured(town: Plan) -> Path:
    file = home.configure(load_settings(), town, home.free_port())
    os.environ["CIS_CONFIG"] = str(file)
    return file


def _modbus_ports(settings_file: Path) -> dict[str, int]:
    sources = tomllib.loads(settings_file.read_text("utf-8"))["sources"]
    return {name: int(found["url"].rsplit(":", 1)[1]) for name, found in sources.items() if "modbus" in found["url"]}


def _targets(town: Plan) -> list[Target]:
    """Breakers and reclosers of different feeders, each with a household at the feeder's far end."""
    places = {row[11]: (str(row[1]), int(str(row[4]))) for row in points.points(town, POLL_SECONDS) if row[5] == "dpi"}
    held = occupancy.occupancy(town)
    chosen = []
    for feeder in range(town.feeders):
        homes = [
            customer for customer in town.customers_of_feeder(feeder)
            if town.kind[customer] == RESIDENTIAL and held.state[customer] == occupancy.ACTIVE
            and town.phases[customer] and not town.transformer_phases[town.transformer_of_customer[customer]]
        ]  # fmt: skip
        if not homes:
            continue
        devices = network.trunk_devices(town, feeder)
        place = next(place for place, device in devices.items() if "-RC" in device)
        behind = network.place_in_trunk(town, int(town.transformer_of_customer[homes[-1]])) > place
        for device in (codes.breaker_code(feeder), *((devices[place],) if behind else ())):
            who = occupancy.account_no(town, homes[-1]), codes.usage_point(homes[-1])
            chosen.append(Target(device, *places[device], *who))
    return random.Random(SEED).sample(chosen, min(len(chosen), 12 if town.customers >= 1000 else 2))


class Field:
    """Moving devices of the running simulator, and the processes."""

    def __init__(self, run_dir: Path, web_port: int, processes: dict[str, subprocess.Popen[bytes]]) -> None:
        self.run_dir, self.web_port, self.processes = run_dir, web_port, processes

    def move(self, device: str, closed: bool) -> float:
        """Move a device; answers when that was asked for."""
        begin = time.perf_counter()
        ask(control_folder(self.run_dir), {"do": "move", "device": device, "closed": closed}, 30)
        return begin


@contextmanager
def _processes(settings_file: Path) -> Iterator[Field]:
    settings = load_settings()
    log = (settings_file.parent / "bench.log").open("wb")
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for words in (("simulate",), ("collector",), ("scheduler",), ("web",)):
            command = [sys.executable, "-m", "cis_power", *words]
            running[words[0]] = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        yield Field(settings.run_dir, settings.port, running)
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait(60)
        log.close()


class Asking:
    """The web, asked for a customer's supply as the call centre's software does."""

    def __init__(self, port: int) -> None:
        words = [sys.executable, "-m", "cis_power", "key", "add", f"bench-{time.time_ns()}", "--role", "agent"]
        key = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
        self._headers = {"Authorization": f"Bearer {key}"}
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def energized(self, target: Target) -> str | None:
        try:
            self._connection.request("GET", f"/api/v1/customers/{target.account_no}/supply", headers=self._headers)
            answer = self._connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return None
        if answer.status != 200:
            raise RuntimeError(f"the web answered {answer.status}: {body[:300]!r}")
        found = json.loads(body)["usage_points"]
        return next(str(row["energized"]) for row in found if row["usage_point"] == target.usage_point)

    def until(self, target: Target, wanted: str, begin: float) -> float:
        while self.energized(target) != wanted:
            if time.perf_counter() - begin > GIVE_UP_SECONDS:
                raise RuntimeError(
                    f"{target.usage_point} was not {wanted} within {GIVE_UP_SECONDS:g} s of {target.device}"
                )
            time.sleep(0.02)
        return time.perf_counter() - begin


def _ours(field: Field, targets: list[Target]) -> tuple[list[float], dict[str, float]]:
    asking = Asking(field.web_port)
    spread = random.Random(SEED)
    asking.until(targets[0], "full", time.perf_counter())
    seconds = []
    for target in targets:
        for closed, wanted in ((False, "none"), (True, "full")):
            time.sleep(spread.uniform(0, POLL_SECONDS))  # so that changes fall anywhere within the poll period
            seconds.append(asking.until(target, wanted, field.move(target.device, closed)))
    return seconds, {name: peak_memory_of(process.pid) for name, process in field.processes.items()}


Clients = dict[str, AsyncModbusTcpClient]


async def _connected(ports: dict[str, int]) -> Clients:
    clients = {name: AsyncModbusTcpClient("127.0.0.1", port=port, retries=0, timeout=3) for name, port in ports.items()}
    for client in clients.values():
        for _ in range(600):
            if await client.connect():
                break
            await asyncio.sleep(0.1)
        else:
            raise RuntimeError("the simulator did not come up")
    return clients


def _close(clients: Clients) -> None:
    for client in clients.values():
        client.close()


async def _seen(clients: Clients, target: Target, closed: bool, polled_at: list[float]) -> None:
    """Poll at the period, whatever the change's time, until the position is as wanted."""
    while True:
        await asyncio.sleep(max(0.0, polled_at[0] + POLL_SECONDS - time.perf_counter()))
        polled_at[0] = time.perf_counter()
        answer = await clients[target.source].read_discrete_inputs(target.address, count=2, device_id=points.UNIT)
        if not answer.isError() and answer.bits[:2] == [not closed, closed]:
            return


async def _limit(field: Field, targets: list[Target], ports: dict[str, int]) -> list[float]:
    clients = await _connected(ports)
    spread, polled_at, seconds = random.Random(SEED), [0.0], []
    for target in targets[:6]:
        for closed in (False, True):
            await asyncio.sleep(spread.uniform(0, POLL_SECONDS))
            begin = await asyncio.to_thread(field.move, target.device, closed)
            await _seen(clients, target, closed, polled_at)
            seconds.append(time.perf_counter() - begin)
    _close(clients)
    return seconds


async def _peer(field: Field, town: Plan, targets: list[Target], ports: dict[str, int]) -> list[float]:
    graph = networkx.Graph()
    edges = {str(row[0]): (row[2], row[3]) for row in network.equipment(town)}
    graph.add_edges_from((row[2], row[3]) for row in network.equipment(town) if not row[4])
    for customer in range(town.customers):
        graph.add_edge(codes.bus_node(codes.supply_code(town, customer)), codes.usage_point(customer))
    sources = network.sources(town)
    clients = await _connected(ports)
    spread, polled_at, seconds = random.Random(SEED), [0.0], []
    for target in targets[:6]:
        for closed in (False, True):
            await asyncio.sleep(spread.uniform(0, POLL_SECONDS))
            begin = await asyncio.to_thread(field.move, target.device, closed)
            await _seen(clients, target, closed, polled_at)
            (graph.add_edge if closed else graph.remove_edge)(*edges[target.device])
            fed = set().union(*(networkx.node_connected_component(graph, source) for source in sources))
            assert (target.usage_point in fed) == closed
            seconds.append(time.perf_counter() - begin)
    _close(clients)
    return seconds
