"""Loading: twice changes nothing, any order ends the same, every loss is in the gap ledger (R2, R3, R5, R12, S6)."""

import random
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from cis_power.core.locks import ProcessLock
from cis_power.core.quality import Quality
from scada_bridge.batch import from_ms
from scada_bridge.loader import LOCK, Loader
from scada_bridge.picture import Picture, Reading, nothing_read
from scada_bridge.spool import files
from tests.scada_bridge.making import START_MS, analog, batch, position
from tests.scada_bridge.stored import BEGIN, Store

POINTS = [position("CB1", 0), position("CB2", 1), analog("CB1", 0)]
NAMES = [one.point_id for one in POINTS]


@pytest.fixture
def store(database, tmp_path) -> Store:
    made = Store(database, tmp_path / "run")
    made.post(POINTS)
    return made


def polls(script, step_ms=1000):
    """Batches of a collector that sees `script`: per poll (CB1, CB2, current), or None when nothing answers."""
    import numpy as np

    picture, found = Picture(POINTS), []
    for turn, seen in enumerate(script):
        at = START_MS + turn * step_ms
        if seen is None:
            reading, failed = nothing_read(3, "no answer"), {"1": "no answer"}
        else:
            reading = Reading(np.array(seen, float), np.zeros(3, np.uint8), np.full(3, None), np.zeros(3, bool))
            failed = {}
        rows = picture.take(np.arange(3), reading, at)
        found.append(batch(at, {}, failed=failed).__class__("rtu1", at - 5, at, 1.0, rows, failed, 1))
    return found


SCRIPT = [(1, 1, 10.0), (1, 1, 11.0), (0, 1, 0.0), None, (0, 0, 0.0), (1, 0, 12.0), (1, 1, 13.0), (1, 1, 14.0)]


def test_values_events_and_history_arrive(store):
    store.put(*polls(SCRIPT))
    loaded = store.load()
    assert (loaded.batches, loaded.samples) == (8, 24)
    assert store.latest()["A_CB1"] == (14.0, Quality.GOOD, None, from_ms(START_MS + 7000))
    at = [from_ms(START_MS + turn * 1000) for turn in range(8)]
    assert store.events() == [
        ("P_CB1", 1.0, None, at[0], None, True),
        ("P_CB1", 0.0, 1.0, at[2], at[1], False),
        ("P_CB1", 1.0, 0.0, at[5], at[4], False),
        ("P_CB2", 1.0, None, at[0], None, True),
        ("P_CB2", 0.0, 1.0, at[4], at[2], True),  # found changed after a break
        ("P_CB2", 1.0, 0.0, at[6], at[5], False),
    ]
    history = store.history("A_CB1")
    assert [(moment, value) for moment, value, quality in history if quality == Quality.GOOD] == [
        (at[turn], seen[2]) for turn, seen in enumerate(SCRIPT) if seen
    ]
    assert [(moment, quality) for moment, _, quality in history if quality != Quality.GOOD] == [(at[3], Quality.STALE)]
    assert store.history("P_CB1") == [], "signals are events, not history"


def test_loading_twice_changes_nothing(store):
    store.put(*polls(SCRIPT))
    copy = store.run_dir.parent / "copy"
    shutil.copytree(store.spool_folder, copy)
    store.load()
    before = store.latest(), store.events(), store.history("A_CB1"), len(store.gaps())
    for file in copy.glob("*.batch"):
        shutil.copy(file, store.spool_folder / file.name)
    again = store.load()
    assert (again.batches, again.repeated) == (0, 8)
    assert (store.latest(), store.events(), store.history("A_CB1"), len(store.gaps())) == before


