"""The report `load` from the tables, on both databases."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.quality import Quality
from cis_power.core.time import day_bounds
from cis_power.metering.models import Channel, Meter, MeterInstallation
from cis_power.metering.writes import put_intervals
from reports.load import summing
from reports.load.report import LOAD
from reports.parameters import Parameters
from reports.registry import build_report
from tests.reports.utility import Utility

ME = system_viewer("test", kind="cli")
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
NOW = datetime(2027, 1, 1, tzinfo=UTC)


def made(database, by, viewer=ME, days=1, districts=(), now=NOW):
    parameters = Parameters(BEGIN, BEGIN + days * DAY, UTC, tuple(districts), {"by": by})
    with database.reading() as session:
        return build_report(session, viewer, LOAD, parameters, now)


def summary(report):
    return {row["id"]: row for row in report.table("summary").as_dicts()}


class Metered(Utility):
    """A utility with meters."""

    def meter(self, code, multiplier=1.0):
        meter = Meter(meter_no=f"M-{code}")
        self.session.add(meter)
        self.session.flush()
        channel = Channel(meter_id=meter.id, code="1")
        point = self.points[code]
        self.session.add_all(
            [
                channel,
                MeterInstallation(meter_id=meter.id, usage_point_id=point, multiplier=multiplier),
            ]
        )
        self.session.flush()
        return channel.id

    def hours(self, code, values, multiplier=1.0, quality=None):
        channel = self.meter(code, multiplier)
        at = int(BEGIN.timestamp()) + np.arange(len(values)) * 3600
        codes = None if quality is None else np.array(quality, np.uint8)
        put_intervals(self.session, np.full(len(values), channel), at, np.array(values, float), codes, seconds=3600)


@pytest.fixture
def utility(database):
    """N: two customers at T1; S: one at T1, one at T2 with a CT meter, one without a meter at T2."""
    with database.transaction() as session:
        found = Metered(session)
        for code in "NS":
            found.district(code)
        found.network()
        found.point("N1", "N", transformer="T1")
        found.point("N2", "N", transformer="T1")
        found.point("S1", "S", transformer="T1")
        found.point("S2", "S", transformer="T2")
        found.point("S3", "S", transformer="T2")
        found.hours("N1", [1.0] * 24)
        found.hours("N2", [2.0] * 12 + [np.nan] * 12)
        found.hours("S1", [3.0] * 23 + [9.0])
        found.hours("S2", [0.1] * 24, multiplier=40, quality=[Quality.SUBSTITUTED] * 6 + [Quality.GOOD] * 18)
    return found


def test_usage_points(database, utility):
    rows = summary(made(database, "usage_point"))
    assert list(rows) == ["N1", "N2", "S1", "S2"]
    assert rows["N1"]["energy_kwh"] == 24.0
    assert rows["N1"]["load_factor"] == 1.0
    assert (rows["N2"]["energy_kwh"], rows["N2"]["mean_kw"], rows["N2"]["good_share"]) == (24.0, 2.0, 0.5)
    assert (rows["S1"]["peak_kw"], rows["S1"]["peak_at"]) == (9.0, BEGIN + timedelta(hours=23))
    assert rows["S2"]["energy_kwh"] == pytest.approx(96)
    assert rows["S2"]["good_share"] == 0.75


@pytest.mark.parametrize("links_a_read", [1, 2, 1000])
def test_groups_sum_their_members_however_they_are_read(database, utility, monkeypatch, links_a_read):
    monkeypatch.setattr(summing, "_LINKS_A_READ", links_a_read)
    transformers = summary(made(database, "transformer"))
    assert {code: row["energy_kwh"] for code, row in transformers.items()} == {
        "T1": pytest.approx(24 + 24 + 78),
        "T2": pytest.approx(96),
    }
    assert transformers["T1"]["peak_kw"] == 10.0
    assert transformers["T1"]["peak_high_kw"] == 12.0
    assert transformers["T1"]["good_share"] == pytest.approx(60 / 72)
    assert (transformers["T2"]["usage_points"], transformers["T2"]["metered"]) == (2, 1)
    for by, names in (("feeder", {"F1"}), ("substation", {"SUB"}), ("district", {"N", "S"})):
        rows = summary(made(database, by))
        assert set(rows) == names
        assert sum(row["energy_kwh"] for row in rows.values()) == pytest.approx(222)


def test_a_figure_drills_down_to_its_usage_points(database, utility):
    report = made(database, "transformer")
    members = list(report.table("members").as_dicts())
    assert [(row["id"], row["usage_point"]) for row in members] == [
        ("T1", "N1"), ("T1", "N2"), ("T1", "S1"), ("T2", "S2"),
    ]  # fmt: skip
    of_t1 = sum(row["energy_kwh"] for row in members if row["id"] == "T1")
    assert of_t1 == pytest.approx(summary(report)["T1"]["energy_kwh"])


def test_readings_follow_the_link_of_the_time(database, utility):
    with database.transaction() as session:
        utility.session = session
        utility.point("X", "N")
        noon = BEGIN + timedelta(hours=12)
        utility.connect("X", "T1", ended_at=noon)
        utility.connect("X", "T2", began_at=noon)
        utility.hours("X", [100.0] * 24)
    rows = summary(made(database, "transformer"))
    assert rows["T1"]["energy_kwh"] == pytest.approx(126 + 1200)
    assert rows["T2"]["energy_kwh"] == pytest.approx(96 + 1200)


def test_every_figure_obeys_the_viewers_districts(database, utility):
    north = Viewer("ann", "engineer", frozenset({utility.districts["N"]}))
    rows = summary(made(database, "transformer", north))
    assert list(rows) == ["T1"]
    assert (rows["T1"]["energy_kwh"], rows["T1"]["usage_points"]) == (48.0, 2)
    assert summary(made(database, "transformer", districts=["N"])) == rows
    before = made(database, "transformer", north).as_dict()
    with database.transaction() as session:
        utility.session = session
        utility.point("S9", "S", transformer="T1")
        utility.hours("S9", [777.0] * 24)
    assert made(database, "transformer", north).as_dict() == before


def test_missing_days_lower_the_share_and_not_the_mean(database, utility):
    row = summary(made(database, "usage_point", days=4))["N1"]
    assert (row["energy_kwh"], row["mean_kw"], row["good_share"]) == (24.0, 1.0, 0.25)
    running = summary(made(database, "usage_point", days=4, now=BEGIN + DAY))["N1"]
    assert (running["mean_kw"], running["good_share"]) == (1.0, 1.0)


def test_findings_name_what_is_not_in_the_sum(database, utility):
    with database.transaction() as session:
        utility.session = session
        utility.point("lost", "N")
    report = made(database, "transformer")
    assert {finding.code: finding.count for finding in report.data_quality.findings} == {"ungrouped": 1, "unmetered": 1}
    assert report.figures[0].data[0]["name"] == "T1"


@pytest.mark.parametrize(("day", "length"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_a_local_day_is_as_long_as_its_clock_says(database, day, length):
    zone = ZoneInfo("Europe/Berlin")
    begin, end = day_bounds(day, zone)
    with database.transaction() as session:
        utility = Metered(session)
        utility.point("U")
        at = int((begin - DAY).timestamp()) + np.arange(96) * 3600
        put_intervals(session, np.full(96, utility.meter("U")), at, np.full(96, 2.0), seconds=3600)
    with database.reading() as session:
        report = build_report(session, ME, LOAD, Parameters(begin, end, zone, (), {"by": "usage_point"}), NOW)
    (row,) = report.table("summary").as_dicts()
    assert (row["energy_kwh"], row["mean_kw"], row["good_share"]) == (2.0 * length, 2.0, 1.0)
    assert row["peak_at"] == begin
    assert len(report.figures[0].data[0]["x"]) == length


def test_a_meter_that_never_said_anything_is_expected_to(database, utility):
    with database.transaction() as session:
        utility.session = session
        meter = Meter(meter_no="silent")
        session.add(meter)
        session.flush()
        session.add(MeterInstallation(meter_id=meter.id, usage_point_id=utility.points["S3"], multiplier=1.0))
    report = made(database, "transformer")
    row = summary(report)["T2"]
    assert (row["usage_points"], row["metered"], row["good_share"]) == (2, 2, 0.375)
    assert (row["energy_kwh"], row["energy_high_kwh"]) == (pytest.approx(96), None)
    assert {finding.code: finding.count for finding in report.data_quality.findings} == {"silent": 1}
    assert summary(made(database, "usage_point"))["S3"]["energy_kwh"] is None


def test_telemetered_load_stands_beside(database, utility):
    with database.transaction() as session:
        utility.session = session
        utility.analog("P1", "T1", "kW", [50.0] * 30 + [80.0] * 30)
        utility.analog("V1", "T1", "V", [230.0] * 60)
    rows = list(made(database, "transformer").table("telemetered").as_dicts())
    assert [(row["id"], row["point_id"], row["mean"], row["peak"]) for row in rows] == [("T1", "P1", 65.0, 80.0)]
    assert rows[0]["energy_kwh"] == pytest.approx(65)
    assert rows[0]["peak_at"] == BEGIN + timedelta(minutes=30)
    assert rows[0]["good_share"] == pytest.approx(1 / 24)
    assert [row["id"] for row in made(database, "feeder").table("telemetered").as_dicts()] == ["F1"]
    blind = Viewer("b", "engineer", frozenset({utility.districts["S"]}))
    assert list(made(database, "transformer", blind).table("telemetered").as_dicts()) == []
