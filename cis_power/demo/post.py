"""Posting the demo utility's past as arrays: the one place where the demo writes other than by commands.

It hands columns to the posting functions of the importers and does nothing else.
"""

import gc
from collections.abc import Callable, Iterator
from datetime import date, datetime
from time import perf_counter

import numpy as np

from billing_bridge.importing import post_arrays
from cis_power.access.installation import Installation
from cis_power.core.columns import Coded
from cis_power.core.errors import CisError
from cis_power.core.time import day_bounds
from cis_power.demo import codes, currents, faults, money
from cis_power.demo.build import Wish
from cis_power.demo.chance import draw
from cis_power.demo.past import HOUR, ZONE, Past, Reads, hourly_kwh, named, past, register_reads
from cis_power.demo.plan import Numbers, Plan
from cis_power.demo.reach import Served
from scada_bridge.history import HistoryColumns, post_history

_CUSTOMERS_AT_ONCE = 20_000
_NAMED_AT_ONCE = 100
_SERIES_AT_ONCE = 400
_READ, _HOUR = 230, 231
REGISTER, HOURLY = "1", "2"  # channels of a meter

Say = Callable[[str], None]
Stage = tuple[str, int]


def add_past(wish: Wish, say: Say) -> None:
    """Post the past of a utility that is loaded, and say what came of it."""
    for stage, (rows, seconds) in post_past(wish.plan, wish.until).items():
        say(f"loaded {rows:,} {stage} ({seconds:.1f} s)")


def post_past(plan: Plan, until: datetime) -> dict[str, tuple[int, float]]:
    """Post readings, bills, payments, interruptions and histories of a utility that is loaded, up to an instant.

    Nobody else may use the database. Answers rows (values) and seconds of each stage. Posted again, it changes nothing.
    """
    here = Installation.open()
    whole = past(plan, until)
    stages: dict[str, tuple[int, float]] = {}
    gc.collect()
    gc.freeze()
    try:
        begun = perf_counter()
        for stage, rows in _posted(here, whole):
            now = perf_counter()
            count, seconds = stages.get(stage, (0, 0.0))
            stages[stage] = count + rows, seconds + now - begun
            begun = now
    finally:
        gc.unfreeze()
        here.database.dispose()
    return stages


def _posted(here: Installation, given: Past) -> Iterator[Stage]:
    plan = given.plan
    for part, customers in enumerate(_slices(plan), start=1):
        name = f"part {part}"
        yield "register readings", _post_registers(here, given, register_reads(given, customers), name)
        yield "hourly readings", _post_hourly(here, given, customers, name)
        bills = money.bills(given, customers)
        if len(bills.amount):
            yield "bills", _post(here, "bills", money.bill_columns(given, bills), name)
            payments = money.payment_columns(given, bills, part)
            if len(payments["amount"]):
                yield "payments", _post(here, "payments", payments, name)
    served = Served.of(plan, given.until)
    for substations in _groups(plan):
        events, kw = list[faults.Event](), list[currents.Curves]()
        feeders: list[int] = []
        for substation in substations:
            above = faults.substation_events(given, served, substation)
            events += above
            own = np.flatnonzero(plan.substation_of_feeder == substation).tolist()
            feeders += own
            for feeder in own:
                section = f"CB{plan.place_in_substation(feeder) % 2 + 1}"
                hit = [event for event in above if event.device.endswith(section)]
                events += faults.feeder_events(given, served, feeder, hit)
        name = f"substations {substations[0] + 1} to {substations[-1] + 1}"
        if events:
            yield "interruptions", _post(here, "interruptions", faults.interruption_columns(events), name)
        first, end = int(plan.first_transformer[feeders[0]]), int(plan.first_transformer[feeders[-1] + 1])
        numbers = np.arange(first, end)
        power = currents.transformer_kw(given, numbers, events)
        kw.append(currents.transformer_curves(given, numbers, power))
        of_feeders = currents.feeder_curves(given, feeders, power, first)
        kw.append(of_feeders)
        for substation in substations:
            by_feeder = {
                feeder: of_feeders.values[place * 4 + 1]
                for place, feeder in enumerate(feeders)
                if plan.substation_of_feeder[feeder] == substation
            }
            kw.append(currents.substation_curves(given, substation, by_feeder))
        for place, curves in enumerate(kw):
            yield "values of points", _post_curves(here, given, curves, f"{name}, {place + 1}")


