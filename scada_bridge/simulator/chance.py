"""What breaks by chance: drawn from a seed, one thing after the other, whenever it is asked; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scada_bridge.simulator.field import EDGE_KINDS, Field, Floats
from scada_bridge.simulator.happenings import BROKEN, MOMENTARY, PERMANENT, Fault
from scada_bridge.simulator.protection import clearing
from scada_bridge.simulator.state import State

_ELECTRICAL = ((MOMENTARY, 0.45), (PERMANENT, 0.45), (BROKEN, 0.1))
_COMMUNICATION = (
    ("silent", 0.3),
    ("bad", 0.2),
    ("intermediate", 0.1),
    ("garbage", 0.1),
    ("short", 0.1),
    ("frozen", 0.1),
    ("skew", 0.1),
)
_COMM_SECONDS = (20.0, 180.0)
_LOW_V = 1_000.0
_TRIES = 200


@dataclass(frozen=True, slots=True)
class Rates:
    """How often things go wrong by themselves, an hour. `first_fault_s`: a breaker trips so long after the start."""

    faults_per_hour: float = 0.0
    comm_faults_per_hour: float = 0.0
    first_fault_s: float | None = None


@dataclass(frozen=True, slots=True)
class Blow:
    """Something goes wrong: `target` is an equipment, or a source for `seconds`."""

    at: float
    target: str
    kind: str
    seconds: float | None = None


class Chance:
    """What goes wrong from `began` on; `due` answers it in order. It asks the normal state only, so it never depends
    on what else happened."""

    def __init__(self, seed: int, rates: Rates, state: State, sources: Sequence[str], began: float) -> None:
        self._dice = {name: np.random.default_rng([seed, 5, place]) for place, name in enumerate(("field", "comm"))}
        self._rates, self._sources = rates, sorted(sources)
        self._targets, self._weights = _targets(state.field)
        self._next = {"field": self._wait("field", began), "comm": self._wait("comm", began)}
        self._first: Blow | None = None
        if rates.first_fault_s is not None and self._targets:
            target = self._behind_a_breaker(state)
            self._first = Blow(began + rates.first_fault_s, target, PERMANENT)

    @property
    def next_at(self) -> float:
        """When something goes wrong next; infinite: never."""
        first = np.inf if self._first is None else self._first.at
        return float(min(first, *self._next.values()))

    def due(self, now: float) -> list[Blow]:
        """What has gone wrong by `now` and was not answered before."""
        found = []
        if self._first is not None and self._first.at <= now:
            found.append(self._first)
            self._first = None
        for what, draw in (("field", self._strike), ("comm", self._trouble)):
            while self._next[what] <= now:
                found.append(draw(self._next[what]))
                self._next[what] = self._wait(what, self._next[what])
        return sorted(found, key=lambda blow: blow.at)

    def _wait(self, what: str, since: float) -> float:
        rate = self._rates.faults_per_hour if what == "field" else self._rates.comm_faults_per_hour
        possible = bool(self._targets) if what == "field" else bool(self._sources)
        if rate <= 0 or not possible:
            return float("inf")
        return since + float(self._dice[what].exponential(3600 / rate))

    def _strike(self, at: float) -> Blow:
        dice = self._dice["field"]
        target = self._targets[int(dice.choice(len(self._targets), p=self._weights))]
        return Blow(at, target, _picked(dice, _ELECTRICAL))

    def _trouble(self, at: float) -> Blow:
        dice = self._dice["comm"]
        source = self._sources[int(dice.integers(len(self._sources)))]
        return Blow(at, source, _picked(dice, _COMMUNICATION), float(dice.uniform(*_COMM_SECONDS)))

    def _behind_a_breaker(self, state: State) -> str:
        """Something whose short circuit trips a breaker in the normal state; anything where nothing does."""
        code = ""
        for _ in range(_TRIES):
            code = self._targets[int(self._dice["field"].choice(len(self._targets), p=self._weights))]
            opening = clearing(state, Fault(0, PERMANENT, state.field.edges_of(code)[0], 7))
            if opening is not None and opening.kind == "breaker":
                break
        return code


def _picked(dice: np.random.Generator, choices: Sequence[tuple[str, float]]) -> str:
    shares = np.array([share for _, share in choices])
    return choices[int(dice.choice(len(choices), p=shares / shares.sum()))][0]


def _targets(field: Field) -> tuple[list[str], Floats]:
    """What may break, by code, and how likely: lines above all, at low voltage and transformers more seldom."""
    weights: dict[str, float] = {}
    volts = np.nan_to_num(field.nominal_v, nan=10_000.0)
    for edge, code in enumerate(field.edges):
        kind = EDGE_KINDS[field.kind[edge]]
        if kind == "line":
            is_low = volts[field.edge_from[edge]] <= _LOW_V
            weights[code] = 0.1 if is_low else 1.0
        elif kind == "transformer":
            weights[code] = 0.1
    codes = sorted(weights)
    found = np.array([weights[code] for code in codes])
    return codes, found / found.sum() if len(found) else found
