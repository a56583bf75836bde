"""What people read: lists, one outage, its customers, the supply answer; by territory and role."""

import pytest
from sqlalchemy import select, update

from cis_power.access.viewer import system_viewer
from cis_power.core.db import Database
from cis_power.core.errors import Forbidden, InvalidInput, NotFound
from cis_power.customers.models import SupplyConnection, UsagePoint
from cis_power.outages.customers_out import outage_customers
from cis_power.outages.intake import record_entries
from cis_power.outages.models import Interruption, Outage, OutageState
from cis_power.outages.passes import run_engine
from cis_power.outages.reads import OutageFilter, list_outages, read_outage
from cis_power.outages.supply_answer import supply_answer
from tests.outages.people import put_people, viewer
from tests.outages.stored import entry
from tests.outages.worlds import at

NOW = at(600)
ALL = system_viewer("test")


def happen(database: Database, *entries: tuple) -> None:
    with database.transaction() as session:
        record_entries(session, [entry(database, *one) for one in entries], NOW)
    run_engine(database, NOW)


def test_the_list_and_its_counts(database: Database) -> None:
    put_people(database)
    happen(database, ("switch", "A", 10, "open"), ("switch", "D", 20, "open"), ("switch", "D", 30, "close"))
    with database.reading() as session:
        (row,) = list_outages(session, ALL, NOW)
        assert (row.device, row.feeder, row.status, row.kind) == ("A", "F", "confirmed", "unplanned")
        assert (row.customers_affected, row.customers_out, row.customers_partial) == (3, 3, 0)
        assert (row.priority_customers_out, row.transformers_out, row.probability) == (1, 2, 1.0)
        assert [(piece.kind, piece.quality) for piece in row.evidence] == [("switching", "GOOD")]
        everything = list_outages(session, ALL, NOW, OutageFilter(everything=True))
        assert [(one.device, one.status) for one in everything] == [("D", "restored"), ("A", "confirmed")]
        (early,) = list_outages(session, ALL, NOW, OutageFilter(from_at=at(10), to_at=at(20)))
        assert early.device == "A"
        (then,) = list_outages(session, ALL, NOW, as_of=at(15))
        assert (then.customers_out, then.device) == (3, "A")
        assert {one.device for one in list_outages(session, ALL, NOW, as_of=at(25))} == {"A", "D"}
        assert list_outages(session, ALL, NOW, at=at(25)) == []  # nobody knew then
        with pytest.raises(InvalidInput):
            list_outages(session, ALL, NOW, at=at(1), as_of=at(1))


def test_partial_restoration_counts_those_who_are_still_out(database: Database) -> None:
    put_people(database)
    happen(database, ("switch", "A", 10, "open"), ("switch", "C", 15, "open"), ("switch", "T", 20, "close"))
    with database.reading() as session:
        (row,) = list_outages(session, ALL, NOW)
        assert (row.status, row.customers_affected, row.customers_out) == ("partially_restored", 3, 2)
        customers = outage_customers(session, ALL, row.id, NOW)
        assert [(one.usage_point, one.restored_at) for one in customers] == [("U2", None), ("U1", None), ("U3", at(20))]


def test_a_border_shows_own_customers_and_declared_totals(database: Database) -> None:
    districts = put_people(database)
    happen(database, ("switch", "A", 10, "open"), ("switch", "D", 20, "open"))
    east, west = (viewer("dispatcher", districts[code]) for code in ("EAST", "WEST"))
    with database.reading() as session:
        (row,) = [one for one in list_outages(session, west, NOW) if one.device == "A"]
        assert (row.customers_affected, row.customers_out, row.customers_out_total) == (1, 1, 3)
        assert row.priority_customers_out == 0
        assert [one.usage_point for one in outage_customers(session, west, row.id, NOW)] == ["U3"]
        # D puts out UD, of the east, and U5, of the west
        assert {one.device: one.customers_out for one in list_outages(session, east, NOW)} == {"A": 2, "D": 1}
        nobody = viewer("dispatcher", 10**6)
        assert list_outages(session, nobody, NOW) == []
        with pytest.raises(NotFound) as foreign:
            read_outage(session, nobody, row.id, NOW)
        with pytest.raises(NotFound) as missing:
            read_outage(session, ALL, "Onone", NOW)
        assert str(foreign.value).replace(row.id, "X") == str(missing.value).replace("Onone", "X")


def test_personal_fields_by_role(database: Database) -> None:
    put_people(database)
    happen(database, ("switch", "A", 10, "open"))
    with database.reading() as session:
        (row,) = list_outages(session, ALL, NOW)
        named = {one.usage_point: one for one in outage_customers(session, viewer("agent"), row.id, NOW)}
        assert (named["U1"].name, named["U1"].account_no) == ("Name U1", "9-U1")
        masked = {one.usage_point: one for one in outage_customers(session, viewer("dispatcher"), row.id, NOW)}
        assert masked["U1"].name == "N**"
        assert "*" in masked["U1"].phone
        assert "*" not in masked["U2"].phone  # a priority user is rung up
        with pytest.raises(Forbidden):
            outage_customers(session, viewer("marketing"), row.id, NOW)
        with pytest.raises(Forbidden):
            list_outages(session, viewer("sysadmin"), NOW)


