"""Field rules: which role sees what of a person, in and out of its territory."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis_power.access.masking import Circumstance, Personal, mask_record, mask_text, masked_fields, may_search
from cis_power.access.permissions import GRANTABLE_ROLES
from cis_power.access.viewer import Viewer, system_viewer


@dataclass(frozen=True)
class Place:
    place_name: str
    address: str


@dataclass(frozen=True)
class Person:
    account_no: str
    name: str
    phones: tuple[str, ...]
    email: str | None
    places: tuple[Place, ...]


PERSON = Person("100200", "Zhang San", ("13800001234", "021-555"), "zhang@example.com", (Place("No 5", "Long Road 5"),))
FULL = {
    ("agent", "inside"): "name phone email address",
    ("billing", "inside"): "name phone email address",
    ("engineer", "inside"): "address",
    ("dispatcher", "inside"): "address",
    ("dispatcher", "priority"): "address phone",
    ("dispatcher", "caller"): "address phone",
    ("marketing", "consent"): "name phone email address",
}
CIRCUMSTANCES = {
    "inside": Circumstance(),
    "outside": Circumstance(inside=False, priority=True, caller=True, consent=True),
    "priority": Circumstance(priority=True),
    "caller": Circumstance(caller=True),
    "consent": Circumstance(consent=True),
}


def viewer(role: str) -> Viewer:
    return Viewer("somebody", role, None, "user", 1)


@pytest.mark.parametrize("circumstance", CIRCUMSTANCES)
@pytest.mark.parametrize("role", GRANTABLE_ROLES)
def test_each_role_sees_in_full_what_the_table_says_and_nothing_else(role, circumstance):
    usual = FULL.get((role, "inside"), "") if circumstance != "outside" else ""
    expected = set(FULL.get((role, circumstance), usual).split())
    seen = mask_record(viewer(role), PERSON, CIRCUMSTANCES[circumstance])
    full = {
        "name": seen.name == PERSON.name,
        "phone": seen.phones == PERSON.phones,
        "email": seen.email == PERSON.email,
        "address": seen.places[0].address == PERSON.places[0].address,
    }
    assert {field for field, whole in full.items() if whole} == expected
    assert (seen.account_no, seen.places[0].place_name) == (PERSON.account_no, PERSON.places[0].place_name)


def test_the_system_viewer_sees_everything_and_absent_values_stay_absent():
    assert mask_record(system_viewer("job"), PERSON, Circumstance(inside=False)) == PERSON
    nobody = Person("1", "", (), None, ())
    assert mask_record(viewer("manager"), nobody, Circumstance()) == nobody


def test_a_page_learns_which_fields_are_masked():
    assert masked_fields(viewer("engineer"), PERSON, Circumstance()) == ("name", "phones", "email")
    assert masked_fields(viewer("agent"), PERSON, Circumstance()) == ()


def test_nobody_searches_by_what_he_may_not_see_except_in_call_taking():
    assert not may_search(viewer("engineer"), Personal.PHONE)
    assert may_search(viewer("engineer"), Personal.ADDRESS)
    assert may_search(viewer("agent"), Personal.PHONE)
    assert not any(may_search(viewer("auditor"), kind) for kind in Personal)


@given(st.sampled_from(Personal), st.text(min_size=4))
def test_a_masked_text_never_holds_the_text(kind, text):
    masked = mask_text(kind, text)
    assert text not in masked
    assert sum(character in text for character in masked.replace("*", "").replace("@", "")) <= 2
