"""Three years of the demo utility's interruptions: faults, storms, planned work, loss of supply. Pure.

Each month of each feeder has its own dice, so that the past stays what it was when time goes on. Who was out is exactly
what hung on the device, less those whom a second supply took over at once.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np

from cis_power.core.columns import Coded
from cis_power.demo.codes import feeder_code, substation_code, usage_point
from cis_power.demo.past import ZONE, Past
from cis_power.demo.plan import SUBSTATIONS_A_TOWN, Numbers, Plan
from cis_power.demo.reach import Device, Feeder, Served, feeder_reach

Columns = dict[str, Any]

YEARS = 3
_FEEDER, _SUBSTATION, _STORM = 200, 201, 202
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class _Sort:
    """What happens to a kind of device: faults a year, minutes until all are back (mean), causes."""

    a_year: float
    minutes: float
    causes: tuple[str, ...]
    responsibility: str = "distribution"


_LINE_CAUSES = (
    "lightning",
    "lightning",
    "wind",
    "tree",
    "equipment",
    "vehicle",
    "excavation",
    "animal",
    "foreign_object",
)
_HEAD = _Sort(0.15, 50, ("equipment", "excavation", "lightning", "insulation", "operation"))
_SORTS = {
    "breaker": _HEAD,
    "recloser": _Sort(0.2, 65, _LINE_CAUSES),
    "fuse": _Sort(0.03, 95, (*_LINE_CAUSES, "overload", "animal")),
    "transformer": _Sort(0.012, 170, ("equipment", "overload", "lightning", "insulation")),
    "load_break_switch": _Sort(0.02, 140, ("customer_equipment",), "customer"),
}
_MOMENTARY_A_YEAR = {"breaker": 0.9, "recloser": 0.7}
_PLANNED_A_YEAR = 2.4
_PLANNED_CAUSES = ("maintenance", "maintenance", "construction", "connection_work", "testing")
_LOSS_A_YEAR = 0.05
_STORMS = {1: 0.08, 2: 0.06, 6: 0.2, 7: 0.3, 8: 0.3, 9: 0.1}  # chance of one in the month
_STORM_FAULTS = 1.4  # of a feeder
_SUMMER = {6: 1.8, 7: 2.2, 8: 2.0}


@dataclass(frozen=True, slots=True)
class Event:
    """One outage: rows of usage points, each with its step and the instant of its return, in epoch seconds."""

    number: str
    device: str
    began: int
    kind: str
    sub_kind: str
    cause: str
    responsibility: str
    operations: int
    customer: Numbers = field(repr=False)
    step: Numbers = field(repr=False)
    restored: Numbers = field(repr=False)

    @property
    def ended(self) -> int:
        return int(self.restored.max())


@lru_cache(maxsize=2)
def months_of(until: datetime) -> tuple[tuple[int, int], ...]:
    """(year, month) of three years up to an instant, in local time."""
    local = until.astimezone(ZONE)
    last = local.year * 12 + local.month - 1
    return tuple((place // 12, place % 12 + 1) for place in range(last - 12 * YEARS, last + 1))


def substation_events(past: Past, served: Served, substation: int) -> list[Event]:
    """Times when a section of the bus had no supply from above."""
    plan, found = past.plan, []
    feeders = np.flatnonzero(plan.substation_of_feeder == substation)
    code = substation_code(substation)
    for year, month in months_of(past.until):
        dice = np.random.default_rng([plan.seed, _SUBSTATION, substation, year * 12 + month])
        if dice.random() >= 2 * _LOSS_A_YEAR / 12:
            continue
        section = int(dice.integers(2))
        out = [int(feeder) for feeder in feeders if plan.place_in_substation(int(feeder)) % 2 == section]
        began, seconds = _moment(dice, year, month), int(dice.gamma(3, 8) * 60) + 300
        transformers = np.concatenate([np.array(plan.transformers_of(feeder)) for feeder in out] or [np.empty(0, int)])
        customers = served.out(transformers.astype(np.int64), out, began)
        event = Event(
            f"H{year}{month:02d}-{code}-1", f"{code}-CB{section + 1}", began, "unplanned", "fault", "loss_of_supply",
            "loss_of_supply", 1, customers, np.ones(len(customers), np.int64), np.full(len(customers), began + seconds),
        )  # fmt: skip
        if _is_past(event, past):
            found.append(event)
    return found


def feeder_events(past: Past, served: Served, number: int, above: Iterable[Event]) -> list[Event]:
    """The outages of a feeder; nobody is out twice at a time, `above` (of its substation) included."""
    feeder = feeder_reach(past.plan, number)
    kept: list[Event] = []
    taken = [(event.began, event.ended, 0, len(feeder.order)) for event in above]
    for year, month in months_of(past.until):
        dice = np.random.default_rng([past.plan.seed, _FEEDER, number, year * 12 + month])
        drawn = sorted(_month_of(past.plan, feeder, dice, year, month), key=lambda item: (item.began, item.device.code))
        for place, item in enumerate(drawn, start=1):
            end = item.began + item.seconds + 120
            own = item.began - 120, end, item.device.begin, item.device.end
            if any(a < own[1] and own[0] < b and lo < own[3] and own[2] < hi for a, b, lo, hi in taken):
                continue
            event = item.event(f"H{year}{month:02d}-{feeder_code(number)}-{place}", feeder, served, dice)
            if event is not None and _is_past(event, past):
                kept.append(event)
                taken.append(own)
    return kept


def _is_past(event: Event, past: Past) -> bool:
    oldest = past.until.replace(year=past.until.year - YEARS, day=min(past.until.day, 28))
    return bool(len(event.customer)) and event.began >= oldest.timestamp() and event.ended < past.until.timestamp()


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What the dice say happens: to which device, when, for how long."""

    device: Device
    began: int
    seconds: int
    kind: str
    sub_kind: str
    cause: str
    responsibility: str
    operations: int = 1

    def event(self, number: str, feeder: Feeder, served: Served, dice: np.random.Generator) -> Event | None:
        """The event with its rows; long ones of many transformers come back in steps, from the bus on."""
        transformers = feeder.order[self.device.begin : self.device.end]
        customers = served.out(transformers, [feeder.number], self.began)
        steps = 1
        if self.kind == "unplanned" and self.seconds > 1800 and len(transformers) >= 4:
            steps = 1 + int(dice.integers(3))
        step = np.ones(len(customers), np.int64)
        restored = np.full(len(customers), self.began + self.seconds)
        if steps > 1 and len(customers):
            place = np.searchsorted(np.unique(served.plan.transformer_of_customer[customers]),
                                    served.plan.transformer_of_customer[customers])  # fmt: skip
            step = 1 + place * steps // (int(place.max()) + 1)
            shares = np.sort(0.3 + 0.6 * dice.random(steps - 1))
            restored = self.began + (self.seconds * np.append(shares, 1.0)).astype(np.int64)[step - 1]
        return Event(
            number, self.device.code, self.began, self.kind, self.sub_kind, self.cause, self.responsibility,
            self.operations, customers, step, restored,
        )  # fmt: skip


