"""The collector against simulated devices: R6, R7 and R8 end to end, from socket to spool."""

import asyncio
import statistics
import time
from datetime import UTC, datetime

import pytest

from cis_power.core.errors import NotFound
from cis_power.core.quality import Quality
from scada_bridge.collector import Collector, _Schedule, spool_folder
from scada_bridge.published import point_list_file, publish
from scada_bridge.sealed import ensure_key
from scada_bridge.simulator.server import FAULTS
from scada_bridge.spool import files, read
from tests.scada_bridge.making import analog, device_of, position, settings_for

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TRUTH = {f"A_T{i}": float(100 + i) for i in range(30)}
POINTS = [analog(f"T{i}", 2 * i) for i in range(30)] + [position(f"S{i}", i) for i in range(30)]


def show_truth(device, points=POINTS):
    for one in points:
        device.memories[one.device_id].put(one, TRUTH.get(one.point_id, 1.0))


def batches(run_dir):
    key = ensure_key(run_dir)
    return [read(file, key).batch for file in files(spool_folder(run_dir))]


def row_of(batch, name):
    place = list(batch.rows.points).index(name)
    return batch.rows.values[place], Quality(batch.rows.quality[place]), batch.rows.reasons[place]


async def collector_for(run_dir, devices, points, **others):
    collector = Collector(settings_for(run_dir, devices, **others))
    await collector.take_points(points)
    return collector


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in ("none", "frozen")])
def test_no_fault_becomes_a_good_value_and_two_polls_recover(tmp_path, fault):
    async def play():
        async with device_of(POINTS) as device:
            show_truth(device)
            device.late_seconds = 0.3
            collector = await collector_for(tmp_path, {"rtu1": device}, POINTS, timeout_seconds=0.1)
            await collector.poll("rtu1", (1.0,))
            for _ in range(2):
                await device.set_fault(fault)
                await collector.poll("rtu1", (1.0,))
                await device.set_fault("none")
                await collector.poll("rtu1", (1.0,))
                await collector.poll("rtu1", (1.0,))
            await collector.close()

    asyncio.run(play())
    found = batches(tmp_path)
    assert len(found) == 7
    for batch in found:
        for name, value, quality, reason in zip(
            batch.rows.points, batch.rows.values, batch.rows.quality, batch.rows.reasons, strict=True
        ):
            assert value in (TRUTH.get(name, 1.0), None)
            assert (quality == Quality.GOOD) == (reason is None), "what is not good says why"
    for number in (3, 6):
        assert set(found[number].rows.quality) == {Quality.GOOD}, "good again within two polls"
    if fault != "doubled":
        assert found[1].failed
        assert set(found[1].rows.quality) <= {Quality.STALE, Quality.GOOD}
        assert Quality.STALE in found[1].rows.quality


def test_one_bad_address_does_not_spoil_its_neighbours(tmp_path):
    bad = analog("BAD", 3000)
    hole = analog("HOLE", 62)

    async def play():
        async with device_of(POINTS) as device:
            show_truth(device)
            collector = await collector_for(tmp_path, {"rtu1": device}, [*POINTS, bad, hole])
            outcome = await collector.poll("rtu1", (1.0,))
            assert outcome.failed == {}
            asked = device.asked["3"]
            await collector.poll("rtu1", (1.0,))
            assert device.asked["3"] - asked == 3, "one full block, and each bad address once more"
            await collector.close()

    asyncio.run(play())
    for batch in batches(tmp_path):
        for name, value in TRUTH.items():
            assert row_of(batch, name) == (value, Quality.GOOD, None)
        for name in ("A_BAD", "A_HOLE"):
            assert row_of(batch, name) == (None, Quality.MISSING, "exception 2: illegal data address")


def test_a_dead_device_delays_nobody(tmp_path):
    """R7: one of 20 sources is silent; the others' polls take as long as before."""

    async def play():
        names = [f"rtu{i}" for i in range(20)]
        points = {name: [analog(f"{name}_{i}", 2 * i, source=name) for i in range(20)] for name in names}
        async with asyncio.TaskGroup():
            devices = {}
            stack = [device_of(points[name]) for name in names]
            for name, context in zip(names, stack, strict=True):
                devices[name] = await context.__aenter__()
            collector = await collector_for(
                tmp_path, devices, [one for own in points.values() for one in own], timeout_seconds=1.0
            )

            async def poll_others():
                spent = []
                for _ in range(5):
                    begin = time.perf_counter()
                    await asyncio.gather(*(collector.poll(name, (1.0,)) for name in names[1:]))
                    spent.append(time.perf_counter() - begin)
                return statistics.median(spent)

            await poll_others()
            baseline = await poll_others()
            devices["rtu0"].fault = "silent"
            silent = asyncio.create_task(collector.poll("rtu0", (1.0,)))
            beside = await poll_others()
            await silent
            assert beside < baseline * 1.2 + 0.5  # far below the second that the silent one takes
            await collector.poll("rtu0", (1.0,))
            begin = time.perf_counter()
            outcome = await collector.poll("rtu0", (1.0,))
            assert time.perf_counter() - begin < 0.5, "once known as silent it is asked aside"
            assert outcome.failed == {"1": "no answer"}
            await collector.close()
            for context in stack:
                await context.__aexit__(None, None, None)

    asyncio.run(play())


