"""A customer's page and the lines of a list, by role and territory."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.db import Database
from cis_power.core.errors import NotFound
from cis_power.customers.models import CustomerAccount, CustomerAgreement
from cis_power.customers.read_rows import customer_rows
from cis_power.customers.reads import read_account
from cis_power.customers.search import search_customers
from tests.customers.town import NOW, House, district, settle


@pytest.fixture
def town(database: Database) -> Database:
    with database.transaction() as session:
        settle(
            session,
            House("UP1", "1001", "王小明", "+8613800138000", "朝阳路1号", "north", "T1"),
            House("UP2", "1001", address="朝阳路2号", district="south", service_priority="first"),
            House("UP3", "1002", "Li Hua", "+8613800138001", "人民路3号", "south"),
            House("UP4", address="空路4号", district="south"),
        )
    return database


def viewer(database: Database, role: str, *districts: str) -> Viewer:
    with database.transaction() as session:
        return Viewer(name=role, role=role, districts=frozenset(district(session, code) for code in districts))


def test_the_page_shows_customer_and_usage_points(town: Database) -> None:
    with town.reading() as session:
        record = read_account(session, system_viewer("test"), "1001", NOW)
    assert (record.name, record.phones, record.status) == ("王小明", ("+8613800138000",), "active")
    assert [point.usage_point for point in record.usage_points] == ["UP1", "UP2"]
    first = record.usage_points[0]
    assert (first.address, first.district, first.held, first.nominal_v) == ("朝阳路1号", "north", True, 220)
    assert first.connections[0].transformer == "T1"
    assert first.agreements[0].account_no == "1001"


def test_a_territory_bounds_the_usage_points(town: Database) -> None:
    north = viewer(town, "billing", "north")
    with town.reading() as session:
        record = read_account(session, north, "1001", NOW)
        assert [point.usage_point for point in record.usage_points] == ["UP1"]
        with pytest.raises(NotFound) as foreign:
            read_account(session, north, "1002", NOW)
        with pytest.raises(NotFound) as missing:
            read_account(session, north, "9999", NOW)
    assert str(foreign.value).replace("1002", "9999") == str(missing.value)


def test_an_agent_sees_foreign_supply_points_masked(town: Database) -> None:
    agent = viewer(town, "agent", "north")
    with town.reading() as session:
        foreign = read_account(session, agent, "1002", NOW)
        own = read_account(session, agent, "1001", NOW)
    assert (foreign.name, foreign.usage_points[0].address) == ("L**", "***")
    assert "138001380" not in str(foreign)
    assert [(point.usage_point, point.address) for point in own.usage_points] == [("UP1", "朝阳路1号"), ("UP2", "***")]
    assert own.name == "王小明"


def test_a_dispatcher_sees_the_phone_of_priority_users_only(town: Database) -> None:
    with town.reading() as session:
        priority = read_account(session, viewer(town, "dispatcher", "south"), "1001", NOW)
        ordinary = read_account(session, viewer(town, "dispatcher", "south"), "1002", NOW)
    assert (priority.phones, priority.name) == (("+8613800138000",), "王**")
    assert ordinary.phones == ("***********01",)


def rows(database: Database, who: Viewer, text: str):
    with database.reading() as session:
        found = search_customers(session, who, text, region="CN", now=NOW)
        return customer_rows(session, who, found.subjects, NOW)


def test_lines_of_a_list(town: Database) -> None:
    first, second, vacant = rows(town, system_viewer("test"), "UP")
    assert (first.account_no, first.usage_points, first.service_priority) == ("1001", ("UP1", "UP2"), "first")
    assert (first.phone, first.address, first.transformer) == ("+8613800138000", "朝阳路1号", "T1")
    assert second.account_no == "1002"
    assert (vacant.account_no, vacant.usage_point, vacant.status) == (None, "UP4", "vacant")


def test_lines_of_an_agent_are_masked_outside_his_territory(town: Database) -> None:
    first, second, vacant = rows(town, viewer(town, "agent", "north"), "UP")
    assert (first.name, first.address, first.usage_points) == ("王小明", "朝阳路1号", ("UP1", "UP2"))
    assert (second.name, second.address, second.phone) == ("L**", "***", "***********01")
    assert vacant.address == "***"


def test_lines_of_a_clerk_leave_foreign_places_out(town: Database) -> None:
    (line,) = rows(town, viewer(town, "billing", "north"), "UP")
    assert (line.account_no, line.usage_points, line.service_priority) == ("1001", ("UP1",), "ordinary")


def test_who_moved_away_is_masked_where_he_was_and_found_where_he_is(town: Database) -> None:
    with town.transaction() as session:
        account = session.scalars(select(CustomerAccount).where(CustomerAccount.account_no == "1002")).one()
        left = session.scalars(select(CustomerAgreement).where(CustomerAgreement.account_id == account.id)).one()
        left.ended_at = NOW - timedelta(days=1)
        settle(session, House("UP5", "1002", address="新路5号", district="north"))
    old, new = viewer(town, "billing", "south"), viewer(town, "billing", "north")
    with town.reading() as session:
        assert read_account(session, old, "1002", NOW).name == "L**"
        assert read_account(session, new, "1002", NOW).name == "Li Hua"
    assert rows(town, old, "Li Hua") == ()
    assert [row.name for row in rows(town, old, "人民路3号")] == ["L**"]
    assert [row.name for row in rows(town, new, "Li Hua")] == ["Li Hua"]


def test_who_left_for_good_stays_with_his_last_district(town: Database) -> None:
    with town.transaction() as session:
        account = session.scalars(select(CustomerAccount).where(CustomerAccount.account_no == "1002")).one()
        left = session.scalars(select(CustomerAgreement).where(CustomerAgreement.account_id == account.id)).one()
        left.ended_at = NOW - timedelta(days=1)
    south = viewer(town, "billing", "south")
    with town.reading() as session:
        assert read_account(session, south, "1002", NOW).name == "Li Hua"
    assert [row.name for row in rows(town, south, "Li Hua")] == ["Li Hua"]
