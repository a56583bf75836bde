"""Sums of money as the job `customers.balances` last counted them, within the viewer's territory.

An account counts in the district of the first usage point that it holds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.customers.models import MoneyClass, MoneyCount, MoneyMonth

MAY_READ = ("money:total:read", "money:class:read")


@dataclass(frozen=True, slots=True)
class ClassSum:
    """What the accounts of a kind of customer owe in one currency."""

    kind: str
    currency: str
    accounts: int
    accounts_overdue: int
    balance: Decimal
    overdue: Decimal


@dataclass(frozen=True, slots=True)
class MonthSum:
    """What was billed to a kind of customer and paid by it in a local month; `energy_kwh` is what was billed."""

    month_on: date
    kind: str
    currency: str
    bills: int
    energy_kwh: float
    billed: Decimal
    payments: int
    paid: Decimal


@dataclass(frozen=True, slots=True)
class MoneySums:
    """The sums, and when they were counted; never: None."""

    counted_at: datetime | None
    classes: tuple[ClassSum, ...]

    def overdue(self) -> tuple[tuple[str, Decimal, int], ...]:
        """Currency, amount overdue and number of accounts, the currency with most accounts first."""
        found: dict[str, tuple[Decimal, int, int]] = {}
        for row in self.classes:
            amount, late, accounts = found.get(row.currency, (Decimal(0), 0, 0))
            found[row.currency] = amount + row.overdue, late + row.accounts_overdue, accounts + row.accounts
        order = sorted(found, key=lambda currency: -found[currency][2])
        return tuple((currency, found[currency][0], found[currency][1]) for currency in order)


def money_sums(session: Session, viewer: Viewer) -> MoneySums:
    """What is owed now by kind of customer and currency."""
    _require(viewer)
    row = MoneyClass
    query = (
        select(row.kind, row.currency, func.sum(row.accounts), func.sum(row.accounts_overdue), func.sum(row.balance))
        .add_columns(func.sum(row.overdue))
        .where(in_territory(viewer, row.district_id))
        .group_by(row.kind, row.currency)
        .order_by(row.kind, row.currency)
    )
    classes = tuple(
        ClassSum(kind, currency, int(accounts), int(late), balance, overdue)
        for kind, currency, accounts, late, balance, overdue in session.execute(query)
    )
    return MoneySums(session.scalar(select(MoneyCount.counted_at)), classes)


def money_months(session: Session, viewer: Viewer, months: Iterable[date]) -> list[MonthSum]:
    """What was billed and paid in some months, by month, kind of customer and currency."""
    _require(viewer)
    row = MoneyMonth
    query = (
        select(row.month_on, row.kind, row.currency, func.sum(row.bills), func.sum(row.energy_kwh))
        .add_columns(func.sum(row.billed), func.sum(row.payments), func.sum(row.paid))
        .where(row.month_on.in_(sorted(months)), in_territory(viewer, row.district_id))
        .group_by(row.month_on, row.kind, row.currency)
        .order_by(row.month_on, row.kind, row.currency)
    )
    return [
        MonthSum(month, kind, currency, int(bills), float(energy), billed, int(payments), paid)
        for month, kind, currency, bills, energy, billed, payments, paid in session.execute(query)
    ]


def _require(viewer: Viewer) -> None:
    if not viewer.may_any(MAY_READ):
        viewer.require(MAY_READ[0])
