"""What the engine looks at: a network version prepared once, its present state, and one change of it."""

from dataclasses import dataclass

import numpy as np

from cis_power.outages.attribution import NormalTree, normal_tree
from cis_power.outages.grid import Grid, Index, Mask
from cis_power.outages.supply import Feed


@dataclass(frozen=True, slots=True)
class Prepared:
    """What follows from a network version alone: its normal tree, the edges of each element, who is live normally."""

    tree: NormalTree
    edges_of: dict[int, Index]
    normal_live: Mask

    @classmethod
    def of(cls, grid: Grid) -> "Prepared":
        order = np.argsort(grid.edge_element, kind="stable")
        elements, first = np.unique(grid.edge_element[order], return_index=True)
        edges_of = dict(zip(elements.tolist(), np.split(order, first[1:]), strict=True)) if len(order) else {}
        return cls(normal_tree(grid), edges_of, grid.energized(grid.edge_normal.copy()))


@dataclass(slots=True)
class Scene:
    """One network version with what hangs on it, and its present state: open phases of edges, live phases of nodes."""

    grid: Grid
    prepared: Prepared
    feed: Feed
    open_masks: Mask
    live: Mask


@dataclass(frozen=True, slots=True)
class Rows:
    """Where subjects hang: subject, node, and the phases lost there; a subject may have several rows."""

    subject: Index
    node: Index
    lost: Mask


@dataclass(frozen=True, slots=True)
class Moment:
    """When a change happened: the instant, the bounds of it, and the outages whose device moved (open phases now)."""

    at: int
    bounds: tuple[int, int]
    moved_on: dict[int, int]
