"""The start page of each role: what matters there now, each figure with a way to its rows."""

import re

import pytest

from cis_power.access.permissions import GRANTABLE_ROLES
from cis_power.customers.balances import count_money
from reports.rollup import roll_up
from tests.web.browsers import sign_in
from tests.web.utility import EAST, WEST
from web.home_cards import CARDS, MAKERS

SEEN = {
    "agent": ("Find a customer", "open outages", "Take a call", EAST.device),
    "billing": ("110.00", "accounts in arrears", "Billed and paid", "/billing/arrears"),
    "marketing": ("Energy billed in", "No segment is defined yet", "usage points out"),
    "engineer": ("Worst feeders", "Heavily loaded transformers", "Switches not in their normal position", EAST.device),
    "dispatcher": ("Switches not in their normal position", "Contradictions to decide", "Telemetry", "open outages"),
    "manager": ("SAIDI this month", "SAIDI this year", "/reports/reliability?from=", "110.00"),
    "sysadmin": ("free on disk", "batches in the spool", "rtu1"),
    "secadmin": ("locked out now", "failed sign-ins", "ending within 30 days"),
    "auditor": ("The last entries and the anchor fit each other", "Masked fields that were shown"),
}


@pytest.fixture
def counted(site):
    count_money(site.database, site.at, site.settings.zone)
    roll_up(site.database, site.at, site.settings.zone)
    return site


def test_every_role_has_cards_of_its_own() -> None:
    assert set(CARDS) == set(GRANTABLE_ROLES) == set(SEEN)
    assert {kind for kinds in CARDS.values() for kind in kinds} == set(MAKERS), "no card without a role"


@pytest.mark.parametrize("role", GRANTABLE_ROLES)
def test_what_matters_to_a_role_is_there(counted, role: str) -> None:
    browser = sign_in(counted.app, f"{role}-own")
    page = browser.get("/").text
    for words in SEEN[role]:
        assert words in page, words
    assert WEST.device not in page
    for link in set(re.findall(r'href="(/[^"]*)"', page)):
        path = link.replace("&amp;", "&")
        if not path.startswith("/assets/") and "lang=" not in path:
            assert browser.get(path).status_code in (200, 304), f"{role} is led to {path}"


def test_counts_of_the_whole_utility_are_for_those_who_see_it(counted) -> None:
    assert "221.00" in sign_in(counted.app, "manager-all").get("/").text
    assert "221.00" not in sign_in(counted.app, "manager-own").get("/").text
    own = sign_in(counted.app, "billing-own").get("/").text
    assert "Batches concern the whole utility" in own
    assert "/billing/1" in sign_in(counted.app, "billing-all").get("/").text


def test_before_anything_is_counted_nothing_is_said(site) -> None:
    assert "Not counted yet" in sign_in(site.app, "billing-own").get("/").text
    assert "Not counted yet" in sign_in(site.app, "manager-own").get("/").text


def test_unmaskings_and_refusals_reach_the_auditor(counted) -> None:
    engineer = sign_in(counted.app, "engineer-own")
    engineer.post(f"/customers/{EAST.account_no}/unmask", {"field": "phones", "reason": "call back about voltage"})
    engineer.get("/admin/users")
    page = sign_in(counted.app, "auditor-own").get("/").text
    assert "call back about voltage" in page
    assert "engineer-own" in page
    assert "GET admin.users" in page
    assert EAST.phone not in page


def test_an_unchanged_start_page_is_not_sent_again(counted) -> None:
    for role in ("agent", "manager", "billing", "engineer"):
        browser = sign_in(counted.app, f"{role}-own")
        tag = browser.get("/").headers["ETag"]
        assert browser.get("/", headers={"If-None-Match": tag}).status_code == 304, role
