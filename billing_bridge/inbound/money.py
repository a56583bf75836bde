"""Posting payments and bills."""

from typing import Any, cast

from sqlalchemy import Table, select, tuple_
from sqlalchemy.orm import Session

from billing_bridge.inbound.common import changes_of
from cis_power.core.batches import Outcome, Posting
from cis_power.core.db import bulk_insert, chunked
from cis_power.core.layouts import Row, Rows
from cis_power.customers.changes import Changes
from cis_power.customers.keys import AccountKey, account_keys
from cis_power.customers.models import Bill, Payment, Tariff

DEFAULT_CURRENCY = "CNY"
_CHUNK = 5_000
_PAYMENT_FIELDS = ("account_id", "paid_at", "amount", "currency", "method")
_BILL_FIELDS = (
    "account_id",
    "began_on",
    "ended_on",
    "issued_on",
    "due_on",
    "energy_kwh",
    "amount",
    "currency",
    "tariff_id",
)


def post_payments(session: Session, rows: Rows, posting: Posting) -> Outcome:
    """Post payments; batch number and reference name one payment once and for all."""
    outcome = Outcome(rows)
    accounts = account_keys(session, rows.column("account_no"))
    known = _known_payments(session, list(zip(rows.column("batch_no"), rows.column("reference"), strict=True)))
    fresh: list[dict[str, Any]] = []
    for place, row in enumerate(rows):
        account = _account(accounts, row, place, outcome)
        if account is None:
            continue
        currency = (row["currency"] or DEFAULT_CURRENCY).upper()
        values = (account.account_id, row["paid_at"], row["amount"], currency, row["method"])
        before = known.get((row["batch_no"], row["reference"]))
        if before is None:
            payment = dict(zip(_PAYMENT_FIELDS, values, strict=True))
            fresh.append({"batch_no": row["batch_no"], "reference": row["reference"], **payment})
        elif before == values:
            outcome.unchanged(place)
        else:
            message = f"payment {row['reference']!r} of batch {row['batch_no']!r} is there with other content"
            outcome.reject(place, "payment_differs", message, "reference")
    if fresh:
        columns = {name: [payment[name] for payment in fresh] for name in fresh[0]}
        columns["batch_id"] = [posting.batch_id] * len(fresh)
        bulk_insert(session, cast(Table, Payment.__table__), columns)
    return outcome


def _known_payments(session: Session, keys: list[tuple[str, str]]) -> dict[tuple[str, str], tuple[Any, ...]]:
    found: dict[tuple[str, str], tuple[Any, ...]] = {}
    columns = (getattr(Payment, name) for name in _PAYMENT_FIELDS)
    query = select(Payment.batch_no, Payment.reference, *columns)
    for part in chunked(sorted(set(keys)), _CHUNK):
        for batch_no, reference, *values in session.execute(
            query.where(tuple_(Payment.batch_no, Payment.reference).in_(part))
        ):
            found[batch_no, reference] = tuple(values)
    return found


def post_bills(session: Session, rows: Rows, posting: Posting) -> Outcome:
    """Post bills; one that comes again with other content is restated, with the change kept."""
    outcome, changes = Outcome(rows), changes_of(session, posting)
    accounts = account_keys(session, rows.column("account_no"))
    tariffs = _tariffs(changes, rows)
    known: dict[str, Bill] = {}
    for part in chunked(sorted(set(rows.column("bill_no"))), _CHUNK):
        known.update({bill.bill_no: bill for bill in session.scalars(select(Bill).where(Bill.bill_no.in_(part)))})
    for place, row in enumerate(rows):
        account = _account(accounts, row, place, outcome)
        if account is None:
            continue
        currency = (row["currency"] or DEFAULT_CURRENCY).upper()
        told = (account.account_id, row["from"], row["to"], row["issued_on"], row["due_on"], row["energy_kwh"],
                row["amount"], currency, tariffs.get(row["tariff"]))  # fmt: skip
        values = dict(zip(_BILL_FIELDS, told, strict=True))
        present = known.get(row["bill_no"])
        if present is None:
            changes.insert(Bill, bill_no=row["bill_no"], **values, batch_id=posting.batch_id)
        elif not _restate(changes, present, values):
            outcome.unchanged(place)
    changes.write((Tariff, Bill))
    return outcome


def _tariffs(changes: Changes, rows: Rows) -> dict[str, int]:
    codes = sorted({code for code in rows.column("tariff") if code is not None})
    found: dict[str, int] = {}
    for part in chunked(codes, _CHUNK):
        found.update(changes.session.execute(select(Tariff.code, Tariff.id).where(Tariff.code.in_(part))).all())
    for code in codes:
        if code not in found:
            found[code] = changes.new_id(Tariff)
            changes.insert(Tariff, id=found[code], code=code, name=code, currency=DEFAULT_CURRENCY)
    return found


def _restate(changes: Changes, present: Bill, values: dict[str, Any]) -> bool:
    """Whether anything was told that differs; empty fields say nothing."""
    before = changes.count
    for name, new in values.items():
        old = getattr(present, name)
        if new is not None and new != old:
            changes.change(Bill, present.id, name, old, new)
    return changes.count > before


def _account(accounts: dict[str, AccountKey], row: Row, place: int, outcome: Outcome) -> AccountKey | None:
    found = accounts.get(row["account_no"])
    if found is None:
        outcome.reject(place, "unknown_account", f"account {row['account_no']!r} is not known", "account_no")
    return found
