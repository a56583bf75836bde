"""Reliability indices of IEEE Std 1366, from spells. Pure.

N_T is the average number of customers served, L_T their connected load; `period_minutes` the length of the period.
An index whose divisor is unknown or zero is None.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.reliability.spells import UNNAMED, Spells, momentary_events


@dataclass(frozen=True, slots=True)
class Served:
    """Who was served: `customers` N_T, `kva` L_T, `period_minutes`."""

    customers: float
    kva: float
    period_minutes: float


@dataclass(frozen=True, slots=True)
class Indices:
    """The indices of a period; minutes and times as IEEE 1366 defines them."""

    saifi: float | None
    saidi: float | None
    caidi: float | None
    ctaidi: float | None
    caifi: float | None
    asai: float | None
    asifi: float | None
    asidi: float | None
    maifi: float | None
    maifie: float | None


def indices(given: Spells, served: Served) -> Indices:
    """All indices. Interruptions still open count in frequencies; their minutes are in no index."""
    done = given.sustained & ~given.open
    minutes = np.where(done, given.seconds / 60.0, 0.0)
    customers = given.rows.customers
    kva = np.nan_to_num(given.rows.kva)
    interrupted = float(customers[given.counts].sum())
    customer_minutes = float((minutes * customers).sum())
    named = given.rows.usage_point != UNNAMED
    distinct = len(np.unique(given.rows.usage_point[given.sustained & named]))
    brief = given.momentary
    saifi = ratio(interrupted, served.customers)
    saidi = ratio(customer_minutes, served.customers)
    unserved = ratio(customer_minutes, served.customers * served.period_minutes)
    return Indices(
        saifi=saifi,
        saidi=saidi,
        caidi=ratio(customer_minutes, interrupted),
        ctaidi=ratio(float((minutes * customers)[named].sum()), distinct),
        caifi=ratio(float(customers[given.counts & named].sum()), distinct),
        asai=None if unserved is None else 1.0 - unserved,
        asifi=ratio(float(kva[given.counts].sum()), served.kva),
        asidi=ratio(float((kva * minutes).sum()), served.kva),
        maifi=ratio(float((given.rows.operations * customers)[brief].sum()), served.customers),
        maifie=ratio(float(momentary_events(given).sum()), served.customers),
    )


def customers_with_interruptions(given: Spells, thresholds: Iterable[int], momentary: bool = False) -> dict[int, int]:
    """CEMI (with `momentary` CEMSMI): how many named customers had at least n interruptions, for each n."""
    named = given.rows.usage_point != UNNAMED
    counted = given.counts & named
    owners = given.rows.usage_point[counted]
    if momentary:
        begun = (momentary_events(given) > 0) & named
        owners = np.concatenate([owners, given.rows.usage_point[begun]])
    _, counts = np.unique(owners, return_counts=True)
    return {threshold: int((counts >= threshold).sum()) for threshold in thresholds}


def customers_with_long_interruptions(given: Spells, hours: Iterable[float], total: bool) -> dict[float, int]:
    """CELID: named customers with one interruption of at least so many hours, or (`total`) with that many in all."""
    done = given.sustained & ~given.open & (given.rows.usage_point != UNNAMED)
    key = given.rows.usage_point[done] if total else given.interruption[done]
    keys, place = np.unique(key, return_inverse=True)
    seconds = np.bincount(place, given.seconds[done], len(keys)) if len(keys) else np.empty(0)
    owners = keys if total else _owners(given, keys)
    return {limit: len(np.unique(owners[seconds >= limit * 3600.0])) for limit in hours}


def ratio(part: float, whole: float) -> float | None:
    """A quotient, or None where it has no meaning."""
    return part / whole if whole else None


def _owners(given: Spells, interruptions: NDArray[np.int64]) -> NDArray[np.int64]:
    first = np.searchsorted(given.interruption, interruptions)  # spells are ordered by interruption
    return given.rows.usage_point[first]
