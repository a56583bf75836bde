"""Cards of the start page about business: money, exchange, segments, consumption, and the search."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.batches.reads import BatchRow, OpenRejects, batches, open_rejects
from cis_power.core.time import local_date
from cis_power.customers.money_totals import MoneySums, MonthSum, money_months, money_sums
from cis_power.customers.segments import SegmentRow, list_segments
from web.shell import shell

_FEW = 6
_MONTHS = 4
_BILLED_SHARE = 0.8  # of the bills of the month before: then a month's bills are out


@dataclass(frozen=True, slots=True)
class Exchange:
    """What waits for repair, and the newest batches; batches belong to no district."""

    waiting: Sequence[OpenRejects]
    rows: Sequence[BatchRow]
    of_whole: bool


@dataclass(frozen=True, slots=True)
class Month:
    """What was billed and paid in a month, in the currency that has most bills."""

    month_on: date
    currency: str
    bills: int
    energy_kwh: float
    billed: Decimal
    paid: Decimal

    @property
    def after_on(self) -> date:
        """The first day behind it."""
        return _before(self.month_on, -1)


@dataclass(frozen=True, slots=True)
class Change:
    """Energy billed to a kind of customer in a month, and in the same month of the year before; None: no bill."""

    kind: str
    energy_kwh: float | None
    before_kwh: float | None

    @property
    def percent(self) -> float | None:
        if self.energy_kwh is None or not self.before_kwh:
            return None
        return (self.energy_kwh / self.before_kwh - 1) * 100


@dataclass(frozen=True, slots=True)
class Consumption:
    """Energy billed by kind of customer in the newest month whose bills are out."""

    month_on: date
    rows: Sequence[Change]


def search(session: Session, viewer: Viewer, now: datetime) -> bool:
    return True


def owed(session: Session, viewer: Viewer, now: datetime) -> MoneySums:
    return money_sums(session, viewer)


def exchange(session: Session, viewer: Viewer, now: datetime) -> Exchange:
    if viewer.districts is not None:
        return Exchange((), (), of_whole=False)
    return Exchange(open_rejects(session), batches(session, limit=_FEW), of_whole=True)


def months(session: Session, viewer: Viewer, now: datetime) -> Sequence[Month]:
    """The present month and those before it, newest first."""
    first = _this_month(now)
    wanted = [_before(first, back) for back in range(_MONTHS)]
    rows = money_months(session, viewer, wanted)
    bills: dict[str, int] = {}
    for row in rows:
        bills[row.currency] = bills.get(row.currency, 0) + row.bills + row.payments
    if not bills:
        return []
    currency = max(bills, key=lambda one: bills[one])
    return [_month(month, currency, [row for row in rows if row.month_on == month]) for month in wanted]


def _month(month: date, currency: str, rows: Sequence[MonthSum]) -> Month:
    own = [row for row in rows if row.currency == currency]
    return Month(
        month,
        currency,
        sum(row.bills for row in own),
        sum(row.energy_kwh for row in own),
        sum((row.billed for row in own), Decimal(0)),
        sum((row.paid for row in own), Decimal(0)),
    )


def consumption(session: Session, viewer: Viewer, now: datetime) -> Consumption:
    """The present month once it is billed as the one before was, else the one before; each with the year before."""
    this, last = _this_month(now), _before(_this_month(now), 1)
    rows = money_months(session, viewer, [this, last, _before(this, 12), _before(last, 12)])
    bills = {month: sum(row.bills for row in rows if row.month_on == month) for month in (this, last)}
    month = this if bills[this] and bills[this] >= bills[last] * _BILLED_SHARE else last
    sums: dict[tuple[str, date], float] = {}
    for row in rows:
        if row.bills and row.month_on in (month, _before(month, 12)):
            sums[row.kind, row.month_on] = sums.get((row.kind, row.month_on), 0.0) + row.energy_kwh
    kinds = {kind for kind, _ in sums}
    changes = [Change(kind, sums.get((kind, month)), sums.get((kind, _before(month, 12)))) for kind in kinds]
    return Consumption(month, sorted(changes, key=lambda row: (-(row.energy_kwh or 0.0), row.kind)))


def segments(session: Session, viewer: Viewer, now: datetime) -> Sequence[SegmentRow]:
    return list_segments(session, viewer, limit=12)


def _this_month(now: datetime) -> date:
    return local_date(now, shell().settings.zone).replace(day=1)


def _before(month: date, months: int) -> date:
    count = month.year * 12 + month.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


MAKERS: dict[str, tuple[str, Any]] = {
    "search": ("customers:record:read", search),
    "owed": ("money:class:read", owed),
    "exchange": ("exchange:batch:read", exchange),
    "months": ("money:class:read", months),
    "consumption": ("money:class:read", consumption),
    "segments": ("customers:segment:read", segments),
}
