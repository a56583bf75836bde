"""Passes over a database: order of arrival, doubles, late entries, kills and changes of the model end in one state."""

import random
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select, update
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.db import Database
from cis_power.core.errors import NotFound
from cis_power.customers.models import SupplyConnection, UsagePoint
from cis_power.outages import passes
from cis_power.outages.conflict_reads import decide_conflict, list_conflicts
from cis_power.outages.entries import Entry
from cis_power.outages.intake import record_entries
from cis_power.outages.models import EngineCheckpoint, Interruption, UnsuppliedPoint
from cis_power.outages.passes import Memory, run_engine
from cis_power.outages.reads import list_outages
from cis_power.outages.supply_answer import supply_answer
from cis_power.telemetry.models import Point, PointOverride, SignalEvent, Source
from tests.outages.people import HOLDERS, put_people
from tests.outages.stored import (
    FEEDERS,
    differences,
    element,
    entry,
    put_feeders,
    put_network,
    put_usage_point,
    snapshot,
)
from tests.outages.worlds import at

NOW = at(5_000)


def _seeds(count: int) -> list[Any]:
    """A few in the normal suite, a hundred under `make soak`."""
    return [*range(count), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(count, 100))]


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


@pytest.mark.parametrize("seed", _seeds(3))
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


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("seed", _seeds(2))
def test_killed_anywhere_it_ends_in_the_same_state(database: Database, reference: Database, seed: int) -> None:
    """R11: passes die at random statements, also in the commit; what comes back goes on from the database alone."""
    put_feeders(database)
    story = _story(database)
    rng = random.Random(seed)
    left = [0]

    def stumble(*_args: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    event.listen(database.engine, "before_cursor_execute", stumble)
    event.listen(database.engine, "commit", stumble)
    kills, clock, arriving = 0, 1_000.0, list(story)
    while arriving:
        clock += 1
        part = arriving[: rng.randint(3, 20)]
        del arriving[: len(part)]
        for tries in count():
            left[0] = rng.randint(1, 60 + 20 * tries)
            try:
                give(database, *part, now=clock)
                run_engine(database, at(clock))
            except Killed:
                kills += 1
            else:
                break
    left[0] = 0
    assert kills >= 2
    found = differences(snapshot(database), _whole(reference, story))
    assert not found


def _board(session: Session, viewer: Viewer, now: datetime, **when: Any) -> tuple[list, list]:
    """The open outages and the supply answers of everybody, as plain data."""
    answers = [supply_answer(session, viewer, f"9-{point}", now, **when).as_dict() for point in HOLDERS]
    return [row.as_dict() for row in list_outages(session, viewer, now, **when)], answers


def test_what_was_known_then_is_told_again(database: Database) -> None:
    """C10: answers saved live equal `--at` afterwards, whatever came late, was corrected or moved since."""
    put_people(database)
    story = _story(database)[:50]
    random.Random(3).shuffle(story)
    viewer, saved, clock, memory = system_viewer("test"), {}, 1_000.0, Memory()
    while story:
        give(database, *story[:4], now=clock)
        del story[:4]
        run_engine(database, at(clock), memory)
        if clock == 1_005:
            with database.transaction() as session:  # it always hung on the other feeder
                row = session.scalars(select(SupplyConnection).order_by(SupplyConnection.id)).all()[1]
                row.superseded_at = at(clock)
                put_usage_point(session, "U2", "n5", recorded_at=at(clock))
            run_engine(database, at(clock), memory)
        with database.reading() as session:
            saved[clock + 0.5] = _board(session, viewer, at(clock + 0.5))
        clock += 1
    assert any(outages for outages, _supply in saved.values())
    with database.reading() as session:
        for moment, board in saved.items():
            assert _board(session, viewer, at(clock), at=at(moment)) == board
        assert list_outages(session, viewer, at(clock), as_of=at(100)) != []
        assert list_outages(session, viewer, at(clock), at=at(100)) == []


def test_a_late_entry_uses_the_network_of_its_time(database: Database) -> None:
    """From minute 50 on, U3 hangs behind a new switch E; B opened before that puts it out all the same."""
    put_feeders(database)
    give(database, entry(database, "switch", "A", 60, "open"), entry(database, "switch", "A", 70, "close"))
    run_engine(database, NOW)
    with database.transaction() as session:
        edges = [edge for edge in FEEDERS if edge[0] != "C"] + [("E", "switch", "n5", "n3")]
        put_network(session, edges, ("S", "S2"), valid_from=at(50))
    run_engine(database, NOW)
    give(database, entry(database, "switch", "B", 40, "open"), entry(database, "switch", "B", 55, "close"))
    assert run_engine(database, NOW).replayed
    with database.reading() as session:
        rows = session.execute(
            select(UsagePoint.code, Interruption.began_at, Interruption.restored_at)
            .join(UsagePoint, UsagePoint.id == Interruption.usage_point_id)
            .where(Interruption.superseded_at.is_(None)).order_by(UsagePoint.code, Interruption.began_at)
        ).all()  # fmt: skip
    assert [tuple(row) for row in rows] == [
        ("U1", at(60), at(70)), ("U2", at(40), at(55)), ("U2", at(60), at(70)), ("U3", at(40), at(50)),
    ]  # fmt: skip


def test_a_usage_point_that_was_always_linked_wrongly(database: Database) -> None:
    put_feeders(database)
    give(database, entry(database, "switch", "A", 10, "open"), entry(database, "switch", "A", 30, "close"))
    run_engine(database, NOW)
    with database.transaction() as session:
        point = session.scalar(select(UsagePoint.id).where(UsagePoint.code == "U1"))
        session.execute(
            update(SupplyConnection).where(SupplyConnection.usage_point_id == point).values(superseded_at=NOW)
        )
        put_usage_point(session, "U1", "n5", recorded_at=NOW)
    assert run_engine(database, NOW + timedelta(minutes=1)).replayed
    ledger = snapshot(database)["ledger"]
    assert len(ledger) == 2
    assert point not in {row[1] for row in ledger}
    with database.reading() as session:  # the old row is still there, superseded
        assert session.scalar(select(func.count()).select_from(Interruption).where(
            Interruption.usage_point_id == point, Interruption.superseded_at.is_not(None))) >= 1  # fmt: skip


def test_a_usage_point_that_moved_on_a_date(database: Database) -> None:
    """Only what lies behind the move is replayed; the interruption ends or goes on with the new connection."""
    put_feeders(database)
    give(database, entry(database, "switch", "D", 5, "open"), entry(database, "switch", "D", 6, "close"),
         entry(database, "switch", "A", 10, "open"), entry(database, "switch", "A", 30, "close"))  # fmt: skip
    run_engine(database, NOW)
    with database.reading() as session:
        kept = {row.id for row in session.scalars(select(Interruption)) if row.began_at == at(5)}
    with database.transaction() as session:
        row = session.scalars(select(SupplyConnection).order_by(SupplyConnection.id)).first()
        assert row is not None
        row.superseded_at = NOW
        put_usage_point(session, "U1", "n1", recorded_at=NOW, ended_at=at(20))
        put_usage_point(session, "U1", "n5", recorded_at=NOW, began_at=at(20))
    assert run_engine(database, NOW + timedelta(minutes=1)).replayed
    with database.reading() as session:
        now_known = session.scalars(select(Interruption).where(Interruption.superseded_at.is_(None))).all()
        ends = {row.restored_at for row in now_known if row.usage_point_id == 1}
        assert ends == {at(20)}
        assert kept <= {row.id for row in now_known}


def test_a_process_that_goes_on_sees_the_model_change(database: Database) -> None:
    put_feeders(database)
    memory = Memory()
    give(database, entry(database, "switch", "A", 10, "open"))
    run_engine(database, NOW, memory)
    with database.transaction() as session:
        point = session.scalar(select(UsagePoint.id).where(UsagePoint.code == "U1"))
        session.execute(update(SupplyConnection).where(SupplyConnection.usage_point_id == point)
                        .values(superseded_at=NOW))  # fmt: skip
        put_usage_point(session, "U1", "n1", ended_at=at(20))
        put_usage_point(session, "U1", "n5", began_at=at(20))
    run_engine(database, NOW + timedelta(seconds=1), memory)
    assert at(20) in {row[3] for row in snapshot(database)["members"]}
    with database.transaction() as session:
        put_network(session, [*FEEDERS, ("N", "line", "S2", "n1")], ("S", "S2"), valid_from=at(30))
    run_engine(database, NOW + timedelta(seconds=2), memory)
    assert {row[3] for row in snapshot(database)["members"]} == {at(20), at(30)}
    assert run_engine(database, NOW + timedelta(seconds=3), memory).outages == 0


def test_telemetry_is_taken_in(database: Database) -> None:
    """Good position events and overrides become entries; the rest stays outside."""
    put_feeders(database)
    with database.transaction() as session:
        source = Source(name="rtu1")
        session.add(source)
        session.flush()
        device = element(session, "equipment", "A")
        point = Point(point_id="A.pos", source_id=source.id, device_id=1, table="coil", address="0", datatype="bit",
                      kind="discrete", equipment="A", element_id=device, quantity="position",
                      poll_seconds=2)  # fmt: skip
        session.add(point)
        session.flush()
        for number, (minute, value, quality) in enumerate([(5, 1, 0), (10, 0, 4), (20, 0, 0), (30, 1, 2)]):
            session.add(SignalEvent(point_id=point.id, value=value, quality=quality, occurred_at=at(minute),
                                    earliest_at=at(minute - 1), latest_at=at(minute), received_at=at(minute),
                                    sequence=number))  # fmt: skip
    run_engine(database, NOW)
    ((_code, status, began, early, late, restored, _device),) = snapshot(database)["outages"]
    assert (status, began, early, late, restored) == ("confirmed", at(20), at(19), at(20), None)
    with database.transaction() as session:
        session.add(PointOverride(point_id=point.id, kind="set", value=1.0, began_at=at(40), begun_by="liu"))
    run_engine(database, NOW)
    assert snapshot(database)["outages"][0][5] == at(40)
    with database.transaction() as session:
        session.execute(update(PointOverride).values(ended_at=at(50), ended_by="liu"))
    run_engine(database, NOW)
    assert [row[2] for row in snapshot(database)["outages"] if row[5] is None] == [at(50)]


def test_a_point_that_was_there_before_its_device(database: Database) -> None:
    """Points may be imported and polled before the network is: what they said then is not lost."""
    put_feeders(database)
    with database.transaction() as session:
        source = Source(name="rtu1")
        session.add(source)
        session.flush()
        point = Point(point_id="A.pos", source_id=source.id, device_id=1, table="coil", address="0", datatype="bit",
                      kind="discrete", equipment="A", quantity="position", poll_seconds=2)  # fmt: skip
        session.add(point)
        session.flush()
        session.add(SignalEvent(point_id=point.id, value=0, quality=0, occurred_at=at(5), latest_at=at(5),
                                received_at=at(5), sequence=1))  # fmt: skip
    memory = Memory()
    run_engine(database, NOW, memory)
    assert snapshot(database)["outages"] == []
    with database.transaction() as session:
        session.execute(update(Point).values(element_id=element(session, "equipment", "A")))
    run_engine(database, NOW, memory)
    assert [row[2] for row in snapshot(database)["outages"]] == [at(5)]
    assert run_engine(database, NOW, memory).applied == 0


def test_a_process_that_knows_the_model_sees_it_change(database: Database) -> None:
    """A customer connected in mid-outage counts from the next pass on, not when somebody looks closer."""
    put_feeders(database)
    memory = Memory()
    give(database, entry(database, "switch", "A", 10, "open"))
    run_engine(database, NOW, memory)
    with database.transaction() as session:
        point = put_usage_point(session, "NEW", "n1")
    run_engine(database, NOW + timedelta(seconds=1), memory)
    assert point in {row[1] for row in snapshot(database)["members"]}


def test_checkpoints_are_thinned_and_still_serve(
    database: Database, reference: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "CHECKPOINT_STEPS", 3)
    monkeypatch.setattr(passes, "CHECKPOINTS_KEPT", 4)
    monkeypatch.setattr(passes, "OUTAGES_IN_MEMORY", 5)
    put_feeders(database)
    story, memory = _story(database), Memory()
    for place in range(0, len(story), 4):
        give(database, *story[place : place + 4], now=1_000 + place)
        run_engine(database, at(1_000 + place), memory)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(EngineCheckpoint)) == 4
    late = entry(database, "switch", "D", 1.5, "open")
    give(database, late, now=2_000)
    assert run_engine(database, at(2_000), memory).replayed
    assert not differences(snapshot(database), _whole(reference, [*story, late]))