def _slices(plan: Plan) -> Iterator[Numbers]:
    for first in range(0, plan.customers, _CUSTOMERS_AT_ONCE):
        yield np.arange(first, min(first + _CUSTOMERS_AT_ONCE, plan.customers))


def _groups(plan: Plan) -> Iterator[list[int]]:
    """Substations, some at a time."""
    for first in range(0, plan.substations, 4):
        yield list(range(first, min(first + 4, plan.substations)))


def _post(here: Installation, kind: str, columns: money.Columns, name: str) -> int:
    result = post_arrays(here, kind, columns, name=f"{kind}, {name}", alone=True)
    if not result.ok:
        raise CisError(f"the demo's own {kind} were refused, which is a fault: {result.problems[0]}")
    return result.rows


def _post_registers(here: Installation, given: Past, reads: Reads, name: str) -> int:
    """Registers at the beginning of each month; some were estimated, some never read."""
    plan = given.plan
    chance = draw(plan.seed, _READ, reads.customer * 64 + reads.month)
    there = np.flatnonzero(chance >= 0.004)
    meters, place = np.unique(reads.customer[there] * 2 + reads.former[there], return_inverse=True)
    numbers = [(codes.former_meter_no if key % 2 else codes.meter_no)(key // 2) for key in meters.tolist()]
    columns = {
        "meter_no": Coded(place, numbers),
        "channel": Coded.same(REGISTER, len(there)),
        "began_at": _midnights(given.months)[reads.month[there]],
        "value": reads.value[there],
        "unit": Coded.same("kWh", len(there)),
        "quality": Coded((chance[there] < 0.014).astype(np.int8), ["measured", "estimated"]),
    }
    return _post(here, "readings", columns, f"registers, {name}")


def _midnights(days: tuple[date, ...]) -> "np.ndarray[tuple[int], np.dtype[np.datetime64]]":
    return np.array([day_bounds(day, ZONE)[0].replace(tzinfo=None) for day in days], "datetime64[s]")


def _post_hourly(here: Installation, given: Past, customers: Numbers, name: str) -> int:
    """Hours of the named usage points; some are missing, some were estimated."""
    plan, count = given.plan, len(given.hours)
    mine = np.intersect1d(named(plan), customers)
    rows = 0
    for first in range(0, len(mine), _NAMED_AT_ONCE):
        some = mine[first : first + _NAMED_AT_ONCE]
        key = some[:, None] * 65_536 + np.arange(count, dtype=np.int64)
        chance = draw(plan.seed, _HOUR, key // 3).ravel()  # what is wrong is so for a few hours
        energy = hourly_kwh(given, some).ravel()
        energy[chance < 0.002] = np.nan
        columns = {
            "meter_no": Coded(np.repeat(np.arange(len(some)), count), [codes.meter_no(one) for one in some.tolist()]),
            "channel": Coded.same(HOURLY, len(energy)),
            "began_at": np.tile(given.hours, len(some)).astype("datetime64[s]"),
            "seconds": np.full(len(energy), float(HOUR)),
            "value": energy,
            "unit": Coded.same("kWh", len(energy)),
            "quality": Coded(np.searchsorted((0.002, 0.008), chance, "right"), ["missing", "estimated", "measured"]),
        }
        rows += _post(here, "readings", columns, f"hours, {name}, from {first}")
    return rows


def _post_curves(here: Installation, given: Past, curves: currents.Curves, name: str) -> int:
    rows = 0
    for first in range(0, len(curves.point_ids), _SERIES_AT_ONCE):
        span = slice(first, first + _SERIES_AT_ONCE)
        points, at, value = currents.Curves(curves.point_ids[span], curves.values[span]).columns(given)
        columns = HistoryColumns(points, at, value)
        result = post_history(here, columns, step_seconds=HOUR, name=f"hours of {name}, from {first}")
        if not result.ok:
            raise CisError(f"the demo's own history was refused, which is a fault: {result.problems[0]}")
        rows += result.rows
    return rows
