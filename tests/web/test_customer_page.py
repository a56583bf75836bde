"""The page of one customer: who sees money, contacts and interruptions, and how a contact is entered."""

import csv
import io

import pytest
from sqlalchemy import select

from cis_power.core.errors import NotFound
from cis_power.core.time import utc_now
from cis_power.customers.models import CustomerAccount
from cis_power.customers.reads import read_own_account
from cis_power.service.models import Contact
from tests.web.browsers import sign_in
from tests.web.utility import EAST, WEST

PAGE = f"/customers/{EAST.account_no}"
ENTRY = {"kind": "complaint", "channel": "counter", "direction": "in", "subject": "Lights flicker", "text": "since May"}


def test_money_is_shown_to_billing_and_only_its_state_to_agents(site) -> None:
    billing = sign_in(site.app, "billing-own").get(PAGE).text
    assert EAST.bill in billing
    assert EAST.billed in billing
    assert f"{EAST.paid} " in billing, "the payment stands beside the bill that it settles"
    assert "110.00" in billing, "what is still open of 881.31 after 771.31"
    agent = sign_in(site.app, "agent-own").get(PAGE).text
    assert "in arrears" in agent
    for text in (EAST.bill, EAST.billed, EAST.paid, "110.00"):
        assert text not in agent
    engineer = sign_in(site.app, "engineer-own").get(PAGE).text
    assert "in arrears" not in engineer


def test_a_contact_is_entered_once_and_read_by_those_who_may(site) -> None:
    agent = sign_in(site.app, "agent-own")
    answer = agent.post(f"{PAGE}/contacts", ENTRY)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{PAGE}#contacts")
    page = agent.get(PAGE).text
    assert "Lights flicker" in page
    assert "agent-own" in page, "who recorded it"
    rows = list(csv.DictReader(io.StringIO(agent.get(f"{PAGE}/contacts.csv").text, newline="")))
    assert [(row["kind"], row["channel"], row["subject"], row["text"]) for row in rows] == [
        ("complaint", "counter", "Lights flicker", "since May"), ("trouble", "phone", "trouble call", ""),
    ]  # fmt: skip
    manager = sign_in(site.app, "manager-own").get(f"{PAGE}/contacts")
    assert "complaint" in manager.text
    assert "Lights flicker" not in manager.text
    assert sign_in(site.app, "engineer-own").get(f"{PAGE}/contacts").status_code == 403
    assert sign_in(site.app, "manager-own").post(f"{PAGE}/contacts", ENTRY).status_code == 403


def test_contacts_page_by_page(site) -> None:
    agent = sign_in(site.app, "agent-own")
    for number in range(4):
        agent.post(f"{PAGE}/contacts", ENTRY | {"subject": f"number {number}"})
    first = agent.get(f"{PAGE}/contacts.json?limit=3").get_json()
    assert [row["subject"] for row in first["items"]] == ["number 3", "number 2", "number 1"]
    rest = agent.get(f"{PAGE}/contacts.json?limit=3&cursor={first['next']}").get_json()
    assert ([row["subject"] for row in rest["items"]], rest["next"]) == (["number 0", "trouble call"], None)


def test_contacts_are_filtered_by_the_address(site) -> None:
    agent = sign_in(site.app, "agent-own")
    agent.post(f"{PAGE}/contacts", ENTRY)

    def subjects(query: str) -> list[str]:
        return [row["subject"] for row in agent.get(f"{PAGE}/contacts.json?{query}").get_json()["items"]]

    assert subjects("kind=complaint") == subjects("channel=counter") == ["Lights flicker"]
    assert subjects("kind=trouble") == ["trouble call"]
    assert subjects("kind=trouble&channel=counter") == []
    assert "No contact in this selection" in agent.get(f"{PAGE}/contacts?kind=visit").text
    assert agent.get(f"{PAGE}/contacts?kind=gossip").status_code == 422


@pytest.mark.parametrize(
    "wrong", [{"kind": "gossip"}, {"channel": "pigeon"}, {"subject": ""}, {"subject": "x" * 201}, {"text": "x" * 2001}]
)
def test_a_wrong_contact_is_refused_whole(site, wrong: dict[str, str]) -> None:
    answer = sign_in(site.app, "agent-own").post(f"{PAGE}/contacts", ENTRY | wrong)
    assert answer.status_code == 422
    with site.database.reading() as session:
        assert [row.subject for row in session.scalars(select(Contact))].count(ENTRY["subject"]) == 0


def test_a_foreign_customers_lists_are_missing_also_to_those_who_take_calls(site) -> None:
    agent = sign_in(site.app, "agent-own")
    for path in ("contacts", "interruptions", "contacts.json", "interruptions.csv"):
        assert agent.get(f"/customers/{WEST.account_no}/{path}").status_code == 404
    assert agent.post(f"/customers/{WEST.account_no}/contacts", ENTRY).status_code == 404
    page = agent.get(f"/customers/{WEST.account_no}").text
    assert "/contacts" not in page
    assert "in arrears" not in page


def test_interruptions_come_with_their_years(site) -> None:
    agent = sign_in(site.app, "agent-own")
    assert ">77 <small>min</small></b><span>2026 · 2 interruptions" in agent.get(PAGE).text
    rows = agent.get(f"{PAGE}/interruptions.json").get_json()["items"]
    assert [(row["cause"], row["minutes"]) for row in rows] == [(None, None), (EAST.cause, 77.0)]


def test_read_own_account_is_by_what_is_held(site) -> None:
    from tests.outages.people import viewer

    with site.database.reading() as session:
        key = session.scalar(select(CustomerAccount.id).where(CustomerAccount.account_no == EAST.account_no))
        assert read_own_account(session, viewer("agent"), EAST.account_no, utc_now()).id == key
        with pytest.raises(NotFound):
            read_own_account(session, viewer("agent", 10**6), EAST.account_no, utc_now())
