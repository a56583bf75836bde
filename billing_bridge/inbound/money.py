"""Posting payments and bills."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from billing_bridge.inbound.common import changes_of
from cis_power.core.batches import REJECTED, Outcome, Posting
from cis_power.core.columns import Coded, Values, amount, aware, cents, day, days, instants, numbers, optional, taken
from cis_power.core.db import among, bulk_insert, chunked
from cis_power.core.layouts import Rows
from cis_power.customers.changes import Changes
from cis_power.customers.keys import account_keys
from cis_power.customers.models import Bill, Payment, Tariff

DEFAULT_CURRENCY = "CNY"
_CHUNK = 20_000
_PAYMENT_FIELDS = ("account_id", "paid_at", "amount", "currency", "method")
_BILL_FIELDS = (
    "account_id", "began_on", "ended_on", "issued_on", "due_on", "energy_kwh", "amount", "currency", "tariff_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Told:
    """What rows say, as the table's columns, and which of them may be posted."""

    columns: Mapping[str, Values]
    good: NDArray[np.bool_]

    def values(self, names: tuple[str, ...], place: int) -> tuple[Any, ...]:
        """One row's values as the table answers them."""
        return tuple(_plain(name, self.columns[name], place) for name in names)


def post_payments(session: Session, rows: Rows, posting: Posting) -> Outcome:
    """Post payments; batch number and reference name one payment once and for all."""
    outcome = Outcome(rows)
    accounts, good = _accounts(session, rows, outcome)
    told = _Told(
        {
            "batch_no": Coded.of(rows.column("batch_no")),
            "reference": rows.column("reference"),
            "account_id": accounts,
            "paid_at": instants(rows.column("paid_at")),
            "amount": cents(rows.column("amount")),
            "currency": _currencies(rows),
            "method": Coded.of(rows.column("method")),
        },
        good,
    )
    fresh = good & ~_posted_before(session, told, outcome)
    _insert(session, Payment, told.columns, fresh, posting)
    return outcome


def _posted_before(session: Session, told: _Told, outcome: Outcome) -> NDArray[np.bool_]:
    """Which payments are there already; those that say otherwise now are rejected."""
    batches, references = told.columns["batch_no"], told.columns["reference"]
    assert isinstance(batches, Coded)
    columns = [getattr(Payment, name) for name in _PAYMENT_FIELDS]
    before = np.zeros(len(references), np.bool_)
    for code, batch_no in enumerate(batches.values):
        of_batch = Payment.batch_no == batch_no
        if session.scalar(select(Payment.id).where(of_batch).limit(1)) is None:
            continue
        places = {references[place]: place for place in np.flatnonzero((batches.codes == code) & told.good).tolist()}
        for part in chunked(places, _CHUNK):
            query = select(Payment.reference, *columns).where(of_batch, among(session, Payment.reference, part))
            for reference, *values in session.execute(query):
                place = places[reference]
                before[place] = True
                if tuple(values) == told.values(_PAYMENT_FIELDS, place):
                    outcome.unchanged(place)
                else:
                    message = f"payment {reference!r} of batch {batch_no!r} is there with other content"
                    outcome.reject(place, "payment_differs", message, "reference")
    return before


def post_bills(session: Session, rows: Rows, posting: Posting) -> Outcome:
    """Post bills; one that comes again with other content is restated, with the change kept."""
    outcome, changes = Outcome(rows), changes_of(session, posting)
    accounts, good = _accounts(session, rows, outcome)
    told = _Told(
        {
            "bill_no": rows.column("bill_no"),
            "account_id": accounts,
            "began_on": days(rows.column("from")),
            "ended_on": days(rows.column("to")),
            "issued_on": days(rows.column("issued_on")),
            "due_on": days(rows.column("due_on")),
            "energy_kwh": numbers(rows.column("energy_kwh")),
            "amount": cents(rows.column("amount")),
            "currency": _currencies(rows),
            "tariff_id": _tariffs(changes, rows),
        },
        good,
    )
    fresh = good & ~_billed_before(changes, told, outcome)
    changes.write((Tariff, Bill))
    _insert(session, Bill, told.columns, fresh, posting)
    return outcome


