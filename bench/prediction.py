"""Faults are drawn, customers call, and two ways of judging name the devices: the exact one and the roll-up rule.

Truth is drawn at `TRUE_RATES` of the kinds of devices, which the exact way knows; `misjudged` gives it other rates, as
an operator's guess would be. Nothing is telemetered.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.result import Result, peak_memory_mb, percentile, seconds_of
from cis_power.outages.grid import Flags, Index
from cis_power.outages.prediction.candidates import Candidates
from cis_power.outages.prediction.chances import OPTIONS, Chances
from cis_power.outages.prediction.choosing import choose
from cis_power.outages.prediction.escalation import escalate
from cis_power.outages.prediction.evidence import weigh

SIZES = {"small": 20_000, "full": 1_000_000}
KINDS = ("breaker", "recloser", "fuse", "transformer")
TRUE_RATES = np.array([1.0, 1.5, 4.0, 1.0])
GUESSED_RATES = np.array([1.0, 1.0, 2.0, 2.0])
MINUTES = (2, 5, 10, 15)
CALLS_IN_15_MINUTES = 0.10
BACKGROUND = 5e-5
SPREAD = 20.0
ROUNDS = 5


@dataclass(frozen=True)
class Town:
    """Candidates of a generated utility, and the kind of each (place in KINDS)."""

    candidates: Candidates
    kind: Index

    @property
    def seats(self) -> int:
        return len(self.candidates.seat_phases)


def town(customers: int, seed: int) -> Town:
    """Feeders of three sections one behind the other, 3 to 7 laterals a section, 1 to 12 transformers a lateral."""
    rng = np.random.default_rng(seed)
    lo: list[int] = []
    hi: list[int] = []
    kinds: list[int] = []
    seats: list[int] = []

    def begin(kind: int) -> int:
        node = hi_node()
        lo.append(node)
        hi.append(node + 1)
        kinds.append(kind)
        return len(lo) - 1

    def hi_node() -> int:
        return hi[-1] if hi else 0

    while len(seats) < customers:
        trunk = [begin(0)]
        for _section in range(3):
            trunk.append(begin(1))
            for _lateral in range(rng.integers(3, 8)):
                fuse = begin(2)
                for _transformer in range(min(12, 1 + rng.geometric(0.4))):
                    node = lo[begin(3)]
                    seats += [node] * min(80, max(1, int(rng.gamma(1.5, 17 / 1.5))))
                hi[fuse] = hi[-1]
        for device in trunk:
            hi[device] = hi[-1]
    phases, taken = np.full(len(lo), 7, np.uint8), np.full(len(seats), 7, np.uint8)
    candidates, order = Candidates.of(np.array(lo), np.array(hi), phases, np.array(seats), taken)
    return Town(candidates, np.array(kinds)[order])


def prior(where: Town, faults: float, rates: np.ndarray) -> np.ndarray:
    """Probability that each device opened."""
    weight = rates[where.kind]
    return np.minimum(faults * weight / weight.sum(), 0.4)


def out_of(where: Town, devices: Index) -> Flags:
    """Which seats are below any of the devices."""
    edges = np.zeros(where.seats + 1, np.int64)
    np.add.at(edges, where.candidates.first[devices], 1)
    np.add.at(edges, where.candidates.last[devices], -1)
    return np.cumsum(edges)[:-1] > 0


def topmost(where: Town, devices: Index) -> Index:
    """Those of the devices that have none of them above."""
    covered = np.zeros(len(where.candidates) + 1, bool)
    marked = np.zeros(len(where.candidates) + 1, bool)
    marked[devices] = True
    for level in range(int(where.candidates.level.max()) + 1):
        rows = np.flatnonzero(where.candidates.level == level)
        above = where.candidates.parent[rows]
        covered[rows] = covered[above] | marked[above]
    return devices[~covered[devices]]


def count(where: Town, true: Index, named: Index, heard: Flags) -> dict[str, float]:
    """Numbers of devices and customers that `shares` is made of."""
    parent = where.candidates.parent
    near = np.isin(named, true) | np.isin(parent[named], true) | np.isin(named, parent[true])
    is_out, said, hit = out_of(where, true), out_of(where, named), np.isin(true, named)
    numbers = {
        "true": len(true), "heard": heard.sum(), "hit": hit.sum(), "heard_hit": hit[heard].sum(), "named": len(named),
        "right": np.isin(named, true).sum(), "near": near.sum(), "out": is_out.sum(), "said": said.sum(),
        "out_and_said": (is_out & said).sum(),
    }  # fmt: skip
    return {name: float(number) for name, number in numbers.items()}


def shares(numbers: dict[str, float]) -> dict[str, float]:
    """True devices named exactly (of all, of those anybody called about), false names, names within one device, F1."""
    answer = {
        "exact": numbers["hit"] / max(1, numbers["true"]),
        "exact_of_heard": numbers["heard_hit"] / max(1, numbers["heard"]),
        "false": 1 - numbers["right"] / max(1, numbers["named"]),
        "within_one": numbers["near"] / max(1, numbers["named"]),
        "customer_f1": 2 * numbers["out_and_said"] / max(1, numbers["out"] + numbers["said"]),
    }
    if "expected" in numbers:
        answer["calibration_error"] = abs(numbers["expected"] - numbers["right"]) / max(1, numbers["named"])
    return answer


def replay(where: Town, faults: int, minutes: float, seed: int) -> dict[str, dict[str, float]]:
    """One draw of faults and calls, judged after some minutes."""
    rng = np.random.default_rng([seed, int(minutes)])
    faulted = np.flatnonzero(np.random.default_rng(seed).random(len(where.kind)) < prior(where, faults, TRUE_RATES))
    true = topmost(where, faulted)
    calling = CALLS_IN_15_MINUTES * (1 - np.exp(-minutes / 5)) / (1 - np.exp(-3))
    callers = np.flatnonzero(
        rng.random(where.seats) < np.where(out_of(where, true), calling, BACKGROUND * minutes / 15)
    )
    heard = where.candidates.count(callers, true).sum(axis=1) > 0
    answers = {}
    for name, rates in (("exact", TRUE_RATES), ("misjudged", GUESSED_RATES)):
        opened = np.zeros((len(where.kind), OPTIONS))
        opened[:, 0] = prior(where, faults, rates)
        chances = Chances(opened, (calling * SPREAD, (1 - calling) * SPREAD), BACKGROUND * minutes / 15)
        evidence = weigh(where.candidates, chances, callers)
        verdict = choose(evidence)
        named = evidence.devices[verdict.device]
        answers[name] = count(where, true, named, heard) | {"expected": float(verdict.probability.sum())}
    everything = np.ones(len(where.kind), bool)
    named = escalate(where.candidates, where.kind == KINDS.index("transformer"), everything, callers)
    return answers | {"rule": count(where, true, named, heard)}


def run(size: int, database: str) -> Result:
    """`size`: customers. The peer is the roll-up rule; the limit is to name every device that anybody called about."""
    where = town(size, seed=3)
    storm, blue_sky = max(4, size * 800 // 1_000_000), max(1, size * 5 // 1_000_000)
    table: dict[str, Any] = {}
    for weather, faults in (("storm", storm), ("blue_sky", blue_sky)):
        for minutes in MINUTES:
            rounds = [
                replay(where, faults, minutes, seed) for seed in range(ROUNDS if weather == "storm" else ROUNDS * 4)
            ]
            table[f"{weather}_{minutes}_min"] = {
                who: shares({name: sum(one[who][name] for one in rounds) for name in rounds[0][who]})
                for who in rounds[0]
            }
    at_15 = table["storm_15_min"]
    return Result(
        "prediction",
        {"customers": where.seats, "devices": len(where.kind), "storm_faults": storm, "blue_sky_faults": blue_sky},
        {key: {who: part[who] for who in ("exact", "misjudged")} for key, part in table.items()} | _speed(where),
        {key: part["rule"] for key, part in table.items()},
        {"storm_15_min": {"exact": at_15["exact"]["exact"] / max(1e-9, at_15["exact"]["exact_of_heard"])}},
        at_15["exact"]["exact"] / max(1e-9, at_15["rule"]["exact"]),
        at_15["exact"]["exact_of_heard"],
        peak_memory_mb(),
    )


def _speed(where: Town) -> dict[str, float]:
    """Time from calls to devices, with as many faults as 10,000 calls (or a hundredth of the customers) need."""
    rng = np.random.default_rng(5)
    wanted = min(10_000, where.seats // 100)
    order = topmost(where, np.sort(rng.permutation(len(where.kind))[: len(where.kind) // 8]))
    hit = np.flatnonzero(out_of(where, order))
    callers = np.sort(rng.permutation(hit)[:wanted])
    opened = np.zeros((len(where.kind), OPTIONS))
    opened[:, 0] = prior(where, len(where.kind) / 8, TRUE_RATES)
    chances = Chances(opened, (CALLS_IN_15_MINUTES * SPREAD, (1 - CALLS_IN_15_MINUTES) * SPREAD), BACKGROUND)
    times = [seconds_of(lambda: choose(weigh(where.candidates, chances, callers))) for _ in range(20)]
    return {"calls": len(callers), "calls_to_devices_p50_ms": 1000 * percentile(times, 0.5)}