def _month_of(plan: Plan, feeder: Feeder, dice: np.random.Generator, year: int, month: int) -> Iterator[_Drawn]:
    season = _SUMMER.get(month, 0.8)
    for device in feeder.devices:
        sort = _SORTS.get(device.kind)
        if sort is None or (device.kind == "load_break_switch" and "-UB" not in device.code):
            continue
        for _ in range(int(dice.poisson(sort.a_year / 12 * season))):
            yield _fault(device, sort, dice, _moment(dice, year, month), 1.0)
        for _ in range(int(dice.poisson(_MOMENTARY_A_YEAR.get(device.kind, 0.0) / 12 * season))):
            seconds, operations = int(dice.integers(1, 60)), 1 + int(dice.random() < 0.3)
            yield _Drawn(device, _moment(dice, year, month), seconds, "unplanned", "momentary", "transient",
                         "distribution", operations)  # fmt: skip
    if dice.random() < _PLANNED_A_YEAR / 12 / season:
        yield _planned(feeder, dice, year, month)
    town = int(plan.substation_of_feeder[feeder.number]) // SUBSTATIONS_A_TOWN
    storm = _storm(plan.seed, town, year, month)
    if storm is not None:
        yield from _in_storm(feeder, dice, storm)


def _fault(device: Device, sort: _Sort, dice: np.random.Generator, began: int, slow: float) -> _Drawn:
    minutes = sort.minutes * slow * (0.25 + 0.75 * dice.gamma(2, 0.5))
    cause = sort.causes[int(dice.integers(len(sort.causes)))]
    third = cause in ("vehicle", "excavation", "foreign_object")
    responsibility = "third_party" if third else sort.responsibility
    return _Drawn(device, began, int(minutes * 60) + 200, "unplanned", "fault", cause, responsibility)


