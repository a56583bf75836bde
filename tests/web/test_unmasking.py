"""S4: a masked field is shown by an act with a reason, which the audit keeps; many such acts are noticed."""

import logging

import pytest
from sqlalchemy import func, select

from cis_power.access.models import AuditEntry
from tests.web.browsers import sign_in
from tests.web.utility import EAST, WEST
from web.views.unmask import ACT, MANY

PATH = f"/customers/{EAST.account_no}/unmask"
GOOD = {"field": "phones", "reason": "call back about the voltage"}


def acts(site) -> int:
    with site.database.reading() as session:
        return session.scalar(select(func.count()).select_from(AuditEntry).where(AuditEntry.action == ACT)) or 0


@pytest.mark.parametrize(
    ("field", "canary"),
    [("phones", EAST.phone), ("name", EAST.name), ("emails", EAST.email), ("address", EAST.address)],
)
def test_one_field_is_shown_with_a_reason_and_recorded(site, field, canary):
    browser = sign_in(site.app, "engineer-own")
    if field != "address":
        assert canary not in browser.get(f"/customers/{EAST.account_no}").text
    answer = browser.post(PATH, {"field": field, "reason": "call back about the voltage"})
    assert (answer.status_code, canary in answer.text) == (200, True)
    others = {EAST.phone, EAST.name, EAST.email} - {canary}
    assert not [other for other in others if other in answer.text]
    with site.database.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == ACT)).one()
    assert (entry.object_kind, entry.detail) == (
        "customer_account",
        {"field": field, "reason": "call back about the voltage"},
    )
    assert entry.actor.startswith("user:")
    assert entry.object_id != EAST.account_no


@pytest.mark.parametrize("body", [{}, {"field": "phones"}, {**GOOD, "reason": "x"}, {**GOOD, "field": "identity_no"}])
def test_without_a_reason_or_a_field_nothing_is_shown(site, body):
    answer = sign_in(site.app, "engineer-own").post(PATH, body)
    assert (answer.status_code, EAST.phone in answer.text, acts(site)) == (422, False, 0)


@pytest.mark.parametrize("name", ["manager-own", "marketing-own", "agent-own", "auditor-own"])
def test_other_roles_cannot(site, name):
    assert (sign_in(site.app, name).post(PATH, GOOD).status_code, acts(site)) == (403, 0)


def test_a_foreign_customer_stays_missing(site):
    browser = sign_in(site.app, "engineer-own")
    foreign = browser.post(f"/customers/{WEST.account_no}/unmask", GOOD)
    missing = browser.post("/customers/N8842001/unmask", GOOD)
    assert (foreign.status_code, missing.status_code, acts(site)) == (404, 404, 0)


def test_many_are_noticed(site, caplog):
    browser = sign_in(site.app, "engineer-own")
    with caplog.at_level(logging.WARNING, "web.views.unmask"):
        for _ in range(MANY):
            browser.post(PATH, GOOD)
        assert not caplog.records
        browser.post(PATH, GOOD)
    assert len(caplog.records) == 1
    assert EAST.phone not in caplog.text
    assert f"cis_fields_unmasked {MANY + 1}.0" in browser.get("/metrics").text
