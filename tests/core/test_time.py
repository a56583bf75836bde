"""Local days and months, also when clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis_power.core.time import day_bounds, ensure_utc, iso, local_date, month_bounds, parse_instant

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")


def test_naive_times_are_local_and_offsets_are_kept() -> None:
    assert parse_instant("2026-03-01T08:00", SHANGHAI) == datetime(2026, 3, 1, tzinfo=UTC)
    assert parse_instant("2026-03-01T08:00+00:00", SHANGHAI) == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert parse_instant("2026-03-01 08:00:00Z", SHANGHAI) == datetime(2026, 3, 1, 8, tzinfo=UTC)


def test_a_bare_date_is_local_midnight() -> None:
    assert parse_instant("2026-03-01", SHANGHAI) == datetime(2026, 2, 28, 16, tzinfo=UTC)
    with pytest.raises(ValueError, match="is a date"):
        parse_instant("2026-03-01", SHANGHAI, bare_date_ok=False)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-02-30", "2026-13-01T00:00", "2026-01-01T25:00", "0001-01-01T00:00+14:00"]
)
def test_impossible_times_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_instant(text, UTC)


def test_a_skipped_hour_does_not_exist_and_a_doubled_one_means_the_first() -> None:
    with pytest.raises(ValueError, match="does not exist"):
        parse_instant("2026-03-29T02:30", BERLIN)
    assert parse_instant("2026-10-25T02:30", BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2028, 2, 29), 24)])
def test_days_are_as_long_as_clocks_make_them(day: date, hours: int) -> None:
    began, ended = day_bounds(day, BERLIN)
    assert ended - began == timedelta(hours=hours)


def test_months() -> None:
    assert month_bounds(2026, 12, SHANGHAI) == (
        datetime(2026, 11, 30, 16, tzinfo=UTC), datetime(2026, 12, 31, 16, tzinfo=UTC),
    )  # fmt: skip


@given(
    st.dates(date(1990, 1, 1), date(2090, 1, 1)),
    st.sampled_from(["Europe/Berlin", "Asia/Shanghai", "America/St_Johns"]),
)
def test_a_day_begins_where_the_last_one_ends(day: date, name: str) -> None:
    zone = ZoneInfo(name)
    assert day_bounds(day, zone)[1] == day_bounds(day + timedelta(days=1), zone)[0]
    assert local_date(day_bounds(day, zone)[0], zone) == day


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.timezones(no_cache=False)))  # noqa: DTZ001
def test_iso_reads_back(moment: datetime) -> None:
    assert parse_instant(iso(moment, BERLIN), SHANGHAI) == ensure_utc(moment)


def test_naive_instants_are_refused() -> None:
    with pytest.raises(ValueError, match="no offset"):
        ensure_utc(datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize("text", ["0001-01-01", "0001-01-01T00:30", "9999-12-31T23:59-14:00", "9999-12-31T23:59Z"])
def test_times_that_cannot_be_told_everywhere_are_refused(text):
    """Either here or in UTC they would lie outside the calendar."""
    with pytest.raises(ValueError, match="out of range"):
        parse_instant(text, BERLIN)