def _planned(feeder: Feeder, dice: np.random.Generator, year: int, month: int) -> _Drawn:
    """Work by day on a part of the feeder: mostly a lateral or what lies behind a switch."""
    choices = [
        device for device in feeder.devices if device.kind in ("fuse", "load_break_switch", "recloser", "switch")
    ]
    weights = np.array([1.0 + 0.2 * (device.end - device.begin) for device in choices])
    device = choices[int(dice.choice(len(choices), p=weights / weights.sum()))]
    day = datetime(year, month, int(dice.integers(1, 29)), 8, tzinfo=ZONE)
    began = int(day.timestamp()) + int(dice.integers(0, 19)) * 300
    seconds = int(dice.integers(10, 29)) * 900
    cause = _PLANNED_CAUSES[int(dice.integers(len(_PLANNED_CAUSES)))]
    return _Drawn(device, began, seconds, "planned", "planned", cause, "distribution")


@lru_cache(maxsize=4096)
def _storm(seed: int, town: int, year: int, month: int) -> tuple[int, str] | None:
    """When a storm begins over a town in a month, and what it is."""
    dice = np.random.default_rng([seed, _STORM, town, year * 12 + month])
    if dice.random() >= _STORMS.get(month, 0.0):
        return None
    word = "ice" if month < 3 else "typhoon" if month == 9 else "lightning"
    return _moment(dice, year, month), word


def _in_storm(feeder: Feeder, dice: np.random.Generator, storm: tuple[int, str]) -> Iterator[_Drawn]:
    """Faults within eight hours, mended slowly because there are so many."""
    hit = [device for device in feeder.devices if device.kind in ("breaker", "recloser", "fuse", "transformer")]
    weights = np.array([{"breaker": 6.0, "recloser": 6.0}.get(device.kind, 1.0) for device in hit])
    for _ in range(int(dice.poisson(_STORM_FAULTS))):
        device = hit[int(dice.choice(len(hit), p=weights / weights.sum()))]
        fault = _fault(device, _SORTS[device.kind], dice, storm[0] + int(dice.integers(8 * 3600)), 3.0)
        yield _Drawn(device, fault.began, fault.seconds, "unplanned", "fault", storm[1], "distribution")


def _moment(dice: np.random.Generator, year: int, month: int) -> int:
    """Some second of a local month, rather in the afternoon."""
    first = datetime(year, month, 1, tzinfo=ZONE)
    hour = (15 + 5.5 * dice.standard_normal()) % 24
    return int(first.timestamp()) + int(dice.integers(28)) * _DAY + int(hour * 3600) + int(dice.integers(60))


def interruption_columns(events: list[Event]) -> Columns:
    """Columns of the layout `interruptions`."""
    counts = [len(event.customer) for event in events]
    row = np.repeat(np.arange(len(events)), counts)
    customers, place = np.unique(np.concatenate([event.customer for event in events]), return_inverse=True)

    def told(name: str) -> Coded:
        column = Coded.of([getattr(event, name) for event in events])
        return Coded(column.codes[row], column.values)

    return {
        "outage_no": told("number"),
        "step": np.concatenate([event.step for event in events]),
        "usage_point": Coded(place, [usage_point(customer) for customer in customers.tolist()]),
        "began_at": np.array([event.began for event in events], np.int64)[row].astype("datetime64[s]"),
        "restored_at": np.concatenate([event.restored for event in events]).astype("datetime64[s]"),
        "kind": told("kind"),
        "cause": told("cause"),
        "device": told("device"),
        "operations": np.array([event.operations for event in events])[row],
        "event_no": Coded(row, [event.number for event in events]),
        "responsibility": told("responsibility"),
        "sub_kind": told("sub_kind"),
    }
