"""What is known from poll to poll: failed reads keep the value, changes are bounded, restarts forget nothing."""

import numpy as np

from cis_power.core.quality import Quality
from scada_bridge.batch import Batch, Change
from scada_bridge.picture import Picture, Reading, nothing_read
from tests.scada_bridge.making import analog, position

POINTS = [position("CB1", 0), position("CB2", 1), analog("CB1", 0)]
ALL = np.arange(3)


def reading(*values, quality=Quality.GOOD):
    codes = np.full(len(values), quality, np.uint8)
    return Reading(np.array(values, float), codes, np.full(len(values), None), np.zeros(len(values), bool))


def as_batch(rows, at):
    return Batch("rtu1", at, at, 1.0, rows)


def test_the_first_poll_tells_every_signal_without_inventing_when_it_changed():
    rows = Picture(POINTS).take(ALL, reading(1, 0, 5.5), 1000)
    assert list(rows.values) == [1, 0, 5.5]
    assert rows.changes == (Change(0, None, None, True), Change(1, None, None, True))


def test_a_change_lies_between_the_last_good_poll_and_the_one_that_found_it():
    picture = Picture(POINTS)
    picture.take(ALL, reading(1, 0, 5.5), 1000)
    picture.take(ALL, reading(1, 0, 5.6), 2000)
    rows = picture.take(ALL, reading(0, 0, 0.0), 3000)
    assert rows.changes == (Change(0, 1.0, 2000, False),)


def test_a_failed_read_keeps_value_and_time_and_is_stale_with_its_reason():
    picture = Picture(POINTS)
    picture.take(ALL, reading(1, 0, 5.5), 1000)
    rows = picture.take(ALL, nothing_read(3, "no answer"), 2000)
    assert list(rows.values) == [1, 0, 5.5]
    assert list(rows.measured_ms) == [1000] * 3
    assert list(rows.quality) == [Quality.STALE] * 3
    assert list(rows.reasons) == ["no answer"] * 3
    assert rows.changes == ()


def test_what_was_never_read_is_missing():
    rows = Picture(POINTS).take(ALL, nothing_read(3, "cannot connect"), 1000)
    assert (list(rows.values), list(rows.measured_ms)) == ([None] * 3, [None] * 3)
    assert list(rows.quality) == [Quality.MISSING] * 3


def test_found_changed_after_a_break_is_uncertain_and_unchanged_is_nothing():
    picture = Picture(POINTS)
    picture.take(ALL, reading(1, 1, 5.5), 1000)
    picture.take(ALL, nothing_read(3, "no answer"), 2000)
    rows = picture.take(ALL, reading(0, 1, 0.0), 9000)
    assert rows.changes == (Change(0, 1.0, 1000, True),)
    assert picture.take(ALL, reading(1, 1, 0.0), 10_000).changes == (Change(0, 0.0, 9000, False),)


def test_an_intermediate_position_is_told_and_the_way_on_is_bounded_by_the_last_good_one():
    picture = Picture(POINTS)
    picture.take(ALL, reading(1, 1, 5.5), 1000)
    moving = picture.take(np.array([0]), reading(np.nan, quality=Quality.SUSPECT), 2000)
    assert moving.changes == (Change(0, 1.0, 1000, False),)
    assert list(moving.values) == [None]
    there = picture.take(np.array([0]), reading(0), 3000)
    assert there.changes == (Change(0, 1.0, 1000, False),)


def test_a_restarted_collector_goes_on_from_the_last_batches():
    before = Picture(POINTS)
    before.take(ALL, reading(1, 0, 5.5), 1000)
    last = as_batch(before.take(ALL, nothing_read(3, "no answer"), 2000), 2000)
    after = Picture(POINTS)
    after.restore([last])
    rows = after.take(ALL, reading(1, 1, 5.5), 60_000)
    assert rows.changes == (Change(1, 0.0, 1000, True),)
    assert after.polled_ms == {1.0: 2000}


def test_a_point_list_that_changed_meanwhile_does_not_mix_points_up():
    before = Picture(POINTS)
    last = as_batch(before.take(ALL, reading(1, 0, 5.5), 1000), 1000)
    after = Picture([position("CB9", 7), POINTS[1]])
    after.restore([last])
    rows = after.take(np.arange(2), reading(1, 0), 2000)
    assert rows.changes == (Change(0, None, None, True),)
