"""The job folds closed hours and leaves the running one in the tail."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from cis_power.core.jobs import JobContext
from cis_power.core.quality import Quality
from cis_power.series.jobs import fold_closed_hours
from cis_power.series.models import SeriesTail
from cis_power.series.reads import read_series
from cis_power.series.writes import append_tail, ensure_series

ONE = datetime(2026, 3, 1, 1, tzinfo=UTC)


def context(database: Any, now: datetime) -> JobContext:
    return JobContext(database, None, now, now, lambda _share, _words: None, lambda: False)


def test_only_closed_hours_are_folded(database):
    with database.transaction() as session:
        (key,) = ensure_series(session, "point", [1], step_seconds=60, wide=False)
        for minutes in (0, 59, 60, 61):
            at_ms = int((ONE + timedelta(minutes=minutes)).timestamp() * 1000)
            append_tail(session, [key], [at_ms], [float(minutes)], [Quality.GOOD])
    assert fold_closed_hours(context(database, ONE + timedelta(minutes=64))) is None
    assert fold_closed_hours(context(database, ONE + timedelta(minutes=65))) == "2 values packed"
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(SeriesTail)) == 2
        assert read_series(session, key, ONE, ONE + timedelta(hours=2)).value.tolist() == [0.0, 59.0, 60.0, 61.0]
