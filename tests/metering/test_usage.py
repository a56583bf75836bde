"""Energy of usage points: multipliers by date, moved meters, days of 23 and 25 hours, registers, territory."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import select

from cis_power.access.models import District
from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.quality import Quality
from cis_power.core.time import day_bounds
from cis_power.customers.models import UsagePoint, UsagePointDistrict
from cis_power.metering.models import Channel, Meter, MeterInstallation
from cis_power.metering.readings import Reading, ReadingColumns
from cis_power.metering.reads import load_curve, measures_energy, usage_by_day, usage_by_month, usage_intervals
from cis_power.metering.writes import post_readings, put_intervals

ZONE = ZoneInfo("Europe/Berlin")
ME = system_viewer("test")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Metered:
    """Two usage points, and meters to hang at them."""

    def __init__(self, session):
        self.session = session
        self.points = [self.add(UsagePoint(code=code, created_at=NOON)) for code in ("U1", "U2")]

    def add(self, row):
        self.session.add(row)
        self.session.flush()
        return row.id

    def meter(self, number, kind="interval", code="1", direction="import"):
        meter = self.add(Meter(meter_no=number))
        return meter, self.channel(meter, kind, code, direction)

    def channel(self, meter, kind="interval", code="1", direction="import", quantity="energy"):
        return self.add(Channel(meter_id=meter, code=code, kind=kind, direction=direction, quantity=quantity))

    def install(self, meter, point, multiplier=1.0, began_at=None, ended_at=None):
        self.add(
            MeterInstallation(
                meter_id=meter,
                usage_point_id=self.points[point],
                multiplier=multiplier,
                began_at=began_at,
                ended_at=ended_at,
            )
        )


@pytest.fixture
def session(database):
    with database.transaction() as session:
        yield session


def hours(session, channel, count, begin=NOON, value=1.0, quality=None):
    at = int(begin.timestamp()) + np.arange(count) * 3600
    put_intervals(session, np.full(count, channel), at, np.full(count, value), quality, seconds=3600)


def test_a_reading_counts_where_its_meter_stood_with_the_multiplier_of_the_time(session):
    utility = Metered(session)
    meter, channel = utility.meter("M")
    utility.install(meter, 0, multiplier=10, ended_at=NOON + 2 * HOUR)
    utility.install(meter, 0, multiplier=40, began_at=NOON + 2 * HOUR, ended_at=NOON + 3 * HOUR)
    utility.install(meter, 1, multiplier=1, began_at=NOON + 3 * HOUR)
    hours(session, channel, 5)
    found = usage_intervals(session, utility.points, NOON, NOON + 9 * HOUR)
    assert found.usage_point.tolist() == [utility.points[0]] * 3 + [utility.points[1]] * 2
    assert found.energy_kwh.tolist() == [10.0, 10.0, 40.0, 1.0, 1.0]


def test_channels_add_up_but_export_and_overlapping_steps_do_not(session):
    utility = Metered(session)
    meter, day = utility.meter("M", code="day")
    night = utility.channel(meter, code="night")
    back = utility.channel(meter, code="export", direction="export")
    utility.install(meter, 0)
    for channel in (day, night, back):
        hours(session, channel, 2)
    quarter = int(NOON.timestamp()) + np.arange(4) * 900
    put_intervals(session, np.full(4, day), quarter, np.full(4, 0.25), seconds=900)
    assert usage_intervals(session, utility.points, NOON, NOON + 2 * HOUR).energy_kwh.sum() == 4.0
    exported = usage_intervals(session, utility.points, NOON, NOON + 2 * HOUR, direction="export")
    assert exported.energy_kwh.tolist() == [1.0, 1.0]


def test_a_demand_counts_only_where_there_is_no_energy(session):
    utility = Metered(session)
    both, energy = utility.meter("B")
    demand = utility.channel(both, code="2", quantity="demand")
    alone = utility.add(Meter(meter_no="A"))
    only = utility.channel(alone, quantity="active_power")
    utility.install(both, 0)
    utility.install(alone, 1)
    for channel in (energy, demand, only):
        hours(session, channel, 1)
    found = usage_intervals(session, utility.points, NOON, NOON + HOUR)
    assert found.energy_kwh.tolist() == [1.0, 1.0]
    words = ("energy", "Active_Energy", "kWh", "kW", "demand", "voltage")
    told = [utility.channel(alone, code=word, quantity=word) for word in words]
    found = session.scalars(select(Channel.id).where(Channel.id.in_(told), measures_energy())).all()
    assert found == told[:3]


def test_registers_count_where_there_are_no_intervals(session):
    utility = Metered(session)
    meter, _ = utility.meter("R", kind="register")
    utility.install(meter, 0, multiplier=2)
    both, channel = utility.meter("B")
    utility.channel(both, "register", "2")
    utility.install(both, 1)
    hours(session, channel, 1)
    reads = [(0, 100.0), (10, 150.0), (20, 180.0)]
    for number in ("R", "B"):
        code = {"R": "1", "B": "2"}[number]
        post_readings(
            session,
            ReadingColumns.of(
                [Reading(number, None, code, NOON + h * HOUR, None, value, None, "measured") for h, value in reads]
            ),
        )
    found = usage_intervals(session, utility.points, NOON + 5 * HOUR, NOON + 20 * HOUR)
    assert found.usage_point.tolist() == [utility.points[0]] * 2
    assert found.energy_kwh.tolist() == [50.0, 60.0]
    assert found.quality.tolist() == [Quality.SUBSTITUTED, Quality.GOOD]


@pytest.mark.parametrize(
    ("day", "length"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2028, 2, 29), 24)]
)
def test_a_local_day_is_as_long_as_its_clock_says(session, day, length):
    utility = Metered(session)
    meter, channel = utility.meter("M")
    utility.install(meter, 0)
    begin = day_bounds(day, ZONE)[0]
    hours(session, channel, 72, begin - 24 * HOUR)
    before, found, after = usage_by_day(
        session, ME, utility.points[0], day - timedelta(days=1), day + timedelta(days=1), ZONE
    )
    assert (before.energy_kwh, found.energy_kwh) == (24.0, float(length))
    assert found.good_share == 1.0
    assert found.peak_kw == 1.0
    assert after.energy_kwh == min(24, 48 - length)


def test_months_know_what_is_missing(session):
    utility = Metered(session)
    meter, channel = utility.meter("M")
    utility.install(meter, 0)
    begin = day_bounds(date(2026, 2, 1), ZONE)[0]
    quality = np.zeros(7 * 24, np.uint8)
    quality[:24] = Quality.SUBSTITUTED
    hours(session, channel, 7 * 24, begin, quality=quality)
    found = usage_by_month(session, ME, utility.points[0], [date(2026, 1, 1), date(2026, 2, 1)], ZONE)
    assert [row.energy_kwh for row in found] == [None, 168.0]
    assert [row.good_share for row in found] == [0.0, pytest.approx(6 / 28)]


def test_the_curve_tells_power_quality_and_the_word(session):
    utility = Metered(session)
    meter, _ = utility.meter("M")
    utility.install(meter, 0)
    words = ("measured", "estimated", "missing")
    post_readings(
        session,
        ReadingColumns.of(
            [Reading("M", None, "1", NOON + n * HOUR / 4, 900, 0.5, "kWh", word) for n, word in enumerate(words)]
        ),
    )
    found = load_curve(session, ME, utility.points[0], NOON, NOON + HOUR)
    assert [(value.load_kw, value.quality, value.reason) for value in found] == [
        (2.0, Quality.GOOD, None),
        (2.0, Quality.SUBSTITUTED, "estimated"),
    ]


def test_a_foreign_usage_point_answers_as_a_missing_one(session):
    utility = Metered(session)
    meter, channel = utility.meter("M")
    utility.install(meter, 0)
    hours(session, channel, 24)
    own, foreign = (utility.add(District(code=code, name=code)) for code in "NS")
    session.add(UsagePointDistrict(usage_point_id=utility.points[0], district_id=own))
    asked = (date(2026, 3, 1), date(2026, 3, 2), ZONE)
    inside, outside = Viewer("a", "engineer", frozenset({own})), Viewer("b", "engineer", frozenset({foreign}))
    assert usage_by_day(session, inside, utility.points[0], *asked)[0].energy_kwh
    assert usage_by_day(session, outside, utility.points[0], *asked) == []
    assert usage_by_day(session, outside, 9999, *asked) == []
    assert load_curve(session, outside, utility.points[0], NOON, NOON + HOUR) == []


def test_energy_of_any_period_is_what_all_its_reads_tell(session):
    utility = Metered(session)
    meter, _ = utility.meter("R", kind="register")
    utility.install(meter, 0)
    reads = [(0, 100.0), (24, 124.0), (48, 172.0), (72, None), (96, 268.0), (120, 508.0)]
    post_readings(
        session,
        ReadingColumns.of(
            [Reading("R", None, "1", NOON + h * HOUR, None, v, None, "measured") for h, v in reads if v is not None]
        ),
    )
    known = [(h, v) for h, v in reads if v is not None]
    for begin in range(-12, 132, 12):
        for end in range(begin + 12, 144, 12):
            found = usage_intervals(session, utility.points[:1], NOON + begin * HOUR, NOON + end * HOUR)
            expected = np.diff(np.interp([begin, end], *zip(*known, strict=True)))[0]
            assert found.energy_kwh.sum() == pytest.approx(expected), (begin, end)
