"""Everything the reliability tables are computed from, read once."""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.time import day_bounds, local_date
from reports.days import day_index, day_starts, local_days
from reports.parameters import Parameters
from reports.reliability.indices import Served
from reports.reliability.major_events import FULL_YEARS, Threshold, threshold
from reports.reliability.reads import Ledger, read_ledger
from reports.reliability.spells import IEEE_MOMENTARY_SECONDS, Spells, spells
from reports.scope import rated_kva, read_scope, served, territory
from reports.windows import Windows, daily, joined


@dataclass(frozen=True, slots=True)
class Base:
    """`days` are the local days from five years before the first reporting year to the end of the period.

    `customers` and `kva` are what was served on each of them; `major` says whether a day lies in the period and its
    daily SAIDI is above its year's threshold. `within` are the usage points in scope while they were served.
    """

    parameters: Parameters
    now: datetime
    within: Windows
    ledger: Ledger
    all_spells: Spells
    period: Spells
    days: list[date]
    starts: NDArray[np.int64]
    in_period: NDArray[np.bool_]
    customers: NDArray[np.float64]
    daily_saidi: NDArray[np.float64]
    thresholds: dict[int, Threshold]
    major: NDArray[np.bool_]
    served: Served


def read_base(session: Session, viewer: Viewer, parameters: Parameters, now: datetime) -> Base:
    """Read the ledger and who was served, in the viewer's scope."""
    scope = read_scope(session, viewer, parameters.districts)
    place = territory(session, scope)
    within, rated = served(session, place), rated_kva(session)
    zone = parameters.zone
    first_year = local_date(parameters.from_at, zone).year
    history_at = day_bounds(date(first_year - FULL_YEARS, 1, 1), zone)[0]
    ledger = read_ledger(session, scope, place, within, rated, (history_at, parameters.to_at))
    every = spells(ledger.rows, int(now.timestamp()), IEEE_MOMENTARY_SECONDS)
    days = local_days(history_at, parameters.to_at, zone)
    starts = day_starts(days, zone)
    begin, end = int(parameters.from_at.timestamp()), int(parameters.to_at.timestamp())
    in_period = np.append(starts[1:], np.iinfo(np.int64).max) > begin
    checks = np.maximum(starts, begin)  # a period that begins within a day counts that day from its own beginning
    customers = daily(within, np.where(in_period, checks, starts))
    kva = daily(joined(within, rated), np.where(in_period, checks, starts))
    saidi = _daily_saidi(every, starts, customers)
    thresholds = _thresholds(every, days, saidi, first_year)
    limits = np.array([_limit(thresholds, day) for day in days])
    average = Served(float(customers[in_period].mean()), float(kva[in_period].mean()), (end - begin) / 60.0)
    return Base(
        parameters=parameters,
        now=now,
        within=within,
        ledger=ledger,
        all_spells=every,
        period=every.taken(every.rows.began >= begin),
        days=days,
        starts=starts,
        in_period=in_period,
        customers=customers,
        daily_saidi=saidi,
        thresholds=thresholds,
        major=in_period & (saidi > limits),
        served=average,
    )


def on_major_days(base: Base, given: Spells) -> NDArray[np.bool_]:
    """Whether each spell began on a major event day."""
    return base.major[day_index(base.starts, given.rows.began)]


def _daily_saidi(every: Spells, starts: NDArray[np.int64], customers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Minutes a customer of each day: an interruption's whole duration belongs to the day on which it began."""
    done = every.sustained & ~every.open
    minutes = every.seconds[done] / 60.0 * every.rows.customers[done]
    sums = np.bincount(day_index(starts, every.rows.began[done]), minutes, len(starts))
    return np.divide(sums, customers, out=np.zeros(len(starts)), where=customers > 0)


def _thresholds(every: Spells, days: list[date], saidi: NDArray[np.float64], first_year: int) -> dict[int, Threshold]:
    """T_MED of each reporting year, from the five years before it."""
    years = np.array([day.year for day in days])
    found = {}
    for year in range(first_year, days[-1].year + 1):
        before = (years >= year - FULL_YEARS) & (years < year)
        with_data = len(np.unique(years[before & (saidi > 0)]))
        found[year] = threshold(saidi[before], with_data)
    return found


def _limit(thresholds: dict[int, Threshold], day: date) -> float:
    found = thresholds.get(day.year)
    return np.inf if found is None or found.minutes is None else found.minutes


def zone_of(base: Base) -> tzinfo:
    """The zone of the report's days."""
    return base.parameters.zone