def test_any_order_with_doubles_ends_in_the_same_state(sqlite_database, sqlite_template, tmp_path):
    """R12: permutations with 30 % doubles, each file carried over a link that keeps no order."""
    from cis_power.core.db import Database

    dice = random.Random(12)
    script = [
        (dice.randint(0, 1), dice.randint(0, 1), float(turn)) if dice.random() < 0.85 else None for turn in range(14)
    ]
    script[0] = (1, 1, 0.0)
    straight = Store(sqlite_database, tmp_path / "straight")
    straight.post(POINTS)
    straight.put(*polls(script))
    model = tmp_path / "model"
    shutil.copytree(straight.run_dir, model)
    straight.load()
    expected = straight.latest(), straight.events(), straight.history("A_CB1")
    for turn in range(6):
        file = tmp_path / f"{turn}.db"
        shutil.copyfile(sqlite_template, file)
        store = Store(Database(f"sqlite:///{file}"), tmp_path / f"run{turn}")
        store.post(POINTS)
        store.spool_folder.mkdir(parents=True)
        shutil.copy(model / "spool.key", store.run_dir / "spool.key")
        order = [found.path for found in files(model / "spool")]
        order += dice.sample(order, len(order) * 3 // 10)
        dice.shuffle(order)
        for path in order:
            shutil.copy(path, store.spool_folder / path.name)
            store.load()
        assert (store.latest(), store.events(), store.history("A_CB1")) == expected
        assert [gap for gap in store.gaps() if gap.reason == "batch_missing" and gap.filled_at is None] == []
        store.database.dispose()


def test_a_missing_number_is_a_gap_and_a_late_batch_fills_it(store):
    store.put(*polls(SCRIPT))
    taken = files(store.spool_folder)[2:5]
    aside = store.run_dir / "aside"
    aside.mkdir()
    for file in taken:
        file.path.rename(aside / file.path.name)
    store.load()
    (gap,) = [gap for gap in store.gaps() if gap.reason == "batch_missing"]
    assert (gap.first_number, gap.last_number, gap.filled_at) == (3, 5, None)
    # the switch was seen open again only afterwards: the change is known to lie in between, and no more
    assert ("P_CB2", 0.0, 1.0) in [event[:3] for event in store.events()]
    shutil.move(aside / taken[1].path.name, store.spool_folder)
    store.load()
    missing = [gap for gap in store.gaps() if gap.reason == "batch_missing" and gap.filled_at is None]
    assert [(gap.first_number, gap.last_number) for gap in missing] == [(3, 3), (5, 5)]
    for file in (taken[0], taken[2]):
        shutil.move(aside / file.path.name, store.spool_folder)
    store.load()
    assert [gap for gap in store.gaps() if gap.reason == "batch_missing" and gap.filled_at is None] == []
    assert store.events()[1][:4] == ("P_CB1", 0.0, 1.0, from_ms(START_MS + 2000))


def test_a_damaged_batch_is_put_aside_named_and_the_others_are_loaded(store):
    store.put(*polls(SCRIPT))
    victim = files(store.spool_folder)[3].path
    victim.write_bytes(victim.read_bytes()[:-20])
    loaded = store.load()
    assert (loaded.batches, loaded.quarantined) == (7, 1)
    named = [(gap.reason, gap.first_number, gap.last_number) for gap in store.gaps() if gap.first_number]
    assert named == [("batch_damaged", 4, 4)]
    assert len(list((store.spool_folder / "quarantine").iterdir())) == 1
    assert store.load().batches == 0


def test_forged_and_replayed_batches_are_refused(store, tmp_path):
    store.put(*polls(SCRIPT[:3]))
    store.load()
    before = store.latest()
    stranger = Store(store.database, tmp_path / "stranger")
    stranger.put(*polls([(0, 0, 666.0)] * 3))
    for file in files(stranger.spool_folder):
        shutil.copy(file.path, store.spool_folder / file.path.name)
    own = files(store.spool_folder)
    for file in files(stranger.spool_folder):  # under our collector's name and a fresh number
        shutil.copy(file.path, store.spool_folder / f"{own[-1].collector}-{file.number + 50:012d}.batch")
    assert store.load().batches == 0
    assert store.latest() == before


def test_what_the_spool_gave_up_is_counted_to_the_row(store):
    spool = store.spool(room=12_000)
    everything = polls([(1, 1, float(turn)) for turn in range(80)])
    for one in everything:
        spool.append(one, one.polled_ms)
    store.load()
    spool.append(polls([(1, 1, 0.0)] * 81)[-1], START_MS)
    store.load()
    gaps = [gap for gap in store.gaps() if gap.reason == "spool_dropped"]
    history = len(store.history("A_CB1"))
    assert history < 81
    assert sum(gap.values_missing for gap in gaps) == 3 * (81 - history) == spool.rows_lost
    assert [gap for gap in store.gaps() if gap.reason == "batch_missing"] == []


def test_a_full_disk_is_a_gap(store):
    spool = store.spool()
    first, lost, last = polls(SCRIPT[:3])
    spool.append(first, START_MS)
    spool.give_up(lost, "disk_full")
    spool.append(last, START_MS)
    store.load()
    (gap,) = [gap for gap in store.gaps() if gap.reason == "disk_full"]
    assert (gap.values_missing, gap.ended_at) == (3, from_ms(START_MS + 1000))


def test_silence_is_a_gap_from_the_last_good_poll_to_the_next(store):
    store.put(*polls([(1, 1, 1.0), None, None]))
    store.load()
    (gap,) = store.gaps()
    assert (gap.reason, gap.began_at, gap.ended_at) == ("no_answer", BEGIN, None)
    assert store.latest()["A_CB1"] == (1.0, Quality.STALE, "no answer", BEGIN)
    store.put(*polls([(1, 1, 1.0), None, None, (1, 1, 2.0)])[3:])
    store.load()
    (gap,) = store.gaps()
    assert (gap.ended_at, gap.filled_at) == (BEGIN + timedelta(seconds=3), None)


def test_the_time_without_a_collector_is_a_gap(store):
    store.put(polls([(1, 1, 1.0)])[0])
    late = batch(START_MS + 600_000, {"A_CB1": 2.0}, resumed_ms=START_MS)
    store.put(late)
    store.load()
    (gap,) = store.gaps()
    assert (gap.reason, gap.began_at, gap.ended_at) == ("collector_down", BEGIN, BEGIN + timedelta(minutes=10))


def test_points_that_left_the_list_are_passed_over(store):
    store.put(batch(START_MS, {"A_CB1": 1.0, "GONE": 5.0}))
    store.load()
    assert set(store.latest()) == {"A_CB1"}


def test_another_collector_begins_with_its_own_numbers(store):
    store.put(*polls(SCRIPT[:2]))
    store.load()
    shutil.rmtree(store.spool_folder)
    store.put(*polls(SCRIPT[:3], step_ms=5000))
    loaded = store.load()
    assert (loaded.batches, loaded.quarantined) == (3, 0)
    assert store.latest()["A_CB1"][0] == 0.0


def test_the_newest_file_stays_so_that_numbers_go_on(store):
    store.put(*polls(SCRIPT))
    store.load()
    assert [file.number for file in files(store.spool_folder)] == [8]
    Path(store.spool_folder / "state.json").unlink()
    assert store.spool()._next == 9


def test_a_long_backlog_shows_live_values_first(store, monkeypatch):
    from scada_bridge import loader

    store.put(*polls([(1, 1, float(turn)) for turn in range(30)]))
    seen = []

    def stop_at_once(*_arguments):
        seen.append(store.latest()["A_CB1"][0])
        raise KeyboardInterrupt

    monkeypatch.setattr(loader, "load_batch", stop_at_once)
    with pytest.raises(KeyboardInterrupt):
        store.load()
    assert seen == [29.0]
    monkeypatch.undo()
    store.load()
    assert [value for _, value, _ in store.history("A_CB1")] == [float(turn) for turn in range(30)]


def test_nothing_new_needs_no_lock(store):
    store.put(*polls(SCRIPT[:2]))
    loader = Loader(store.database, store.run_dir)
    lock = ProcessLock(store.database, LOCK)
    assert loader.load_all().batches == 2
    assert lock.acquire()
    try:
        assert loader.load_all(wait_seconds=0).batches == 0
        store.put(polls(SCRIPT[:3])[-1])
        assert loader.load_all(wait_seconds=0) is None, "another process is loading"
    finally:
        lock.close()
    assert loader.load_all().batches == 1
