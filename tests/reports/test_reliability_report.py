"""The report `reliability` from the tables, on both databases."""

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.errors import Forbidden, InvalidInput
from reports.parameters import Parameters
from reports.registry import build_report
from reports.reliability.report import RELIABILITY
from tests.reports.utility import Utility

ME = system_viewer("test", kind="cli")
YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
NOW = datetime(2027, 6, 1, tzinfo=UTC)
T = datetime(2026, 5, 4, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def made(database, viewer=ME, period=YEAR, districts=(), zone=UTC, now=NOW):
    with database.reading() as session:
        return build_report(session, viewer, RELIABILITY, Parameters(*period, zone, tuple(districts), {}), now)


def values(report, name="indices", key="index", value="value"):
    return {row[key]: row[value] for row in report.table(name).as_dicts()}


@pytest.fixture
def two_districts(database):
    """Four usage points in N, six in S, 10 kVA each; one outage of both at T: N for one hour, S for two."""
    with database.transaction() as session:
        utility = Utility(session)
        for code, count in (("N", 4), ("S", 6)):
            utility.district(code)
            for number in range(count):
                point = f"{code}{number}"
                utility.point(point, code, rated_kva=10.0, transformer=f"T{code}")
                restored_at = T + (HOUR if code == "N" else 2 * HOUR)
                step = 1 if code == "N" else 2
                utility.interruption("O1", point, began_at=T, restored_at=restored_at, step=step)
        session.info["utility"] = utility
    return database, utility


def test_steps_and_bases(two_districts):
    database, _ = two_districts
    report = made(database)
    found = values(report)
    assert list(found) == [
        "SAIFI", "SAIDI", "CAIDI", "CTAIDI", "CAIFI", "ASAI", "ASIFI", "ASIDI", "MAIFI", "MAIFIE",
    ]  # fmt: skip
    assert found["SAIFI"] == 1.0
    assert found["SAIDI"] == pytest.approx((4 * 60 + 6 * 120) / 10)
    assert found["ASAI"] == pytest.approx(1 - 96 / (8760 * 60))
    assert found["ASIDI"] == pytest.approx(96)
    rows = list(report.table("interruptions").as_dicts())
    assert [(row["step"], row["customers"], row["customer_minutes"]) for row in rows] == [(1, 4, 240), (2, 6, 720)]
    assert sum(row["customer_minutes"] for row in rows) == pytest.approx(found["SAIDI"] * 10)


def test_every_figure_obeys_the_viewers_districts(two_districts):
    database, utility = two_districts
    north = Viewer("ann", "engineer", frozenset({utility.districts["N"]}))
    found = values(made(database, north))
    assert (found["SAIFI"], found["SAIDI"]) == (1.0, 60.0)
    asked = values(made(database, districts=["N"]))
    assert asked == found
    with pytest.raises(InvalidInput) as foreign:
        made(database, north, districts=["S"])
    with pytest.raises(InvalidInput) as missing:
        made(database, north, districts=["X"])
    assert foreign.value.message.replace("S", "X") == missing.value.message
    nothing = values(made(database, Viewer("bob", "engineer", frozenset())))
    assert set(nothing.values()) == {None}


def test_what_a_foreign_district_does_changes_no_byte_of_ones_own_report(two_districts):
    database, utility = two_districts
    north = Viewer("ann", "engineer", frozenset({utility.districts["N"]}))
    before = made(database, north).as_dict()
    with database.transaction() as session:
        utility.session = session
        utility.point("S9", "S", rated_kva=77.0)
        utility.interruption("O9", "S9", began_at=T, restored_at=T + HOUR, cause_code="canary")
        utility.interruption("O1", "S9", began_at=T, restored_at=T + 9 * HOUR)
    assert made(database, north).as_dict() == before


def test_a_role_without_the_permission_is_refused(database):
    with pytest.raises(Forbidden):
        made(database, Viewer("joe", "agent", None))


def test_served_means_the_daily_average(database):
    """A leap February: one usage point all the month, one from the 16th on, one until the 2nd."""
    zone = ZoneInfo("Asia/Shanghai")
    begin = datetime(2028, 2, 1, tzinfo=zone)
    with database.transaction() as session:
        utility = Utility(session)
        utility.point("A")
        utility.point("B", rated_kva=29.0, connected_at=begin + timedelta(days=15))
        utility.point("C", closed_at=begin + timedelta(days=1))
        utility.interruption("O", "A", began_at=begin, restored_at=begin + HOUR)
    report = made(database, period=(begin, datetime(2028, 3, 1, tzinfo=zone)), zone=zone)
    base = values(report, "base", "quantity")
    assert base["usage_points_served"] == pytest.approx((29 + 14 + 1) / 29)
    assert base["rated_kva_served"] == pytest.approx(14)
    assert values(report)["SAIFI"] == pytest.approx(29 / 44)


def test_an_interruption_belongs_to_the_period_in_which_it_began(database):
    with database.transaction() as session:
        utility = Utility(session)
        utility.point("A")
        utility.interruption("before", "A", began_at=YEAR[0] - HOUR, restored_at=YEAR[0] + 9 * HOUR)
        utility.interruption("across", "A", began_at=YEAR[1] - HOUR, restored_at=YEAR[1] + HOUR)
        utility.interruption("after", "A", began_at=YEAR[1], restored_at=YEAR[1] + HOUR)
    assert values(made(database))["SAIDI"] == 120


def test_open_interruptions_stand_apart(database):
    with database.transaction() as session:
        utility = Utility(session)
        utility.point("A")
        utility.interruption("O", "A", began_at=T)
    report = made(database, now=T + 2 * HOUR)
    found = values(report)
    assert (found["SAIFI"], found["SAIDI"], found["CAIDI"]) == (1.0, 0.0, 0.0)
    assert [row["customer_minutes_so_far"] for row in report.table("open").as_dicts()] == [120.0]
    assert values(report, "bounds", "index", "high")["SAIDI"] == 120.0
    assert [finding.code for finding in report.data_quality.findings] == ["open", "no_kva"]


def test_counts_without_usage_points_count_in_the_whole_and_by_their_device(two_districts):
    database, utility = two_districts
    with database.transaction() as session:
        utility.session = session
        utility.interruption(
            "P", began_at=T + 24 * HOUR, restored_at=T + 25 * HOUR, customers=5, connected_kva=50.0, device_code="gone"
        )
    report = made(database)
    found = values(report)
    assert found["SAIFI"] == 1.5
    assert found["CAIFI"] == 1.0
    assert found["ASIFI"] == 1.5
    north = made(database, districts=["N"])
    assert values(north)["SAIFI"] == 1.0
    assert {finding.code for finding in north.data_quality.findings} == {"unplaced"}
    ann = Viewer("ann", "engineer", frozenset({utility.districts["N"]}))
    assert made(database, ann).data_quality.findings == ()


def test_superseded_rows_count_nothing(two_districts):
    database, utility = two_districts
    before = made(database).as_dict()
    with database.transaction() as session:
        utility.session = session
        utility.interruption("O1", "N0", began_at=T, restored_at=T + 99 * HOUR, superseded_at=NOW)
    assert made(database).as_dict() == before


def test_a_major_event_day_is_found_and_left_out(database):
    """Quiet days of five years give the threshold; one day of 2026 is far above it."""
    with database.transaction() as session:
        utility = Utility(session)
        utility.point("A")
        for year in range(2021, 2026):
            for number, exponent in enumerate((-2, -1, 0, 1, 2)):
                began_at = datetime(year, 3, 1 + number, 12, tzinfo=UTC)
                length = timedelta(minutes=math.exp(exponent) + 6)
                utility.interruption(f"{year}{number}", "A", began_at=began_at, restored_at=began_at + length)
        utility.interruption("storm", "A", began_at=T, restored_at=T + 20 * HOUR)
        utility.interruption("calm", "A", began_at=T + 48 * HOUR, restored_at=T + 48 * HOUR + timedelta(minutes=7))
    report = made(database)
    (limit,) = report.table("major_event_thresholds").as_dicts()
    assert (limit["years_used"], limit["days_used"], limit["provisional"]) == (5, 25, False)
    assert [row["day"] for row in report.table("major_event_days").as_dicts()] == ["2026-05-04"]
    saidi = values(report, "by_basis", "case", "saidi")
    assert saidi["all"] == pytest.approx(20 * 60 + 7)
    assert saidi["without_major_event_days"] == pytest.approx(7)
    assert saidi["major_event_days"] == pytest.approx(20 * 60)


def test_one_transformer_is_one_user_of_the_medium_voltage_base(two_districts):
    database, utility = two_districts
    with database.transaction() as session:
        utility.session = session
        utility.interruption("half", "S0", began_at=T + 24 * HOUR, restored_at=T + 25 * HOUR, responsibility="customer")
    rows = list(made(database).table("dlt836").as_dicts())
    low, medium = rows[:3], rows[3:]
    assert [(row["users"], row["user_times"], row["user_hours"]) for row in low] == [
        (10, 11, 17), (10, 10, 16), (10, 11, 17),
    ]  # fmt: skip
    assert [(row["users"], row["user_times"], row["user_hours"]) for row in medium] == [(2, 2, 3)] * 3
    assert low[0]["rs"] == pytest.approx(1 - 17 / (10 * 8760))


def test_a_usage_point_that_was_not_served_is_no_customer(database):
    with database.transaction() as session:
        utility = Utility(session)
        utility.point("A")
        utility.point("gone", closed_at=T)
        for point in ("A", "gone"):
            utility.interruption("O", point, began_at=T, restored_at=T + HOUR)
    report = made(database, period=(T - 10 * HOUR, T + 14 * HOUR))
    assert values(report, "base", "quantity")["customer_interruptions"] == 1
    assert "unserved" in {finding.code for finding in report.data_quality.findings}
