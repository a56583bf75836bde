"""Calls: kept once, found by what the caller gives, never a wrong match, answered at once."""

import pytest
from sqlalchemy import func, select

from cis_power.access.viewer import system_viewer
from cis_power.core.db import Database
from cis_power.core.errors import Conflict, Forbidden, InvalidInput
from cis_power.customers.models import Place, ServiceLocation, UsagePoint
from cis_power.outages.call_reads import list_calls
from cis_power.outages.callers import CallAbout
from cis_power.outages.calls import CallAnswer, NewCall, add_call
from cis_power.outages.intake import record_entries
from cis_power.outages.models import IntakeEntry, TroubleCall
from cis_power.outages.passes import run_engine
from cis_power.outages.reads import list_outages
from cis_power.service.models import Contact
from tests.outages.people import put_holder, put_people, viewer
from tests.outages.stored import entry
from tests.outages.worlds import at

NOW = at(600)
AGENT = system_viewer("agent")


def ring(database: Database, key: str | None = None, minute: float = 600, **about: str) -> CallAnswer:
    with database.transaction() as session:
        return add_call(session, AGENT, at(minute), NewCall(CallAbout(**about), "no_power", idempotency_key=key), "CN")


def count(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(TroubleCall)) or 0


def test_a_call_is_recorded_and_answered(database: Database) -> None:
    put_people(database)
    with database.transaction() as session:
        record_entries(session, [entry(database, "switch", "A", 10, "open")], NOW)
    run_engine(database, NOW)
    answer = ring(database, account="9-U1")
    assert (answer.account_no, answer.usage_point, answer.supply[0].energized) == ("9-U1", "U1", "none")
    assert answer.outage_id == answer.supply[0].outage_id
    assert {piece.kind for piece in answer.supply[0].evidence} == {"switching", "call"}
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Contact)) == 1
        assert session.scalars(select(IntakeEntry.kind).order_by(IntakeEntry.id)).all() == ["switch", "call"]
    assert run_engine(database, at(601)).applied == 0  # evidence, but it moves nothing


def test_the_same_key_is_the_same_call(database: Database) -> None:
    put_people(database)
    first, again = ring(database, "k1", account="9-U1"), ring(database, "k1", account="9-U1")
    assert (first.id, first.repeated, again.repeated) == (again.id, False, True)
    with pytest.raises(Conflict):
        ring(database, "k1", account="9-U2")
    assert count(database) == 1


def test_calls_about_the_same_point_are_joined(database: Database) -> None:
    put_people(database)
    first = ring(database, usage_point="U1")
    assert ring(database, minute=610, account="9-U1").joined_to == first.id
    assert ring(database, minute=700, account="9-U1").joined_to is None


def test_a_number_in_any_notation(database: Database) -> None:
    districts = put_people(database)
    with database.transaction() as session:
        from tests.outages.stored import put_usage_point

        put_usage_point(session, "UP", "n1")
        put_holder(session, "UP", "9-UP", districts["EAST"], phone="+861065550003")
    for text in ("010-6555 0003", "+86 10 65550003", "(010) 65550003", "0086 10 6555-0003"):
        assert ring(database, phone=text).account_no == "9-UP", text
    for text in ("65550003", "010-65550004", "12", "withheld", "+1 10 65550003"):
        answer = ring(database, phone=text)
        assert (answer.account_no, answer.supply, answer.candidates) == (None, (), ()), text
        assert answer.problems
    assert count(database) == 9


def test_several_candidates_are_listed_not_chosen(database: Database) -> None:
    districts = put_people(database)
    with database.transaction() as session:
        from tests.outages.stored import put_usage_point

        for point in ("P1", "P2"):
            put_usage_point(session, point, "n1")
            put_holder(session, point, f"9-{point}", districts["EAST"], phone="+8613900001111")
    answer = ring(database, phone="13900001111")
    assert (answer.account_no, answer.usage_point, answer.supply) == (None, None, ())
    assert sorted(row.account_no or "" for row in answer.candidates) == ["9-P1", "9-P2"]


def test_a_place_answers_for_all_within_it(database: Database) -> None:
    put_people(database)
    with database.transaction() as session:
        compound = Place(name="Garden")
        session.add(compound)
        session.flush()
        building = Place(name="Tower 3", parent_id=compound.id)
        session.add(building)
        session.flush()
        for code, place in (("U1", compound.id), ("U3", building.id)):
            point = session.scalars(select(UsagePoint).where(UsagePoint.code == code)).one()
            session.get_one(ServiceLocation, point.service_location_id).place_id = place
    assert [point.usage_point for point in ring(database, place="Garden").supply] == ["U1", "U3"]
    assert [point.usage_point for point in ring(database, place="Tower 3").supply] == ["U3"]


def test_unknown_callers_are_kept_and_named(database: Database) -> None:
    put_people(database)
    answer = ring(database, account="no-such")
    assert [(problem.code, problem.field) for problem in answer.problems] == [("unknown_account", "account")]
    assert ring(database, transformer="X2").supply
    assert [problem.code for problem in ring(database, place="Nowhere").problems] == ["unknown_place"]
    assert count(database) == 3
    with pytest.raises(InvalidInput):
        ring(database)
    with database.reading() as session:
        rows = [row for row, _position in list_calls(session, AGENT, NOW)]
    assert len(rows) == 3
    assert "no-such" in (rows[-1].text or "")


def test_calls_by_territory_and_role(database: Database) -> None:
    districts = put_people(database)
    for account in ("9-U1", "9-U3", "9-UX", "none"):
        ring(database, account=account)
    with database.reading() as session:
        west = list_calls(session, viewer("dispatcher", districts["WEST"]), NOW)
        assert [row.account_no for row, _position in west] == ["9-U3"]
        with pytest.raises(Forbidden):
            list_calls(session, viewer("billing"), NOW)
    with database.transaction() as session, pytest.raises(Forbidden):
        add_call(session, viewer("manager"), NOW, NewCall(CallAbout(account="9-U1")), "CN")


def test_calls_find_the_outage_that_becomes_known_later(database: Database) -> None:
    put_people(database)
    early, about, other = (
        ring(database, minute=minute, account=account)
        for minute, account in ((598, "9-U1"), (600, "9-U2"), (600, "9-U5"))
    )
    assert (early.outage_id, about.outage_id) == (None, None)
    with database.transaction() as session:
        record_entries(session, [entry(database, "switch", "A", 599, "open")], at(610))
    run_engine(database, at(610))
    with database.reading() as session:
        told = {record.id: record.outage_id for record, _ in list_calls(session, AGENT, at(620))}
        (outage,) = list_outages(session, AGENT, at(620))
    assert told == {early.id: outage.id, about.id: outage.id, other.id: None}
    assert outage.calls == 2
