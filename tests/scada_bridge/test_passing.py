"""One pass on request: failed sources are named, the others stored; what only an archive serves is no failure."""

import asyncio
import csv
import socket
import threading
from contextlib import contextmanager

import pytest

from cis_power.core.config import Settings, SourceSettings
from cis_power.core.errors import NotFound
from cis_power.core.quality import Quality
from scada_bridge.batch import from_ms
from scada_bridge.passing import one_pass
from scada_bridge.posting import publish_points
from scada_bridge.simulator.server import Device
from tests.scada_bridge.making import START_MS, analog, memory_of
from tests.scada_bridge.stored import BEGIN, Store

POINTS = [analog("A", 0), analog("B", 0, source="rtu2"), analog("C", 0, source="history")]


@contextmanager
def serving(points):
    """A simulated device in a thread of its own, as a pass has its own event loop."""
    device, loop = Device(memory_of(points, 7.0)), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(device.start(), loop).result(10)
    try:
        yield device
    finally:
        asyncio.run_coroutine_threadsafe(device.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def dead_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


@pytest.fixture
def store(sqlite_database, tmp_path) -> Store:
    made = Store(sqlite_database, tmp_path / "run")
    made.post(POINTS)
    with made.database.reading() as session:
        publish_points(session, made.run_dir, made.run_dir, BEGIN)
    return made


@pytest.fixture
def archive(tmp_path):
    folder = tmp_path / "archive"
    folder.mkdir()
    with (folder / "c.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["point", "time", "value"], ["A_C", from_ms(START_MS).isoformat(), 3.5]])
    return SourceSettings(url=f"file://{folder}", serves=("history",))


def settings(store, port, **sources):
    reached = {"rtu1": SourceSettings(url=f"modbus://127.0.0.1:{port}", timeout_seconds=0.3)}
    return Settings(run_dir=store.run_dir, sources=reached | sources)


def test_what_fails_is_named_and_the_rest_is_stored(store, archive):
    gone = SourceSettings(url=f"modbus://127.0.0.1:{dead_port()}", timeout_seconds=0.3)
    with serving(POINTS) as device:
        done = one_pass(store.database, settings(store, device.port, rtu2=gone, dms=archive), None)
    assert done.failed == {"rtu2": "device 1: cannot connect"}
    assert [pulled.rows for pulled in done.pulled] == [1]
    latest = store.latest()
    assert latest["A_A"][:2] == (7.0, Quality.GOOD)
    assert latest["A_B"][:3] == (None, Quality.MISSING, "cannot connect")
    assert latest["A_C"][:2] == (3.5, Quality.GOOD)


def test_wrong_settings_of_one_source_are_its_own_failure(store):
    with serving(POINTS) as device:
        odd = SourceSettings(url="carrier-pigeon://coop")
        done = one_pass(store.database, settings(store, device.port, rtu2=odd), None)
    assert set(done.failed) == {"rtu2", "history"}
    assert "carrier-pigeon" in done.failed["rtu2"]
    assert done.failed["history"] == "the source is not configured"
    assert store.latest()["A_A"][:2] == (7.0, Quality.GOOD)


def test_one_source_alone(store, archive):
    with serving(POINTS) as device:
        known = settings(store, device.port, dms=archive)
        assert [outcome.source for outcome in one_pass(store.database, known, "rtu1").outcomes] == ["rtu1"]
        assert "A_C" not in store.latest()
        pulled = one_pass(store.database, known, "dms")
        assert (pulled.outcomes, len(pulled.pulled), pulled.failed) == ([], 1, {})
        with pytest.raises(NotFound):
            one_pass(store.database, known, "rtu7")


def test_an_archive_that_does_not_answer_is_named(store, archive, tmp_path):
    broken = SourceSettings(url=f"file://{tmp_path / 'away'}", serves=("history",))
    with serving(POINTS) as device:
        gone = SourceSettings(url=f"modbus://127.0.0.1:{device.port}")
        done = one_pass(store.database, settings(store, device.port, rtu2=gone, dms=broken), None)
    assert set(done.failed) == {"dms"}
    assert "not there" in done.failed["dms"]