def test_contradictions_are_kept_for_a_decision(database: Database) -> None:
    put_feeders(database)
    give(database, entry(database, "signal", "A", 5, "close"), entry(database, "switch", "A", 10, "open"))
    run_engine(database, NOW)
    assert snapshot(database)["conflicts"] == ["switch-A-10"]
    with database.reading() as session:
        (conflict,) = list_conflicts(session, system_viewer("t"))
        assert (conflict.device, conflict.kind, conflict.at) == ("A", "switch", at(10))
        assert list_conflicts(session, Viewer("x", "dispatcher", frozenset({10**6}), id=1)) == []
    give(database, entry(database, "signal", "A", 20, "open"))
    run_engine(database, NOW)
    assert snapshot(database)["conflicts"] == []


def test_usage_points_without_a_source_are_noted(database: Database) -> None:
    put_feeders(database)
    with database.transaction() as session:
        put_network(session, [*FEEDERS, ("Z", "line", "z1", "z2")], ("S", "S2"), valid_from=at(1))
        put_usage_point(session, "UZ", "z2")
    run_engine(database, NOW)
    with database.reading() as session:
        codes = session.scalars(
            select(UsagePoint.code).join(UnsuppliedPoint, UnsuppliedPoint.usage_point_id == UsagePoint.id)
            .where(UnsuppliedPoint.superseded_at.is_(None))
        ).all()  # fmt: skip
    assert codes == ["UZ"]


def test_a_decided_contradiction_stays_decided(database: Database) -> None:
    put_feeders(database)
    viewer = system_viewer("t")
    give(database, entry(database, "signal", "A", 5, "close"), entry(database, "switch", "A", 10, "open"))
    run_engine(database, NOW)
    with database.transaction() as session:
        (conflict,) = list_conflicts(session, viewer)
        decide_conflict(session, viewer, conflict.id, decision="the contact is stuck", by="liu", now=NOW)
        with pytest.raises(NotFound):
            decide_conflict(session, viewer, "x", decision="?", by="liu", now=NOW)
    give(database, entry(database, "switch", "D", 3, "open"))  # replays all of it
    assert run_engine(database, NOW).replayed
    with database.reading() as session:
        assert list_conflicts(session, viewer) == []
        assert [row.decision for row in list_conflicts(session, viewer, everything=True)] == ["the contact is stuck"]
