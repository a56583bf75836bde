"""Which usage points are in supply, and where each takes it; pure."""

from dataclasses import dataclass

import numpy as np

from scada_bridge.simulator.field import Field, Flags, Floats, Index, Mask
from scada_bridge.simulator.loads import KINDS

_BITS = np.array([bin(mask).count("1") for mask in range(8)], np.float64)


@dataclass(frozen=True, slots=True)
class Supply:
    """`dark` (k): usage points without any live phase. `weights` (n, KINDS): mean load in kW at each node."""

    dark: Flags
    weights: Floats


def claimed(field: Field, normal_live: Mask) -> Mask:
    """Phases that each connection (c) takes: those given, else all that its node has in the normal state."""
    there = normal_live[field.link_node] & field.claims
    return np.where(there, there, field.claims).astype(np.uint8)


def supply_of(field: Field, claims: Mask, live: Mask, on_standby: Flags) -> Supply:
    """Who is in supply when these phases of nodes are live; `claims` (c) as `claimed` says.

    A usage point takes its load through the first live connection that may bring it, main before standby. Transferred
    automatically any may; transferred by hand only the one of the side it stands on (`on_standby`, k).
    """
    points = len(field.usage_points)
    usable = ~field.by_hand[field.link_point] | (field.link_standby == on_standby[field.link_point])
    phases = np.where(usable, live[field.link_node] & claims, 0).astype(np.uint8)
    carrying = _first_live(field, phases, points)
    dark = np.ones(points, bool)
    dark[field.link_point[carrying]] = False
    point = field.link_point[carrying]
    share = _BITS[phases[carrying]] / _BITS[claims[carrying]]
    place = field.link_node[carrying] * len(KINDS) + field.load_kind[point]
    size = field.node_count * len(KINDS)
    weights = np.bincount(place, field.mean_kw[point] * share, minlength=size).astype(np.float64)
    weights = weights.reshape(-1, len(KINDS))
    if len(field.other_kw):
        weights[:, 0] += np.where(live > 0, field.other_kw, 0.0)
    return Supply(dark, weights)


def _first_live(field: Field, phases: Mask, points: int) -> Index:
    """The connection through which each usage point in supply takes its load."""
    best = np.full(points, len(phases) * 2, np.int64)
    alive = np.flatnonzero(phases)
    rank = alive + np.where(field.link_standby[alive], len(phases), 0)
    np.minimum.at(best, field.link_point[alive], rank)
    found: Index = best[best < len(phases) * 2] % max(len(phases), 1)
    return found
