"""Named faults, each from the field through Modbus, collector, spool and loader into the store.

What is asserted everywhere: no wrong value is ever stored as good; positions, qualities, gaps and events are what the
field was, as far as polling can tell. Time is the simulator's argument, so nothing waits.
"""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from cis_power.core.config import Settings, SourceSettings
from cis_power.core.quality import Quality
from cis_power.core.time import utc_now
from scada_bridge.collector import Collector
from scada_bridge.points import Point
from scada_bridge.pull import pull_archive
from scada_bridge.simulator.happenings import Timing
from scada_bridge.simulator.process import Options, Simulator, control_folder
from tests.scada_bridge.simulator.fields import town
from tests.scada_bridge.stored import Store
from tests.scada_bridge.test_commands import free_ports


def position(device, address):
    return Point(f"{device}.pos", "rtu1", 1, "discrete", address, "dpi", kind="discrete", equipment=device,
                 quantity="position", poll_seconds=1.0)  # fmt: skip


POINTS = [
    position("F1-CB", 0),
    position("F1-RC", 2),
    position("TIE", 4),
    Point("F1.i", "rtu1", 1, "holding", 0, "float32", unit="A", equipment="F1-CB", quantity="current", minimum=0.0,
          maximum=800.0, poll_seconds=1.0),
    Point("F1.v", "rtu1", 1, "holding", 2, "uint16", unit="V", equipment="F1-L4", quantity="voltage", minimum=0.0,
          maximum=12_000.0, poll_seconds=1.0),
    Point("RC.n", "rtu1", 1, "holding", 3, "uint32", kind="accumulator", equipment="F1-RC", quantity="operations",
          poll_seconds=1.0),
    Point("F2.i", "rtu2", 1, "input", 0, "int16", scale=0.1, unit="A", equipment="F2-CB", quantity="current",
          minimum=0.0, maximum=800.0, poll_seconds=1.0),
]  # fmt: skip
DPI = ("F1-CB.pos", "F1-RC.pos", "TIE.pos")


class Scene:
    """A field, the simulator that shows it, a collector that polls it, and a store for what came."""

    def __init__(self, store, simulator, collector, settings):
        self.store, self.simulator, self.settings = store, simulator, settings
        self._collector = collector
        self.world = simulator.world
        self.polled = 0

    async def at(self, now):
        """Let the field go on to an instant and show it."""
        await self.simulator.go_on(now)

    async def poll(self, *sources):
        """One poll, loaded into the store."""
        for source in sources or ("rtu1", "rtu2"):
            await self._collector.poll(source, (1.0,), insist=True)
        self.polled += 1
        self.store.load()

    def latest(self):
        """point → (value, quality, reason)."""
        return {name: row[:3] for name, row in self.store.latest().items()}

    def shown(self, name):
        """What the field shows now, as far as the point can hold it."""
        return next(value for point, value in zip(POINTS, self.simulator.display.values, strict=True)
                    if point.point_id == name)  # fmt: skip

    def moves(self, name):
        """Values to which a point changed from another known one."""
        return [
            value
            for point, value, before, *_ in self.store.events()
            if point == name and value is not None and before not in (None, value)
        ]

    def truth(self):
        lines = (control_folder(self.settings.run_dir) / "truth.jsonl").read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def assert_true(self):
        """Everything is good, and what the field shows."""
        for name, (value, quality, reason) in self.latest().items():
            assert (quality, reason) == (Quality.GOOD, None), name
            assert value == pytest.approx(self.shown(name), abs=1.0), name


@pytest.fixture
def store(sqlite_database, tmp_path):
    made = Store(sqlite_database, tmp_path / "run")
    made.post(POINTS)
    return made


