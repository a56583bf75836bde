"""The chosen set, its probability, the shares and the runners-up against trying every set."""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
from scipy.special import betaln

from cis_power.outages.prediction.candidates import Candidates
from cis_power.outages.prediction.chances import OPTIONS, Chances, masks_of
from cis_power.outages.prediction.choosing import choose
from cis_power.outages.prediction.evidence import weigh
from cis_power.outages.prediction.runners_up import runners_up


@dataclass(frozen=True)
class Case:
    """A random forest with customers, what is likely in it, and who called or is known to be live."""

    candidates: Candidates
    chances: Chances
    callers: np.ndarray
    live: np.ndarray


def random_case(seed: int, most_devices: int, single_phases: bool) -> Case:
    rng = np.random.default_rng(seed)
    nodes = int(rng.integers(2, 20))
    parent = np.array([-1, *(int(rng.integers(max(0, node - 4), node)) for node in range(1, nodes))])
    number, behind = _preorder(parent)
    devices = rng.permutation(nodes)[: int(rng.integers(min(nodes, most_devices) // 2, min(nodes, most_devices) + 1))]
    carried = _phases(rng, parent) if single_phases else np.full(nodes, 7, np.uint8)
    seats = rng.integers(0, nodes, int(rng.integers(1, 30)))
    seats = seats[np.argsort(number[seats], kind="stable")]
    taken = carried[seats] & rng.choice([1, 2, 4, 7, 7], len(seats)) if single_phases else carried[seats]
    taken = np.where(taken == 0, carried[seats], taken)
    candidates, order = Candidates.of(number[devices], behind[devices], carried[devices], number[seats], taken)
    opened = np.zeros((len(devices), OPTIONS))
    opened[:, 0] = rng.choice([0.001, 0.02, 0.1, 0.2, 0.0], len(devices), p=[0.3, 0.3, 0.2, 0.1, 0.1])
    if single_phases:
        opened[:, 1:] = rng.choice([0.0, 0.01, 0.08], (len(devices), 3)) * (masks_of(carried[devices])[:, 1:] > 0)
        opened[:, 1:][np.isin(carried[devices], (1, 2, 4))] = 0
    chances = Chances(opened[order], (float(rng.uniform(0.5, 4)), float(rng.uniform(4, 20))), 0.005)
    callers = np.flatnonzero(rng.random(len(seats)) < rng.choice([0.1, 0.3, 0.8]))
    live = np.flatnonzero(rng.random(len(seats)) < rng.choice([0.0, 0.0, 0.1]))
    return Case(candidates, chances, callers, np.setdiff1d(live, callers))


def _preorder(parent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    number, behind, count = np.zeros(len(parent), np.int64), np.zeros(len(parent), np.int64), 0

    def visit(node: int) -> None:
        nonlocal count
        number[node], count = count, count + 1
        for child in np.flatnonzero(parent == node).tolist():
            visit(child)
        behind[node] = count

    visit(0)
    return number, behind


def _phases(rng: np.random.Generator, parent: np.ndarray) -> np.ndarray:
    carried = np.full(len(parent), 7, np.uint8)
    for node in range(1, len(parent)):
        carried[node] = carried[parent[node]] & rng.choice([7, 7, 7, 3, 6, 1, 2, 4])
        carried[node] = carried[node] or carried[parent[node]]
    return carried


def every_set(case: Case) -> dict[tuple[tuple[int, int], ...], float]:
    """Log weight of every set of openings with effect, from all sets of openings; devices as candidates' places."""
    found, chances = case.candidates, case.chances
    about = [
        device for device in range(len(found))
        if any(found.first[device] <= seat < found.last[device] for seat in case.callers)
    ]  # fmt: skip
    masks, odds = masks_of(found.phases), chances.opened / (1 - chances.opened.sum(axis=1, keepdims=True))
    alpha, beta = chances.calling
    callers, live, taken = set(case.callers.tolist()), set(case.live.tolist()), found.seat_phases.tolist()
    weights: dict[tuple[tuple[int, int], ...], float] = {}
    choices = [[-1, *(option for option in range(OPTIONS) if odds[device, option] > 0)] for device in about]
    for picked in product(*choices):
        dead = {-1: 0}
        weight, effects, lost, possible = 0.0, [], set(), True
        for device, option in zip(about, picked, strict=True):
            above = dead[int(found.parent[device])]
            opened = int(masks[device, option]) if option >= 0 else 0
            weight += math.log(odds[device, option]) if option >= 0 else 0.0
            dead[device] = above | opened
            if not opened & ~above:
                continue
            effects.append((device, opened & ~above))
            seats = range(int(found.first[device]), int(found.last[device]))
            possible &= not any(seat in live and taken[seat] & opened & ~above for seat in seats)
            out = [
                seat for seat in seats
                if taken[seat] & opened and not taken[seat] & above and seat not in lost
            ]  # fmt: skip
            lost.update(out)
            called = sum(seat in callers for seat in out)
            weight += betaln(alpha + called, beta + len(out) - called) - betaln(alpha, beta)
            weight -= called * math.log(chances.background) + (len(out) - called) * math.log1p(-chances.background)
        if possible:
            key = tuple(effects)
            weights[key] = float(np.logaddexp(weights.get(key, -math.inf), weight))
    return weights


def check(case: Case) -> int:
    """Compare everything with trying all sets; answers how many there were."""
    evidence = weigh(case.candidates, case.chances, case.callers, case.live)
    weights = every_set(case)
    if not len(evidence.devices):
        assert list(weights) == [()]
        return 1
    verdict = choose(evidence)
    names = evidence.devices.tolist()
    chosen = tuple((names[device], int(opened)) for device, opened in zip(verdict.device, verdict.opened, strict=True))
    best = max(weights.values())
    assert weights[chosen] == pytest.approx(best, abs=1e-9)
    total = np.logaddexp.reduce(list(weights.values()))
    tops = np.flatnonzero(evidence.parent < 0)
    assert np.prod(verdict.of_set[tops]) == pytest.approx(math.exp(best - total), rel=1e-9)
    for device, probability in zip(verdict.device, verdict.probability, strict=True):
        with_it = [weight for key, weight in weights.items() if names[device] in dict(key)]
        assert probability == pytest.approx(math.exp(np.logaddexp.reduce(with_it) - total), rel=1e-9)
    if len(tops) == 1:
        expected = sorted((math.exp(weight - total) for weight in weights.values()), reverse=True)[:5]
        ranked = runners_up(evidence, int(tops[0]), 5)
        assert [one.probability for one in ranked] == pytest.approx(expected, rel=1e-9)
        for one in ranked:
            key = tuple((names[device], opened) for device, opened in one.openings)
            assert math.exp(weights[tuple(sorted(key))] - total) == pytest.approx(one.probability, rel=1e-9)
    return len(weights)


@pytest.mark.parametrize("single_phases", [False, True])
def test_equals_trying_every_set(single_phases: bool) -> None:
    tried = sum(check(random_case(seed, 4 if single_phases else 9, single_phases)) for seed in range(150))
    assert tried > 500


@pytest.mark.soak
def test_equals_trying_every_set_of_up_to_twelve_devices() -> None:
    for seed in range(10_000):
        check(random_case(seed, 12, single_phases=False))