def test_a_dead_unit_does_not_delay_its_neighbours_for_long(tmp_path):
    points = [analog("A", 0, device_id=1), analog("B", 0, device_id=2)]

    async def play():
        async with device_of(points) as one, device_of(points) as other:
            other.fault = "silent"
            settings = settings_for(tmp_path, {"rtu1": one})
            collector = Collector(settings)
            await collector.take_points(points)
            reader = collector.tasks["rtu1"]._readers[2]
            reader._channel._endpoint = type(reader._channel._endpoint)("127.0.0.1", other.port)
            for _ in range(2):
                outcome = await collector.poll("rtu1", (1.0,))
                assert (outcome.good, outcome.failed) == (1, {"2": "no answer"})
            begin = time.perf_counter()
            await collector.poll("rtu1", (1.0,))
            assert time.perf_counter() - begin < 0.15
            other.fault = "none"
            outcome = await collector.poll("rtu1", (1.0,), insist=True)
            assert (outcome.good, outcome.failed) == (2, {})
            await collector.close()

    asyncio.run(play())


def test_a_full_picture_after_the_link_comes_back(tmp_path):
    """R8: 30 switches change while the link is cut; one poll later all are right, and no event time is invented."""
    switches = [one for one in POINTS if one.is_position]

    async def play():
        async with device_of(POINTS) as device:
            show_truth(device)
            collector = await collector_for(tmp_path, {"rtu1": device}, POINTS)
            await collector.poll("rtu1", (1.0,))
            await device.set_fault("refused")
            await collector.poll("rtu1", (1.0,))
            for one in switches:
                device.memories[1].put(one, 0.0)
            await device.set_fault("none")
            await collector.poll("rtu1", (1.0,))
            await collector.close()

    asyncio.run(play())
    good, cut, back = batches(tmp_path)
    assert [row_of(back, one.point_id)[:2] for one in switches] == [(0.0, Quality.GOOD)] * 30
    assert len(back.rows.changes) == 30
    for change in back.rows.changes:
        assert (change.previous, change.uncertain, change.earliest_ms) == (1.0, True, good.polled_ms)
    assert cut.rows.changes == ()


def test_a_silent_device_is_asked_aside_and_taken_back(tmp_path):
    async def play():
        async with device_of(POINTS) as device:
            collector = await collector_for(tmp_path, {"rtu1": device}, POINTS, timeout_seconds=0.1)
            device.fault = "silent"
            for _ in range(3):
                await collector.poll("rtu1", (1.0,))
            device.fault = "none"
            deadline = time.monotonic() + 20
            while (await collector.poll("rtu1", (1.0,))).failed:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
            await collector.close()

    asyncio.run(play())


def test_unconfigured_sources_are_named_and_the_others_polled(tmp_path):
    async def play():
        async with device_of(POINTS) as device:
            strange = analog("X", 0, source="nowhere")
            collector = await collector_for(tmp_path, {"rtu1": device}, [*POINTS, strange])
            outcomes = {outcome.source: outcome for outcome in await collector.pass_once()}
            assert outcomes["rtu1"].failed == {}
            assert outcomes["nowhere"].failed == {"source": "the source is not configured"}
            assert outcomes["nowhere"].batch is None, "nothing was tried, so nothing is told"
            with pytest.raises(NotFound):
                await collector.pass_once("absent")
            await collector.close()

    asyncio.run(play())


def test_another_program_on_the_port_gives_no_value(tmp_path):
    async def play():
        async with device_of(POINTS) as device:
            settings = settings_for(tmp_path, {"rtu1": device})
            wrong = settings.sources["rtu1"].model_copy(update={"identity": "RTU 7"})
            collector = Collector(settings.model_copy(update={"sources": {"rtu1": wrong}}))
            await collector.take_points(POINTS)
            outcome = await collector.poll("rtu1", (1.0,))
            assert outcome.good == 0
            assert "another device answers" in outcome.failed["1"]
            assert set(device.asked) == {"43/14"}
            await collector.close()

    asyncio.run(play())


def test_the_schedule_follows_the_published_list_and_survives_a_broken_one(tmp_path, caplog):
    async def play():
        async with device_of(POINTS) as device:
            collector = Collector(settings_for(tmp_path, {"rtu1": device}))
            schedule = _Schedule(collector, tmp_path)
            await schedule._follow()
            assert "no point list is published" in caplog.text
            publish(tmp_path, POINTS[:5], "", NOW)
            await schedule._follow()
            assert collector.tasks["rtu1"].points == 5
            point_list_file(tmp_path).write_bytes(b"{}")
            await schedule._follow()
            assert "the list that was read before goes on" in caplog.text
            assert collector.tasks["rtu1"].points == 5
            publish(tmp_path, POINTS, "", NOW)
            await schedule._follow()
            assert collector.tasks["rtu1"].points == len(POINTS)
            assert len(schedule._scheduler.get_jobs()) == 1
            await collector.close()

    asyncio.run(play())


@pytest.mark.soak
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in ("none", "frozen")])
def test_each_fault_a_hundred_times(tmp_path, fault):
    """R6, long form."""

    async def play():
        async with device_of(POINTS) as device:
            show_truth(device)
            device.late_seconds = 0.3
            collector = await collector_for(tmp_path, {"rtu1": device}, POINTS, timeout_seconds=0.1)
            for _ in range(100):
                await device.set_fault(fault)
                await collector.poll("rtu1", (1.0,))
                await device.set_fault("none")
                await collector.poll("rtu1", (1.0,))
                outcome = await collector.poll("rtu1", (1.0,))
                assert outcome.good == len(POINTS)
            await collector.close()

    asyncio.run(play())
    for batch in batches(tmp_path):
        told = zip(batch.rows.points, batch.rows.values, batch.rows.quality, batch.rows.reasons, strict=True)
        for name, value, quality, reason in told:
            assert value in (TRUTH.get(name, 1.0), None)
            assert (quality == Quality.GOOD) == (reason is None)