@asynccontextmanager
async def scene_of(store, options=None):
    archive = f"archive+sqlite:///{control_folder(store.run_dir) / 'archive.db'}"
    sources = {"dms": SourceSettings(url=archive, serves=("rtu1", "rtu2"))}
    for name, port in zip(("rtu1", "rtu2"), free_ports(2), strict=True):
        sources[name] = SourceSettings(url=f"modbus://127.0.0.1:{port}", timeout_seconds=0.15)
    settings = Settings(run_dir=store.run_dir, timezone="Asia/Shanghai", sources=sources)
    simulator = Simulator(settings, POINTS, town(), options or Options(timing=Timing()))
    await simulator.start()
    collector = Collector(settings)
    await collector.take_points(POINTS)
    try:
        yield Scene(store, simulator, collector, settings)
    finally:
        await collector.close()
        await simulator.stop()


def played(store, play, options=None):
    async def whole():
        async with scene_of(store, options) as scene:
            await scene.poll()
            scene.assert_true()
            await play(scene)

    asyncio.run(whole())


def test_permanent_fault_with_reclosing_attempts(store):
    async def play(scene):
        now = utc_now().timestamp()
        usual = scene.latest()["F1.i"][0]
        scene.world.strike("F1-L3", "permanent", now)
        positions = []
        for wait in (0.1, 0.3, 2.3, 2.5, 12.5, 20.0):
            await scene.at(now + wait)
            await scene.poll()
            scene.assert_true()
            positions.append(scene.latest()["F1-RC.pos"][0])
        assert positions == [1, 0, 1, 0, 1, 0]
        assert scene.moves("F1-RC.pos") == [0, 1, 0, 1, 0]
        assert scene.latest()["RC.n"][0] == 3
        assert scene.latest()["F1.v"][0] == 0
        assert 0 < scene.latest()["F1.i"][0] < usual, "what is before the recloser goes on"
        assert (scene.moves("F1-CB.pos"), scene.moves("TIE.pos")) == ([], [])

    played(store, play)


def test_momentary_fault_that_polling_never_sees_but_the_counter_does(store):
    async def play(scene):
        now = utc_now().timestamp()
        scene.world.strike("F1-L4", "momentary", now)
        await scene.at(now + 60)
        await scene.poll()
        scene.assert_true()
        assert scene.moves("F1-RC.pos") == []
        assert scene.latest()["RC.n"][0] == 1
        told = [line["event"] for line in scene.truth()]
        assert told == ["start", "fault", "open", "lost", "repaired", "close", "restored"]

    played(store, play)


def test_broken_conductor_without_a_switch(store):
    async def play(scene):
        now = utc_now().timestamp()
        usual = scene.latest()["F1.i"][0]
        scene.world.strike("F1-L4", "broken_conductor", now)
        await scene.at(now + 1)
        await scene.poll()
        scene.assert_true()
        assert all(scene.moves(name) == [] for name in DPI), "no switch moved: only callers can tell"
        assert scene.latest()["F1.i"][0] < usual
        (lost,) = [line for line in scene.truth() if line["event"] == "lost"]
        assert set(lost["usage_points"]) == {"U30", "U31", "U32", "U33", "HAND"}

    played(store, play)


def test_bad_quality(store):
    async def play(scene):
        before = scene.latest()
        now = utc_now().timestamp()
        await scene.simulator.set_trouble("rtu1", "bad", now)
        await scene.simulator.set_trouble("rtu2", "bad", now)
        scene.world.move("F1-RC", now, closed=False)
        await scene.at(now)
        await scene.poll()
        found = scene.latest()
        for name in DPI:
            assert found[name][1:] == (Quality.BAD, "double point reads bad")
        assert found["F1.i"][1:] == (Quality.BAD, "not a number")
        assert found["F1.v"][1:] == (Quality.SUSPECT, "above maximum")
        unsaid = before["RC.n"][0], Quality.STALE, "exception 4: device failure"
        assert found["RC.n"] == unsaid, "a counter without limits has no sign for bad: the device refuses it"
        assert found["F2.i"][1:] == (Quality.SUSPECT, "below minimum")
        assert scene.moves("F1-RC.pos") == []
        for source in ("rtu1", "rtu2"):
            await scene.simulator.set_trouble(source, "none", now)
        await scene.poll()
        scene.assert_true()
        assert scene.moves("F1-RC.pos") == [0]

    played(store, play)