def _point(database: Database, account_no: str, **when: object) -> dict:
    with database.reading() as session:
        (point,) = supply_answer(session, viewer("agent"), account_no, NOW, **when).as_dict()["usage_points"]  # type: ignore[arg-type]
        return point


def test_the_supply_answer(database: Database) -> None:
    put_people(database)
    assert _point(database, "9-U1")["energized"] == "full"
    happen(database, ("signal", "A", 10, "open"), ("switch", "A", 40, "close"), ("switch", "B", 50, "open"))
    out = _point(database, "9-U2")
    assert (out["energized"], out["reason"], out["since"]) == ("none", "outage", at(50).isoformat())
    assert (out["phases_out"], out["sources_lost"], out["service_priority"]) == ("ABC", 1, "first")
    assert [piece["kind"] for piece in out["evidence"]] == ["switching"]
    assert out["outage_id"]
    assert _point(database, "9-U1")["energized"] == "full"
    dual = _point(database, "9-UD")
    assert (dual["energized"], dual["sources_lost"], dual["reason"]) == ("full", 1, "none")
    assert _point(database, "9-UX")["energized"] == "unknown"
    assert (_point(database, "9-UC")["energized"], _point(database, "9-UC")["reason"]) == ("none", "disconnected")
    then = _point(database, "9-U1", as_of=at(20))
    assert (then["energized"], [piece["kind"] for piece in then["evidence"]]) == ("none", ["signal"])
    assert _point(database, "9-U1", at=at(20))["energized"] == "full"  # as was known then
    with database.reading() as session, pytest.raises(NotFound):
        supply_answer(session, viewer("agent"), "9-NONE", NOW)


def test_a_time_before_all_records_is_answered_by_what_is_known_now(database: Database) -> None:
    """A utility that takes the system into use today still asks about yesterday."""
    put_people(database)
    with database.transaction() as session:
        session.execute(update(SupplyConnection).values(recorded_at=at(500)))
    happen(database, ("switch", "B", 50, "open"))
    assert _point(database, "9-U2", at=at(20))["energized"] == "full"
    then = _point(database, "9-U2", at=at(60))
    assert (then["energized"], then["since"]) == ("none", at(50).isoformat())


def test_a_planned_outage_says_so(database: Database) -> None:
    put_people(database)
    with database.transaction() as session:
        planned = entry(database, "switch", "A", 10, "open", payload={"kind": "planned", "cause": "maintenance"})
        record_entries(session, [planned], NOW)
    run_engine(database, NOW)
    point = _point(database, "9-U1")
    assert (point["reason"], point["cause"]) == ("planned", "maintenance")


def test_the_detail_names_transformers(database: Database) -> None:
    put_people(database)
    happen(database, ("switch", "A", 10, "open"), ("switch", "A", 40, "close"))
    with database.reading() as session:
        (row,) = list_outages(session, ALL, NOW, OutageFilter(everything=True))
        detail = read_outage(session, ALL, row.id, NOW)
    assert detail.transformers == ("X2", "X3")
    assert [piece.detail for piece in detail.outage.evidence] == ["A open, by system", "A closed, by system"]


def test_imported_history_is_listed_with_its_number(database: Database) -> None:
    """Rows that stand for unnamed customers count; named ones are members."""
    put_people(database)
    with database.transaction() as session:
        outage = Outage(code="2025-0815", imported=True, created_at=NOW)
        session.add(outage)
        session.flush()
        session.add(OutageState(outage_id=outage.id, kind="unplanned", status="restored", began_at=at(1),
                                restored_at=at(9), device_code="OLD-1", recorded_at=NOW,
                                recorded_by="import"))  # fmt: skip
        point = session.scalars(select(UsagePoint.id).where(UsagePoint.code == "U1")).one()
        common = {"outage_id": outage.id, "began_at": at(1), "restored_at": at(9), "kind": "unplanned",
                  "source": "import", "recorded_at": NOW}  # fmt: skip
        session.add(Interruption(usage_point_id=point, **common))
        session.add(Interruption(customers=40, **common))
    run_engine(database, NOW)  # leaves it alone
    with database.reading() as session:
        (row,) = list_outages(session, ALL, NOW, OutageFilter(everything=True))
        assert (row.id, row.device, row.status, row.customers_affected, row.customers_out) == (
            "2025-0815", "OLD-1", "restored", 41, 0,
        )  # fmt: skip
        assert list_outages(session, ALL, NOW) == []
        (member,) = outage_customers(session, ALL, "2025-0815", NOW)
        assert (member.usage_point, member.account_no, member.restored_at) == ("U1", "9-U1", at(9))
        (then,) = list_outages(session, ALL, NOW, as_of=at(5))
        assert (then.status, then.customers_out) == ("confirmed", 41)
