"""The board: what to look at first, what changed when, and the time line of one outage."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from cis_power.access.reads import in_district
from cis_power.access.viewer import system_viewer
from cis_power.core.db import Database
from cis_power.core.errors import Forbidden, NotFound
from cis_power.outages.call_reads import CallFilter, list_calls
from cis_power.outages.callers import CallAbout
from cis_power.outages.calls import NewCall, add_call
from cis_power.outages.intake import record_entries
from cis_power.outages.models import OutageState, RestorationEstimate
from cis_power.outages.passes import run_engine
from cis_power.outages.reads import OutageFilter, list_outages, read_board, read_outage, restored_since
from cis_power.outages.timeline import outage_timeline
from tests.outages.people import put_people, viewer
from tests.outages.stored import entry
from tests.outages.worlds import at

NOW = at(600)
ALL = system_viewer("test")


def happen(database: Database, *entries: tuple, now=NOW) -> None:
    with database.transaction() as session:
        record_entries(session, [entry(database, *one) for one in entries], now)
    run_engine(database, now)


def call(database: Database, account: str, code: str, now=NOW) -> None:
    with database.transaction() as session:
        add_call(session, ALL, now, NewCall(about=CallAbout(account=account), trouble_code=code), "CN")


def test_danger_comes_first_then_priority_then_size(database: Database) -> None:
    put_people(database)
    happen(database, ("switch", "A", 10, "open"), ("switch", "D", 20, "open"))
    with database.reading() as session:
        board = read_board(session, ALL, NOW)
        assert [row.device for row in board.rows] == ["A", "D"], "a priority user is out by A"
        assert (board.outages, board.out, board.priority, board.hazards, board.more) == (2, 5, 1, 0, False)
    call(database, "9-U5", "no_power")
    call(database, "9-U5", "wire_down")
    with database.reading() as session:
        board = read_board(session, ALL, NOW)
        assert [(row.device, row.calls, row.hazards) for row in board.rows] == [("D", 2, 1), ("A", 0, 0)]
        assert [row.device for row in list_outages(session, ALL, NOW)] == ["D", "A"], "lists agree with the board"
        first, rest = read_board(session, ALL, NOW, limit=1), read_board(session, ALL, NOW, after=1, limit=1)
        assert ([row.device for row in first.rows], first.more) == (["D"], True)
        assert ([row.device for row in rest.rows], rest.more, rest.outages) == (["A"], False, 2)
        assert [row.device for row in read_board(session, ALL, NOW, OutageFilter(feeder="nowhere")).rows] == []
        assert len(read_board(session, ALL, NOW, OutageFilter(status="confirmed", kind="unplanned")).rows) == 2
        assert read_board(session, ALL, NOW, OutageFilter(status="predicted")).outages == 0
        with pytest.raises(Forbidden):
            read_board(session, viewer("billing"), NOW)


def test_the_board_of_a_territory_counts_its_own(database: Database) -> None:
    districts = put_people(database)
    happen(database, ("switch", "A", 10, "open"), ("switch", "D", 20, "open"))
    call(database, "9-U5", "fire")
    east, west = (viewer("dispatcher", districts[code]) for code in ("EAST", "WEST"))
    with database.reading() as session:
        own = {row.device: (row.customers_out, row.hazards) for row in read_board(session, east, NOW).rows}
        assert own == {"A": (2, 0), "D": (1, 0)}, "the call about U5 is of the west"
        assert read_board(session, west, NOW).hazards == 1
        narrowed = in_district(session, ALL, "EAST")
        assert read_board(session, narrowed, NOW).out == read_board(session, east, NOW).out == 3
        assert read_board(session, in_district(session, west, "EAST"), NOW).outages == 0, "a foreign district is none"
        assert in_district(session, ALL, "no such").districts == frozenset()


def test_the_latest_of_what_is_known_is_told(database: Database) -> None:
    put_people(database)
    happen(database, ("switch", "A", 10, "open"), now=at(600))
    with database.reading() as session:
        (row,) = list_outages(session, ALL, at(601))
        assert (row.recorded_at, row.changed_at) == (at(600), at(600))
    call(database, "9-U1", "no_power", now=at(610))
    with database.reading() as session:
        assert list_outages(session, ALL, at(611))[0].changed_at == at(610)
        assert list_outages(session, ALL, at(611), at=at(605))[0].changed_at == at(600), "as known then"
    with database.transaction() as session:
        state = session.scalars(select(OutageState)).first()
        session.add(RestorationEstimate(outage_id=state.outage_id, latest_at=at(700), source="crew", recorded_by="t",
                                        recorded_at=at(620)))  # fmt: skip
    with database.reading() as session:
        assert list_outages(session, ALL, at(621))[0].changed_at == at(620)
        assert restored_since(session, ALL, at(621), at(0)) == []
    happen(database, ("switch", "A", 640, "close"), now=at(650))
    with database.reading() as session:
        assert restored_since(session, ALL, at(651), at(621)) == [row.id]
        assert restored_since(session, ALL, at(651), at(650)) == []
        assert restored_since(session, viewer("dispatcher", 10**6), at(651), at(621)) == []


def test_the_time_line_of_an_outage(database: Database) -> None:
    districts = put_people(database)
    happen(database, ("switch", "A", 10, "open"), ("switch", "C", 15, "open"))
    call(database, "9-U1", "fire", now=at(600))
    happen(database, ("switch", "T", 610, "close"), now=at(620))
    now = at(630)
    with database.reading() as session:
        outage = list_outages(session, ALL, now)[0]
        lines = outage_timeline(session, ALL, outage, now).rows
        assert [(line.kind, line.at, line.number, line.hazard) for line in lines] == [
            ("switching", at(10), None, False), ("call", at(600), None, True), ("restored", at(610), 1, False),
        ]  # fmt: skip
        east = outage_timeline(session, viewer("dispatcher", districts["EAST"]), outage, now).rows
        assert [line.kind for line in east] == ["switching", "call"], "who came back is of the west"
        west = outage_timeline(session, viewer("engineer", districts["WEST"]), outage, now).rows
        assert [line.kind for line in west] == ["switching", "restored"], "the call is about the east"
        with pytest.raises(NotFound):
            outage_timeline(session, viewer("dispatcher", 10**6), outage, now)
        then = read_outage(session, ALL, outage.id, now, as_of=at(20)).outage
        assert [line.kind for line in outage_timeline(session, ALL, then, now, as_of=at(20)).rows] == [
            "switching",
            "call",
        ]


def test_calls_of_danger_without_an_outage(database: Database) -> None:
    put_people(database)
    happen(database, ("switch", "A", 10, "open"))
    call(database, "9-U1", "wire_down")
    call(database, "9-U5", "fire")
    call(database, "9-U5", "noise")
    with database.reading() as session:
        loose = CallFilter(hazard=True, without_outage=True, from_at=NOW - timedelta(hours=1))
        assert [row.account_no for row, _ in list_calls(session, ALL, NOW, loose)] == ["9-U5"]
        assert len(list_calls(session, ALL, NOW, CallFilter(hazard=True))) == 2
        assert list_calls(session, ALL, NOW, CallFilter(from_at=NOW + timedelta(hours=1))) == []