def _billed_before(changes: Changes, told: _Told, outcome: Outcome) -> NDArray[np.bool_]:
    """Which bills are there already; what they say otherwise now is restated."""
    numbers_told = told.columns["bill_no"]
    before = np.zeros(len(numbers_told), np.bool_)
    places = {number: place for place, number in enumerate(numbers_told) if told.good[place]}
    for part in chunked(places, _CHUNK):
        query = select(Bill).where(among(changes.session, Bill.bill_no, part))
        for bill in changes.session.scalars(query):
            place = places[bill.bill_no]
            before[place] = True
            values = dict(zip(_BILL_FIELDS, told.values(_BILL_FIELDS, place), strict=True))
            if not _restate(changes, bill, values):
                outcome.unchanged(place)
    return before


def _insert(
    session: Session,
    model: type[Bill | Payment],
    columns: Mapping[str, Values],
    fresh: NDArray[np.bool_],
    posting: Posting,
) -> None:
    if not fresh.any():
        return
    kept = dict(columns)
    if not fresh.all():
        places = np.flatnonzero(fresh)
        kept = {name: taken(values, places) for name, values in columns.items()}
    for name, values in kept.items():
        if isinstance(values, np.ndarray) and values.dtype.kind == "f":
            kept[name] = optional(values)
    kept["batch_id"] = Coded.same(posting.batch_id, int(fresh.sum()))
    bulk_insert(session, cast(Table, model.__table__), kept)


def _plain(name: str, column: Values, place: int) -> Any:
    value = column[place]
    if name == "amount":
        return amount(value)
    if isinstance(value, np.datetime64):
        return aware(value) if name.endswith("_at") else day(value)
    if isinstance(value, np.floating):
        return None if np.isnan(value) else float(value)
    return int(value) if isinstance(value, np.integer) else value


def _tariffs(changes: Changes, rows: Rows) -> Coded:
    """The key of each row's tariff; unknown ones are made."""
    column = Coded.of(rows.column("tariff")).compact()
    codes = sorted({code for code in column.values if code is not None})
    found: dict[str, int] = {}
    for part in chunked(codes, _CHUNK):
        query = select(Tariff.code, Tariff.id).where(among(changes.session, Tariff.code, part))
        found.update(changes.session.execute(query).all())
    for code in codes:
        if code not in found:
            found[code] = changes.new_id(Tariff)
            changes.insert(Tariff, id=found[code], code=code, name=code, currency=DEFAULT_CURRENCY)
    return Coded(column.codes, [found.get(code) for code in column.values])


def _currencies(rows: Rows) -> Coded:
    column = Coded.of(rows.column("currency"))
    return Coded(column.codes, [(value or DEFAULT_CURRENCY).upper() for value in column.values])


def _restate(changes: Changes, present: Bill, values: dict[str, Any]) -> bool:
    """Whether anything was told that differs; empty fields say nothing."""
    before = changes.count
    for name, new in values.items():
        old = getattr(present, name)
        if new is not None and new != old:
            changes.change(Bill, present.id, name, old, new)
    return changes.count > before


def _accounts(session: Session, rows: Rows, outcome: Outcome) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The key of each row's account, and which rows have one; the others are rejected."""
    numbers_told = Coded.of(rows.column("account_no")).compact()
    keys = {number: found.account_id for number, found in account_keys(session, numbers_told.values).items()}
    accounts = numbers_told.looked_up(keys)
    for place in np.flatnonzero(accounts == 0).tolist():
        outcome.reject(place, "unknown_account", f"account {numbers_told[place]!r} is not known", "account_no")
    good: NDArray[np.bool_] = outcome.states != REJECTED
    return accounts, good
