"""Load figures: the worked cases, bounds, gaps, and plain sums over random readings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis_power.core.quality import Quality
from reports.load.figures import GroupSum, grid_seconds

HOUR = 3600
DAY = 24 * HOUR


def total(*members, end=DAY, until=None, grid=HOUR):
    """Members are (at, seconds, energy, quality) lists with an optional window."""
    found = GroupSum(0, end, end if until is None else until, grid)
    for member in members:
        rows, window = member if isinstance(member, tuple) else (member, (0, end))
        at, seconds, energy, quality = zip(*rows, strict=True) if rows else ((), (), (), ())
        found.add(
            np.array(at, np.int64),
            np.array(seconds, np.int64),
            np.array(energy, np.float64),
            np.array(quality, np.uint8),
            window,
        )
    return found


def day(energies, quality=Quality.GOOD):
    return [(hour * HOUR, HOUR, energy, quality) for hour, energy in enumerate(energies) if energy is not None]


def test_worked_case_of_the_load_factor():
    found = total(day([100.0] + [1100 / 23] * 23)).figures()
    assert found.energy_kwh == pytest.approx(1200)
    assert (found.peak_kw, found.peak_at) == (100.0, 0)
    assert found.load_factor == pytest.approx(0.5)
    assert (found.good_share, found.energy_high_kwh, found.peak_high_kw) == (1.0, pytest.approx(1200), 100.0)


def test_worked_case_of_coincidence():
    first, second = [60.0, 40.0] + [0.0] * 22, [28.0, 50.0] + [0.0] * 22
    joint = total(day(first), day(second)).figures().peak_kw
    peaks = total(day(first)).figures().peak_kw + total(day(second)).figures().peak_kw
    assert (joint, peaks) == (90.0, 110.0)
    assert 88 / 110 == 0.8


def test_what_is_missing_is_never_zero():
    """12 of 24 hours at 10 kW: the mean stays 10 kW, and the other half may have been as high."""
    found = total(day([10.0] * 12 + [None] * 12)).figures()
    assert (found.energy_kwh, found.mean_kw, found.load_factor) == (120.0, 10.0, 1.0)
    assert (found.good_share, found.energy_high_kwh) == (0.5, 240.0)
    nothing = total([]).figures()
    assert (nothing.energy_kwh, nothing.peak_kw, nothing.mean_kw, nothing.good_share) == (None, None, None, 0.0)


def test_a_silent_member_leaves_the_sum_unbounded():
    found = total(day([10.0] * 24), []).figures()
    assert (found.energy_kwh, found.energy_high_kwh, found.peak_high_kw, found.good_share) == (240.0, None, None, 0.5)


def test_the_peak_may_have_been_higher_where_somebody_is_missing():
    found = total(day([10.0] * 23 + [None]), day([5.0] * 23 + [8.0])).figures()
    assert (found.peak_kw, found.peak_high_kw) == (15.0, 18.0)


def test_estimated_values_count_in_energy_and_not_as_good():
    found = total(day([10.0] * 6) + [(h * HOUR, HOUR, 10.0, Quality.SUBSTITUTED) for h in range(6, 24)]).figures()
    assert (found.energy_kwh, found.good_share, found.known_share) == (240.0, 0.25, 1.0)


def test_nothing_is_expected_of_the_time_to_come():
    found = total((day([10.0] * 6), (0, 6 * HOUR)), until=6 * HOUR).figures()
    assert (found.mean_kw, found.good_share) == (10.0, 1.0)


@pytest.mark.parametrize(
    ("steps", "grid"),
    [({900}, 900), ({900, 3600}, 3600), ({DAY}, DAY), ({900, DAY}, 900), ({31 * DAY}, None), ((), None)],
)
def test_the_grid_is_the_coarsest_of_at_most_an_hour(steps, grid):
    assert grid_seconds(steps) == grid


def test_finer_intervals_are_summed_and_coarser_spread():
    quarters = [(n * 900, 900, 1.0, 0) for n in range(4)]
    found = total(quarters, [(0, DAY, 48.0, 0)]).figures()
    assert (found.peak_kw, found.peak_at, found.energy_kwh) == (6.0, 0, 52.0)


values = st.lists(st.one_of(st.none(), st.floats(0, 100)), min_size=24, max_size=24)


@given(st.lists(values, min_size=1, max_size=5))
def test_figures_are_plain_sums_within_their_bounds(members):
    group = total(*(day(member) for member in members))
    found = group.figures()
    known = [value for member in members for value in member if value is not None]
    if not known:
        assert found.energy_kwh is None
        return
    hourly = [sum(m[h] or 0.0 for m in members) for h in range(24) if any(m[h] is not None for m in members)]
    assert found.energy_kwh == pytest.approx(sum(known))
    assert found.peak_kw == pytest.approx(max(hourly))
    assert found.good_share == pytest.approx(len(known) / (24 * len(members)))
    if found.energy_high_kwh is not None:
        assert found.energy_high_kwh >= found.energy_kwh
        assert found.peak_high_kw >= found.peak_kw - 1e-9
    if len(known) == 24 * len(members):
        assert found.mean_kw == pytest.approx(sum(known) / 24)
        assert found.energy_high_kwh == pytest.approx(sum(known))
