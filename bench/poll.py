"""Polling one device: points a second against pymodbus alone, on the same blocks from the same server.

The device is our simulator's server in a process of its own. Ours reads blocks, checks every answer, decodes and marks
each point; the peer (pymodbus' own client) only reads the same blocks; the limit sends the same requests over a bare
socket and waits for as many bytes as the answers have.
"""

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection as Pipe
from typing import Any

from pymodbus.client import AsyncModbusTcpClient

from bench.result import Result, peak_memory_mb
from scada_bridge.blocks import Block, plan
from scada_bridge.modbus import Connection, parse_url
from scada_bridge.points import FUNCTION_OF_TABLE, Point
from scada_bridge.reader import DeviceReader
from scada_bridge.simulator.memory import Memory
from scada_bridge.simulator.server import Device

SIZES = {"small": 1_000, "full": 10_000}
POLL_SECONDS = 1.0
MOST_ROUND_SECONDS = 2.0
ROUNDS = 5


def points_of(count: int) -> list[Point]:
    """A mixed device: a fifth positions, the rest measurements of two words."""
    bits = count // 5
    found = [
        Point(f"b{i}", "rtu", 1, "discrete", i, "bit", kind="discrete", quantity="position", poll_seconds=POLL_SECONDS)
        for i in range(bits)
    ]
    for i in range(count - bits):
        datatype = ("float32", "int32", "uint32")[i % 3]
        table = "holding" if i < 30_000 else "input"
        address = 2 * (i % 30_000)
        found.append(Point(f"a{i}", "rtu", 1, table, address, datatype, scale=0.5, poll_seconds=POLL_SECONDS))
    return found


def _serve(count: int, pipe: Pipe) -> None:
    async def serve() -> None:
        memory = Memory()
        for number, point in enumerate(points_of(count)):
            memory.put(point, number % 2 if point.datatype == "bit" else number % 1000 * 0.5)
        device = Device({1: memory})
        await device.start()
        pipe.send(device.port)
        await asyncio.to_thread(pipe.recv)
        await device.stop()

    asyncio.run(serve())


def run(size: int, _databases: str) -> Result:
    context = multiprocessing.get_context("spawn")
    ours_end, theirs_end = context.Pipe()
    server = context.Process(target=_serve, args=(size, theirs_end), daemon=True)
    server.start()
    port = ours_end.recv()
    try:
        return asyncio.run(_measure(size, port))
    finally:
        ours_end.send("stop")
        server.join(10)


async def _measure(size: int, port: int) -> Result:
    points = points_of(size)
    blocks = plan(points)
    ours, peer, limit = await _ours(points, port), await _peer(blocks, port), await _limit(blocks, port)
    rates: dict[str, list[float]] = {"ours": [], "peer": [], "limit": []}
    for _ in range(ROUNDS):  # turn about, so that what else the machine does meets all alike
        for name, once in (("ours", ours), ("peer", peer), ("limit", limit)):
            rates[name].append(size * await _times_a_second(once, min(MOST_ROUND_SECONDS, size / 1000)))
    found = {name: statistics.median(values) for name, values in rates.items()}
    sides: dict[str, dict[str, Any]] = {name: {"points_per_s": rate} for name, rate in found.items()}
    return Result(
        "poll",
        {"points": size, "blocks": len(blocks)},
        **sides,
        ratio_to_peer=found["ours"] / found["peer"],
        ratio_to_limit=found["ours"] / found["limit"],
        memory_mb=peak_memory_mb(),
    )


Once = Callable[[], Awaitable[None]]


async def _times_a_second(once: Once, seconds: float) -> float:
    begin, times = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        await once()
        times += 1
    return times / (time.perf_counter() - begin)


async def _ours(points: list[Point], port: int) -> Once:
    channel = Connection(parse_url(f"modbus://127.0.0.1:{port}"), 1, 3.0)
    reader = DeviceReader("rtu/1", channel, {POLL_SECONDS: points})

    async def once() -> None:
        reading = await reader.poll(POLL_SECONDS)
        assert not reading.failed.any(), reading.reason

    return once


async def _peer(blocks: list[Block], port: int) -> Once:
    client = AsyncModbusTcpClient("127.0.0.1", port=port, retries=0, timeout=3)
    assert await client.connect()
    reads = {
        "coil": client.read_coils,
        "discrete": client.read_discrete_inputs,
        "holding": client.read_holding_registers,
        "input": client.read_input_registers,
    }

    async def once() -> None:
        for block in blocks:
            answer = await reads[block.table](block.address, count=block.count, device_id=1)
            assert not answer.isError()

    return once


async def _limit(blocks: list[Block], port: int) -> Once:
    stream, writer = await asyncio.open_connection("127.0.0.1", port)
    exchanges = []
    for block in blocks:
        function = FUNCTION_OF_TABLE[block.table]
        pdu = bytes([1, function]) + block.address.to_bytes(2, "big") + block.count.to_bytes(2, "big")
        data = -(-block.count // 8) if function in (1, 2) else 2 * block.count
        exchanges.append((b"\0\1\0\0" + len(pdu).to_bytes(2, "big") + pdu, 9 + data))

    async def once() -> None:
        for request, length in exchanges:
            writer.write(request)
            await stream.readexactly(length)

    return once
