"""Other tools read packed history on PostgreSQL through `series_values`."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import text

from cis_power.core.db import Database
from cis_power.series.reads import read_series
from cis_power.series.writes import ensure_series, put_values

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NUMBERS = [0.0, -0.0, 1.0, -1.5, 0.1, 3.4e38, 1e-30, 1e-40, float("inf"), float("-inf"), 123456.789]
WIDE_ONLY = [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308]


@pytest.mark.parametrize("wide", [False, True])
def test_the_function_answers_what_the_read_answers(postgresql_url, wide):
    database = Database(postgresql_url)
    numbers = np.array(NUMBERS + (WIDE_ONLY if wide else []))
    quality = np.zeros(len(numbers), np.uint8)
    quality[2] = 4
    at = int(NOON.timestamp()) + np.arange(len(numbers)) * 120  # every other slot is missing
    to_at = NOON + timedelta(days=1)
    with database.transaction() as session:
        (key,) = ensure_series(session, "point", [1], step_seconds=60, wide=wide).tolist()
        put_values(session, key, at, numbers, quality, step_seconds=60)
        put_values(session, key, at + 86_400, numbers, step_seconds=60)  # a row without quality bytes
    query = text("SELECT at, value, quality, step_seconds FROM series_values(:key, :from_at, :to_at)")
    with database.reading() as session:
        rows = session.execute(query, {"key": key, "from_at": NOON, "to_at": to_at + timedelta(days=1)}).all()
        history = read_series(session, key, NOON, to_at + timedelta(days=1))
    database.dispose()
    assert [int(row.at.timestamp()) for row in rows] == history.at.astype(np.int64).tolist()
    assert [repr(row.value) for row in rows] == [repr(value) for value in history.value.tolist()]
    assert [row.quality for row in rows] == history.quality.tolist()
    assert {row.step_seconds for row in rows} == {60}
