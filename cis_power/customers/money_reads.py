"""The money of one account: what it owes, each bill with the payments that settle it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.db import chunked
from cis_power.customers.models import Bill, Payment, Tariff
from cis_power.customers.settling import Entry, Settlement, settle

_ACCOUNTS_A_QUERY = 2_000
Key = tuple[str, int]  # bill or payment, and its key
BILL, PAYMENT = "bill", "payment"


@dataclass(frozen=True, slots=True)
class Paid:
    """So much of a payment went to a bill."""

    paid_at: datetime
    amount: Decimal
    method: str | None
    reference: str


@dataclass(frozen=True, slots=True)
class BillRow:
    """One bill. `state`: settled, part, open, overdue, or credit (below zero); `still_open`: what is owed of it."""

    bill_no: str
    began_on: date | None
    ended_on: date | None
    issued_on: date
    due_on: date | None
    energy_kwh: float | None
    amount: Decimal
    currency: str
    tariff: str | None
    still_open: Decimal
    state: str
    paid: tuple[Paid, ...]


@dataclass(frozen=True, slots=True)
class Owed:
    """What an account owes in one currency; `balance` below zero is a credit."""

    currency: str
    balance: Decimal
    overdue: Decimal
    overdue_since_on: date | None


@dataclass(frozen=True, slots=True)
class AccountMoney:
    """Bills and payments of an account, newest first; `unused` are payments, or parts of them, that settle no bill."""

    owed: tuple[Owed, ...]
    bills: tuple[BillRow, ...]
    unused: tuple[Paid, ...]
    more_bills: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """Bills and payments of one account in one currency, settled."""

    bills: dict[int, Any]
    payments: dict[int, Any]
    settlement: Settlement[Key]


def account_money(session: Session, viewer: Viewer, account_id: int, today: date, *, limit: int = 12) -> AccountMoney:
    """The money of an account that the caller has found to be in the viewer's territory; `today` is the local day."""
    viewer.require("money:account:read")
    ledgers = settled(session, [account_id]).get(account_id, {})
    owed = tuple(
        Owed(currency, one.settlement.balance, one.settlement.overdue(today), one.settlement.overdue_since(today))
        for currency, one in sorted(ledgers.items())
    )
    tariffs = dict(session.execute(select(Tariff.id, Tariff.code)).all()) if ledgers else {}
    bills = [_bill_row(row, one, tariffs, today) for one in ledgers.values() for row in one.bills.values()]
    bills.sort(key=lambda row: (row.issued_on, row.bill_no), reverse=True)
    unused = [_paid(one.payments[key[1]], rest) for one in ledgers.values()
              for key, rest in one.settlement.left.items() if key[0] == PAYMENT]  # fmt: skip
    unused.sort(key=lambda row: row.paid_at, reverse=True)
    return AccountMoney(owed, tuple(bills[:limit]), tuple(unused[:limit]), len(bills) > limit)


def in_arrears(session: Session, viewer: Viewer, account_id: int, today: date) -> bool:
    """Whether anything is overdue, without the amount, for roles that may see no more."""
    viewer.require("money:status:read")
    ledgers = settled(session, [account_id]).get(account_id, {})
    return any(one.settlement.overdue(today) > 0 for one in ledgers.values())


def settled(session: Session, account_ids: Collection[int]) -> dict[int, dict[str, Ledger]]:
    """Bills and payments of some accounts, settled, by account and currency."""
    bills: dict[tuple[int, str], dict[int, Any]] = {}
    payments: dict[tuple[int, str], dict[int, Any]] = {}
    for part in chunked(sorted(account_ids), _ACCOUNTS_A_QUERY):
        billed = select(
            Bill.id, Bill.account_id, Bill.bill_no, Bill.began_on, Bill.ended_on, Bill.issued_on, Bill.due_on,
            Bill.energy_kwh, Bill.amount, Bill.currency, Bill.tariff_id,
        ).where(Bill.account_id.in_(part))  # fmt: skip
        for row in session.execute(billed).all():
            bills.setdefault((row.account_id, row.currency), {})[row.id] = row
        paid = select(
            Payment.id, Payment.account_id, Payment.paid_at, Payment.amount, Payment.currency, Payment.method,
            Payment.reference,
        ).where(Payment.account_id.in_(part))  # fmt: skip
        for given in session.execute(paid).all():
            payments.setdefault((given.account_id, given.currency), {})[given.id] = given
    answer: dict[int, dict[str, Ledger]] = {}
    for account, currency in {**bills, **payments}:
        own, received = bills.get((account, currency), {}), payments.get((account, currency), {})
        settlement = settle(_charges(own.values()), _credits(received.values()))
        answer.setdefault(account, {})[currency] = Ledger(own, received, settlement)
    return answer


def due_day(row: Any) -> date:
    """The last day to pay a bill; one that names none is due at once."""
    day: date = row.due_on or row.issued_on
    return day


def state_of(row: Any, settlement: Settlement[Key], today: date) -> str:
    """How a bill stands."""
    if row.amount <= 0:
        return "credit" if row.amount else "settled"
    still = settlement.open[BILL, row.id]
    if not still:
        return "settled"
    if due_day(row) < today:
        return "overdue"
    return "open" if still == row.amount else "part"


def _charges(rows: Collection[Any]) -> Sequence[Entry[Key]]:
    return [
        Entry((BILL, row.id), due_day(row), row.amount) for row in sorted(rows, key=lambda row: (row.issued_on, row.id))
    ]


def _credits(rows: Collection[Any]) -> Sequence[Entry[Key]]:
    return [
        Entry((PAYMENT, row.id), row.paid_at.date(), row.amount)
        for row in sorted(rows, key=lambda row: (row.paid_at, row.id))
    ]


def _bill_row(row: Any, ledger: Ledger, tariffs: dict[int, str], today: date) -> BillRow:
    key = (BILL, row.id)
    parts = [part for part in ledger.settlement.parts.get(key, ()) if part.key[0] == PAYMENT]
    return BillRow(
        row.bill_no, row.began_on, row.ended_on, row.issued_on, row.due_on, row.energy_kwh, row.amount, row.currency,
        tariffs.get(row.tariff_id), ledger.settlement.open.get(key, Decimal(0)),
        state_of(row, ledger.settlement, today),
        tuple(_paid(ledger.payments[part.key[1]], part.amount) for part in parts),
    )  # fmt: skip


def _paid(row: Any, amount: Decimal) -> Paid:
    return Paid(row.paid_at, amount, row.method, row.reference)
