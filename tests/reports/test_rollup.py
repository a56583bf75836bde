"""The ledger by day equals the report, for the whole utility and a district, also after changes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.errors import Forbidden
from cis_power.outages.models import Interruption, ReliabilityDay
from cis_power.outages.reliability_reads import reliability_of, rolled_up_at, worst_feeders
from reports.parameters import Parameters
from reports.registry import build_report
from reports.reliability.report import RELIABILITY
from reports.rollup import roll_up
from tests.reports.utility import Utility

ZONE = ZoneInfo("Asia/Shanghai")
ALL = system_viewer("test")
NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
DAY = datetime(2026, 10, 30, 16, tzinfo=UTC)  # midnight of the 31st
HOUR = timedelta(hours=1)


def engineer(*districts: int) -> Viewer:
    return Viewer("somebody", "engineer", frozenset(districts) or None, id=1)


@pytest.fixture
def utility(database):
    """Six usage points in N, four in S (one connected in the middle of October), and what befell them."""
    with database.transaction() as session:
        made = Utility(session)
        for code, count in (("N", 6), ("S", 4)):
            made.district(code)
            for number in range(count):
                late = datetime(2026, 10, 15, tzinfo=UTC) if (code, number) == ("S", 3) else None
                made.point(f"{code}{number}", code, rated_kva=10.0, connected_at=late)
        first, second = made.element("F1", "feeder"), made.element("F2", "feeder")
        for number in range(6):
            made.interruption("O1", f"N{number}", began_at=DAY + HOUR, restored_at=DAY + 2 * HOUR, feeder_id=first)
        made.interruption("O2", "S0", began_at=DAY - HOUR, restored_at=DAY + HOUR, feeder_id=second, kind="planned")
        made.interruption("O3", "S1", began_at=DAY + HOUR, restored_at=DAY + HOUR + timedelta(minutes=5))  # momentary
        made.interruption("O4", "S1", began_at=NOW - HOUR, restored_at=None, feeder_id=second)  # goes on
        made.interruption(
            "O5", "N0", began_at=DAY - 400 * 24 * HOUR, restored_at=DAY - 399 * 24 * HOUR, feeder_id=first
        )
        session.info["utility"] = made
    return made


def reported(database, viewer: Viewer, from_on: date, to_on: date) -> tuple[float, float]:
    """SAIDI and SAIFI as the report says."""
    bounds = [datetime(day.year, day.month, day.day, tzinfo=ZONE) for day in (from_on, to_on)]
    with database.reading() as session:
        report = build_report(session, viewer, RELIABILITY, Parameters(*bounds, ZONE, (), {}), NOW)
    found = {row["index"]: row["value"] for row in report.table("indices").as_dicts()}
    return found["SAIDI"], found["SAIFI"]


PERIODS = ((date(2026, 10, 1), date(2026, 11, 1)), (date(2026, 11, 1), date(2026, 11, 22)),
           (date(2026, 10, 31), date(2026, 11, 1)), (date(2025, 9, 1), date(2026, 11, 22)))  # fmt: skip


def test_the_days_sum_to_the_report(database, utility) -> None:
    counted = roll_up(database, NOW, ZONE)
    assert len(counted) == 25
    for viewer in (ALL, engineer(), engineer(utility.districts["N"]), engineer(utility.districts["S"])):
        for period in PERIODS:
            with database.reading() as session:
                found = reliability_of(session, viewer, *period)
            assert (found.saidi_minutes, found.saifi) == pytest.approx(reported(database, viewer, *period)), period
    with database.reading() as session:
        assert reliability_of(session, ALL, *PERIODS[0]).customer_minutes == 6 * 60 + 120
        assert reliability_of(session, engineer(10**6), *PERIODS[0]).saidi_minutes is None
        assert rolled_up_at(session) == NOW
        with pytest.raises(Forbidden):
            reliability_of(session, Viewer("d", "dispatcher", None), *PERIODS[0])


def test_the_worst_feeders(database, utility) -> None:
    roll_up(database, NOW, ZONE)
    with database.reading() as session:
        rows = worst_feeders(session, ALL, date(2026, 10, 1), date(2026, 12, 1))
        assert [(row.feeder, row.interruptions, row.customer_minutes) for row in rows] == [
            ("F1", 6, 360),
            ("F2", 2, 120),
        ]
        south = worst_feeders(session, engineer(utility.districts["S"]), date(2026, 10, 1), date(2026, 12, 1), limit=1)
        assert [row.feeder for row in south] == ["F2"]
        with pytest.raises(Forbidden):
            worst_feeders(session, Viewer("m", "marketing", None), date(2026, 10, 1), date(2026, 12, 1))


def test_only_months_that_changed_are_counted_again(database, utility) -> None:
    roll_up(database, NOW, ZONE)
    assert roll_up(database, NOW + HOUR, ZONE) == []
    assert roll_up(database, NOW + 24 * HOUR, ZONE) == [date(2026, 11, 1)], "a day began"
    with database.transaction() as session:
        row = session.scalars(select(Interruption).where(Interruption.began_at == DAY - HOUR)).one()
        row.superseded_at = NOW + 25 * HOUR
    assert roll_up(database, NOW + 26 * HOUR, ZONE) == [date(2026, 10, 1)], "a row no longer counts"
    with database.transaction() as session:
        outage = session.scalars(select(Interruption.outage_id)).first()
        session.add(Interruption(outage_id=outage, usage_point_id=utility.points["N5"], began_at=NOW - 5 * HOUR,
                                 restored_at=NOW - 3 * HOUR, kind="unplanned", recorded_at=NOW))  # fmt: skip
    assert roll_up(database, NOW + 27 * HOUR, ZONE) == [date(2026, 11, 1)], "a row came"
    for period in PERIODS:
        with database.reading() as session:
            assert reliability_of(session, ALL, *period).saidi_minutes == pytest.approx(
                reported(database, ALL, *period)[0]
            )
            assert len(session.scalars(select(ReliabilityDay)).all()) > 0
    assert roll_up(database, NOW + 80 * 24 * HOUR, ZONE, stopping=lambda: True) == []
