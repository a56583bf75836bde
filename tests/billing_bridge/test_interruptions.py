"""Imported interruptions: the same ledger, superseded and never overwritten."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from cis_power.outages.models import Interruption, MonthLock, Outage, OutageState
from tests.billing_bridge.files import NOW, plain_customers, put

LATER = NOW + timedelta(days=1)
HEAD = "outage_no,step,usage_point,began_at,restored_at,kind,cause,device,operations,event_no,connected_kva,customers\n"
ROWS = (
    "O1,1,U1,2025-06-01T10:00,2025-06-01T11:00,unplanned,storm,B1,1,,,\n"
    "O1,2,U2,2025-06-01T10:00,2025-06-01T12:30,unplanned,storm,B1,1,,,\n"
    "O2,1,,2025-06-02T10:00,2025-06-02T10:02,planned,,,3,E1,800,200\n"
    "O2,1,,2025-06-02T10:00,2025-06-02T10:05,planned,,,1,E1,400,100\n"
)


@pytest.fixture(autouse=True)
def customers(database):
    put(database, "customers", plain_customers(3))


def ledger(database):
    with database.reading() as session:
        return list(session.scalars(select(Interruption).order_by(Interruption.id)))


def states(database):
    with database.reading() as session:
        query = select(Outage.code, OutageState).join(OutageState).where(OutageState.superseded_at.is_(None))
        return dict(session.execute(query).all())


def test_rows_become_outages_and_interruptions(database):
    result = put(database, "interruptions", HEAD + ROWS)
    assert (result.rows, result.accepted, result.rejected) == (4, 4, 0)
    assert [problem.code for problem in result.problems] == ["unknown_cause"]
    rows = ledger(database)
    assert [row.customers for row in rows] == [1, 1, 200, 100]
    assert [row.operations for row in rows] == [1, 1, 3, 1]
    found = states(database)
    assert set(found) == {"O1", "O2"}
    assert (found["O1"].status, found["O1"].kind, found["O1"].device_code) == ("restored", "unplanned", "B1")
    assert found["O1"].restored_at == datetime(2025, 6, 1, 4, 30, tzinfo=UTC)


def test_a_corrected_row_takes_the_place_of_the_former(database):
    put(database, "interruptions", HEAD + ROWS)
    result = put(database, "interruptions", HEAD + ROWS.replace("11:00,", "11:15,"), now=LATER)
    assert (result.accepted, result.unchanged) == (1, 3)
    rows = [row for row in ledger(database) if row.step == 1 and row.usage_point_id is not None]
    assert [(row.restored_at.minute, row.superseded_at) for row in rows] == [(0, LATER), (15, None)]


def test_bad_rows(database):
    text = HEAD + (
        "O1,1,U1,2025-06-01T10:00,2025-06-01T09:00,unplanned,,,1,,,\n"
        "O1,1,U9,2025-06-01T10:00,2025-06-01T11:00,unplanned,,,1,,,\n"
        "O1,1,,2025-06-01T10:00,2025-06-01T11:00,unplanned,,,1,,,\n"
        "O1,1,U1,2025-06-01T10:00,2025-06-01T11:00,unplanned,,,1,,,\n"
        "O1,1,U1,2025-06-01T10:00,2025-06-01T12:00,unplanned,,,1,,,\n"
    )
    result = put(database, "interruptions", text)
    assert (result.accepted, result.rejected) == (1, 4)
    assert [(problem.line, problem.code) for problem in result.problems] == [
        (2, "wrong_order"),
        (3, "unknown_usage_point"),
        (4, "missing_value"),
        (6, "doubled_key"),
    ]


def test_an_open_one_is_open(database):
    put(database, "interruptions", HEAD + "O3,1,U1,2026-11-01T10:00,,unplanned,,,1,,,\n")
    state = states(database)["O3"]
    assert (state.status, state.restored_at) == ("confirmed", None)


def test_one_that_is_yet_to_begin_is_told(database):
    result = put(database, "interruptions", HEAD + "O4,1,U1,2099-11-01T10:00,,unplanned,,,1,,,\n")
    assert (result.accepted, [problem.code for problem in result.problems]) == (1, ["in_the_future"])


def test_a_locked_month_takes_no_rows(database):
    with database.transaction() as session:
        session.add(MonthLock(month_on=date(2025, 6, 1), locked_at=NOW, locked_by="x"))
    result = put(database, "interruptions", HEAD + ROWS)
    assert {problem.code for problem in result.problems} == {"locked_month"}
    assert ledger(database) == []


def test_rows_for_an_outage_of_our_own_are_refused(database):
    with database.transaction() as session:
        session.add(Outage(code="O1", opening_key="x", imported=False, created_at=NOW))
    result = put(database, "interruptions", HEAD + ROWS)
    assert (result.accepted, result.rejected) == (2, 2)
