"""Points, batches and simulated devices for the tests of this folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cis_power.core.config import Settings, SourceSettings
from scada_bridge.batch import Batch, Change, PollRows
from scada_bridge.points import Point
from scada_bridge.simulator.memory import Memory
from scada_bridge.simulator.server import Device

MINUTE_MS = 60_000
START_MS = 1_767_225_600_000  # 2026-01-01T00:00Z


def position(name: str, address: int, *, source: str = "rtu1", **others: Any) -> Point:
    return Point(
        f"P_{name}", source, others.pop("device_id", 1), "discrete", address, "bit",
        kind="discrete", equipment=name, quantity="position", **{"poll_seconds": 1.0, **others},
    )  # fmt: skip


def analog(name: str, address: int, *, source: str = "rtu1", **others: Any) -> Point:
    return Point(
        f"A_{name}", source, others.pop("device_id", 1), "holding", address, "float32",
        unit="A", equipment=name, quantity="current", **{"poll_seconds": 1.0, **others},
    )  # fmt: skip


def batch(
    at_ms: int,
    values: dict[str, float | None],
    *,
    source: str = "rtu1",
    quality: int = 0,
    reason: str | None = None,
    changes: tuple[Change, ...] = (),
    **others: Any,
) -> Batch:
    count = len(values)
    rows = PollRows(list(values), list(values.values()), [at_ms] * count, [quality] * count, [reason] * count, changes)
    return Batch(source, at_ms - 5, at_ms, others.pop("poll_seconds", 1.0), rows, **others)


def memory_of(points: list[Point], value: float = 1.0) -> dict[int, Memory]:
    memories: dict[int, Memory] = {}
    for point in points:
        memories.setdefault(point.device_id, Memory()).put(point, value)
    return memories


@asynccontextmanager
async def device_of(points: list[Point], value: float = 1.0) -> AsyncIterator[Device]:
    device = Device(memory_of(points, value), late_seconds=0.6)
    await device.start()
    try:
        yield device
    finally:
        await device.stop()


def settings_for(run_dir: Any, devices: dict[str, Device], *, timeout_seconds: float = 0.2, **others: Any) -> Settings:
    sources = {
        name: SourceSettings(url=f"modbus://127.0.0.1:{device.port}", timeout_seconds=timeout_seconds)
        for name, device in devices.items()
    }
    return Settings(run_dir=run_dir, sources=sources, **others)
