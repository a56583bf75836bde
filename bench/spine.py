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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx
from pymodbus.client import AsyncModbusTcpClient

from bench.result import Result, peak_memory_of, percentile
from cis_power.core.config import load_settings
from cis_power.core.db import Database
from cis_power.demo import build, customers, home, network, points
from cis_power.migrations.integrity import find_problems
from scada_bridge.control import ask
from scada_bridge.simulator.process import control_folder

SIZES = {"small": 2_000, "full": 200_000}
POLL_SECONDS = 1.0
SEED = 7
FAR_SWITCH = 8
PLACE = Path("build") / "bench"
GIVE_UP_SECONDS = 60.0
KINDS = ("districts", "network", "customers", "connections", "points")


@dataclass(frozen=True)
class Target:
    """A device to move, the place of its position among the discrete inputs, and a customer who feels it."""

    device: str
    unit: int
    address: int
    account_no: str
    usage_point: str


def run(size: int, _databases: str) -> Result:
    plan = network.plan(size)
    folder = (PLACE / f"spine-{size}").resolve()
    _environment(folder)
    _built(folder, size)
    settings_file = _configured(folder)
    targets = _targets(plan)
    with _processes(settings_file) as field:
        port = _modbus_port(settings_file)
        limit = asyncio.run(_limit(field, targets, port))
        peer = asyncio.run(_peer(field, plan, targets, port))
        ours, memory = _ours(field, targets)
    sides = {name: _figures(seconds) for name, seconds in (("ours", ours), ("peer", peer), ("limit", limit))}
    sides["ours"]["memory_mb"] = memory
    return Result(
        "spine",
        {"usage_points": size, "points": len(list(points.points(plan, POLL_SECONDS))), "poll_seconds": POLL_SECONDS},
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
    database = Database(os.environ["CIS_DATABASE"])
    found = build.look(database) if folder.exists() else build.Demo("absent")
    if found.state != "complete" or find_problems(database):
        database.dispose()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        build.build(database, size, POLL_SECONDS, lambda words: print(words, file=sys.stderr), KINDS, roles=())
    database.dispose()


def _configured(folder: Path) -> Path:
    file = home.configure(load_settings(), web_port=home.free_port())
    os.environ["CIS_CONFIG"] = str(file)
    return file


def _modbus_port(settings_file: Path) -> int:
    line = next(line for line in settings_file.read_text().splitlines() if line.startswith("url"))
    return int(line.rsplit(":", 1)[1].strip('"'))


def _targets(plan: network.Plan) -> list[Target]:
    """Breakers and far switches of different feeders, each with a household at the feeder's far end."""
    kinds = customers.kinds_of(plan, SEED)
    transformers = customers.transformers_of(plan)
    last_of_feeder: dict[int, int] = {}
    for customer in range(plan.customers):
        if customers.KINDS[kinds[customer]] == "residential":
            last_of_feeder[plan.feeder_of(int(transformers[customer]))] = customer
    places = {
        row[11]: (int(str(row[2])), int(str(row[4])))
        for row in points.points(plan, POLL_SECONDS)
        if row[10] == "discrete"
    }
    chosen = []
    for feeder in range(plan.feeders):
        customer = last_of_feeder[feeder]
        lateral = int(transformers[customer]) % plan.transformers_a_feeder
        devices = [f"{network.feeder_code(feeder)}-CB"]
        if network.trunk_place(plan, lateral) > FAR_SWITCH:
            devices.append(f"{network.feeder_code(feeder)}-SW{FAR_SWITCH:02d}")
        for device in devices:
            who = customers.account_no(customer), customers.usage_point(customer)
            chosen.append(Target(device, *places[device], *who))
    return random.Random(SEED).sample(chosen, min(len(chosen), 12 if plan.customers >= 1000 else 2))


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


async def _connected(port: int) -> AsyncModbusTcpClient:
    client = AsyncModbusTcpClient("127.0.0.1", port=port, retries=0, timeout=3)
    for _ in range(600):
        if await client.connect():
            return client
        await asyncio.sleep(0.1)
    raise RuntimeError("the simulator did not come up")


async def _seen(client: AsyncModbusTcpClient, target: Target, closed: bool, polled_at: list[float]) -> None:
    """Poll at the period, whatever the change's time, until the position is as wanted."""
    while True:
        await asyncio.sleep(max(0.0, polled_at[0] + POLL_SECONDS - time.perf_counter()))
        polled_at[0] = time.perf_counter()
        answer = await client.read_discrete_inputs(target.address, count=1, device_id=target.unit)
        if not answer.isError() and bool(answer.bits[0]) == closed:
            return


async def _limit(field: Field, targets: list[Target], port: int) -> list[float]:
    client = await _connected(port)
    spread, polled_at, seconds = random.Random(SEED), [0.0], []
    for target in targets[:6]:
        for closed in (False, True):
            await asyncio.sleep(spread.uniform(0, POLL_SECONDS))
            begin = await asyncio.to_thread(field.move, target.device, closed)
            await _seen(client, target, closed, polled_at)
            seconds.append(time.perf_counter() - begin)
    client.close()
    return seconds


async def _peer(field: Field, plan: network.Plan, targets: list[Target], port: int) -> list[float]:
    graph = networkx.Graph()
    edges = {str(row[0]): (row[2], row[3]) for row in network.equipment(plan)}
    graph.add_edges_from((row[2], row[3]) for row in network.equipment(plan) if not row[4])
    transformers = customers.transformers_of(plan)
    low_voltage = [network.transformer_code(plan, number).replace("-T", "-B") for number in range(plan.transformers)]
    graph.add_edges_from((low_voltage[transformers[i]], customers.usage_point(i)) for i in range(plan.customers))
    sources = [network.substation_code(number) for number in range(plan.substations)]
    client = await _connected(port)
    spread, polled_at, seconds = random.Random(SEED), [0.0], []
    for target in targets[:6]:
        for closed in (False, True):
            await asyncio.sleep(spread.uniform(0, POLL_SECONDS))
            begin = await asyncio.to_thread(field.move, target.device, closed)
            await _seen(client, target, closed, polled_at)
            (graph.add_edge if closed else graph.remove_edge)(*edges[target.device])
            fed = set().union(*(networkx.node_connected_component(graph, source) for source in sources))
            assert (target.usage_point in fed) == closed
            seconds.append(time.perf_counter() - begin)
    client.close()
    return seconds
