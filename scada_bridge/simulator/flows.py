"""What flows in the field at an instant: loads, what passes each edge, voltages; pure.

Currents are those of the nominal voltage, so that they add up; powers are what usage points take, without losses.
"""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from scada_bridge.simulator.field import EDGE_KINDS, Field, Floats, Index, Mask
from scada_bridge.simulator.loads import power_factors, shapes
from scada_bridge.simulator.trace import Tree

_USUAL_V = 10_000.0
_LOW_V = 1_000.0
# A usual line: Ω per km and km of one edge, at high and at low voltage; no way to the end is longer than the last.
_OHM_KM, _REACTANCE_KM = 0.13, 0.33
_EDGE_KM, _LONGEST_KM = (0.25, 0.03), (12.0, 0.4)
_SOURCE_PU, _SOURCE_SAG = 1.04, 0.03
_TRANSFORMER_SAG = 0.03
_LEAST_PU = 0.7
# Unmet needs after a loss: at most so much more than usual, growing and decaying with these times in seconds.
_PICKUP, _PICKUP_GROWS, _PICKUP_DECAYS = 0.9, 1200.0, 600.0
_TAN = np.tan(np.arccos(power_factors()))
_BITS = np.array([bin(mask).count("1") for mask in range(8)], np.float64)


@dataclass(frozen=True, slots=True)
class Flow:
    """One instant. `p_kw`, `q_kvar`, `s_kva` (n): what flows into each node from above. `voltage` (n): per unit.

    `s_kva` adds up the apparent powers of the loads, as their currents do.
    """

    p_kw: Floats
    q_kvar: Floats
    s_kva: Floats
    voltage: Floats


class Physics:
    """What does not change with the state: wobble of each load, lengths of lines, bases of voltages."""

    def __init__(self, field: Field, zone: ZoneInfo, normal: Tree, weights: Floats) -> None:
        self._field, self._zone = field, zone
        count = field.node_count
        dice = np.random.default_rng([count, 11])
        self._phase = dice.random((2, count))
        self._pace = 1 / np.array([dice.uniform(1200, 3600, count), dice.uniform(300, 600, count)])
        self.nominal_v = _known_voltages(field, normal)
        self._km = _lengths(field, normal, self.nominal_v)
        self._peak_kva = 2.5 * normal.below(weights.sum(axis=1))

    def loads(self, weights: Floats, pickup: Floats, at: float) -> tuple[Floats, Floats]:
        """Active and reactive power that each node takes for itself (n), in kW and kvar."""
        shape = shapes(np.array([at]), self._zone)[0]
        turns = 2 * np.pi * (at * self._pace + self._phase)
        own = (1 + 0.03 * np.sin(turns[0]) + 0.01 * np.sin(turns[1])) * (1 + pickup)
        return (weights @ shape) * own, (weights @ (shape * _TAN)) * own

    def flow(self, tree: Tree, live: Mask, weights: Floats, pickup: Floats, at: float) -> Flow:
        """What flows when supply takes this way."""
        p, q = self.loads(weights, pickup, at)
        p_below, q_below, s_below = (tree.below(amount) for amount in (p, q, np.hypot(p, q)))
        drop = tree.above(self._drops(tree, p_below, q_below, s_below))
        voltage = np.where(live > 0, np.maximum(_SOURCE_PU - drop, _LEAST_PU), 0.0)
        return Flow(p_below, q_below, s_below, voltage)

    def _drops(self, tree: Tree, p: Floats, q: Floats, s: Floats) -> Floats:
        """How much lower each node lies than what feeds it, per unit."""
        field, edge = self._field, tree.parent_edge
        fed = np.flatnonzero(edge >= 0)
        kind, own = field.kind[edge[fed]], edge[fed]
        drops = np.zeros(field.node_count)
        ohm = self._km[own] / (self.nominal_v[fed] / 1000) ** 2 / 1000
        line = (p[fed] * _OHM_KM + q[fed] * _REACTANCE_KM) * ohm
        rated = np.where(np.isnan(field.rated_kva[own]), np.maximum(2 * s[fed], 1.0), field.rated_kva[own])
        transformer = _TRANSFORMER_SAG * s[fed] / np.maximum(rated, 1.0)
        drops[fed] = np.where(kind == EDGE_KINDS.index("transformer"), transformer, line)
        sources = np.flatnonzero((edge < 0) & (tree.depth >= 0))
        drops[sources] = _SOURCE_SAG * s[sources] / np.maximum(self._peak_kva[sources], 1.0)
        return drops


class Pickup:
    """Cold-load pickup: who was without supply takes more for a while, the more the longer it lasted."""

    def __init__(self, count: int) -> None:
        self._lost_at = np.full(count, np.nan)
        self._extra = np.zeros(count)
        self._since = np.zeros(count)

    def turned(self, before: Mask, after: Mask, at: float) -> None:
        """Nodes went from these live phases to those."""
        lost, back = (before > 0) & (after == 0), (before == 0) & (after > 0)
        held = self.at(at)
        self._lost_at[lost] = at
        missed = np.nan_to_num(at - self._lost_at[back])
        grown = _PICKUP * -np.expm1(-missed / _PICKUP_GROWS)
        self._extra[back], self._since[back] = np.maximum(grown, held[back]), at
        self._lost_at[back] = np.nan

    def at(self, at: float) -> Floats:
        """How much more than usual each node takes (n), as a share."""
        if not self._extra.any():
            return self._extra
        more: Floats = self._extra * np.exp(-(at - self._since) / _PICKUP_DECAYS)
        return more


def amperes(s_kva: Floats, nominal_v: Floats, phases: Mask) -> Floats:
    """Current in A of apparent power over so many phases at nominal voltage (V line to line)."""
    found: Floats = s_kva * 1000 / (np.maximum(_BITS[phases], 1) / np.sqrt(3) * nominal_v)
    return found


def _known_voltages(field: Field, normal: Tree) -> Floats:
    """Nominal voltage of every node: its own, else of what feeds it in the normal state, else the usual one."""
    known = field.nominal_v.copy()
    for node in np.argsort(normal.depth, kind="stable")[np.isnan(known[np.argsort(normal.depth, kind="stable")])]:
        above, edge = normal.parent[node], normal.parent_edge[node]
        if above >= 0 and EDGE_KINDS[field.kind[edge]] != "transformer":
            known[node] = known[above]
        elif above >= 0:
            known[node] = 400.0 if np.isnan(known[above]) or known[above] <= 35_000 else _USUAL_V
    return np.where(np.isnan(known) | (known <= 0), _USUAL_V, known)


def _lengths(field: Field, normal: Tree, nominal_v: Floats) -> Floats:
    """A plausible length of every edge in km: lines only, and the deepest way no longer than the longest."""
    lines = np.flatnonzero(field.kind == EDGE_KINDS.index("line"))
    km = np.zeros(len(field.edges))
    low = np.minimum(nominal_v[field.edge_from], nominal_v[field.edge_to]) <= _LOW_V
    for is_low, usual, longest in zip((False, True), _EDGE_KM, _LONGEST_KM, strict=True):
        chosen: Index = lines[low[lines] == is_low]
        km[chosen] = usual
        fed = np.flatnonzero(normal.parent_edge >= 0)
        steps = np.zeros(field.node_count)
        steps[fed] = np.where(np.isin(normal.parent_edge[fed], chosen), usual, 0.0)
        deepest = normal.above(steps).max(initial=0.0)
        if deepest > longest:
            km[chosen] *= longest / deepest
    return km
