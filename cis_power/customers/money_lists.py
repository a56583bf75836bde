"""Lists of money: bills, payments, and accounts in arrears. Territory, filter and limit stand in the SQL.

A bill or payment is seen where its account is seen: if one of its usage points, now or before, is in the territory. The
name stays masked unless one that it holds now is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, or_, select, true
from sqlalchemy.orm import Session

from cis_power.access.masking import Circumstance, mask_record
from cis_power.access.models import District
from cis_power.access.reads import districts_below
from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.customers.models import (
    AccountBalance,
    Bill,
    Customer,
    CustomerAccount,
    CustomerAgreement,
    Payment,
    UsagePointDistrict,
)
from cis_power.customers.money_reads import BILL, settled, state_of
from cis_power.customers.validity import valid_at

PERMISSION = "money:account:read"


@dataclass(frozen=True, slots=True)
class BillLine:
    """One bill of the list."""

    bill_no: str
    account_no: str
    name: str
    kind: str
    issued_on: date
    due_on: date | None
    began_on: date | None
    ended_on: date | None
    energy_kwh: float | None
    amount: Decimal
    still_open: Decimal
    currency: str
    state: str


@dataclass(frozen=True, slots=True)
class PaymentLine:
    """One payment of the list."""

    paid_at: datetime
    account_no: str
    name: str
    amount: Decimal
    currency: str
    method: str | None
    batch_no: str
    reference: str


@dataclass(frozen=True, slots=True)
class ArrearsLine:
    """An account with something overdue."""

    account_no: str
    name: str
    kind: str
    status: str
    credit_status: str | None
    district: str | None
    overdue: Decimal
    balance: Decimal
    currency: str
    overdue_since_on: date | None
    days_overdue: int | None


@dataclass(frozen=True, slots=True)
class MoneyFilter:
    """Which bills or payments: of an account, of a period [from, to), of a kind of customer, of a sender's batch.

    `before` is the position of the last row of the page before.
    """

    account_no: str | None = None
    from_on: date | None = None
    to_on: date | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None
    kind: str | None = None
    batch_no: str | None = None
    before: tuple[Any, int] | None = None
    limit: int = 50


def list_bills(
    session: Session, viewer: Viewer, now: datetime, today: date, wanted: MoneyFilter
) -> list[tuple[BillLine, tuple[date, int]]]:
    """Bills, the latest issued first, each with its position."""
    viewer.require(PERMISSION)
    query = _of_accounts(viewer, Bill, now)
    if wanted.from_on is not None:
        query = query.where(Bill.issued_on >= wanted.from_on)
    if wanted.to_on is not None:
        query = query.where(Bill.issued_on < wanted.to_on)
    if wanted.before is not None:
        query = query.where(_behind(Bill.issued_on, Bill.id, wanted.before))
    query = _narrowed(query, Bill, wanted).order_by(Bill.issued_on.desc(), Bill.id.desc()).limit(wanted.limit)
    rows = session.execute(query).all()
    ledgers = settled(session, {row[0].account_id for row in rows})
    answer = []
    for bill, account_no, name, kind, held in rows:
        settlement = ledgers[bill.account_id][bill.currency].settlement
        line = BillLine(
            bill.bill_no, account_no, name, kind, bill.issued_on, bill.due_on, bill.began_on, bill.ended_on,
            bill.energy_kwh, bill.amount, settlement.open.get((BILL, bill.id), Decimal(0)), bill.currency,
            state_of(bill, settlement, today),
        )  # fmt: skip
        answer.append((mask_record(viewer, line, Circumstance(inside=bool(held))), (bill.issued_on, bill.id)))
    return answer


def list_payments(
    session: Session, viewer: Viewer, now: datetime, wanted: MoneyFilter
) -> list[tuple[PaymentLine, tuple[datetime, int]]]:
    """Payments, the latest first, each with its position."""
    viewer.require(PERMISSION)
    query = _of_accounts(viewer, Payment, now)
    if wanted.from_at is not None:
        query = query.where(Payment.paid_at >= wanted.from_at)
    if wanted.to_at is not None:
        query = query.where(Payment.paid_at < wanted.to_at)
    if wanted.batch_no is not None:
        query = query.where(Payment.batch_no == wanted.batch_no)
    if wanted.before is not None:
        query = query.where(_behind(Payment.paid_at, Payment.id, wanted.before))
    query = _narrowed(query, Payment, wanted).order_by(Payment.paid_at.desc(), Payment.id.desc()).limit(wanted.limit)
    answer = []
    for paid, account_no, name, _kind, held in session.execute(query):
        line = PaymentLine(
            paid.paid_at, account_no, name, paid.amount, paid.currency, paid.method, paid.batch_no, paid.reference
        )
        answer.append((mask_record(viewer, line, Circumstance(inside=bool(held))), (paid.paid_at, paid.id)))
    return answer


def list_arrears(
    session: Session, viewer: Viewer, today: date, *, district: str | None = None, kind: str | None = None,
    before: tuple[Decimal, int] | None = None, limit: int = 50,
) -> list[tuple[ArrearsLine, tuple[Decimal, int]]]:  # fmt: skip
    """Accounts with something overdue as last counted, the largest amount first, each with its position."""
    viewer.require(PERMISSION)
    row = AccountBalance
    query = (
        select(row, CustomerAccount, Customer.name, Customer.kind, District.code)
        .join(CustomerAccount, CustomerAccount.id == row.account_id)
        .join(Customer, Customer.id == CustomerAccount.customer_id)
        .outerjoin(District, District.id == row.district_id)
        .where(row.overdue > Decimal(0), in_territory(viewer, row.district_id))
        .order_by(row.overdue.desc(), row.account_id.desc())
        .limit(limit)
    )
    if district is not None:
        query = query.where(of_district(session, row.district_id, district))
    if kind is not None:
        query = query.where(Customer.kind == kind)
    if before is not None:
        query = query.where(_behind(row.overdue, row.account_id, before))
    answer = []
    for owed, account, name, kind_of, code in session.execute(query):
        since = owed.overdue_since_on
        line = ArrearsLine(
            account.account_no, name, kind_of, account.status, account.credit_status, code, owed.overdue, owed.balance,
            owed.currency, since, None if since is None else (today - since).days,
        )  # fmt: skip
        answer.append((mask_record(viewer, line, Circumstance()), (owed.overdue, owed.account_id)))
    return answer


def of_district(session: Session, column: Any, code: str) -> ColumnElement[bool]:
    """Rows of a district and of what lies below it; none for a code that is not known."""
    root = session.scalar(select(District.id).where(District.code == code))
    if root is None:
        return false()
    condition: ColumnElement[bool] = column.in_(sorted(districts_below(session, [root])))
    return condition


def _of_accounts(viewer: Viewer, model: Any, now: datetime) -> Any:
    """Rows of bills or payments with account number, name, kind, and whether the account holds a point here now."""
    held = true() if viewer.districts is None else _at_home(viewer, model.account_id, now, held=True)
    query = (
        select(model, CustomerAccount.account_no, Customer.name, Customer.kind, held.label("held"))
        .join(CustomerAccount, CustomerAccount.id == model.account_id)
        .join(Customer, Customer.id == CustomerAccount.customer_id)
        .where(Customer.erased_at.is_(None))
    )
    return query if viewer.districts is None else query.where(_at_home(viewer, model.account_id, now, held=False))


def _at_home(viewer: Viewer, account_id: Any, now: datetime, *, held: bool) -> ColumnElement[bool]:
    """Whether an account has, or `held` holds now, a usage point in the viewer's territory."""
    agreement, district = CustomerAgreement, UsagePointDistrict
    conditions = [valid_at(agreement.began_at, agreement.ended_at, now)] if held else []
    return exists().where(
        agreement.account_id == account_id, agreement.superseded_at.is_(None), *conditions,
        district.usage_point_id == agreement.usage_point_id, valid_at(district.began_at, district.ended_at, now),
        in_territory(viewer, district.district_id),
    )  # fmt: skip


def _narrowed(query: Any, model: Any, wanted: MoneyFilter) -> Any:
    if wanted.account_no is not None:
        account = select(CustomerAccount.id).where(CustomerAccount.account_no == wanted.account_no).scalar_subquery()
        query = query.where(model.account_id == account)
    if wanted.kind is not None:
        query = query.where(Customer.kind == wanted.kind)
    return query


def _behind(column: Any, key: Any, before: Sequence[Any]) -> ColumnElement[bool]:
    """Rows behind a position in descending order."""
    return or_(column < before[0], and_(column == before[0], key < before[1]))
