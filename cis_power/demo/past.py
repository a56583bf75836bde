"""The demo utility's past: its months and hours, and what every usage point took in them. Pure.

The past ends at a full hour and begins with a local month, thirteen whole months before. Loads are those of the
simulator (`scada_bridge.simulator.loads`), so that live values go on where the past ends.
"""

import zlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cis_power.core.time import day_bounds
from cis_power.demo.chance import bits, draw
from cis_power.demo.codes import usage_point
from cis_power.demo.occupancy import ACTIVE, occupancy
from cis_power.demo.plan import Numbers, Plan, Reals
from scada_bridge.simulator.loads import mean_kw, shapes

ZONE = ZoneInfo("Asia/Shanghai")
MONTHS = 13
NAMED = 1_000
HOUR = 3600

_START_READ, _MONTH_NOISE, _HOUR_NOISE, _EXCHANGE = range(100, 104)


@dataclass(frozen=True, eq=False)
class Past:
    """`months`: first local days of thirteen months and of the one that goes on. `hours`: epoch seconds of the
    beginning of every hour. `shape` (hours, KINDS): mean of the hour. `month_hours` (14, KINDS): the sum of `shape` in
    each month, of the last one so far."""

    plan: Plan
    until: datetime
    months: tuple[date, ...] = field(repr=False)
    hours: Numbers = field(repr=False)
    shape: Reals = field(repr=False)
    month_hours: Reals = field(repr=False)

    @property
    def today(self) -> date:
        """The local day on which the past ends."""
        return self.until.astimezone(ZONE).date()

    def days_ago(self, days: Numbers) -> NDArray[np.datetime64]:
        """The local day so many days ago."""
        return np.asarray(np.datetime64(self.today) - days.astype("timedelta64[D]"))

    @property
    def month_bounds(self) -> NDArray[np.datetime64]:
        """The first days of the months, as datetime64[D] (14)."""
        return np.array(self.months, "datetime64[D]")


@lru_cache(maxsize=2)
def past(plan: Plan, until: datetime) -> Past:
    """The past of a plan up to the last full hour before `until`."""
    end = until.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    first = end.astimezone(ZONE).date().replace(day=1)
    months = tuple(_months_before(first, count) for count in range(MONTHS, -1, -1))
    begin = int(day_bounds(months[0], ZONE)[0].timestamp())
    hours = np.arange(begin, int(end.timestamp()), HOUR)
    shape = shapes(hours + HOUR / 2, ZONE)
    starts = np.searchsorted(hours, [int(day_bounds(month, ZONE)[0].timestamp()) for month in months])
    padded = np.vstack([shape, np.zeros((1, shape.shape[1]))])  # the month that goes on may have no hour yet
    return Past(plan, end, months, hours, shape, np.add.reduceat(padded, starts, axis=0))


def _months_before(first: date, count: int) -> date:
    year, month = divmod(first.year * 12 + first.month - 1 - count, 12)
    return date(year, month + 1, 1)


@lru_cache(maxsize=2)
def means_kw(plan: Plan) -> Reals:
    """Mean load of every usage point."""
    keys = np.array([zlib.crc32(usage_point(customer).encode()) for customer in range(plan.customers)], np.uint32)
    return mean_kw(plan.kind, plan.rated_kva, keys)


