"""The billing pages: bills, payments and arrears by territory, and rejects that are posted again."""

import csv
import io
from pathlib import Path

from billing_bridge.importing import import_path
from cis_power.access.installation import Installation
from cis_power.access.trail import AuditTrail
from cis_power.access.viewer import system_viewer
from cis_power.customers.balances import count_money
from tests.web.browsers import sign_in
from tests.web.utility import EAST, WEST


def imported(site, folder: Path, kind: str, content: str) -> int:
    """Import a file as the command does; answers the number of the batch."""
    file = folder / f"{kind}.csv"
    file.write_text(content, encoding="utf-8")
    here = Installation(site.settings, site.database, AuditTrail(site.settings.run_dir), system_viewer("tests"))
    return import_path(here, kind, file).batch


def test_bills_and_payments_are_those_of_the_territory(site) -> None:
    billing = sign_in(site.app, "billing-own")
    bills = billing.get("/billing/bills.json").get_json()["items"]
    assert [(row["bill_no"], row["still_open"], row["state"], row["name"]) for row in bills] == [
        (EAST.bill, 110.0, "overdue", EAST.name)
    ]
    (paid,) = csv.DictReader(io.StringIO(billing.get("/billing/payments.csv").text, newline=""))
    assert (paid["account_no"], paid["amount"], paid["batch_no"]) == (EAST.account_no, EAST.paid, EAST.payment)
    everything = sign_in(site.app, "billing-all").get("/billing/bills").text
    assert EAST.bill in everything
    assert WEST.bill in everything
    for path in ("/billing/bills", "/billing/payments", "/billing/arrears"):
        assert sign_in(site.app, "manager-own").get(path).status_code == 403


def test_lists_are_filtered_by_the_address(site) -> None:
    billing = sign_in(site.app, "billing-all")

    def numbers(query: str) -> list[str]:
        return [row["bill_no"] for row in billing.get(f"/billing/bills.json?{query}").get_json()["items"]]

    assert numbers("from=2026-04-03&to=2026-04-04") == [WEST.bill, EAST.bill]
    assert numbers("to=2026-04-03") == []
    assert numbers(f"account={WEST.account_no}") == [WEST.bill]
    assert numbers("kind=industrial") == []
    assert numbers("limit=1") == [WEST.bill]
    following = billing.get("/billing/bills.json?limit=1").get_json()["next"]
    assert numbers(f"limit=1&cursor={following}") == [EAST.bill]
    for wrong in ("from=yesterday", "to=9999-12-31", "kind=king", "from=0001-01-01"):
        assert billing.get(f"/billing/bills?{wrong}").status_code == 422
    paid = billing.get(f"/billing/payments.json?batch_no={EAST.payment}&from=2026-04-10&to=2026-04-11").get_json()
    assert [row["reference"] for row in paid["items"]] == [f"{EAST.payment}R"]


def test_arrears_are_counted_and_listed(site) -> None:
    billing = sign_in(site.app, "billing-own")
    assert "Not counted yet" in billing.get("/billing/arrears").text
    count_money(site.database, site.at, site.settings.zone)
    page = billing.get("/billing/arrears").text
    assert EAST.account_no in page
    assert "110.00 CNY" in page
    rows = billing.get("/billing/arrears.json").get_json()["items"]
    assert [(row["account_no"], row["overdue"]) for row in rows] == [(EAST.account_no, 110.0)]
    whole = sign_in(site.app, "billing-all")
    assert [row["overdue"] for row in whole.get("/billing/arrears.json").get_json()["items"]] == [111.0, 110.0]
    assert [
        row["account_no"] for row in whole.get(f"/billing/arrears.json?district={WEST.district}").get_json()["items"]
    ] == [WEST.account_no]
    assert "221.00" in whole.get("/billing").text, "what all owe"


def test_rejected_rows_are_listed_and_posted_again(site, tmp_path) -> None:
    content = (
        "batch_no,account_no,paid_at,amount,currency,method,reference\n"
        "NEW,N990001,2026-05-01T10:00:00+08:00,12.50,CNY,bank,N1\n#TRAILER,1,12.50\n"
    )
    number = imported(site, tmp_path, "payments", content)
    billing = sign_in(site.app, "billing-all")
    assert "N990001" in billing.get("/billing/rejects?state=open").text
    assert "N990001" not in billing.get("/billing/rejects?state=reentered").text
    assert "Post again" in billing.get(f"/billing/{number}").text
    assert sign_in(site.app, "billing-own").post(f"/billing/{number}/retry").status_code == 404
    again = billing.post(f"/billing/{number}/retry")
    assert again.status_code == 303
    assert "N990001" in billing.get("/billing/rejects?state=open").text, "the account is not known yet"
    imported(site, tmp_path, "customers", "account_no,name,kind,usage_point,district\n"
             f"N990001,New,residential,NUP990001,{EAST.district}\n")  # fmt: skip
    posted = billing.post(f"/billing/{number}/retry")
    assert "posted" in billing.get(posted.headers["Location"]).text
    assert "N990001" not in billing.get("/billing/rejects?state=open").text
    payments = billing.get("/billing/payments.json?account=N990001").get_json()["items"]
    assert [row["amount"] for row in payments] == [12.5]
    assert billing.post(f"/billing/{number}/retry").status_code == 409, "nothing waits any more"


def test_who_has_a_territory_sees_no_batch(site, tmp_path) -> None:
    own = sign_in(site.app, "billing-own")
    assert own.get("/billing.json").get_json()["items"] == []
    assert own.get("/billing/rejects.json").get_json()["items"] == []
    assert own.get("/billing/1").status_code == 404
