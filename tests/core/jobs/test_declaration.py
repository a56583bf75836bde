"""Schedules are UTC and lose nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis_power.core.jobs import Job

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


def _job(**schedule) -> Job:
    return Job("test.job", "for the test", lambda context: None, **schedule)


def test_cron_is_utc_through_the_nights_when_clocks_change() -> None:
    nightly = _job(cron="30 1 * * *")
    for night in (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)):
        due = list(nightly.due_until(night, night + timedelta(days=2)))
        assert [at.hour * 60 + at.minute for at in due] == [90, 90]
        assert due[1] - due[0] == timedelta(days=1)


@given(
    st.integers(0, 2_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.sampled_from([60, 300, 3600, 86400]),
    st.integers(0, 30),
)
def test_periods_tile_time(start: datetime, every: int, count: int) -> None:
    job = _job(every_seconds=every)
    end = start + timedelta(seconds=every * count)
    due = list(job.due_until(start, end))
    assert len(due) == count
    assert all(start < at <= end for at in due)
    assert due == sorted(set(due))
    middle = start + (end - start) / 2
    assert due == [*job.due_until(start, middle), *job.due_until(middle, end)]


def test_latest_due_is_not_after_the_moment() -> None:
    assert _job(cron="0 2 * * *").latest_due(NOON) == NOON.replace(hour=2)
    assert _job(cron="0 2 1 1 *").latest_due(NOON) == datetime(2026, 1, 1, 2, tzinfo=UTC)
    assert _job(every_seconds=3600).latest_due(NOON) == NOON


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"every_seconds": 1, "cron": "* * * * *"},
        {"every_seconds": 0},
        {"every_seconds": 0.5},
        {"cron": "61 * * * *"},
        {"cron": "0 2 * * *", "continuous": True},
        {"every_seconds": 1, "continuous": True, "separate": True},
    ],
)
def test_impossible_schedules_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError):
        _job(**wrong)
