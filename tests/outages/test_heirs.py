"""An outage that became better known is another one; what people knew by the former goes on in it."""

from typing import Any

import pytest

from cis_power.access.viewer import system_viewer
from cis_power.core.db import Database
from cis_power.core.errors import NotFound
from cis_power.outages.call_reads import CallFilter, list_calls
from cis_power.outages.callers import CallAbout
from cis_power.outages.calls import NewCall, add_call
from cis_power.outages.closing import Act, Correction, correct, estimate
from cis_power.outages.intake import record_entries
from cis_power.outages.passes import run_engine
from cis_power.outages.reads import OutageFilter, list_outages, read_board, read_outage
from cis_power.outages.records import OutageDetail
from cis_power.outages.timeline import outage_timeline
from tests.outages.people import put_people
from tests.outages.stored import entry
from tests.outages.worlds import at

ROOT = system_viewer("root")


def take_in(database: Database, minute: float, *entries: tuple[float, str]) -> None:
    with database.transaction() as session:
        given = [entry(database, "signal", "A", when, position) for when, position in entries]
        record_entries(session, given, at(minute))
    run_engine(database, at(minute))


def ids(database: Database, minute: float, **wanted: Any) -> list[str]:
    with database.reading() as session:
        return [row.id for row in list_outages(session, ROOT, at(minute), OutageFilter(**wanted))]


def read(database: Database, outage: str, minute: float, **when: Any) -> OutageDetail:
    with database.reading() as session:
        return read_outage(session, ROOT, outage, at(minute), **when)


def ring(database: Database, minute: float, account: str) -> None:
    with database.transaction() as session:
        add_call(session, ROOT, at(minute), NewCall(CallAbout(account=account), "no_power"), "CN")


@pytest.fixture
def reclosed(database: Database) -> tuple[Database, str, str]:
    """A poll finds the breaker open at 30; at 45 the archive tells: open at 28, closed at 29, open for good at 29.5."""
    put_people(database)
    take_in(database, 31, (30, "open"))
    (former,) = ids(database, 32)
    ring(database, 33, "9-U1")
    with database.transaction() as session:
        act = Act("control room", "told by the crew", at(34))
        estimate(session, ROOT, former, act, latest_at=at(90), earliest_at=None, source="crew")
        correct(session, ROOT, former, Correction(cause_code="tree"), act)
    take_in(database, 45, (28, "open"), (29, "close"), (29.5, "open"))
    (present,) = ids(database, 46)
    assert present != former
    return database, former, present


def test_the_former_id_leads_to_the_heir(reclosed: tuple[Database, str, str]) -> None:
    database, former, present = reclosed
    assert read(database, former, 46).outage == read(database, present, 46).outage
    assert former not in ids(database, 46, everything=True)
    assert len(ids(database, 46, everything=True)) == 2  # with the one of the first opening
    with pytest.raises(NotFound):
        read(database, "ONOTTHERE", 46)


def test_what_people_knew_goes_on(reclosed: tuple[Database, str, str]) -> None:
    database, former, present = reclosed
    ring(database, 46, "9-U2")
    known = read(database, present, 47).outage
    assert (known.cause, known.calls) == ("tree", 2)
    assert known.estimated_restoration is not None
    assert known.estimated_restoration.latest == at(90)
    with database.reading() as session:
        (row,) = read_board(session, ROOT, at(47)).rows
        assert (row.calls, row.estimated_restoration) == (2, known.estimated_restoration)
        rows = outage_timeline(session, ROOT, known, at(47)).rows
        assert [one.kind for one in rows if one.kind in ("call", "expected")] == ["call", "expected", "call"]
        for asked in (former, present):
            calls = [record for record, _ in list_calls(session, ROOT, at(47), CallFilter(outage_id=asked))]
            assert {call.outage_id for call in calls} == {present}
        assert len(list_calls(session, ROOT, at(47), CallFilter(outage_id=present))) == 2


def test_the_past_is_shown_as_it_was_known(reclosed: tuple[Database, str, str]) -> None:
    database, former, present = reclosed
    then = read(database, former, 46, at=at(40)).outage
    assert (then.id, then.began_at, then.calls, then.cause) == (former, at(30), 1, "tree")
    with pytest.raises(NotFound):
        read(database, present, 46, at=at(40))


def test_heirs_have_heirs(reclosed: tuple[Database, str, str]) -> None:
    database, former, present = reclosed
    take_in(database, 50, (29.2, "open"))
    (last,) = ids(database, 51)
    assert last not in (former, present)
    for asked in (former, present, last):
        known = read(database, asked, 51).outage
        assert (known.id, known.cause, known.calls) == (last, "tree", 1)
