"""The shapes of loads: days, weeks and seasons of the utility's zone around a mean of one."""

import zlib
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada_bridge.simulator.loads import KINDS, mean_kw, power_factors, shapes

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
HOME, TRADE, WORKS = (KINDS.index(kind) for kind in ("residential", "commercial", "industrial"))


def hours(zone, *day, count=24):
    return datetime(*day, tzinfo=zone).timestamp() + np.arange(count) * 3600 + 1800


@pytest.mark.parametrize("zone", [SHANGHAI, NEW_YORK, ZoneInfo("UTC")], ids=str)
def test_homes_peak_in_the_evening_of_the_utilitys_zone_and_shops_by_day(zone):
    day = shapes(hours(zone, 2026, 1, 14), zone)
    assert 17 <= day[:, HOME].argmax() <= 20
    assert 8 <= day[:, TRADE].argmax() <= 16
    assert day[:, HOME].argmin() < 6


def test_works_rest_on_sunday_and_homes_do_not():
    weekday, sunday = (shapes(hours(SHANGHAI, 2026, 1, day), SHANGHAI).mean(axis=0) for day in (14, 18))
    assert sunday[WORKS] < 0.6 * weekday[WORKS]
    assert sunday[HOME] > weekday[HOME]


@pytest.mark.parametrize("year", [2025, 2028])
def test_the_mean_of_a_year_is_one_and_seasons_differ(year):
    found = shapes(hours(NEW_YORK, year, 1, 1, count=24 * 365), NEW_YORK)
    assert found.mean(axis=0) == pytest.approx(np.ones(len(KINDS)), abs=0.005)
    january, july = (found[24 * day : 24 * (day + 28), TRADE].mean() for day in (0, 181))
    assert january > 1.1 * july


def test_a_day_of_25_hours_goes_on_smoothly():
    at = datetime(2026, 11, 1, tzinfo=NEW_YORK).timestamp() + np.arange(0, 25 * 3600, 60)
    steps = np.abs(np.diff(shapes(at, NEW_YORK), axis=0)).max(axis=1)
    assert (steps > 0.02).sum() == 1, "only where the hour is lived twice the clock jumps"
    ordinary = shapes(hours(SHANGHAI, 2026, 5, 1)[0] + np.arange(0, 40 * 86_400, 60), SHANGHAI)
    assert np.abs(np.diff(ordinary, axis=0)).max() < 0.02


@given(st.integers(0, 2**33), st.integers(1, 5))
def test_one_instant_is_answered_alone_as_among_others(at, count):
    several = shapes(at + np.arange(count) * 997, SHANGHAI)
    assert several[-1] == pytest.approx(shapes(np.array([at + (count - 1) * 997]), SHANGHAI)[0])
    assert (several > 0.2).all() and (several < 4).all()


def test_means_follow_size_and_kind_and_are_each_points_own():
    key = np.array([zlib.crc32(b"UP%07d" % number) for number in range(20_000)], np.uint32)
    kind = np.full(len(key), HOME)
    found = mean_kw(kind, np.full(len(key), 8.0), key)
    assert found.mean() == pytest.approx(8.0 * 0.06, rel=0.02)
    assert found.std() / found.mean() == pytest.approx(0.4, rel=0.1)
    assert (mean_kw(kind, np.full(len(key), np.nan), key) == found).all()
    assert mean_kw(kind, np.full(len(key), 16.0), key) == pytest.approx(2 * found)
    assert (mean_kw(np.full(len(key), WORKS), np.full(len(key), 100.0), key) <= 80).all()
    assert mean_kw(kind[:1], np.array([0.0]), key[5:6]) == found[5]


def test_any_mix_of_currents_adds_up_within_a_thousandth():
    """|sum of phasors| and sum of magnitudes differ most for equal parts of the extreme power factors."""
    angles = np.arccos(power_factors())
    assert np.cos((angles.max() - angles.min()) / 2) > 0.999
