"""The report `outage-log` from the tables, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest

from cis_power.access.viewer import Viewer, system_viewer
from cis_power.outages.models import OutageState
from reports.outage_log import OUTAGE_LOG
from reports.parameters import Parameters
from reports.registry import build_report
from tests.reports.utility import LONG_AGO, Utility

ME = system_viewer("test", kind="cli")
T = datetime(2026, 5, 4, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOW = T + 30 * HOUR


def made(database, viewer=ME, kind=None, districts=()):
    parameters = Parameters(T - HOUR, T + 24 * HOUR, UTC, tuple(districts), {"kind": kind})
    with database.reading() as session:
        return build_report(session, viewer, OUTAGE_LOG, parameters, NOW)


def rows(report):
    return {row["outage"]: row for row in report.table("outages").as_dicts()}


@pytest.fixture
def utility(database):
    with database.transaction() as session:
        found = Utility(session)
        for code in "NS":
            found.district(code)
            found.point(f"{code}1", code)
        for point, hours in (("N1", 1), ("S1", 2)):
            found.interruption("O1", point, began_at=T, restored_at=T + hours * HOUR)
        found.interruption("O2", "S1", began_at=T + 20 * HOUR)
        found.interruption("O3", "N1", began_at=T + 25 * HOUR, restored_at=T + 26 * HOUR)
        told = {"O1": (T, T + 2 * HOUR, "unplanned"), "O2": (T + 20 * HOUR, None, "planned")}
        told["O3"] = (T + 25 * HOUR, T + 26 * HOUR, "unplanned")
        for code, (began_at, restored_at, kind) in told.items():
            session.add(
                OutageState(
                    outage_id=found.outages[code],
                    kind=kind,
                    status="confirmed" if restored_at is None else "restored",
                    began_at=began_at,
                    restored_at=restored_at,
                    device_code="SW1",
                    cause_code="tree",
                    recorded_at=LONG_AGO,
                    recorded_by="test",
                )
            )
    return found


def test_outages_of_the_period_with_their_customers(database, utility):
    report = made(database)
    found = rows(report)
    assert list(found) == ["O1", "O2"]
    first = found["O1"]
    assert (first["device"], first["cause"], first["duration_minutes"]) == ("SW1", "tree", 120.0)
    assert (first["customers"], first["customer_minutes"]) == (2, 180.0)
    running = found["O2"]
    assert (running["restored_at"], running["duration_minutes"], running["customer_minutes"]) == (None, None, 0.0)
    assert (running["customers_open"], running["customer_minutes_so_far"]) == (1, 600.0)
    assert [finding.code for finding in report.data_quality.findings] == ["open"]
    assert list(rows(made(database, kind="planned"))) == ["O2"]


def test_only_ones_own_customers_are_counted(database, utility):
    north = Viewer("ann", "engineer", frozenset({utility.districts["N"]}))
    found = rows(made(database, north))
    assert list(found) == ["O1"]
    assert (found["O1"]["customers"], found["O1"]["customer_minutes"]) == (1, 60.0)
    assert found["O1"]["customers_total"] == 2
    assert rows(made(database, districts=["N"]))["O1"] == found["O1"]
