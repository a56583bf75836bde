"""Rows given as columns, for programs that make much data, become what the same rows of a file become."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from billing_bridge.importing import post
from cis_power.core.batches import ACCEPTED
from cis_power.core.db import Base, Database
from tests.billing_bridge.files import NOW, SETTINGS, plain_customers, put

CUSTOMERS = {
    "account_no": [f"A{n}" for n in range(1, 6)],
    "name": [f"Name {n}" for n in range(1, 6)],
    "usage_point": [f"U{n}" for n in range(1, 6)],
    "meter_no": [f"M{n}" for n in range(1, 6)],
    "rated_kva": [8.0] * 5,
}
BEGAN = [datetime(2026, 10, 1, tzinfo=UTC) + timedelta(minutes=15 * n) for n in range(96)]
READINGS = {
    "meter_no": ["M1"] * 96,
    "channel": ["1"] * 96,
    "began_at": BEGAN,
    "seconds": [900] * 96,
    "value": [n / 4 for n in range(96)],
    "unit": ["kWh"] * 96,
}
TABLES = ("customer", "customer_account", "usage_point", "usage_point_status", "usage_point_terms", "meter",
          "customer_agreement", "search_term", "channel", "series", "series_chunk")  # fmt: skip


def contents(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.reading() as session:
        return {
            name: sorted((tuple(row) for row in session.execute(select(Base.metadata.tables[name]))), key=str)
            for name in TABLES
        }


def test_equal_to_a_file(sqlite_database, tmp_path, sqlite_template):
    other = tmp_path / "other.db"
    other.write_bytes(sqlite_template.read_bytes())
    from_arrays = Database(f"sqlite:///{other}")
    readings = "meter_no,channel,began_at,seconds,value,unit\n" + "".join(
        f"M1,1,{at.isoformat()},900,{value},kWh\n" for at, value in zip(BEGAN, READINGS["value"], strict=True)
    )
    put(sqlite_database, "customers", plain_customers(5))
    put(sqlite_database, "readings", readings)
    with from_arrays.transaction() as session:
        for kind, columns in (("customers", CUSTOMERS), ("readings", READINGS)):
            outcome = post(session, kind, columns, now=NOW, zone=SETTINGS.zone)
            assert outcome.count(ACCEPTED) == len(next(iter(columns.values())))
    assert contents(from_arrays) == contents(sqlite_database)
    from_arrays.dispose()


def test_unknown_columns_are_refused(sqlite_database):
    with sqlite_database.transaction() as session, pytest.raises(ValueError, match="no columns colour"):
        post(session, "customers", {"colour": ["red"]}, now=NOW, zone=SETTINGS.zone)
