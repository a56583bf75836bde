"""The demo utility's plan: how much there is of everything, what belongs to what, and what it is called. Pure.

Everything of the demo is a function of the number of usage points, the seed, and (for its past) the end of the past.
Things are counted from 0; a code is a function of such a number, so that anybody can say who lives where without a
database. Customers of one transformer have consecutive numbers, transformers of one feeder too.

A town has four substations, one in each quarter; a larger utility has several towns. A substation feeds up to three
urban feeders, two suburban ones and a rural one.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cis_power.demo.chance import draw, pick

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Reals = NDArray[np.float64]

SEED = 7
DEFAULT_CUSTOMERS = 20_000
CUSTOMERS_A_FEEDER = 20_000 / 24
CUSTOMERS_A_TRANSFORMER = 20_000 / 1_200
SUBSTATIONS_A_TOWN = 4
DISTRICTS_A_TOWN = 2

URBAN, SUBURBAN, RURAL = 0, 1, 2
STYLES = (URBAN, URBAN, SUBURBAN, URBAN, SUBURBAN, RURAL)
ZONES = {URBAN: 1, SUBURBAN: 2, RURAL: 3}

KINDS = ("residential", "commercial", "industrial", "agricultural", "public")
RESIDENTIAL, COMMERCIAL, INDUSTRIAL, AGRICULTURAL, PUBLIC = range(5)

# Of each style of feeder: share of the transformers, share of them that are one customer's own, weight of the others,
# and the chances of kinds among customers of the utility's transformers and of the customers' own.
_TRANSFORMERS = np.array([0.9, 1.0, 1.3])
_DEDICATED = np.array([0.18, 0.25, 0.15])
_CROWD = np.array([25.0, 21.0, 14.0])
_COMMON_KINDS = ((0.905, 0.085, 0, 0, 0.01), (0.935, 0.045, 0.005, 0.005, 0.01), (0.935, 0.02, 0.005, 0.03, 0.01))
_OWN_KINDS = ((0, 0.55, 0.15, 0, 0.3), (0, 0.2, 0.7, 0, 0.1), (0, 0, 0.35, 0.45, 0.2))
_RATED_KVA = (
    (4.0, 8.0, 8.0, 8.0, 12.0, 16.0),
    (12.0, 20.0, 20.0, 30.0, 40.0, 60.0),
    (30.0, 40.0, 50.0, 60.0, 80.0, 80.0),
    (10.0, 15.0, 20.0, 20.0, 30.0, 40.0),
    (15.0, 20.0, 30.0, 40.0, 50.0, 60.0),
)
CLASSES_KVA = (30.0, 50.0, 80.0, 100.0, 125.0, 160.0, 200.0, 250.0, 315.0, 400.0, 500.0, 630.0, 800.0, 1000.0, 1250.0)
_OWN_CLASSES = ((160.0, 200.0, 250.0, 315.0, 400.0, 630.0), (200.0, 315.0, 400.0, 500.0, 630.0, 1000.0),
                (50.0, 80.0, 100.0, 125.0, 160.0, 250.0))  # fmt: skip
# What of the rated capacity a group of customers of each kind takes together at its peak.
_TOGETHER = np.array([0.2, 0.4, 0.5, 0.35, 0.4])

_LETTERS = np.array(["A", "B", "C"])

_KIND, _OWN, _CROWDED, _RATED, _CLASS, _TIGHT, _PHASE, _SINGLE, _LETTER = range(1, 10)


@dataclass(frozen=True, eq=False)
class Plan:
    """The sizes of a utility and what belongs to what. Arrays are by number of feeder, transformer or customer.

    `first_transformer`, `first_customer`: transformers of feeder f are first[f] to first[f + 1]; customers of a
    transformer alike. `own`: transformers that belong to their only customer (专变). `kind`: place in KINDS.
    `transformer_phases`, `phases`: A, B, C, or empty for all three; of transformers and of usage points.
    """

    customers: int
    seed: int
    substations: int
    substation_of_feeder: Numbers = field(repr=False)
    first_transformer: Numbers = field(repr=False)
    first_customer: Numbers = field(repr=False)
    own: Flags = field(repr=False)
    kind: Numbers = field(repr=False)
    rated_kva: Reals = field(repr=False)
    transformer_kva: Reals = field(repr=False)
    feeder_of_transformer: Numbers = field(repr=False)
    transformer_of_customer: Numbers = field(repr=False)
    transformer_phases: NDArray[np.str_] = field(repr=False)
    phases: NDArray[np.str_] = field(repr=False)

    @property
    def feeders(self) -> int:
        return len(self.substation_of_feeder)

    @property
    def transformers(self) -> int:
        return len(self.own)

    @property
    def towns(self) -> int:
        return -(-self.substations // SUBSTATIONS_A_TOWN)

    @property
    def districts(self) -> int:
        """Districts below the company; each has sub-districts, one a style of feeder."""
        return min(self.substations, self.towns * DISTRICTS_A_TOWN)

    def place_in_substation(self, feeder: int) -> int:
        """The feeder's place among those of its substation, from 0; it decides the style."""
        return feeder - int(np.searchsorted(self.substation_of_feeder, self.substation_of_feeder[feeder]))

    def style(self, feeder: int) -> int:
        """URBAN, SUBURBAN or RURAL."""
        return STYLES[self.place_in_substation(feeder)]

    def transformers_of(self, feeder: int) -> range:
        return range(int(self.first_transformer[feeder]), int(self.first_transformer[feeder + 1]))

    def customers_of(self, transformer: int) -> range:
        return range(int(self.first_customer[transformer]), int(self.first_customer[transformer + 1]))

    def customers_of_feeder(self, feeder: int) -> range:
        transformers = self.transformers_of(feeder)
        return range(int(self.first_customer[transformers.start]), int(self.first_customer[transformers.stop]))

    def feeder_of_customer(self, customer: int) -> int:
        return int(self.feeder_of_transformer[self.transformer_of_customer[customer]])


