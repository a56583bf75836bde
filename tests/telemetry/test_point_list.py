"""Lists of points: what SQL judges is what everybody sees; filters, orders, pages."""

from datetime import UTC, datetime, timedelta

import pytest

from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.errors import Forbidden
from cis_power.core.quality import Quality
from cis_power.telemetry.models import LatestValue, Point, PointOverride, Source
from cis_power.telemetry.point_list import SORTS, PointFilter, page_points
from cis_power.telemetry.reads import list_points

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHO = system_viewer("test")
AGES = (0, 30, 59, 61, 89, 91, 4000, -30, -90)  # seconds; below 0: a clock ahead of ours


@pytest.fixture
def stored(database):
    """Every quality at every age, of points polled every second and every half minute; some held, some never read."""
    with database.transaction() as session:
        sources = [Source(name="rtu1"), Source(name="rtu2")]
        session.add_all(sources)
        session.flush()
        number = 0
        for quality in Quality:
            for age in AGES:
                for poll_seconds in (1.0, 30.0):
                    point = Point(
                        point_id=f"P{number:03d}", source_id=sources[number % 2].id, device_id=1, table="holding",
                        address=str(number), datatype="int16", kind="analog" if number % 3 else "discrete",
                        equipment=f"CB_{number % 4}", quantity="current" if number % 3 else "position",
                        poll_seconds=poll_seconds,
                    )  # fmt: skip
                    session.add(point)
                    session.flush()
                    number += 1
                    if number % 11 == 0:
                        continue
                    session.add(LatestValue(
                        point_id=point.id, value=1.0, quality=int(quality), measured_at=NOW - timedelta(seconds=age),
                        received_at=NOW, sequence=1, checked_at=NOW,
                    ))  # fmt: skip
                    if number % 13 == 0:
                        session.add(PointOverride(
                            point_id=point.id, kind="set" if number % 2 else "tag", tag="work", value=0.0,
                            began_at=NOW, begun_by="liu", ended_at=NOW if number % 26 else None,
                        ))  # fmt: skip
    return database


def found(session, limit=1000, setting=None, **wanted):
    rows, _ = page_points(session, WHO, NOW, PointFilter(**wanted), stale_after_seconds=setting, limit=limit)
    return rows


@pytest.mark.parametrize("setting", [None, 45.0])
def test_quality_in_sql_is_the_quality_that_is_shown(stored, setting):
    with stored.reading() as session:
        everything = list_points(session, WHO, NOW, stale_after_seconds=setting)
        assert len(everything) == len(Quality) * len(AGES) * 2
        for quality in Quality:
            ids = [row.point_id for row in everything if row.quality == quality]
            assert [row.point_id for row in found(session, setting=setting, quality=quality.name.lower())] == ids
            assert ids
        not_good = [row.point_id for row in everything if row.quality != Quality.GOOD]
        assert [row.point_id for row in found(session, setting=setting, quality="not_good")] == not_good


def test_filters_narrow(stored):
    with stored.reading() as session:
        everything = list_points(session, WHO, NOW)
        for field, value in (("source", "rtu2"), ("kind", "discrete"), ("quantity", "current"), ("equipment", "CB_2")):
            wanted = [row.point_id for row in everything if getattr(row, field) == value]
            assert [row.point_id for row in found(session, **{field: value})] == wanted
        old = [
            row.point_id for row in everything if row.measured_at is None or row.measured_at < NOW - timedelta(hours=1)
        ]
        assert [row.point_id for row in found(session, older_than_seconds=3600)] == old
        assert [row.point_id for row in found(session, text="p01")] == [f"P{number:03d}" for number in range(10, 20)]
        assert {row.equipment for row in found(session, text="cb_1")} == {"CB_1"}
        assert found(session, text="P%1") == found(session, text="CBX1") == []


@pytest.mark.parametrize("sort", SORTS)
def test_pages_join_without_gap_or_double_in_every_order(stored, sort):
    wanted = PointFilter(sort=sort)
    with stored.reading() as session:
        whole = [row.point_id for row in found(session, sort=sort)]
        seen, after = [], None
        while True:
            rows, after = page_points(session, WHO, NOW, wanted, after=after, limit=7)
            seen += [row.point_id for row in rows]
            if after is None:
                break
        assert seen == whole
        assert len(set(seen)) == len(seen)


def test_orders(stored):
    with stored.reading() as session:
        ages = [row.measured_at for row in found(session, sort="age") if row.held is None]
        assert ages[0] is None
        assert [at for at in ages if at] == sorted(at for at in ages if at)
        qualities = [row.quality for row in found(session, sort="quality")]
        assert qualities == sorted(qualities, reverse=True)


def test_the_role_is_asked_for(stored):
    with stored.reading() as session, pytest.raises(Forbidden):
        page_points(session, Viewer("c", "billing", None), NOW, PointFilter())