def test_double_points_between_open_and_closed(store):
    async def play(scene):
        now = utc_now().timestamp()
        await scene.simulator.set_trouble("rtu1", "intermediate", now)
        await scene.at(now)
        await scene.poll()
        found = scene.latest()
        assert {found[name][1:] for name in DPI} == {(Quality.SUSPECT, "double point is intermediate")}
        assert found["F1.i"][1] == Quality.GOOD
        await scene.simulator.set_trouble("rtu1", "none", now)
        await scene.poll()
        scene.assert_true()
        assert all(scene.moves(name) == [] for name in DPI)

    played(store, play)


def test_silence(store):
    async def play(scene):
        before = scene.latest()
        now = utc_now().timestamp()
        await scene.simulator.set_trouble("rtu1", "silent", now)
        scene.world.move("F1-CB", now, closed=False)
        await scene.at(now)
        await scene.poll()
        found = scene.latest()
        for point in POINTS:
            if point.source == "rtu1":
                assert found[point.point_id] == (before[point.point_id][0], Quality.STALE, "no answer")
        assert found["F2.i"][1] == Quality.GOOD, "the other source is as good as before"
        await scene.simulator.set_trouble("rtu1", "none", now)
        await scene.poll()
        scene.assert_true()
        assert scene.moves("F1-CB.pos") == [0]
        (event,) = [event for event in store.events() if event[0] == "F1-CB.pos" and event[2] is not None]
        assert event[5], "it happened while nobody answered: when is uncertain"
        assert event[4] < event[3], "between the last good poll and the finding one"

    played(store, play)


@pytest.mark.parametrize("fault", ["short", "long", "half", "transaction", "unit", "function", "garbage", "exception"])
def test_wrong_frames(store, fault):
    async def play(scene):
        before = scene.latest()
        now = utc_now().timestamp()
        await scene.simulator.set_trouble("rtu1", fault, now)
        scene.world.move("F1-CB", now, closed=False)
        await scene.at(now)
        await scene.poll()
        found = scene.latest()
        for point in POINTS:
            if point.source == "rtu1":
                value, quality, reason = found[point.point_id]
                assert (value, quality) == (before[point.point_id][0], Quality.STALE)
                assert reason
        await scene.simulator.set_trouble("rtu1", "none", now)
        await scene.poll()
        scene.assert_true()
        assert scene.moves("F1-CB.pos") == [0]

    played(store, play)


def test_frozen_values(store):
    """A device that shows yesterday's truth cannot be told from a calm one; it shows nothing that never was."""

    async def play(scene):
        before = scene.latest()
        now = utc_now().timestamp()
        await scene.simulator.set_trouble("rtu1", "frozen", now)
        frozen = {name: row[0] for name, row in before.items()}
        scene.world.move("F1-CB", now, closed=False)
        await scene.at(now + 600)
        await scene.poll()
        found = scene.latest()
        for point in POINTS:
            if point.source == "rtu1":
                assert found[point.point_id][0] == pytest.approx(frozen[point.point_id])
        assert scene.moves("F1-CB.pos") == []
        assert [line["fault"] for line in scene.truth() if line["event"] == "comm"] == ["frozen"]
        await scene.simulator.set_trouble("rtu1", "none", now + 601)
        await scene.poll()
        scene.assert_true()
        assert scene.moves("F1-CB.pos") == [0]

    played(store, play)


def test_clock_skew_of_the_archive(store):
    """Modbus has no clock: what is polled keeps the collector's time. What an archive dates into the future waits."""

    async def play(scene):
        now = utc_now().timestamp()
        await scene.simulator.set_trouble("rtu1", "skew", now)
        scene.world.move("F1-CB", now, closed=False)
        await scene.at(now)
        await scene.poll()
        told = store.latest()
        scene.assert_true()
        await asyncio.to_thread(scene.simulator.archive.wait)
        pulled = pull_archive(store.database, scene.settings, "dms")
        assert pulled.rows > 0
        assert pulled.reached <= utc_now()
        assert store.latest() == told, "a clock that is ahead writes over nothing"
        assert scene.moves("F1-CB.pos") == [0]
        assert max(event[3] for event in store.events()) <= utc_now()

    played(store, play)
