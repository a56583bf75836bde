"""The stand-in's archive: what was while nobody simulated, what is kept since, and the gap that a pull fills."""

import logging
import sqlite3
from datetime import timedelta

import numpy as np
import pytest

from cis_power.core.config import Settings, SourceSettings
from scada_bridge.batch import from_ms
from scada_bridge.pull import pull_archive
from scada_bridge.simulator.archive import FILE, Archive
from tests.scada_bridge.making import MINUTE_MS, START_MS, analog, batch, position
from tests.scada_bridge.stored import Store

NOW = START_MS / 1000
STEP = 300.0
NAMES = ("A_CB1", "P_CB1")


def curve(at):
    return np.array([at % 1000, 1.0])


def rows(folder):
    with sqlite3.connect(folder / FILE) as connection:
        found = connection.execute("SELECT measured_at, point_id, value, quality FROM history ORDER BY 1, 2").fetchall()
    connection.close()
    return found


def archive_of(folder):
    return Archive(folder, NAMES, STEP)


def test_the_first_start_has_six_hours_behind_it_and_a_later_one_what_was_missed(tmp_path):
    first = archive_of(tmp_path)
    first.fill(NOW, curve)
    first.wait()
    first.close()
    found = rows(tmp_path)
    assert len(found) == 2 * 6 * 12
    assert found[0] == (NOW - 6 * 3600, "A_CB1", (NOW - 6 * 3600) % 1000, "GOOD")
    assert found[-1][0] == NOW - STEP
    later = archive_of(tmp_path)
    later.fill(NOW + 3600, curve)
    later.wait()
    later.close()
    times = sorted({row[0] for row in rows(tmp_path)})
    assert set(np.diff(times)) == {STEP}, "no hole"
    assert times[-1] == NOW + 3600 - STEP
    much_later = archive_of(tmp_path)
    much_later.fill(NOW + 10 * 86_400, curve)
    much_later.wait()
    much_later.close()
    assert len([row for row in rows(tmp_path) if row[0] > NOW + 86_400]) == 2 * 24 * 12, "a day at most"


def test_a_filling_that_is_cut_off_is_taken_up_by_the_next_start(tmp_path):
    cut = archive_of(tmp_path)
    reached = []

    def slowly(at):
        reached.append(at)
        if len(reached) == 5:
            cut._ending = True  # as `close` says it from another thread
        return curve(at)

    cut.fill(NOW, slowly)
    cut.keep(NOW, curve(NOW), ["GOOD"] * 2, np.zeros(2))
    cut.wait()
    cut.close()
    assert len(rows(tmp_path)) == 2 * 5
    again = archive_of(tmp_path)
    again.fill(NOW, curve)
    again.wait()
    again.close()
    assert len(rows(tmp_path)) == 2 * 6 * 12


def test_steps_changes_quality_and_wrong_clocks_are_kept(tmp_path):
    archive = archive_of(tmp_path)
    assert archive.due(NOW + 7)
    archive.keep(NOW + 7, np.array([3.5, 1.0]), ["GOOD", "BAD"], np.array([0.0, 3600.0]))
    assert not archive.due(NOW + STEP - 1)
    assert archive.due(NOW + STEP)
    archive.keep_some(NOW + 8.25, np.array([False, True]), np.array([3.5, 0.0]), ["GOOD", "GOOD"], np.zeros(2))
    archive.keep_some(NOW + 9, np.array([False, False]), np.zeros(2), ["GOOD", "GOOD"], np.zeros(2))
    archive.close()
    assert rows(tmp_path) == [
        (NOW, "A_CB1", 3.5, "GOOD"), (NOW + 8.25, "P_CB1", 0.0, "GOOD"), (NOW + 3600, "P_CB1", 1.0, "BAD")
    ]  # fmt: skip


def test_trouble_with_the_disk_is_told_once(tmp_path, caplog):
    (tmp_path / FILE).mkdir()
    archive = archive_of(tmp_path)
    with caplog.at_level(logging.INFO):
        archive.fill(NOW, curve)
        for step in range(3):
            archive.keep(NOW + step * STEP, np.zeros(2), ["GOOD"] * 2, np.zeros(2))
        archive.wait()
        (tmp_path / FILE).rmdir()
        archive.keep(NOW + 9 * STEP, np.zeros(2), ["GOOD"] * 2, np.zeros(2))
        archive.close()
    assert sum("cannot be written" in record.message for record in caplog.records) == 1
    assert sum("written again" in record.message for record in caplog.records) == 1
    assert len(rows(tmp_path)) == 2


def test_old_values_are_forgotten(tmp_path):
    archive = archive_of(tmp_path)
    for day in range(6):
        archive.keep(NOW + day * 86_400, np.zeros(2), ["GOOD"] * 2, np.zeros(2))
    archive.close()
    assert {row[0] for row in rows(tmp_path)} == {NOW + day * 86_400 for day in (2, 3, 4, 5)}


@pytest.fixture
def store(sqlite_database, tmp_path):
    made = Store(sqlite_database, tmp_path / "run")
    made.post([analog("CB1", 0, poll_seconds=60.0), position("CB1", 0, poll_seconds=60.0)])
    return made


def test_a_break_of_simulator_and_collector_together_is_filled_by_the_pull(store, tmp_path):
    spool = store.spool()
    for minute in (*range(10), *range(70, 80)):
        at = START_MS + minute * MINUTE_MS
        resumed = START_MS + 9 * MINUTE_MS if minute == 70 else None
        spool.append(batch(at, {"A_CB1": 5.0, "P_CB1": 1.0}, poll_seconds=60.0, resumed_ms=resumed), at)
    store.load()
    (gap,) = store.gaps()
    assert (gap.ended_at - gap.began_at, gap.filled_at) == (timedelta(minutes=61), None)
    before = archive_of(tmp_path)
    before.keep(NOW + 9 * 60, curve(NOW), ["GOOD"] * 2, np.zeros(2))
    before.close()
    again = archive_of(tmp_path)
    again.fill(NOW + 70 * 60, curve)
    again.wait()
    again.close()
    source = SourceSettings(url=f"archive+sqlite:///{tmp_path / FILE}", serves=("rtu1",))
    settings = Settings(run_dir=store.run_dir, sources={"dms": source})
    assert pull_archive(store.database, settings, "dms").gaps_filled == 1
    history = {at: value for at, value, _ in store.history("A_CB1")}
    for slot in range(3, 14):
        at = from_ms(START_MS + slot * 300_000)
        assert history[at] == pytest.approx(at.timestamp() % 1000)
