"""Stale or invalid is never shown as live (promise R9): over random readings, ages and holds."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cis_power.core.quality import Quality
from cis_power.telemetry.quality import Held, shown, stale_after

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@settings(max_examples=10_000)
@given(
    st.one_of(st.none(), st.floats(-1e9, 1e9)),
    st.sampled_from(Quality),
    st.one_of(st.none(), st.floats(-7_200, 100_000)),
    st.floats(1, 3_600),
)
def test_nothing_old_or_bad_is_shown_as_good(value, quality, age, limit):
    measured_at = None if age is None else NOW - timedelta(seconds=age)
    found = shown(value, quality, "why" if quality else None, measured_at, now=NOW, limit_seconds=limit)
    if measured_at is None:
        assert (found.value, found.quality, found.age_seconds) == (None, Quality.MISSING, None)
        return
    assert found.quality >= quality
    if found.age_seconds > limit:
        assert found.quality >= Quality.STALE
    if found.quality == Quality.GOOD:
        assert -60 - 1e-3 <= age <= limit + 1e-3
        assert quality == Quality.GOOD
    else:
        assert found.reason
    assert found.value == value
    assert found.measured_at == measured_at


def test_age_alone_makes_a_value_stale_and_says_so():
    fresh = shown(1.0, 0, None, NOW - timedelta(seconds=60), now=NOW, limit_seconds=60)
    old = shown(1.0, 0, None, NOW - timedelta(seconds=61), now=NOW, limit_seconds=60)
    assert (fresh.quality, fresh.reason) == (Quality.GOOD, None)
    assert (old.quality, old.reason, old.value) == (Quality.STALE, "older than 60 s", 1.0)


@pytest.mark.parametrize(
    ("poll_seconds", "setting", "limit"), [(1, None, 60), (20, None, 60), (21, None, 63), (300, None, 900), (300, 5, 5)]
)
def test_the_age_limit_is_a_minute_or_three_polls_or_the_setting(poll_seconds, setting, limit):
    assert stale_after(poll_seconds, setting) == limit


def test_a_hand_set_value_holds_and_is_marked():
    held = Held("set", 0.0, None, NOW - timedelta(hours=9), "liu")
    found = shown(1.0, 0, None, NOW, now=NOW, limit_seconds=60, held=held)
    assert (found.value, found.quality, found.reason) == (0.0, Quality.SUBSTITUTED, "set by liu")


def test_a_tag_keeps_what_was():
    held = Held("tag", 1.0, "work", NOW - timedelta(hours=9), "liu")
    found = shown(0.0, 0, None, NOW, now=NOW, limit_seconds=60, held=held)
    assert (found.value, found.quality, found.reason) == (1.0, Quality.SUBSTITUTED, "tag work by liu")


def test_a_clock_an_hour_ahead_is_flagged_and_one_behind_is_stale():
    ahead = shown(1.0, 0, None, NOW + timedelta(hours=1), now=NOW, limit_seconds=60)
    behind = shown(1.0, 0, None, NOW - timedelta(hours=1), now=NOW, limit_seconds=60)
    assert (ahead.quality, ahead.reason) == (Quality.SUSPECT, "its clock is ahead of ours")
    assert behind.quality == Quality.STALE
