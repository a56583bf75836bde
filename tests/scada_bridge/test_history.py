"""History given as arrays becomes exactly what the same values of an archive become."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from cis_power.access.installation import Installation
from cis_power.access.trail import AuditTrail
from cis_power.core.columns import Coded
from cis_power.core.config import Settings, SourceSettings
from cis_power.core.db import Database
from cis_power.core.models import Batch
from cis_power.core.quality import Quality
from cis_power.series.models import Series, SeriesChunk
from scada_bridge.history import HistoryColumns, post_history
from scada_bridge.pull import pull_archive
from tests.scada_bridge.making import analog, batch, position
from tests.scada_bridge.stored import BEGIN, WHO, Store

POINTS = [analog("T1", 0, poll_seconds=60.0), analog("T2", 2, poll_seconds=60.0), position("T1", 0)]
DAY = BEGIN.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
LATER = DAY + timedelta(days=3)


@pytest.fixture
def store(database: Database, tmp_path: Path) -> Store:
    made = Store(database, tmp_path / "run")
    made.post(POINTS)
    return made


def here(store: Store) -> Installation:
    return Installation(Settings(run_dir=store.run_dir), store.database, AuditTrail(store.run_dir), WHO)


def day(step: int) -> list[tuple[str, int, float, Quality]]:
    """A day of two points every `step` seconds, (point, seconds, value, quality): one missing, one suspect of each."""
    rows = []
    for number, point in enumerate(("A_T1", "A_T2")):
        for at in range(0, 86_400, step):
            value, quality = 10.5 * number + at / 1000, Quality.GOOD
            if at == 5 * step:
                value, quality = float("nan"), Quality.MISSING
            if at == 7 * step:
                quality = Quality.SUSPECT
            rows.append((point, at, value, quality))
    return rows


def from_archive(store: Store, folder: Path, step: int | None, rows: list[tuple[str, int, float, Quality]]) -> None:
    folder.mkdir(exist_ok=True)
    lines = [
        f"{point},{(DAY + timedelta(seconds=at)).isoformat()},{'' if value != value else value},{quality.name}\n"
        for point, at, value, quality in rows
    ]
    (folder / "day.csv").write_text("point_id,measured_at,value,quality\n" + "".join(lines))
    archive = SourceSettings(url=f"file://{folder}", serves=("rtu1",), step_seconds=step)
    pull_archive(store.database, Settings(run_dir=store.run_dir, sources={"dms": archive}), "dms")


def columns(rows: list[tuple[str, int, float, Quality]]) -> HistoryColumns:
    points, at, values, quality = zip(*rows, strict=True)
    begin = int(DAY.timestamp())
    return HistoryColumns(
        Coded.of(points), np.array(at) + begin, np.array(values), np.array([int(code) for code in quality], np.uint8)
    )


def packed(database: Database) -> list[tuple[Any, ...]]:
    chunk = SeriesChunk
    series = Series.owner_kind, Series.owner_id, Series.step_seconds, Series.wide
    query = select(*series, chunk.first_at_seconds, chunk.step_seconds, chunk.values, chunk.quality)
    query = query.join(chunk, chunk.series_id == Series.id)
    with database.reading() as session:
        return sorted((tuple(row) for row in session.execute(query)), key=str)


def empty(database: Database) -> None:
    with database.transaction() as session:
        session.execute(SeriesChunk.__table__.delete())
        session.execute(Series.__table__.delete())


@pytest.mark.parametrize(("every", "step"), [(3600, 3600), (60, None)])
def test_a_day_of_an_archive_and_of_arrays_is_equal(store: Store, tmp_path: Path, every: int, step: int | None) -> None:
    from_archive(store, tmp_path / "archive", step, day(every))
    pulled = packed(store.database)
    empty(store.database)
    result = post_history(here(store), columns(day(every)), step_seconds=step, name="a day", now=LATER)
    assert packed(store.database) == pulled
    assert pulled
    assert {row[5] for row in pulled} == {step or 60}
    assert (result.rows, result.accepted, result.rejected) == (len(day(every)), len(day(every)) - 2, 0)


def test_the_same_arrays_change_nothing_and_better_values_stay(store: Store) -> None:
    rows = day(60)
    first = post_history(here(store), columns(rows), step_seconds=None, name="a day", now=LATER)
    before = packed(store.database)
    again = post_history(here(store), columns(rows), step_seconds=None, name="a day", now=LATER)
    assert (again.batch, again.accepted, again.unchanged) == (first.batch, 0, len(rows))
    others = [(point, at, value + 1, quality) for point, at, value, quality in rows]
    mended = post_history(here(store), columns(others), step_seconds=None, name="another day", now=LATER)
    assert mended.batch != first.batch
    assert mended.accepted == 0  # what is there is as good; what was missing still is
    assert packed(store.database) == before
    good = [(point, at, 5.0, Quality.GOOD) for point, at, _, _ in rows]
    filled = post_history(here(store), columns(good), step_seconds=None, name="good values", now=LATER)
    assert filled.accepted == 4  # the missing and the suspect one of each point
    assert store.history("A_T1", 72)[5][1:] == (5.0, Quality.GOOD)


def test_live_values_are_seen_before_they_are_packed(store: Store) -> None:
    at = DAY + timedelta(hours=2)
    store.put(batch(round(at.timestamp() * 1000), {"A_T1": 77.0}, poll_seconds=60.0))
    store.load()
    post_history(here(store), columns(day(60)), step_seconds=None, name="a day", now=LATER)
    told = {moment: value for moment, value, _ in store.history("A_T1", 72)}
    assert told[at] == 77.0


def test_unknown_points_and_signals_are_rejected_with_words(store: Store) -> None:
    rows = [("A_T1", 0, 1.0, Quality.GOOD), ("P_T1", 0, 1.0, Quality.GOOD), ("nobody", 0, 1.0, Quality.GOOD)]
    result = post_history(here(store), columns(rows), step_seconds=None, name="mixed", now=LATER)
    assert (result.rows, result.accepted, result.rejected) == (3, 1, 2)
    assert sorted(problem.code for problem in result.problems) == ["not_a_quantity", "unknown_point"]
    with store.database.reading() as session:
        kept = session.get_one(Batch, result.batch)
        assert (kept.kind, kept.status, kept.rejected, len(kept.problems)) == ("history", "posted", 2, 2)