@lru_cache(maxsize=4)
def plan(customers: int = DEFAULT_CUSTOMERS, seed: int = SEED) -> Plan:
    """The plan of a utility with this many usage points: about 833 a feeder and 17 a transformer."""
    feeders = max(2 if customers < 60 else 4, round(customers / CUSTOMERS_A_FEEDER))
    substations = max(2, -(-feeders // len(STYLES)))
    of_feeder = np.sort(np.arange(feeders) % substations)
    place = np.arange(feeders) - np.searchsorted(of_feeder, of_feeder)
    style = np.array(STYLES)[place]
    first_transformer = _shared(max(feeders, round(customers / CUSTOMERS_A_TRANSFORMER)), _TRANSFORMERS[style])
    feeder = np.repeat(np.arange(feeders), np.diff(first_transformer))
    own, first_customer = _transformers(customers, seed, first_transformer, style[feeder])
    transformer = np.repeat(np.arange(len(own)), np.diff(first_customer))
    kind, rated = _usage_points(seed, style[feeder][transformer], own[transformer])
    single = ~own & (style[feeder] == RURAL) & (draw(seed, _SINGLE, np.arange(len(own))) < 0.12)
    single[first_transformer[:-1]] = False
    of_transformer = np.where(single, _LETTERS[pick(seed, _LETTER, np.arange(len(own)), 3)], "")
    of_customer = np.where(kind == RESIDENTIAL, _LETTERS[pick(seed, _PHASE, np.arange(customers), 3)], "")
    return Plan(
        customers=customers,
        seed=seed,
        substations=substations,
        substation_of_feeder=of_feeder,
        first_transformer=first_transformer,
        first_customer=first_customer,
        own=own,
        kind=kind,
        rated_kva=rated,
        transformer_kva=_transformer_kva(seed, own, kind, rated, transformer),
        feeder_of_transformer=feeder,
        transformer_of_customer=transformer,
        transformer_phases=of_transformer,
        phases=np.where(single[transformer], of_transformer[transformer], of_customer),
    )


def _shared(total: int, weights: Reals) -> Numbers:
    """Share `total` by weights, at least one each: the first number of each part, and the end."""
    ends = len(weights) + np.rint(np.cumsum(weights) / weights.sum() * (total - len(weights))).astype(np.int64)
    first = np.zeros(len(weights) + 1, np.int64)
    first[1:] = ends - len(weights) + np.arange(1, len(weights) + 1)
    return first


def _transformers(customers: int, seed: int, first: Numbers, style: Numbers) -> tuple[Flags, Numbers]:
    """Which transformers are a customer's own, and the first customer of each; the first of a feeder is common."""
    numbers = np.arange(int(first[-1]))
    own = draw(seed, _OWN, numbers) < _DEDICATED[style]
    own[first[:-1]] = False
    crowd = _CROWD[style] * (0.5 + draw(seed, _CROWDED, numbers))
    counts = np.ones(len(numbers), np.int64)
    common = np.flatnonzero(~own)
    counts[common] = np.diff(_shared(customers - int(own.sum()), crowd[common]))
    return own, np.concatenate([[0], np.cumsum(counts)])


def _usage_points(seed: int, style: Numbers, own: Flags) -> tuple[Numbers, Reals]:
    """Kind and rated kVA of every usage point; the capacity of an own transformer comes with that."""
    numbers = np.arange(len(style))
    chance = draw(seed, _KIND, numbers)
    kind = np.zeros(len(style), np.int64)
    for shares, here in ((_COMMON_KINDS, ~own), (_OWN_KINDS, own)):
        for number, chances in enumerate(shares):
            chosen = here & (style == number)
            kind[chosen] = np.searchsorted(np.cumsum(chances)[:-1], chance[chosen], side="right")
    which = pick(seed, _RATED, numbers, len(_RATED_KVA[0]))
    rated = np.where(own, np.array(_OWN_CLASSES)[style, which], np.array(_RATED_KVA)[kind, which])
    return kind, rated


def _transformer_kva(seed: int, own: Flags, kind: Numbers, rated: Reals, transformer: Numbers) -> Reals:
    """The class of every transformer: what its customers take together and some to spare; a few are too small."""
    demand = np.bincount(transformer, rated * _TOGETHER[kind], minlength=len(own))
    numbers = np.arange(len(own))
    spare = np.where(draw(seed, _TIGHT, numbers) < 0.05, 0.6, 1.1 + 0.6 * draw(seed, _CLASS, numbers))
    classes = np.array(CLASSES_KVA)
    common = classes[np.minimum(np.searchsorted(classes, demand * spare), len(classes) - 1)]
    single = np.bincount(transformer, rated, minlength=len(own))
    return np.where(own, single, common)
