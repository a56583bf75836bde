"""Posting who answers for usage points."""

from sqlalchemy.orm import Session

from billing_bridge.inbound.common import changes_of
from cis_power.core.batches import Outcome, Posting
from cis_power.core.layouts import Row, Rows
from cis_power.customers.agreement_posting import Agreement, Agreements
from cis_power.customers.changes import Changes
from cis_power.customers.keys import account_keys, customer_keys, usage_point_keys
from cis_power.customers.models import Customer, CustomerAgreement
from cis_power.customers.search_terms import write_terms


def post(session: Session, rows: Rows, posting: Posting) -> Outcome:
    """Make or change agreements between known accounts and usage points."""
    outcome, changes = Outcome(rows), changes_of(session, posting)
    accounts = account_keys(session, rows.column("account_no"))
    points = usage_point_keys(session, rows.column("usage_point"))
    customers = customer_keys(session, (number for number in rows.column("customer_no") if number))
    agreements = Agreements(changes, points.values())
    touched: set[int] = set()
    for place, row in enumerate(rows):
        account, point_id = accounts.get(row["account_no"]), points.get(row["usage_point"])
        if account is None:
            outcome.reject(place, "unknown_account", f"account {row['account_no']!r} is not known", "account_no")
        if point_id is None:
            message = f"usage point {row['usage_point']!r} is not known"
            outcome.reject(place, "unknown_usage_point", message, "usage_point")
        if account is None or point_id is None:
            continue
        before = changes.count
        customer_id = account.customer_id
        if row["customer_no"]:
            customer_id = customers.get(row["customer_no"]) or _make_customer(changes, place, row, outcome, customers)
        wanted = Agreement(account.account_id, customer_id, row["party"], row["from"], row["to"])
        agreements.post(point_id, wanted)
        if changes.count == before:
            outcome.unchanged(place)
        else:
            touched.add(account.account_id)
    changes.write((Customer, CustomerAgreement))
    write_terms(session, touched, ())
    return outcome


def _make_customer(changes: Changes, place: int, row: Row, outcome: Outcome, customers: dict[str, int]) -> int:
    """A customer of whom nothing but the number is known yet."""
    number = row["customer_no"]
    outcome.warn(place, "unknown_customer", f"customer {number!r} was not known and is made", "customer_no")
    key = customers[number] = changes.new_id(Customer)
    changes.insert(
        Customer,
        id=key,
        customer_no=number,
        party_kind="person",
        kind="residential",
        name=number,
        vip=False,
        consent_marketing=False,
        legal_hold=False,
        source=changes.origin.source,
        created_at=changes.origin.now,
    )
    return key
