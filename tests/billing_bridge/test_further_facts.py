"""Places, terms of usage points and contact persons from files."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from cis_power.customers.models import (
    ContactPerson,
    ContactPoint,
    Place,
    ServiceLocation,
    UsagePoint,
    UsagePointTerms,
)
from tests.billing_bridge.files import NOW, customers_text, plain_customers, put

LATER = NOW + timedelta(days=3)


@pytest.fixture(autouse=True)
def customers(database):
    put(database, "customers", plain_customers(3))


def tree(database):
    """Place → its kind and the name of the place it lies in."""
    with database.reading() as session:
        places = {place.id: place for place in session.scalars(select(Place))}
    return {
        place.name: (place.kind, places[place.parent_id].name if place.parent_id else None) for place in places.values()
    }


def test_places_form_a_tree_and_addresses_find_them(database):
    result = put(database, "places", "place,kind,parent\nPark,compound,\nPark 1,building,Park\nX,building,Nowhere\n")
    assert (result.accepted, result.rejected) == (2, 1)
    assert [problem.code for problem in result.problems] == ["unknown_parent"]
    assert tree(database) == {"Park": ("compound", None), "Park 1": ("building", "Park")}
    rows = [{"account_no": "A1", "usage_point": "U1", "address": "1 Park", "place": "Park 1"}]
    assert put(database, "customers", customers_text(rows)).accepted == 1
    with database.reading() as session:
        found = session.scalar(select(Place.name).join(ServiceLocation, ServiceLocation.place_id == Place.id))
    assert found == "Park 1"


def test_a_place_changes_and_never_lies_in_itself(database):
    put(database, "places", "place,kind,parent\nA,compound,\nB,building,A\nC,other,B\n")
    result = put(database, "places", "place,kind,parent\nA,,C\nB,village,\nC,other,B\nD,other,D\n", now=LATER)
    assert (result.accepted, result.rejected, result.unchanged) == (1, 2, 1)
    assert {problem.code for problem in result.problems} == {"circular_parent"}
    assert tree(database) == {"A": ("compound", None), "B": ("village", "A"), "C": ("other", "B")}


def terms_of(database, code):
    """Operating kVA, generation, island, emergency supply, tariff, begin, end: in the order of time."""
    row = UsagePointTerms
    with database.reading() as session:
        query = (
            select(row).join(UsagePoint, UsagePoint.id == row.usage_point_id).where(UsagePoint.code == code)
            .order_by(row.began_at.nulls_first())
        )  # fmt: skip
        return [
            (t.operating_kva, t.generation_kw, t.may_island, t.own_emergency_supply, t.tariff_category, t.began_at,
             t.ended_at)
            for t in session.scalars(query)
        ]  # fmt: skip


def test_terms_complete_what_is_there_and_changes_are_dated(database):
    head = "usage_point,from,operating_kva,own_emergency_supply,generation_kw,may_island,tariff_category\n"
    first = put(database, "terms", head + "U1,,6,1,5,0,tou\nU2,,,,,,\nU9,,1,,,,\n")
    assert (first.accepted, first.unchanged, first.rejected) == (1, 1, 1)
    assert terms_of(database, "U1") == [(6, 5, False, True, "tou", None, None)]
    with database.reading() as session:
        assert session.scalars(select(UsagePointTerms.rated_kva)).all() == [8, 8, 8]
    put(database, "terms", head + "U1,,,,9,1,\n", now=LATER)
    put(database, "terms", head + "U2,2026-06-01,,,3,,\n", now=LATER)
    assert terms_of(database, "U1") == [
        (6, 5, False, True, "tou", None, LATER),
        (6, 9, True, True, "tou", LATER, None),
    ]
    june = datetime(2026, 5, 31, 16, tzinfo=UTC)
    assert [row[5:] for row in terms_of(database, "U2")] == [(None, june), (june, None)]
    late = put(database, "terms", head + "U2,2026-05-01,,,4,,\n", now=LATER)
    assert [problem.code for problem in late.problems] == ["before_present"]
    same = put(database, "terms", head + "U1,,6,1,9,1,tou\n\n", now=LATER)
    assert (same.accepted, same.unchanged) == (0, 1)


def persons(database):
    with database.reading() as session:
        found = session.execute(
            select(ContactPerson.name, ContactPerson.position, ContactPoint.kind, ContactPoint.normal)
            .join(ContactPoint, ContactPoint.contact_person_id == ContactPerson.id)
            .where(ContactPoint.valid_to.is_(None))
            .order_by(ContactPerson.name, ContactPoint.kind)
        )
        return [tuple(row) for row in found]


def test_contact_persons_are_kept_changed_and_found(database):
    head = "account_no,name,company,position,phone,email\n"
    first = put(
        database, "contacts", head + "A1,Li Wei,Works,Head,138 0000 0001,Li@Example.org\nA9,X,,,,\nA2,Bo,,,call me,\n"
    )
    assert (first.accepted, first.rejected) == (2, 1)
    assert [(problem.code, problem.severity) for problem in first.problems] == [
        ("unknown_account", "error"),
        ("unreadable_phone", "warning"),
    ]
    assert persons(database) == [
        ("Bo", None, "phone", None),
        ("Li Wei", "Head", "email", "li@example.org"),
        ("Li Wei", "Head", "phone", "+8613800000001"),
    ]
    second = put(database, "contacts", head + "A1,Li Wei,,Chief,13900000002,\nA2,Bo,,,call me,\n", now=LATER)
    assert (second.accepted, second.unchanged) == (1, 1)
    assert persons(database)[1:] == [
        ("Li Wei", "Chief", "email", "li@example.org"),
        ("Li Wei", "Chief", "phone", "+8613900000002"),
    ]
