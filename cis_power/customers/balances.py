"""Counting what accounts owe, and months of money: written by a job, read by pages that cannot add up every bill.

Accounts are counted in parts, a transaction each, and only rows that differ are written, so that nobody waits long. The
sums are written last, in one transaction, with the mark of what they cover.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, and_, case, delete, func, or_, select
from sqlalchemy.orm import Session

from cis_power.core.db import Database, bulk_insert, bulk_upsert
from cis_power.core.models import Batch
from cis_power.core.time import day_bounds, local_date
from cis_power.customers.models import (
    AccountBalance,
    Bill,
    Customer,
    CustomerAccount,
    CustomerAgreement,
    MoneyClass,
    MoneyCount,
    MoneyMonth,
    Payment,
    UsagePointDistrict,
)
from cis_power.customers.money_reads import settled
from cis_power.customers.validity import valid_at

MONTHS = 26  # the present month, the same of last year, and the year before each
_ACCOUNTS_A_PART = 2_000
_KINDS = ("bills", "payments")
Class = tuple[int | None, str, str]  # district, kind of customer, currency


def counted(session: Session, now: datetime, zone: tzinfo) -> bool:
    """Whether all bills and payments are in the figures, and due days are compared with today."""
    mark = session.scalar(select(MoneyCount))
    return mark is not None and mark.day_on == local_date(now, zone) and mark.batch_id == _newest_batch(session)


def count_money(
    database: Database, now: datetime, zone: tzinfo, *, stopping: Callable[[], bool] = lambda: False
) -> int | None:
    """Count everything anew; answers how many accounts there are, None when it was stopped before the end."""
    today = local_date(now, zone)
    with database.reading() as session:
        batch = _newest_batch(session)
        last = session.scalar(select(func.max(CustomerAccount.id))) or 0
    owing: dict[Class, list[Any]] = defaultdict(lambda: [0, 0, Decimal(0), Decimal(0)])
    months: dict[tuple[date, *Class], list[Any]] = defaultdict(lambda: [0, 0.0, Decimal(0), 0, Decimal(0)])
    starts = _months(today)
    accounts = 0
    for low in range(0, last + 1, _ACCOUNTS_A_PART):
        if stopping():
            return None
        bounds = (low, low + _ACCOUNTS_A_PART)
        with database.reading() as session:
            part = _Part(session, bounds, now, today)
            accounts += part.accounts
            part.add_to(owing)
            changed, gone = part.differences()
        if changed or gone:
            with database.transaction() as session:
                _write(session, changed, gone)
        with database.reading() as session:
            _add_months(session, bounds, starts, zone, months)
    with database.transaction() as session:
        _write_sums(session, owing, months, MoneyCount(id=1, day_on=today, batch_id=batch, counted_at=now))
    return accounts


def _newest_batch(session: Session) -> int:
    """The newest batch of bills or payments that is posted to its end."""
    newest: int | None = session.scalar(
        select(func.max(Batch.id)).where(Batch.kind.in_(_KINDS), Batch.finished_at.is_not(None))
    )
    return newest or 0


def _months(today: date) -> list[date]:
    """First days of the months that are kept, and of the one behind them, in order."""
    count = today.year * 12 + today.month
    return [date((count - back) // 12, (count - back) % 12 + 1, 1) for back in range(MONTHS, -1, -1)]


class _Part:
    """Some accounts with what they owe now."""

    def __init__(self, session: Session, bounds: tuple[int, int], now: datetime, today: date) -> None:
        self.kinds: dict[int, str] = dict(
            session.execute(
                select(CustomerAccount.id, Customer.kind)
                .join(Customer, Customer.id == CustomerAccount.customer_id)
                .where(_between(CustomerAccount.id, bounds))
            ).all()
        )
        self.accounts = len(self.kinds)
        self.districts = _districts(session, bounds, now)
        self.balances = _balances(session, bounds, self.districts, today)
        self._stored = {
            (row.account_id, row.currency): (row.district_id, row.balance, row.overdue, row.overdue_since_on)
            for row in session.scalars(select(AccountBalance).where(_between(AccountBalance.account_id, bounds)))
        }

    def class_of(self, account: int, currency: str) -> Class:
        return self.districts.get(account), self.kinds.get(account, ""), currency

    def add_to(self, owing: dict[Class, list[Any]]) -> None:
        for (account, currency), (_district, balance, overdue, _since) in self.balances.items():
            sums = owing[self.class_of(account, currency)]
            sums[0] += 1
            sums[1] += overdue > 0
            sums[2] += balance
            sums[3] += overdue

    def differences(self) -> tuple[dict[tuple[int, str], Any], list[tuple[int, str]]]:
        """Rows to write, and keys of rows to delete."""
        changed = {key: row for key, row in self.balances.items() if self._stored.get(key) != row}
        return changed, [key for key in self._stored if key not in self.balances]


def _between(column: Any, bounds: tuple[int, int]) -> ColumnElement[bool]:
    return and_(column >= bounds[0], column < bounds[1])


def _districts(session: Session, bounds: tuple[int, int], now: datetime) -> dict[int, int]:
    """The district of the first usage point that each account holds; of the last that it held, if it holds none."""
    agreement, district = CustomerAgreement, UsagePointDistrict
    holds = valid_at(agreement.began_at, agreement.ended_at, now)
    rows = session.execute(
        select(agreement.account_id, agreement.usage_point_id, district.district_id, holds.label("holds"))
        .join(district, district.usage_point_id == agreement.usage_point_id)
        .where(_between(agreement.account_id, bounds), agreement.superseded_at.is_(None),
               valid_at(district.began_at, district.ended_at, now))
    )  # fmt: skip
    best: dict[int, tuple[bool, int, int]] = {}
    for account, point, key, held in rows:
        best[account] = min(best.get(account, (True, 1 << 62, 0)), (not held, point, key))
    return {account: found[2] for account, found in best.items()}


def _balances(
    session: Session, bounds: tuple[int, int], districts: dict[int, int], today: date
) -> dict[tuple[int, str], tuple[int | None, Decimal, Decimal, date | None]]:
    """District, balance, overdue amount and since when, by account and currency that has a bill or payment."""
    is_due = or_(func.coalesce(Bill.due_on, Bill.issued_on) < today, Bill.amount < Decimal(0))
    due = case((is_due, Bill.amount), else_=Decimal(0))
    billed = session.execute(
        select(Bill.account_id, Bill.currency, func.sum(Bill.amount), func.sum(due))
        .where(_between(Bill.account_id, bounds)).group_by(Bill.account_id, Bill.currency)
    )  # fmt: skip
    sums: dict[tuple[int, str], list[Decimal]] = {(row[0], row[1]): [row[2], row[3], Decimal(0)] for row in billed}
    paid = session.execute(
        select(Payment.account_id, Payment.currency, func.sum(Payment.amount))
        .where(_between(Payment.account_id, bounds)).group_by(Payment.account_id, Payment.currency)
    )  # fmt: skip
    for account, currency, amount in paid:
        sums.setdefault((account, currency), [Decimal(0), Decimal(0), Decimal(0)])[2] = amount
    late = {account for (account, _), (_, due_amount, paid_amount) in sums.items() if due_amount > paid_amount}
    ledgers = settled(session, late)
    answer = {}
    for (account, currency), (all_bills, _due, given) in sums.items():
        overdue, since = Decimal(0), None
        if account in ledgers and currency in ledgers[account]:
            settlement = ledgers[account][currency].settlement
            overdue, since = settlement.overdue(today), settlement.overdue_since(today)
        answer[account, currency] = (districts.get(account), all_bills - given, overdue, since)
    return answer


def _add_months(
    session: Session, bounds: tuple[int, int], starts: Sequence[date], zone: tzinfo,
    months: dict[tuple[date, *Class], list[Any]],
) -> None:  # fmt: skip
    """Add what was billed and paid in each month to the sums by class; bills by their day of issue."""
    place = case(*((Bill.issued_on < end, index) for index, end in enumerate(starts[1:])))
    totals = (func.count(), func.sum(Bill.energy_kwh), func.sum(Bill.amount))
    query = _by_class(Bill, place, totals, bounds).where(Bill.issued_on >= starts[0], Bill.issued_on < starts[-1])
    for month, district, kind, currency, bills, energy, amount in session.execute(query):
        sums = months[starts[month], district, kind, currency]
        sums[0], sums[1], sums[2] = sums[0] + bills, sums[1] + (energy or 0.0), sums[2] + amount
    edges = [day_bounds(day, zone)[0] for day in starts]
    place = case(*((Payment.paid_at < end, index) for index, end in enumerate(edges[1:])))
    query = _by_class(Payment, place, (func.count(), func.sum(Payment.amount)), bounds)
    query = query.where(Payment.paid_at >= edges[0], Payment.paid_at < edges[-1])
    for month, district, kind, currency, payments, amount in session.execute(query):
        sums = months[starts[month], district, kind, currency]
        sums[3], sums[4] = sums[3] + payments, sums[4] + amount


def _by_class(model: Any, place: Any, totals: Sequence[Any], bounds: tuple[int, int]) -> Any:
    """Totals of bills or payments by month, and by district (as counted), kind of customer and currency."""
    keys = (place, AccountBalance.district_id, Customer.kind, model.currency)
    return (
        select(*keys, *totals)
        .select_from(model)
        .join(CustomerAccount, CustomerAccount.id == model.account_id)
        .join(Customer, Customer.id == CustomerAccount.customer_id)
        .join(AccountBalance, and_(AccountBalance.account_id == model.account_id,
                                   AccountBalance.currency == model.currency))
        .where(_between(model.account_id, bounds))
        .group_by(*keys)
    )  # fmt: skip


def _write(session: Session, changed: dict[tuple[int, str], Any], gone: Iterable[tuple[int, str]]) -> None:
    for account, currency in gone:
        session.execute(
            delete(AccountBalance).where(AccountBalance.account_id == account, AccountBalance.currency == currency)
        )
    names = ("district_id", "balance", "overdue", "overdue_since_on")
    columns: dict[str, list[Any]] = {name: [row[place] for row in changed.values()] for place, name in enumerate(names)}
    columns["account_id"], columns["currency"] = [key[0] for key in changed], [key[1] for key in changed]
    bulk_upsert(session, cast(Table, AccountBalance.__table__), columns, ("account_id", "currency"), names)


def _write_sums(
    session: Session, owing: dict[Class, list[Any]], months: dict[tuple[date, *Class], list[Any]], mark: MoneyCount
) -> None:
    """Replace the sums."""
    for model in (MoneyClass, MoneyMonth):
        session.execute(delete(model))
    keys = ("district_id", "kind", "currency")
    _insert(session, MoneyClass, (*keys, "accounts", "accounts_overdue", "balance", "overdue"), owing)
    names = ("bills", "energy_kwh", "billed", "payments", "paid")
    _insert(session, MoneyMonth, ("month_on", *keys, *names), months)
    session.merge(mark)


def _insert(session: Session, model: Any, names: Sequence[str], sums: dict[Any, list[Any]]) -> None:
    rows = [(*key, *values) for key, values in sums.items()]
    bulk_insert(session, model.__table__, {name: [row[place] for row in rows] for place, name in enumerate(names)})
