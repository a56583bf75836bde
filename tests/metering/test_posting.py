"""Readings become interval history and register rows on both databases."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import select

from cis_power.core.quality import Quality
from cis_power.customers.models import UsagePoint
from cis_power.metering.models import Channel, Meter, MeterInstallation, ReadingSpan, RegisterReading
from cis_power.metering.readings import Reading, ReadingColumns
from cis_power.metering.writes import SERIES_OWNER, post_readings, put_intervals
from cis_power.series.models import SeriesChunk
from cis_power.series.reads import read_series, series_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def reading(n=0, value=1.0, **changes):
    fields = {
        "meter_no": "M1",
        "usage_point": None,
        "channel": "1",
        "began_at": NOON + n * QUARTER,
        "seconds": 900,
        "value": value,
        "unit": "kWh",
        "quality": "measured",
    }
    return Reading(**(fields | changes))


@pytest.fixture
def metered(database):
    """A usage point U1 with meter M1 since noon, and a usage point U2 that never had a meter."""
    with database.transaction() as session:
        points = [UsagePoint(code=code, created_at=NOON) for code in ("U1", "U2")]
        meter = Meter(meter_no="M1")
        session.add_all([*points, meter])
        session.flush()
        session.add(MeterInstallation(meter_id=meter.id, usage_point_id=points[0].id, began_at=NOON, multiplier=40.0))
    return database


def post(database, *readings, batch_id=None):
    with database.transaction() as session:
        return post_readings(session, ReadingColumns.of(readings), batch_id=batch_id)


def history(database, code="1"):
    with database.reading() as session:
        channels = session.scalars(select(Channel.id).where(Channel.code == code)).all()
        keys = list(series_of(session, SERIES_OWNER, channels).values())
        return read_series(session, keys, NOON - timedelta(days=40), NOON + timedelta(days=40))


def test_a_reading_makes_its_channel_and_lands_in_its_interval(metered):
    posted = post(metered, reading(), reading(1, 250.0, unit="Wh"), reading(2, 8.0, unit="kW"))
    assert (posted.changed, posted.unchanged, posted.problems) == ((0, 1, 2), (), ())
    got = history(metered)
    assert got.value.tolist() == [1.0, 0.25, 2.0]
    assert got.at.astype(np.int64).tolist() == [int((NOON + n * QUARTER).timestamp()) for n in range(3)]


def test_the_same_again_changes_nothing_and_better_wins(metered):
    post(metered, reading(0, 1.0, quality="estimated"), reading(1, 2.0))
    posted = post(
        metered,
        reading(0, 1.0, quality="estimated"),  # the same
        reading(1, 5.0, quality="estimated"),  # worse than what is there
        reading(1, None, quality="missing"),  # replaces nothing
        reading(0, 3.0),  # measured replaces estimated
    )
    assert posted.changed == (3,)
    assert posted.unchanged == (0, 1, 2)
    got = history(metered)
    assert got.value.tolist() == [3.0, 2.0]
    assert got.quality.tolist() == [Quality.GOOD, Quality.GOOD]


def test_words_are_kept_as_reasons_of_runs(metered):
    words = ["estimated", "estimated", "measured", "substituted", "missing"]
    post(metered, *(reading(n, None if word == "missing" else 1.0, quality=word) for n, word in enumerate(words)))
    with metered.reading() as session:
        spans = session.execute(select(ReadingSpan.began_at, ReadingSpan.ended_at, ReadingSpan.reason)).all()
    assert [tuple(span) for span in spans] == [
        (NOON, NOON + 2 * QUARTER, "estimated"),
        (NOON + 3 * QUARTER, NOON + 4 * QUARTER, "substituted"),
        (NOON + 4 * QUARTER, NOON + 5 * QUARTER, "missing"),
    ]
    assert history(metered).quality.tolist() == [
        Quality.SUBSTITUTED, Quality.SUBSTITUTED, Quality.GOOD, Quality.SUBSTITUTED,
    ]  # fmt: skip


def test_a_usage_point_finds_the_meter_that_stood_there_then(metered):
    posted = post(
        metered,
        reading(meter_no=None, usage_point="U1"),
        reading(-1, meter_no=None, usage_point="U1"),
        reading(meter_no=None, usage_point="U2", channel=None),
        reading(meter_no=None, usage_point="U9"),
        reading(meter_no="M9"),
    )
    assert posted.changed == (0, 2)
    assert [(problem.index, problem.code) for problem in posted.problems] == [
        (1, "no_meter_then"),
        (3, "unknown_usage_point"),
        (4, "unknown_meter"),
    ]


def test_what_does_not_fit_its_channel_is_refused_row_by_row(metered):
    post(metered, reading())
    posted = post(
        metered,
        reading(1, unit="furlong"),
        reading(1, unit="V"),
        reading(1, seconds=None),
        reading(1, seconds=0),
        reading(1, quality="guessed"),
        reading(1, channel="new", unit="furlong"),
        reading(1, channel="2", seconds=None, unit="kW"),
        reading(1),
    )
    assert [problem.code for problem in posted.problems] == [
        "unknown_unit", "wrong_unit", "no_interval", "wrong_interval", "unknown_quality", "unknown_unit", "wrong_unit",
    ]  # fmt: skip
    assert posted.changed == (7,)


def test_register_reads_are_rows(metered):
    reads = [reading(n, 100.0 + n, channel="R", seconds=None) for n in (0, 96)]
    assert post(metered, *reads).changed == (0, 1)
    assert post(metered, *reads).unchanged == (0, 1)
    assert post(metered, reading(0, 100.0, channel="R", seconds=0)).unchanged == (0,), "no length, said otherwise"
    with metered.reading() as session:
        rows = session.execute(select(RegisterReading.read_at, RegisterReading.value, RegisterReading.quality)).all()
    assert [tuple(row) for row in rows] == [(NOON, 100.0, 0), (NOON + 96 * QUARTER, 196.0, 0)]


def test_rows_and_arrays_make_equal_packed_rows(metered):
    """One day loaded both ways."""
    values = np.round(np.random.default_rng(1).uniform(0, 2, 96), 3)
    post(metered, *(reading(n, float(value)) for n, value in enumerate(values)))
    with metered.transaction() as session:
        meter = session.scalars(select(Meter.id)).one()
        other = Channel(meter_id=meter, code="2")
        session.add(other)
        session.flush()
        at = int(NOON.timestamp()) + np.arange(96) * 900
        put_intervals(session, np.full(96, other.id), at, values, seconds=900)
    with metered.reading() as session:
        columns = (SeriesChunk.first_at_seconds, SeriesChunk.step_seconds, SeriesChunk.values, SeriesChunk.quality)
        rows = session.execute(select(SeriesChunk.series_id, *columns)).all()
    by_series = {}
    for row in rows:
        by_series.setdefault(row.series_id, []).append(tuple(row)[1:])
    first, second = by_series.values()
    assert sorted(first) == sorted(second)
