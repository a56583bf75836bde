"""Overlapping intervals, register reads and clipping."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cis_power.core.quality import Quality
from cis_power.metering.intervals import Intervals, between_reads, clipped_evenly, finest


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from((1, 4, 12))), unique=True, max_size=30))
def test_taken_intervals_never_overlap_a_finer_one(drawn):
    drawn = [(at * step, step) for at, step in drawn]
    at = np.array([row[0] for row in drawn], np.int64)
    seconds = np.array([row[1] for row in drawn], np.int64)
    taken = finest(at, seconds)
    chosen = [row for row, keep in zip(drawn, taken, strict=True) if keep]
    covered = [second for begin, step in chosen for second in range(begin, begin + step)]
    assert len(covered) == len(set(covered))
    for begin, step in {row for row, keep in zip(drawn, taken, strict=True) if not keep}:
        assert any(b < begin + step and begin < b + s for b, s in chosen if s < step)


def test_reads_become_intervals_and_a_lower_read_tells_nothing():
    at, seconds, amount, quality = between_reads(
        np.array([0, 10, 20, 30, 40]),
        np.array([100.0, 150.0, np.nan, 160.0, 5.0]),
        np.array([0, 1, 0, 0, 0], np.uint8),
    )
    assert at.tolist() == [0, 10]
    assert seconds.tolist() == [10, 20]
    assert amount.tolist() == [50.0, 10.0]
    assert quality.tolist() == [Quality.SUBSTITUTED, Quality.SUBSTITUTED]


def test_a_part_of_a_long_interval_is_substituted():
    whole = Intervals(
        np.array([1, 1]), np.array([0, 100]), np.array([100, 100]), np.array([50.0, 8.0]), np.zeros(2, np.uint8)
    )
    part = clipped_evenly(whole, 50, 200)
    assert part.at.tolist() == [50, 100]
    assert part.energy_kwh.tolist() == [25.0, 8.0]
    assert part.quality.tolist() == [Quality.SUBSTITUTED, Quality.GOOD]
