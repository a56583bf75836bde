"""Written and read back on both databases: chunks, tail, folding, and reads that join them."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cis_power.core.quality import Quality
from cis_power.core.time import day_bounds
from cis_power.series.packing import Rule
from cis_power.series.reads import read_series
from cis_power.series.writes import append_tail, ensure_series, fold, put_values

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOON_MS = int(NOON.timestamp() * 1000)
_OWNERS = itertools.count(1000)  # the examples of a property share a database


def _series(session, owners=(1,), step_seconds=60, wide=False):
    return ensure_series(session, "point", owners, step_seconds=step_seconds, wide=wide)


def _seconds(instant):
    return int(instant.timestamp())


def test_a_series_is_made_once(database):
    with database.transaction() as session:
        first = _series(session, [5, 9, 5])
        again = _series(session, [9, 5])
    assert first.tolist() == [again[1], again[0], again[1]]


def test_values_come_back_in_their_range(database):
    at = _seconds(NOON) + np.arange(0, 3 * 86_400, 60)
    values = np.arange(len(at), dtype=np.float64)
    with database.transaction() as session:
        (key,) = _series(session)
        put_values(session, key, at, values, step_seconds=60)
    with database.reading() as session:
        got = read_series(session, key, NOON + timedelta(minutes=5), NOON + timedelta(days=2))
    assert got.at.astype(np.int64).tolist() == at[5 : 2 * 1440].tolist()
    assert got.value.tolist() == values[5 : 2 * 1440].tolist()
    assert set(got.quality.tolist()) == {Quality.GOOD}
    assert set(got.step_seconds.tolist()) == {60}


def test_late_values_merge_into_their_slot_by_the_rule(database):
    with database.transaction() as session:
        (key,) = _series(session, wide=True)
        put_values(session, key, [NOON], [1.0], [Quality.SUSPECT], step_seconds=900)
        put_values(session, key, [NOON + timedelta(minutes=15)], [2.0], step_seconds=900)
    with database.transaction() as session:
        both = [NOON, NOON + timedelta(minutes=15)]
        put_values(session, key, both, [10.0, 20.0], [Quality.GOOD, Quality.GOOD], step_seconds=900, rule=Rule.FILL)
        put_values(session, key, both, [np.nan, np.nan], step_seconds=900, rule=Rule.LAST)
        put_values(session, key, both, [9.0, 9.0], [Quality.BAD] * 2, step_seconds=900, rule=Rule.BETTER)
    with database.reading() as session:
        got = read_series(session, key, NOON, NOON + timedelta(hours=1))
    assert got.value.tolist() == [10.0, 2.0]
    assert got.quality.tolist() == [Quality.GOOD, Quality.GOOD]


def test_steps_of_one_series_stand_beside_each_other(database):
    with database.transaction() as session:
        (key,) = _series(session, wide=True)
        put_values(session, key, [NOON], [0.1], step_seconds=900)
        put_values(session, key, [NOON], [0.4], step_seconds=3600)
    with database.reading() as session:
        got = read_series(session, key, NOON, NOON + timedelta(seconds=1))
    assert list(zip(got.step_seconds.tolist(), got.value.tolist(), strict=True)) == [(900, 0.1), (3600, 0.4)]


def test_float64_is_kept_where_it_was_asked_for(database):
    with database.transaction() as session:
        (narrow,) = _series(session, [1])
        (wide,) = _series(session, [2], wide=True)
        put_values(session, [narrow, wide], [NOON, NOON], [0.1, 0.1], step_seconds=60)
    with database.reading() as session:
        got = read_series(session, [wide, narrow], NOON, NOON + timedelta(seconds=1))
    assert got.series_id.tolist() == [narrow, wide]
    assert got.value.tolist() == [float(np.float32(0.1)), 0.1]


def test_an_unknown_series_is_refused(database):
    with database.transaction() as session, pytest.raises(ValueError, match="no such series"):
        put_values(session, 404, [NOON], [1.0], step_seconds=60)


def test_the_tail_reads_as_the_chunks_do(database):
    """Polls a little late, one doubled within its slot: the same answer before and after folding."""
    at_ms = NOON_MS + np.array([200, 10_100, 10_900, 20_300])
    with database.transaction() as session:
        keys = _series(session, [1, 2], step_seconds=10)
        for moment, value in zip(at_ms.tolist(), (1.0, 2.0, 3.0, 4.0), strict=True):
            append_tail(session, keys[::-1], [moment, moment], [value, -value], [Quality.GOOD, Quality.SUSPECT])

    def seen():
        with database.reading() as session:
            got = read_series(session, keys, NOON, NOON + timedelta(minutes=1))
        return [part.tolist() for part in (got.series_id, got.at.astype(np.int64), got.value, got.quality)]

    before = seen()
    assert before[1] == [NOON_MS // 1000 + second for second in (0, 10, 20)] * 2
    assert before[2] == [-1.0, -3.0, -4.0, 1.0, 3.0, 4.0]
    with database.transaction() as session:
        assert fold(session, NOON) == 0
        assert fold(session, NOON + timedelta(minutes=1)) == 8
        assert fold(session, NOON + timedelta(minutes=1)) == 0
    assert seen() == before


def test_a_failed_read_never_hides_a_value(database):
    """A poll failed; the archive had the value: it is seen at once, and the fold does not lose it."""
    with database.transaction() as session:
        (key,) = _series(session, step_seconds=10)
        append_tail(session, [key, key], [NOON_MS, NOON_MS + 10_000], [np.nan, np.nan], [Quality.STALE] * 2)
        put_values(session, key, [NOON], [7.0], step_seconds=10, rule=Rule.FILL, polled=True)

    def seen():
        with database.reading() as session:
            got = read_series(session, key, NOON, NOON + timedelta(minutes=1))
        return [repr(value) for value in got.value.tolist()], got.quality.tolist()

    assert seen() == (["7.0", "nan"], [Quality.GOOD, Quality.STALE])
    with database.transaction() as session:
        fold(session, NOON + timedelta(hours=1))
    assert seen() == (["7.0", "nan"], [Quality.GOOD, Quality.STALE])


def test_a_fold_that_dies_changes_nothing(database):
    with database.transaction() as session:
        (key,) = _series(session, step_seconds=10)
        append_tail(session, [key], [NOON_MS], [1.0], [Quality.GOOD])
    with pytest.raises(KeyboardInterrupt), database.transaction() as session:
        assert fold(session, NOON + timedelta(hours=1)) == 1
        raise KeyboardInterrupt
    with database.transaction() as session:
        assert fold(session, NOON + timedelta(hours=1)) == 1
    with database.reading() as session:
        assert read_series(session, key, NOON, NOON + timedelta(hours=1)).value.tolist() == [1.0]


def test_writers_at_the_same_time_lose_nothing(database):
    """An import, a history pull and a fold merge into one row from processes of their own."""
    writers, rounds = 4, 15
    with database.transaction() as session:
        (key,) = _series(session, step_seconds=60)
    start = threading.Barrier(writers)

    def write(writer):
        start.wait()
        for turn in range(rounds):
            with database.transaction() as session:
                slot = turn * writers + writer
                put_values(session, key, [NOON + timedelta(minutes=slot)], [float(slot)], step_seconds=60)

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(write, range(writers)))
    with database.reading() as session:
        got = read_series(session, key, NOON, NOON + timedelta(hours=2))
    assert got.value.tolist() == [float(slot) for slot in range(writers * rounds)]


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2028, 2, 29), 24)])
def test_a_local_day_sums_exactly(database, day, hours):
    """One kWh a quarter-hour: a day is as long as its clock says, and its neighbours are not touched."""
    zone = ZoneInfo("Europe/Berlin")
    begin, end = day_bounds(day, zone)
    at = np.arange(_seconds(begin) - 86_400, _seconds(end) + 86_400, 900)
    with database.transaction() as session:
        (key,) = _series(session, wide=True)
        put_values(session, key, at, np.ones(len(at)), step_seconds=900)
    with database.reading() as session:
        assert read_series(session, key, begin, end).value.sum() == hours * 4


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(24)), st.lists(st.integers(0, 23), max_size=8), st.integers(0, 24))
def test_any_order_of_batches_with_doubles_and_folds_ends_the_same(sqlite_database, order, doubled, fold_after):
    with sqlite_database.transaction() as session:
        (key,) = _series(session, [next(_OWNERS)], step_seconds=600)
        for place, hour in enumerate([*order, *doubled]):
            append_tail(session, [key], [NOON_MS + hour * 600_000], [float(hour)], [Quality.GOOD])
            if place == fold_after:
                fold(session, NOON + timedelta(days=1))
        got = read_series(session, key, NOON, NOON + timedelta(hours=4))
    assert got.value.tolist() == [float(hour) for hour in range(24)]


_FEBRUARY = int(datetime(2024, 2, 26, 22, 30, tzinfo=UTC).timestamp())
_written = st.tuples(
    st.sampled_from((7, 900, 1800, 86_400, 31 * 86_400)),  # step
    st.integers(0, 9 * 86_400),  # seconds after 26 February of a leap year
    st.floats(-100, 100),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(_written, min_size=1, max_size=12), min_size=1, max_size=4),
    st.integers(-86_400, 10 * 86_400),
    st.integers(0, 12 * 86_400),
)
def test_any_range_reads_what_was_written(sqlite_database, batches, begin, length):
    """Compared with a dictionary; several steps, steps off the grid, a leap day and the border of two months."""
    expected = {}
    from_s, to_s = _FEBRUARY + begin, _FEBRUARY + begin + length
    with sqlite_database.transaction() as session:
        key, other = _series(session, [next(_OWNERS), next(_OWNERS)], wide=True).tolist()
        for batch in batches:
            for step in {row[0] for row in batch}:
                rows = [row for row in batch if row[0] == step]
                at = np.array([_FEBRUARY + row[1] for row in rows])
                put_values(session, key, at, [row[2] for row in rows], step_seconds=step)
                put_values(session, other, at, [0.0] * len(rows), step_seconds=step)
            expected.update({(_FEBRUARY + offset, step): value for step, offset, value in batch})
        bounds = (datetime.fromtimestamp(from_s, UTC), datetime.fromtimestamp(to_s, UTC))
        got = read_series(session, key, *bounds)
        both = read_series(session, [other, key], *bounds)
    found = list(zip(got.at.astype(np.int64).tolist(), got.step_seconds.tolist(), got.value.tolist(), strict=True))
    assert found == [(*place, expected[place]) for place in sorted(expected) if from_s <= place[0] < to_s]
    assert both.value[both.series_id == key].tolist() == got.value.tolist()
    assert len(both) == 2 * len(got)