@lru_cache(maxsize=2)
def named(plan: Plan) -> Numbers:
    """The usage points with hourly readings: a thousand (fewer in a small utility) that nobody joined, left or
    re-metered, spread over the utility."""
    held = occupancy(plan)
    steady = (held.state == ACTIVE) & (held.moved == 0) & (held.connected == 0) & (held.exchanged == 0)
    places = np.flatnonzero(steady)
    count = min(NAMED, len(places), max(1, plan.customers // 10))
    return np.asarray(places[np.arange(count) * len(places) // count])


def hourly_kwh(given: Past, customers: Numbers) -> Reals:
    """Energy of usage points in every hour (n, hours), to the Wh: the shape of their kind with ups and downs."""
    plan = given.plan
    steps = np.arange(len(given.hours), dtype=np.int64)
    places = customers.astype(np.int64)[:, None] * 65_536 + steps
    spread = 0.6 + 0.8 * draw(plan.seed, _HOUR_NOISE, places)
    energy = means_kw(plan)[customers][:, None] * given.shape.T[plan.kind[customers]] * spread
    return np.asarray(np.round(energy, 3))


def month_kwh(given: Past, customers: Numbers) -> Reals:
    """Energy of usage points in the thirteen whole months (n, 13), as if supplied all the time, to 10 Wh."""
    plan = given.plan
    places = customers.astype(np.int64)[:, None] * 64 + np.arange(MONTHS)
    spread = 0.9 + 0.2 * draw(plan.seed, _MONTH_NOISE, places)
    energy = means_kw(plan)[customers][:, None] * given.month_hours[:MONTHS].T[plan.kind[customers]] * spread
    measured = np.isin(customers, named(plan))
    if measured.any():
        starts = np.searchsorted(given.hours, _instants(given.months))
        whole = hourly_kwh(given, customers[measured])[:, : starts[MONTHS]]
        energy[measured] = np.add.reduceat(whole, starts[:MONTHS], axis=1)
    return np.asarray(np.round(energy, 2))


def supplied_share(given: Past, customers: Numbers) -> Reals:
    """Share of each of the thirteen months (n, 13) in which usage points were connected."""
    held = occupancy(given.plan)
    began, ended = held.connected[customers], held.ended[customers]
    never = given.today + timedelta(days=1)
    begin = np.where(began > 0, given.days_ago(began), given.month_bounds[0])
    end = np.where(ended > 0, given.days_ago(ended), np.datetime64(never))
    return overlap_days(given, begin, end) / month_days(given)


def overlap_days(given: Past, begin: NDArray[np.datetime64], end: NDArray[np.datetime64]) -> Numbers:
    """Days of [begin, end) (n) in each of the thirteen months (n, 13)."""
    bounds = given.month_bounds
    low = np.maximum(begin.astype("datetime64[D]")[:, None], bounds[:-1])
    high = np.minimum(end.astype("datetime64[D]")[:, None], bounds[1:])
    return np.asarray(np.maximum((high - low).astype(np.int64), 0))


def month_days(given: Past) -> Numbers:
    """Days of each of the thirteen months."""
    return np.asarray(np.diff(given.month_bounds).astype(np.int64))


@dataclass(frozen=True, slots=True)
class Reads:
    """Readings of registers: usage point, whether of the meter that stood there before, place of the month's first day
    in `Past.months`, value in kWh."""

    customer: Numbers
    former: NDArray[np.bool_]
    month: Numbers
    value: Reals


def register_reads(given: Past, customers: Numbers) -> Reads:
    """What meters showed at the beginning of each month, ordered by usage point and month."""
    plan, held = given.plan, occupancy(given.plan)
    energy = month_kwh(given, customers) * supplied_share(given, customers)
    total = np.concatenate([np.zeros((len(customers), 1)), np.cumsum(energy, axis=1)], axis=1)
    start = np.round(500 + 20_000 * draw(plan.seed, _START_READ, customers))
    start[held.connected[customers] > 0] = 0
    value = start[:, None] + total
    days = given.month_bounds[None, :]
    there = np.ones(value.shape, np.bool_)
    began, ended = held.connected[customers], held.ended[customers]
    there &= (began[:, None] == 0) | (days >= given.days_ago(began)[:, None])
    there &= (ended[:, None] == 0) | (days <= given.days_ago(ended)[:, None])
    former = np.zeros(value.shape, np.bool_)
    exchanged = held.exchanged[customers]
    rows = np.flatnonzero(exchanged)
    if len(rows):
        day = given.days_ago(exchanged[rows])
        before = overlap_days(given, np.full(len(rows), given.month_bounds[0]), day) / month_days(given)
        at_exchange = (energy[rows] * before).sum(axis=1)
        old = days < day[:, None]
        removed = exchange_reads(plan)[customers[rows]]
        value[rows] = np.where(old, (removed - at_exchange)[:, None], -at_exchange[:, None]) + total[rows]
        former[rows] = old
    places, months = np.nonzero(there)
    return Reads(customers[places], former[places, months], months, np.round(value[places, months], 2))


@lru_cache(maxsize=2)
def exchange_reads(plan: Plan) -> Reals:
    """What the former meter of each usage point showed when it was taken away, in whole kWh."""
    years = 2 + (bits(plan.seed, _EXCHANGE, np.arange(plan.customers)) % np.uint64(8)).astype(np.int64)
    return np.asarray(np.round(means_kw(plan) * 24 * 365 * years + 100))


def _instants(days: tuple[date, ...]) -> list[int]:
    return [int(day_bounds(day, ZONE)[0].timestamp()) for day in days]
