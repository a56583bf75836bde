"""Monthly outage minutes of usage points, from the interruption ledger."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from billing_bridge.outbound.accounts import accounts_at
from billing_bridge.outbound.months import Month, Period
from billing_bridge.outbound.territory import visible
from cis_power.access.viewer import Viewer
from cis_power.customers.models import UsagePoint
from cis_power.outages.models import Interruption

COLUMNS = (
    "usage_point", "account_no", "month", "interruptions", "outage_minutes", "planned_minutes", "unplanned_minutes",
    "still_out",
)  # fmt: skip


@dataclass(slots=True)
class _Sums:
    interruptions: int = 0
    planned_s: float = 0.0
    unplanned_s: float = 0.0
    still_out: bool = False


def rows(session: Session, viewer: Viewer, period: Period, now: datetime) -> list[tuple[Any, ...]]:
    """A row a usage point and month with any interruption; minutes are clipped to the month, and to `now` if open.

    Every interruption counts with its raw minutes, however short: what is momentary is for a report to say.
    """
    ledger = Interruption
    query = (
        select(UsagePoint.code, UsagePoint.id, ledger.began_at, ledger.restored_at, ledger.kind)
        .join(UsagePoint, UsagePoint.id == ledger.usage_point_id)
        .where(
            ledger.superseded_at.is_(None),
            ledger.began_at < period.to_at,
            or_(ledger.restored_at.is_(None), ledger.restored_at > period.from_at),
            visible(viewer, UsagePoint.id, period),
        )
    )
    sums: dict[tuple[str, int, Month], _Sums] = defaultdict(_Sums)
    months = period.months()
    for code, key, began_at, restored_at, kind in session.execute(query):
        for month in months:
            _add(sums, (code, key, month), began_at, restored_at, kind, now)
    accounts = {month: accounts_at(session, {key for _, key, m in sums if m == month}, month.from_at, month.to_at)
                for month in months}  # fmt: skip
    return [
        (
            code,
            accounts[month].get(key),
            month.name,
            total.interruptions,
            round((total.planned_s + total.unplanned_s) / 60, 6),
            round(total.planned_s / 60, 6),
            round(total.unplanned_s / 60, 6),
            total.still_out,
        )
        for (code, key, month), total in sorted(sums.items(), key=lambda item: (item[0][0], item[0][2].first_on))
    ]


def _add(
    sums: dict[tuple[str, int, Month], _Sums],
    key: tuple[str, int, Month],
    began_at: datetime,
    restored_at: datetime | None,
    kind: str,
    now: datetime,
) -> None:
    month = key[2]
    begin, end = max(began_at, month.from_at), min(restored_at or now, month.to_at)
    seconds = (end - begin).total_seconds()
    began_here = month.from_at <= began_at < month.to_at
    if seconds <= 0 and not began_here:
        return
    total = sums[key]
    total.interruptions += began_here
    if kind == "planned":
        total.planned_s += max(seconds, 0)
    else:
        total.unplanned_s += max(seconds, 0)
    total.still_out |= restored_at is None
