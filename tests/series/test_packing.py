"""Packing is compared with a plain dictionary that keeps one value a series, instant and step."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis_power.core.quality import Quality
from cis_power.series.packing import (
    DAY_SECONDS,
    Rule,
    chunk_starts,
    epoch_seconds,
    on_grid,
    pack,
    replaces,
    unpack,
)

YEAR_START = int(datetime(2024, 2, 27, tzinfo=UTC).timestamp())  # a leap day and two month borders lie ahead
STEPS = (1, 7, 60, 900, 1800, 3600, 5400, DAY_SECONDS, 23 * 3600, 31 * DAY_SECONDS)

samples = st.tuples(
    st.integers(1, 3),
    st.integers(YEAR_START, YEAR_START + 40 * DAY_SECONDS),
    st.one_of(st.just(float("nan")), st.floats(-1e6, 1e6, width=32)),
    st.sampled_from(list(Quality)),
)


def _columns(rows):
    series, at, values, quality = zip(*rows, strict=True)
    return np.array(series, np.int64), np.array(at, np.int64), np.array(values), np.array(quality, np.uint8)


def _unpacked(rows):
    """(series, at) → (value, quality) of what is not missing."""
    found = {}
    for series, first, values, quality in zip(
        rows.series_ids.tolist(), rows.first_at.tolist(), rows.values, rows.quality, strict=True
    ):
        numbers, codes = unpack((values, quality), wide=True)
        for slot in np.flatnonzero(codes != Quality.MISSING).tolist():
            found[series, first + slot * rows.step_seconds] = (repr(float(numbers[slot])), int(codes[slot]))
    return found


def _by_hand(rows, rule):
    found = {}
    for series, at, value, given_quality in rows:
        nothing = np.isnan(value) and given_quality <= Quality.SUBSTITUTED
        quality = Quality.MISSING if nothing else given_quality
        if quality == Quality.MISSING:
            continue
        old = found.get((series, at))
        if old is None or _wins(rule, (value, quality), (float(old[0]), old[1])):
            found[series, at] = (repr(float(value)), int(quality))
    return found


def _wins(rule, new, old):
    if math.isnan(new[0]) != math.isnan(old[0]):
        return math.isnan(old[0])
    return {Rule.LAST: True, Rule.BETTER: new[1] <= old[1], Rule.FILL: new[1] < old[1]}[rule]


@given(st.lists(samples, min_size=1, max_size=60), st.sampled_from(STEPS), st.sampled_from(list(Rule)))
def test_packed_values_are_those_of_a_dictionary(rows, step, rule):
    rows = rows + rows[: len(rows) // 3]  # 30 % doubles
    packed = pack(*_columns(rows), step_seconds=step, wide=True, rule=rule)
    assert _unpacked(packed) == _by_hand(rows, rule)


@given(
    st.lists(samples, min_size=2, max_size=60), st.integers(1, 59), st.sampled_from(STEPS), st.sampled_from(list(Rule))
)
def test_two_loads_make_what_one_load_makes(rows, cut, step, rule):
    cut = min(cut, len(rows) - 1)
    first = pack(*_columns(rows[:cut]), step_seconds=step, wide=True, rule=rule)
    stored = {
        (series, at): (values, quality)
        for series, at, values, quality in zip(
            first.series_ids.tolist(), first.first_at.tolist(), first.values, first.quality, strict=True
        )
    }
    second = pack(*_columns(rows[cut:]), step_seconds=step, wide=True, rule=rule, stored=stored)
    assert _unpacked(first) | _unpacked(second) == _by_hand(rows, rule)


@given(st.permutations(range(40)), st.sampled_from((60, 900, 3600)))
def test_the_order_of_arrival_does_not_matter(order, step):
    at = YEAR_START + np.arange(40) * step
    values = np.arange(40) * 1.5
    plain = pack(np.ones(40, np.int64), at, values, None, step_seconds=step, wide=False)
    mixed = pack(np.ones(40, np.int64), at[order], values[order], None, step_seconds=step, wide=False)
    assert mixed.values == plain.values
    assert mixed.quality == plain.quality
    assert plain.quality == [None] * len(plain.values)


def test_a_row_is_a_utc_day_or_a_utc_month():
    at = epoch_seconds([datetime(2024, 2, 29, 23, 59, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)])
    days = chunk_starts(at, 60)
    months = chunk_starts(at, 1800)
    assert days.astype("datetime64[s]").astype(str).tolist() == ["2024-02-29T00:00:00", "2024-03-01T00:00:00"]
    assert months.astype("datetime64[s]").astype(str).tolist() == ["2024-02-01T00:00:00", "2024-03-01T00:00:00"]


def test_missing_slots_are_missing_and_never_zero():
    packed = pack(
        np.array([7, 7]),
        np.array([YEAR_START, YEAR_START + 180]),
        np.array([1.0, 4.0]),
        None,
        step_seconds=60,
        wide=False,
    )
    values, quality = unpack((packed.values[0], packed.quality[0]), wide=False)
    assert quality.tolist() == [Quality.GOOD, Quality.MISSING, Quality.MISSING, Quality.GOOD]
    assert np.isnan(values[1:3]).all()
    assert packed.quality == [None]


def test_local_days_keep_their_exact_beginning():
    """Days of Berlin around the spring change begin at 23:00 and 22:00 UTC: two rows, nothing is moved."""
    begins = epoch_seconds([datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)])
    packed = pack(np.array([1, 1]), begins, np.array([10.0, 11.0]), None, step_seconds=DAY_SECONDS, wide=True)
    assert sorted(at for _, at in _unpacked(packed)) == begins.tolist()


def test_a_bad_value_is_kept_and_flagged():
    packed = pack(
        np.array([1]), np.array([YEAR_START]), np.array([5.0]), np.array([Quality.BAD]), step_seconds=60, wide=True
    )
    assert _unpacked(packed) == {(1, YEAR_START): ("5.0", Quality.BAD)}


def test_polled_instants_move_down_to_the_grid_of_their_chunk():
    at = YEAR_START + np.array([0, 6, 7, 13, 86_399])
    assert (on_grid(at, 7) - YEAR_START).tolist() == [0, 0, 7, 7, 86_394]


@pytest.mark.parametrize("wrong", [np.array([0.5]), np.array(["x"])])
def test_instants_that_are_no_instants_are_refused(wrong):
    with pytest.raises(TypeError):
        epoch_seconds(wrong)


def test_naive_instants_and_unknown_qualities_are_refused():
    with pytest.raises(ValueError, match="no offset"):
        epoch_seconds([datetime(2026, 1, 1)])  # noqa: DTZ001 - the point of the test
    with pytest.raises(ValueError, match="quality 9"):
        pack(np.array([1]), np.array([0]), np.array([1.0]), np.array([9], np.uint8), step_seconds=60, wide=True)
    with pytest.raises(ValueError, match="differ in length"):
        pack(np.array([1, 2]), np.array([0]), np.array([1.0]), None, step_seconds=60, wide=True)


def test_the_rules_of_merging():
    """Which of a stored and a later value stays: by rule, for pairs of stored and later."""
    good, worse, failed, missing = (1.0, 0), (1.0, 3), (math.nan, 2), (math.nan, 5)
    pairs = {
        (good, good): (True, True, False),
        (good, worse): (True, False, False),
        (worse, good): (True, True, True),
        (good, failed): (False, False, False),
        (worse, failed): (False, False, False),
        (failed, worse): (True, True, True),
        (failed, failed): (True, True, False),
        (good, missing): (False, False, False),
        (failed, missing): (False, False, False),
        (missing, failed): (True, True, True),
    }
    for (stored, later), expected in pairs.items():
        told = [np.array([part]) for part in later], [np.array([part]) for part in stored]
        assert tuple(bool(replaces(rule, *told)[0]) for rule in Rule) == expected, (stored, later)
