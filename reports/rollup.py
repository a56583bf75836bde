"""Rolling the interruption ledger up by day, for the pages: counted by the same code as the report `reliability`.

A month is counted anew when its rows changed; a day's figures are those of the interruptions that began on it. Rows of
imported history that name no usage point belong to no district here.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Table, delete, func, select
from sqlalchemy.orm import Session

from cis_power.core.db import Database, bulk_insert
from cis_power.core.time import day_bounds, local_date
from cis_power.outages.models import Interruption, ReliabilityDay, ReliabilityMonth, ServedDay
from reports.days import day_index, day_starts, local_days
from reports.reliability.reads import read_ledger
from reports.reliability.spells import IEEE_MOMENTARY_SECONDS, Spells, spells
from reports.scope import Scope, rated_kva, served, territory
from reports.windows import Windows, daily, group_at

MONTHS = 25  # the present month, and the two years before it
_BEFORE = timedelta(days=3)  # rows of one outage that touch are one interruption, also across the month's beginning
_NOBODY = -1


def roll_up(
    database: Database, now: datetime, zone: ZoneInfo, *, stopping: Callable[[], bool] = lambda: False
) -> list[date]:
    """Count the months that changed; answers their first days."""
    today = local_date(now, zone)
    with database.reading() as session:
        stale = _stale(session, today, zone)
    if not stale:
        return []
    with database.reading() as session:
        place = territory(session, Scope(None, of_whole=True))
        within, rated = served(session, place), rated_kva(session)
    counted = []
    for month in stale:
        if stopping():
            break
        with database.reading() as session:
            newest = session.scalar(select(func.max(Interruption.id))) or 0
            days = _days(month, today, zone)
            bounds = day_bounds(month, zone)[0], day_bounds(days[-1], zone)[1]
            rows = _interruptions(session, (place, within, rated), days, bounds, now, zone)
        with database.transaction() as session:
            _write(session, days, rows, _served(within, days, zone))
            session.merge(ReliabilityMonth(month_on=month, counted_at=now, newest_id=newest))
        counted.append(month)
    return counted


def _stale(session: Session, today: date, zone: ZoneInfo) -> list[date]:
    """Months that were never counted, or have rows that came or were superseded since; newest first."""
    known = {row.month_on: row for row in session.scalars(select(ReliabilityMonth))}
    months = [_month_before(today, back) for back in range(MONTHS)]
    newest = max((row.newest_id for row in known.values()), default=0)
    fresh = session.scalars(select(Interruption.began_at).where(Interruption.id > newest))
    touched = {local_date(moment, zone).replace(day=1) for moment in fresh} if known else set()

    def is_stale(month: date) -> bool:
        row = known.get(month)
        if row is None or month in touched:
            return True
        a_day_began = month == months[0] and local_date(row.counted_at, zone) != today
        return a_day_began or _superseded_since(session, month, row.counted_at, zone)

    return [month for month in months if is_stale(month)]


def _superseded_since(session: Session, month: date, counted_at: datetime, zone: ZoneInfo) -> bool:
    begin, end = day_bounds(month, zone)[0], day_bounds(_month_before(month, -1), zone)[0]
    row = Interruption
    query = select(row.id).where(row.began_at >= begin, row.began_at < end, row.superseded_at > counted_at)
    return session.scalar(query.limit(1)) is not None


def _month_before(day: date, months: int) -> date:
    count = day.year * 12 + day.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


def _days(month: date, today: date, zone: ZoneInfo) -> list[date]:
    """The days of a month that have begun."""
    end = min(_month_before(month, -1), today + timedelta(days=1))
    return local_days(day_bounds(month, zone)[0], day_bounds(end, zone)[0], zone)


def _interruptions(
    session: Session, who: tuple[Windows, Windows, Windows], days: list[date], bounds: tuple[datetime, datetime],
    now: datetime, zone: ZoneInfo,
) -> dict[str, list[Any]]:  # fmt: skip
    """Columns of `ReliabilityDay`."""
    place, within, rated = who
    ledger = read_ledger(session, Scope(None, of_whole=True), place, within, rated, (bounds[0] - _BEFORE, bounds[1]))
    found = spells(ledger.rows, int(now.timestamp()), IEEE_MOMENTARY_SECONDS)
    found = found.taken(found.rows.began >= int(bounds[0].timestamp()))
    feeders = dict(
        session.execute(
            select(Interruption.id, Interruption.feeder_id).where(
                Interruption.began_at >= bounds[0], Interruption.began_at < bounds[1]
            )
        ).all()
    )
    keys = np.stack([
        day_index(day_starts(days, zone), found.rows.began),
        group_at(place, found.rows.usage_point, found.rows.began),
        np.array([feeders.get(key) or _NOBODY for key in found.rows.row.tolist()], np.int64),
        found.rows.planned.astype(np.int64),
    ])  # fmt: skip
    return _summed(found, keys, days)


def _summed(found: Spells, keys: NDArray[np.int64], days: list[date]) -> dict[str, list[Any]]:
    groups, inverse = np.unique(keys, axis=1, return_inverse=True)
    inverse, size = inverse.reshape(-1), groups.shape[1]
    done = found.sustained & ~found.open
    minutes = np.where(done, found.seconds / 60.0 * found.rows.customers, 0.0)
    began = np.bincount(inverse, np.where(found.counts, found.rows.customers, 0.0), size)
    spent = np.bincount(inverse, minutes, size)
    kept = np.flatnonzero((began > 0) | (spent > 0))
    day, district, feeder, planned = (groups[place][kept].tolist() for place in range(4))
    return {
        "day_on": [days[place] for place in day],
        "district_id": [None if key == _NOBODY else key for key in district],
        "feeder_id": [None if key == _NOBODY else key for key in feeder],
        "planned": [bool(flag) for flag in planned],
        "interruptions": [round(value) for value in began[kept].tolist()],
        "customer_minutes": spent[kept].tolist(),
    }


def _served(within: Windows, days: list[date], zone: ZoneInfo) -> dict[str, list[Any]]:
    """Columns of `ServedDay`."""
    starts = day_starts(days, zone)
    columns: dict[str, list[Any]] = {"day_on": [], "district_id": [], "usage_points": []}
    for district in np.unique(within.group).tolist():
        numbers = daily(within.taken(within.group == district), starts)
        columns["day_on"] += days
        columns["district_id"] += [None if district == _NOBODY else district] * len(days)
        columns["usage_points"] += [round(number) for number in numbers.tolist()]
    return columns


def _write(session: Session, days: list[date], *columns: dict[str, list[Any]]) -> None:
    models: tuple[Any, ...] = (ReliabilityDay, ServedDay)
    for model, values in zip(models, columns, strict=True):
        session.execute(delete(model).where(model.day_on >= days[0], model.day_on <= days[-1]))
        bulk_insert(session, cast(Table, model.__table__), values)
