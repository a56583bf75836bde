"""A collector in another zone, a link without a way back, files that are lost, late and tampered with (S6)."""

import asyncio
import shutil

from cis_power.core.quality import Quality
from scada_bridge.collector import Collector, spool_folder
from scada_bridge.posting import publish_points
from scada_bridge.published import read_published
from scada_bridge.spool import files
from tests.scada_bridge.making import analog, device_of, position, settings_for
from tests.scada_bridge.stored import BEGIN, Store

POINTS = [analog("CB1", 0), position("CB1", 0)]


async def collect(zone, polls):
    """A collector that knows nothing but what was published to its zone."""
    async with device_of(POINTS) as device:
        collector = Collector(settings_for(zone, {"rtu1": device}))
        await collector.take_points(read_published(zone).points)
        for turn in range(polls):
            for point in POINTS:
                device.memories[1].put(point, float(turn % 2))
            await collector.poll("rtu1", (1.0,))
        await collector.close()


def test_values_cross_one_way_and_every_loss_is_seen(database, tmp_path):
    here = Store(database, tmp_path / "zone3")
    here.post(POINTS)
    zone = tmp_path / "zone1"
    with database.reading() as session:
        assert publish_points(session, zone, here.run_dir, BEGIN) == 2
    asyncio.run(collect(zone, 6))
    sent = [file.path for file in files(spool_folder(zone))]
    assert len(sent) == 6
    here.spool_folder.mkdir(parents=True)
    for path in (sent[0], sent[1], sent[4], sent[1]):  # two are under way, one comes twice, the last not yet
        shutil.copy(path, here.spool_folder / path.name)
        here.load()
    (gap,) = [gap for gap in here.gaps() if gap.reason == "batch_missing"]
    assert (gap.first_number, gap.last_number, gap.filled_at) == (3, 4, None)
    altered = here.spool_folder / sent[5].name
    altered.write_bytes(sent[5].read_bytes().replace(b'"quality":[0', b'"quality":[1'))
    assert here.load().quarantined == 1
    assert here.latest()["A_CB1"][:2] == (0.0, Quality.GOOD), "the fifth poll's value"
    for path in (sent[3], sent[5], sent[2]):
        shutil.copy(path, here.spool_folder / path.name)
        here.load()
    assert [gap.reason for gap in here.gaps() if gap.filled_at is None] == []
    assert [value for name, value, *_ in here.events() if name == "P_CB1"] == [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]
    assert here.latest()["A_CB1"][:2] == (1.0, Quality.GOOD)
    assert not [path for path in zone.rglob("*") if path.suffix == ".db"], "the zone needs no database"
