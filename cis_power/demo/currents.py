"""Hourly history of the demo utility's transformers, feeders and substations, as their points would have told it. Pure.

A transformer carries what its usage points take together; a feeder the sum of its transformers; who was out took
nothing. Powers and currents follow the simulator: no losses, currents at nominal voltage.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis_power.core.columns import Coded
from cis_power.demo.chance import bits
from cis_power.demo.codes import feeder_code, substation_code, transformer_code
from cis_power.demo.faults import Event
from cis_power.demo.part import MEDIUM_V
from cis_power.demo.past import HOUR, Past, means_kw
from cis_power.demo.plan import KINDS, Numbers, Plan, Reals
from scada_bridge.simulator.loads import power_factors

_NOISE, _SILENCE = 220, 221
_NOISES = 4096
_SOURCE_PU, _SOURCE_SAG, _LINE_SAG = 1.04, 0.03, 0.04
_TAN = np.tan(np.arccos(power_factors()))


@dataclass(frozen=True, eq=False)
class Curves:
    """Hourly values of some points: `point_ids` (n), `values` (n, hours), NaN while nobody answered."""

    point_ids: list[str] = field(repr=False)
    values: NDArray[np.float32] = field(repr=False)

    def columns(self, past: Past) -> tuple[Coded, Numbers, NDArray[np.float32]]:
        """Points, instants (epoch seconds) and values, a row a value."""
        count = len(past.hours)
        points = Coded(np.repeat(np.arange(len(self.point_ids)), count), self.point_ids)
        return points, np.tile(past.hours, len(self.point_ids)), self.values.ravel()


@lru_cache(maxsize=2)
def weights(plan: Plan) -> Reals:
    """Mean load of each kind at each transformer (transformers, KINDS), in kW."""
    place = plan.transformer_of_customer * len(KINDS) + plan.kind
    found = np.bincount(place, means_kw(plan), minlength=plan.transformers * len(KINDS))
    return np.asarray(found, np.float64).reshape(-1, len(KINDS))


def transformer_kw(past: Past, transformers: Numbers, events: Iterable[Event]) -> NDArray[np.float32]:
    """Mean load of every hour (n, hours) of transformers, which must be consecutive."""
    plan, count = past.plan, len(past.hours)
    power = (weights(plan)[transformers].astype(np.float32)) @ past.shape.T.astype(np.float32)
    begin = (bits(plan.seed, _NOISE, transformers) % np.uint64(_NOISES)).astype(np.int64)
    for row, first in enumerate(begin.tolist()):
        power[row] *= np.take(_noise(plan.seed, count), range(first, first + count), mode="wrap")
    for event in events:
        _take_out(past, power, int(transformers[0]), event)
    return power


@lru_cache(maxsize=2)
def _noise(seed: int, count: int) -> NDArray[np.float32]:
    dice = np.random.default_rng([seed, _NOISE])
    return (1 + 0.02 * dice.standard_normal(_NOISES + count)).astype(np.float32)


def _take_out(past: Past, power: NDArray[np.float32], first: int, event: Event) -> None:
    """Who was out took nothing."""
    if event.ended <= past.hours[0] or not len(event.customer):
        return
    plan, mean = past.plan, means_kw(past.plan)
    for restored in np.unique(event.restored).tolist():
        customers = event.customer[event.restored == restored]
        place = plan.transformer_of_customer[customers] - first
        inside = (place >= 0) & (place < len(power))
        if not inside.any():
            continue
        lost = np.bincount(place[inside], mean[customers[inside]], minlength=len(power))
        hit = np.flatnonzero(lost)
        share = np.minimum(lost[hit] / weights(plan)[first + hit].sum(axis=1), 1.0)
        low = max(0, (event.began - int(past.hours[0])) // HOUR)
        high = min(len(past.hours), (restored - int(past.hours[0])) // HOUR + 1)
        begins = past.hours[low:high]
        during = (np.minimum(begins + HOUR, restored) - np.maximum(begins, event.began)) / HOUR
        power[hit, low:high] *= 1 - share[:, None].astype(np.float32) * np.clip(during, 0, 1).astype(np.float32)


def transformer_curves(past: Past, transformers: Numbers, power: NDArray[np.float32]) -> Curves:
    """Powers of transformers."""
    names = [f"{transformer_code(past.plan, number)}.p" for number in transformers.tolist()]
    return Curves(names, _silenced(past, transformers, power))


def _silenced(past: Past, transformers: Numbers, power: NDArray[np.float32]) -> NDArray[np.float32]:
    """The values without those of hours in which the substation's RTU did not answer."""
    told = power.copy()
    substations = past.plan.substation_of_feeder[past.plan.feeder_of_transformer[transformers]]
    for substation in np.unique(substations).tolist():
        told[np.ix_(substations == substation, silent_hours(past, substation))] = np.nan
    return told


def silent_hours(past: Past, substation: int) -> NDArray[np.bool_]:
    """Hours in which an RTU did not answer: some outages of communication a year, of some hours."""
    dice = np.random.default_rng([past.plan.seed, _SILENCE, substation])
    silent = np.zeros(len(past.hours), np.bool_)
    for begin, length in zip(dice.random(6), dice.integers(1, 7, 6), strict=True):
        first = int(begin * len(silent))
        silent[first : first + int(length)] = True
    return silent


def feeder_curves(past: Past, feeders: list[int], power: NDArray[np.float32], first: int) -> Curves:
    """Currents, powers and end voltages of feeders out of the loads of their transformers; `first`: number of the
    first transformer in `power`."""
    plan = past.plan
    names: list[str] = []
    rows: list[NDArray[Any]] = []
    for feeder in feeders:
        own = plan.transformers_of(feeder)
        kind = weights(plan)[own.start : own.stop].sum(axis=0)
        active = power[own.start - first : own.stop - first].sum(axis=0, dtype=np.float64)
        usual = past.shape @ kind
        taking = active / np.maximum(usual, 1e-9)
        apparent = (past.shape @ (kind / power_factors())) * taking
        reactive = (past.shape @ (kind * _TAN)) * taking
        sag = (_SOURCE_SAG + _LINE_SAG) * usual / max(float(usual.max()), 1e-9)
        volts = np.where(active > 0, MEDIUM_V * (_SOURCE_PU - sag), 0.0)
        silent = silent_hours(past, int(plan.substation_of_feeder[feeder]))
        code = feeder_code(feeder)
        amperes = apparent * 1000 / (np.sqrt(3) * MEDIUM_V)
        for name, values in (("i", amperes), ("p", active), ("q", reactive), ("vend", np.round(volts))):
            names.append(f"{code}.{name}")
            rows.append(np.where(silent, np.nan, values))
    return Curves(names, np.array(rows, np.float32))


def substation_curves(past: Past, substation: int, feeder_kw: dict[int, NDArray[np.float32]]) -> Curves:
    """Powers of a substation's transformers and voltages of its bus out of the powers of its feeders."""
    plan, code = past.plan, substation_code(substation)
    names: list[str] = []
    rows: list[NDArray[Any]] = []
    for section in (1, 2):
        own = [kw for feeder, kw in feeder_kw.items() if plan.place_in_substation(feeder) % 2 + 1 == section]
        active = np.sum(own, axis=0) if own else np.zeros(len(past.hours), np.float32)
        volts = MEDIUM_V * (_SOURCE_PU - _SOURCE_SAG * active / max(float(np.nanmax(active)), 1e-9))
        names += [f"{code}-MT{section}.p", f"{code}-B{section}.v"]
        rows += [active, np.round(volts)]
    return Curves(names, np.array(rows, np.float32))
