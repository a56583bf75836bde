"""The convenience layout: what a row becomes, what a changed row changes, what stays."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from cis_power.access.models import District
from cis_power.core.models import ChangeEntry, FieldConflict, FieldOwner
from cis_power.customers.models import (
    ContactPoint,
    Customer,
    CustomerAccount,
    CustomerAgreement,
    LifeSupport,
    SupplyConnection,
    UsagePoint,
    UsagePointDistrict,
    UsagePointStatus,
    UsagePointTerms,
)
from cis_power.metering.models import Meter, MeterInstallation
from cis_power.network.models import Element, EquipmentState, NetworkVersion
from tests.billing_bridge.files import NOW, customers_text, plain_customers, put

LATER = NOW + timedelta(days=3)
FULL = {
    "account_no": "A1",
    "name": "王小明",
    "kind": "residential",
    "phone": "13800000001",
    "email": "W@X.org",
    "address": "1 Peace Road",
    "district": "D1",
    "usage_point": "U1",
    "transformer": "T1",
    "service_priority": "ordinary",
    "rated_kva": "8",
    "nominal_v": "220",
    "meter_no": "M1",
    "vip": "false",
    "status": "active",
    "connected_on": "",
    "closed_on": "",
    "phases": "A",
    "place": "Garden",
    "lang": "zh_CN",
}
DISTRICTS = "code,name,parent\nD1,North,D0\nD2,South,D0\nD0,All,\n"


@pytest.fixture
def network(database):
    """A transformer T1 and a node N2; X9 is equipment but no transformer."""
    with database.transaction() as session:
        elements = {code: Element(kind=kind, code=code) for kind, code in (
            ("equipment", "T1"), ("node", "N1"), ("node", "N2"), ("equipment", "X9"), ("node", "T1"),
        )}  # fmt: skip
        transformer = Element(kind="equipment", code="T1")
        session.add_all([transformer, *elements.values()])
        version = NetworkVersion(number=1, format="csv", content_hash="x", recorded_at=NOW)
        session.add(version)
        session.flush()
        for element, kind in ((transformer, "transformer"), (elements["X9"], "line")):
            session.add(EquipmentState(
                version_id=version.id, element_id=element.id, leg=0, kind=kind, from_node_id=elements["N1"].id,
                to_node_id=elements["N2"].id, normal_open=False, telemetered=False, phases=7, owner="utility",
            ))  # fmt: skip
        return {"T1": transformer.id, "N2": elements["N2"].id}


def read(database, model, *order):
    with database.reading() as session:
        return list(session.scalars(select(model).order_by(*(order or (model.id,)))))


def test_a_row_becomes_a_customer_with_everything(database, network):
    put(database, "districts", DISTRICTS)
    result = put(database, "customers", customers_text([FULL]))
    assert (result.accepted, result.problems) == (1, [])
    (customer,) = read(database, Customer)
    assert (customer.name, customer.kind, customer.party_kind, customer.language) == (
        "王小明",
        "residential",
        "person",
        "zh_CN",
    )
    (account,) = read(database, CustomerAccount)
    assert (account.account_no, account.customer_id, account.status) == ("A1", customer.id, "active")
    contacts = [(point.kind, point.text, point.normal) for point in read(database, ContactPoint)]
    assert contacts == [("phone", "13800000001", "+8613800000001"), ("email", "W@X.org", "w@x.org")]
    (point,) = read(database, UsagePoint)
    (status,) = read(database, UsagePointStatus)
    assert (status.status, status.began_at, status.ended_at) == ("active", None, None)
    (terms,) = read(database, UsagePointTerms)
    assert (terms.rated_kva, terms.nominal_v, terms.service_priority, terms.began_at) == (8, 220, "ordinary", None)
    (agreement,) = read(database, CustomerAgreement)
    assert (agreement.account_id, agreement.usage_point_id, agreement.party) == (account.id, point.id, "owner")
    (link,) = read(database, SupplyConnection)
    assert (link.element_id, link.transformer, link.phases, link.began_at) == (network["T1"], "T1", 1, None)
    (installed,) = read(database, MeterInstallation)
    assert (installed.usage_point_id, installed.began_at, installed.ended_at) == (point.id, None, None)
    (place,) = read(database, UsagePointDistrict)
    (north,) = [item for item in read(database, District) if item.code == "D1"]
    assert place.district_id == north.id


def test_a_transformer_goes_before_a_node_and_other_equipment_is_neither(database, network):
    rows = [{**FULL, "account_no": f"A{code}", "usage_point": f"U{code}", "meter_no": "", "transformer": code}
            for code in ("T1", "N2", "X9", "T77")]  # fmt: skip
    result = put(database, "customers", customers_text(rows))
    assert result.accepted == 4
    unknown = [(problem.line, problem.severity) for problem in result.problems if problem.code == "unknown_transformer"]
    assert unknown == [(4, "warning"), (5, "warning")]
    links = {link.transformer: link.element_id for link in read(database, SupplyConnection)}
    assert links == {"T1": network["T1"], "N2": network["N2"], "X9": None, "T77": None}


def test_only_differences_are_written(database):
    rows = [{**FULL, "account_no": f"A{n}", "usage_point": f"U{n}", "meter_no": f"M{n}"} for n in range(1, 6)]
    put(database, "customers", customers_text(rows))
    rows[2] |= {"name": "王大明", "rated_kva": "12", "district": "D2", "phone": "13900000009", "transformer": "T5"}
    result = put(database, "customers", customers_text(rows), now=LATER)
    assert (result.rows, result.accepted, result.rejected, result.unchanged) == (5, 1, 0, 4)
    changes = {(entry.entity, entry.field): (entry.old_value, entry.new_value) for entry in read(database, ChangeEntry)}
    assert changes["customer", "name"] == ("王小明", "王大明")
    assert changes["customer", "phone"] == ("13800000001", "13900000009")
    assert changes["usage_point", "rated_kva"] == ("8.0", "12.0")
    assert changes["usage_point", "transformer"] == ("T1", "T5")
    terms = [(item.rated_kva, item.began_at, item.ended_at) for item in read(database, UsagePointTerms)][2:]
    assert (8, None, LATER) in terms
    assert (12, LATER, None) in terms
    links = [link for link in read(database, SupplyConnection) if link.transformer == "T5" or link.superseded_at]
    assert {(link.transformer, link.began_at, link.superseded_at) for link in links} == {
        ("T1", None, LATER),
        ("T5", LATER, None),
    }
    ended = [link for link in read(database, SupplyConnection) if link.ended_at is not None]
    assert [(link.transformer, link.began_at, link.ended_at, link.recorded_at) for link in ended] == [
        ("T1", None, LATER, LATER)
    ]
    phones = [(item.text, item.valid_to) for item in read(database, ContactPoint) if item.kind == "phone"]
    assert ("13800000001", LATER) in phones
    assert ("13900000009", None) in phones


def test_empty_fields_and_absent_columns_delete_nothing(database):
    put(database, "customers", customers_text([FULL]))
    bare = dict.fromkeys(FULL, "") | {"account_no": "A1", "usage_point": "U1"}
    result = put(database, "customers", customers_text([bare]), now=LATER)
    assert (result.accepted, result.unchanged) == (0, 1)
    result = put(database, "customers", "account_no,usage_point\nA1,U1\n", now=LATER)
    assert (result.accepted, result.unchanged) == (0, 1)
    assert read(database, ChangeEntry) == []


def test_an_account_with_several_usage_points(database):
    rows = [{**FULL, "usage_point": f"U{n}", "meter_no": f"M{n}"} for n in (1, 2, 3)]
    rows[2] |= {"name": "Somebody else", "status": "closed"}
    result = put(database, "customers", customers_text(rows))
    assert result.accepted == 3
    assert [
        (problem.line, problem.code, problem.field) for problem in result.problems if problem.code == "account_differs"
    ] == [(4, "account_differs", "name")]
    assert [account.status for account in read(database, CustomerAccount)] == ["active"]
    assert len(read(database, CustomerAgreement)) == 3
    assert [status.status for status in read(database, UsagePointStatus)] == ["active", "active", "closed"]


def test_one_account_moves_out_and_another_in(database):
    out = {**FULL, "status": "closed", "closed_on": "2026-03-01"}
    moved_in = {**FULL, "account_no": "A2", "name": "New", "connected_on": "2026-05-01", "phone": "", "email": ""}
    result = put(database, "customers", customers_text([out, moved_in]))
    assert result.accepted == 2
    march, may = datetime(2026, 2, 28, 16, tzinfo=UTC), datetime(2026, 4, 30, 16, tzinfo=UTC)
    line = sorted(
        (item.began_at or datetime.min.replace(tzinfo=UTC), item.status) for item in read(database, UsagePointStatus)
    )
    assert [status for _, status in line] == ["active", "closed", "active"]
    assert [began for began, _ in line][1:] == [march, may]
    again = put(database, "customers", customers_text([out, moved_in]) + "\n", now=LATER)
    assert (again.accepted, again.unchanged) == (0, 2)


def test_closing_on_a_day_and_closing_now(database):
    put(database, "customers", plain_customers(2))
    rows = [
        {"account_no": "A1", "usage_point": "U1", "status": "closed", "closed_on": "2026-06-01"},
        {"account_no": "A2", "usage_point": "U2", "status": "disconnected"},
    ]
    assert put(database, "customers", customers_text(rows), now=LATER).accepted == 2
    june = datetime(2026, 5, 31, 16, tzinfo=UTC)
    lines = [
        (item.usage_point_id, item.status, item.began_at, item.ended_at)
        for item in read(database, UsagePointStatus)
        if item.superseded_at is None
    ]
    first, second = (point.id for point in read(database, UsagePoint, UsagePoint.code))
    assert sorted(lines, key=str) == sorted(
        [
            (first, "active", None, june),
            (first, "closed", june, None),
            (second, "active", None, LATER),
            (second, "disconnected", LATER, None),
        ],
        key=str,
    )


def test_life_support_is_kept_by_person_and_place(database):
    put(database, "customers", customers_text([{**FULL, "service_priority": "life_support"}]))
    (entry,) = read(database, LifeSupport)
    assert entry.ended_on is None
    put(database, "customers", customers_text([{**FULL, "service_priority": "ordinary"}]), now=LATER)
    (entry,) = read(database, LifeSupport)
    assert entry.ended_on == date(2026, 11, 24)


def test_a_meter_exchange_and_a_meter_that_moves(database):
    put(database, "customers", plain_customers(2))
    changed = customers_text([
        {"account_no": "A1", "usage_point": "U1", "meter_no": "M9"},
        {"account_no": "A2", "usage_point": "U2", "meter_no": "M1"},
    ])  # fmt: skip
    result = put(database, "customers", changed, now=LATER)
    assert result.accepted == 2
    meters = {meter.id: meter.meter_no for meter in read(database, Meter)}
    points = {point.id: point.code for point in read(database, UsagePoint)}
    stands = [
        (meters[item.meter_id], points[item.usage_point_id], item.began_at, item.ended_at)
        for item in read(database, MeterInstallation)
    ]
    assert sorted(stands, key=str) == sorted(
        [
            ("M1", "U1", None, LATER),
            ("M9", "U1", LATER, None),
            ("M2", "U2", None, LATER),
            ("M1", "U2", LATER, None),
        ],
        key=str,
    )


def test_bad_contacts_and_districts_are_warnings(database):
    row = {**FULL, "phone": "call me", "email": "none", "district": "D7"}
    result = put(database, "customers", customers_text([row]))
    assert result.accepted == 1
    assert {(problem.code, problem.severity) for problem in result.problems} == {
        ("unreadable_phone", "warning"),
        ("unreadable_email", "warning"),
        ("unknown_district", "warning"),
        ("unknown_transformer", "warning"),
    }
    assert ("phone", "call me", None) in [(item.kind, item.text, item.normal) for item in read(database, ContactPoint)]
    assert [district.code for district in read(database, District)] == ["D7"]


def test_bad_rows_are_rejected_and_good_ones_posted(database):
    rows = [
        FULL,
        {**FULL, "account_no": "A2", "usage_point": "U2", "name": ""},
        {**FULL, "account_no": "A3", "usage_point": "U3", "kind": "royal"},
        {**FULL, "account_no": "A4", "usage_point": ""},
        {**FULL, "account_no": "A5", "usage_point": "U5", "connected_on": "2026-05-01", "closed_on": "2026-04-01"},
        {**FULL, "account_no": "A6", "usage_point": "U6", "rated_kva": "-1"},
        {**FULL, "rated_kva": "9"},
    ]
    result = put(database, "customers", customers_text(rows))
    errors = [(problem.line, problem.code) for problem in result.problems if problem.severity == "error"]
    assert (result.accepted, result.rejected) == (1, 6)
    assert errors == [
        (3, "missing_value"), (4, "unknown_choice"), (5, "missing_value"), (6, "wrong_order"), (7, "out_of_range"),
        (8, "doubled_key"),
    ]  # fmt: skip


def test_another_systems_field_is_kept_as_a_conflict(database):
    put(database, "customers", customers_text([FULL]))
    with database.transaction() as session:
        session.add(FieldOwner(entity="customer", field="name", system="crm"))
    changed = customers_text([{**FULL, "name": "Other", "rated_kva": "9"}])
    result = put(database, "customers", changed, now=LATER)
    assert "owned_elsewhere" in {problem.code for problem in result.problems}
    assert [customer.name for customer in read(database, Customer)] == ["王小明"]
    assert [terms.rated_kva for terms in read(database, UsagePointTerms)] == [8, 9]
    (conflict,) = read(database, FieldConflict)
    assert (conflict.field, conflict.value, conflict.system) == ("name", "Other", "business")


def test_districts_form_a_tree_whatever_their_order(database):
    result = put(database, "districts", DISTRICTS + "D4,X,D5\nD5,Y,D4\nD6,Z,D9\n")
    assert (result.accepted, result.rejected) == (3, 3)
    assert sorted((problem.line, problem.code) for problem in result.problems) == [
        (5, "circular_parent"),
        (6, "circular_parent"),
        (7, "unknown_parent"),
    ]
    districts = {item.id: item for item in read(database, District)}
    assert {(item.code, districts[item.parent_id].code if item.parent_id else None) for item in districts.values()} == {
        ("D0", None), ("D1", "D0"), ("D2", "D0"),
    }  # fmt: skip
    again = put(database, "districts", "code,name\nD1,Far north\n")
    assert again.accepted == 1
    assert next(item.parent_id for item in read(database, District) if item.code == "D1") is not None


def test_an_account_is_as_active_as_its_best_usage_point(database):
    rows = [{**FULL, "usage_point": f"U{n}", "meter_no": ""} for n in (1, 2)]
    rows[0]["status"] = "closed"
    put(database, "customers", customers_text(rows))
    assert [account.status for account in read(database, CustomerAccount)] == ["active"]
    again = put(database, "customers", customers_text(rows) + "\n", now=LATER)
    assert (again.accepted, again.unchanged) == (0, 2)
    one = [{"account_no": "A1", "usage_point": "U1", "status": "closed", "rated_kva": "9"}]
    put(database, "customers", customers_text(one), now=LATER)
    assert [account.status for account in read(database, CustomerAccount)] == ["active"]
    both = [{"account_no": "A1", "usage_point": f"U{n}", "status": "closed"} for n in (1, 2)]
    put(database, "customers", customers_text(both), now=LATER)
    assert [account.status for account in read(database, CustomerAccount)] == ["closed"]


def test_rows_of_one_account_agree_whichever_chunk_they_are_in(database, monkeypatch):
    monkeypatch.setattr("cis_power.core.batches.importing._FIRST_CHUNK", 1)
    monkeypatch.setattr("cis_power.core.batches.importing._SMALLEST_CHUNK", 1)
    monkeypatch.setattr("cis_power.core.batches.importing._LARGEST_CHUNK", {"sqlite": 1, "postgresql": 1})
    rows = [{**FULL, "usage_point": f"U{n}", "meter_no": "M1", "name": f"Name {n}"} for n in (1, 2, 3)]
    result = put(database, "customers", customers_text(rows))
    assert result.accepted == 3
    assert [customer.name for customer in read(database, Customer)] == ["Name 1"]
    assert len(read(database, MeterInstallation)) == 1
    codes = [problem.code for problem in result.problems]
    assert codes.count("account_differs") == codes.count("meter_elsewhere") == 2
