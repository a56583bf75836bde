"""Passes over a database: order of arrival, doubles, late entries, kills and changes of the model end in one state."""

import random
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cis_power.core.db import Database
from cis_power.outages.entries import Entry
from cis_power.outages.intake import record_entries
from cis_power.outages.passes import Memory, run_engine
from tests.outages.stored import differences, entry, put_feeders, snapshot
from tests.outages.worlds import at

NOW = at(5_000)


def give(database: Database, *entries: Entry, now: float = 0) -> None:
    with database.transaction() as session:
        record_entries(session, list(entries), at(now) if now else NOW)


def test_an_opened_switch_is_an_outage(database: Database) -> None:
    put_feeders(database)
    give(database, entry(database, "switch", "A", 10, "open"))
    assert run_engine(database, NOW).outages == 1
    shot = snapshot(database)
    ((code, status, began, *_bounds, restored, device),) = shot["outages"]
    assert (status, began, restored, device) == ("confirmed", at(10), None, "A")
    assert code.startswith("O")
    assert [row[2:] for row in shot["ledger"]] == [(at(10), None, 7, 1, at(10))] * 3  # the dual-fed one is in supply
    assert len(shot["transformers"]) == 2
    give(database, entry(database, "switch", "A", 40, "close"))
    run_engine(database, NOW)
    assert [row[1:4:2] for row in snapshot(database)["outages"]] == [("restored", at(10))]
    assert {row[3] for row in snapshot(database)["members"]} == {at(40)}


def test_nothing_new_writes_nothing(database: Database) -> None:
    put_feeders(database)
    memory = Memory()
    give(database, entry(database, "switch", "A", 10, "open"))
    run_engine(database, NOW, memory)
    passes = memory.passes
    assert run_engine(database, NOW, memory).applied == 0
    give(database, entry(database, "switch", "A", 10, "open"))  # the same again
    assert run_engine(database, NOW, memory).applied == 0
    assert memory.passes == passes


def _story(database: Database) -> list[Entry]:
    """Two storms over the feeders, with ties, passing on, contradictions, holds and partial openings."""
    rng = random.Random(7)
    entries = []
    for minute in range(0, 240, 3):
        device = rng.choice("ABCDT")
        position = rng.choice(["open", "close"])
        kind = rng.choice(["signal", "signal", "switch"])
        phases = rng.choice([0, 0, 0, 1, 6]) if kind == "switch" else 0
        early = at(minute) - timedelta(seconds=rng.choice([0, 30]))
        entries.append(entry(database, kind, device, minute, position, phases=phases, earliest_at=early))
        if rng.random() < 0.2:
            entries.append(entry(database, "signal", rng.choice("ABCDT"), minute, rng.choice(["open", "close"])))
    return list({(one.source, one.source_key): one for one in entries}.values())


@pytest.fixture
def reference(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A second database, for what the first is compared with."""
    file = tmp_path / "reference.db"
    shutil.copyfile(sqlite_template, file)
    opened = Database(f"sqlite:///{file}")
    yield opened
    opened.dispose()


def _whole(database: Database, story: list[Entry]) -> dict:
    """What one pass over everything makes of it, in order."""
    put_feeders(database)
    give(database, *story)
    run_engine(database, NOW)
    return snapshot(database)


@pytest.mark.parametrize("seed", range(5))
def test_any_order_with_doubles_ends_in_the_same_state(database: Database, reference: Database, seed: int) -> None:
    """R12: shuffled, 30 % doubled, in passes of any size, with and without memory, over checkpoints."""
    put_feeders(database)
    story = _story(database)
    rng = random.Random(seed)
    arriving = story + rng.sample(story, len(story) * 3 // 10)
    if seed:
        rng.shuffle(arriving)
    memory, clock = Memory(), 1_000.0
    while arriving:
        count = rng.randint(1, 15)
        give(database, *arriving[:count], now=clock)
        del arriving[:count]
        clock += 1
        run_engine(database, at(clock), memory if rng.random() < 0.6 else Memory())
    expected = _whole(reference, story)
    found = differences(snapshot(database), expected)
    assert not found
    assert len(expected["outages"]) > 10
    assert expected["phases"]
