"""Who is live, and which way supply flows: the simulator's own trace of the field; pure.

Live is what hangs together with a source, phase by phase. The way of supply is a tree: every node is fed from its
nearest source, counted in edges; where a loop is closed, the edge between two equally near parts carries nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from scada_bridge.simulator.field import Field, Flags, Floats, Index, Mask

_PHASE_BITS = (1, 2, 4)


def live_phases(field: Field, open_masks: Mask) -> Mask:
    """Phases of each node (n) that are live, given the open phases of each edge (m)."""
    closed = field.phases & ~open_masks
    live = np.zeros(field.node_count, np.uint8)
    done: list[tuple[Flags, Flags, Flags]] = []
    for bit in _PHASE_BITS:
        keep, fed = (closed & bit) > 0, (field.source_phases & bit) > 0
        known = next((reached for k, f, reached in done if np.array_equal(k, keep) and np.array_equal(f, fed)), None)
        if known is None:
            known = _hanging_together(field, keep, fed)
            done.append((keep, fed, known))
        live[known] |= bit
    return live


def _hanging_together(field: Field, keep: Flags, fed: Flags) -> Flags:
    count = field.node_count
    start, end = field.edge_from[keep], field.edge_to[keep]
    graph = csr_array((np.ones(len(start), np.int8), (start, end)), shape=(count, count))
    parts, label = connected_components(graph, directed=False)
    has_source = np.zeros(parts, bool)
    has_source[label[fed]] = True
    reached: Flags = has_source[label]
    return reached


@dataclass(frozen=True, eq=False)
class Tree:
    """The way of supply. `parent`, `parent_edge` (n): what feeds a node, -1 at sources and at dead nodes.

    `place` (n): the nodes' numbers in preorder, dead ones behind the live ones; `behind` (n): one past the last number
    below a node; `depth` (n): edges from the source, -1 where dead.
    """

    parent: Index
    parent_edge: Index
    place: Index
    behind: Index
    depth: Index

    def child_of(self, edges: Sequence[int] | Index, field: Field) -> Index:
        """The node that each edge feeds, -1 where it feeds none."""
        at = np.asarray(edges, np.int64)
        start, end = field.edge_from[at], field.edge_to[at]
        return np.where(self.parent_edge[end] == at, end, np.where(self.parent_edge[start] == at, start, -1))

    def path_up(self, node: int) -> list[int]:
        """Edges from a node to its source, nearest first."""
        path = []
        while self.parent[node] >= 0:
            path.append(int(self.parent_edge[node]))
            node = int(self.parent[node])
        return path

    def below(self, amounts: Floats) -> Floats:
        """Of amounts at nodes (n): what is at or below each node (n)."""
        laid = np.zeros(len(amounts) + 1)
        laid[self.place + 1] = amounts
        total = np.cumsum(laid)
        found: Floats = total[self.behind] - total[self.place]
        return found

    def above(self, amounts: Floats) -> Floats:
        """Of amounts at nodes (n): the sum over each node and all that lie between it and its source (n)."""
        count = len(amounts)
        steps = np.zeros(count + 1)
        steps[self.place] += amounts
        np.add.at(steps, self.behind, -amounts)
        found: Floats = np.cumsum(steps)[self.place]
        return found


def supply_tree(field: Field, open_masks: Mask, live: Mask) -> Tree:
    """The way of supply over everything that conducts any phase."""
    count = field.node_count
    shared = live[field.edge_from] & live[field.edge_to]
    kept = np.flatnonzero(field.phases & ~open_masks & shared)
    fed = np.flatnonzero(field.source_phases & live)
    start = np.concatenate([field.edge_from[kept], field.edge_to[kept], np.full(len(fed), count)])
    end = np.concatenate([field.edge_to[kept], field.edge_from[kept], fed])
    graph = csr_array((np.ones(len(start), np.int8), (start, end)), shape=(count + 1, count + 1))
    order, above = breadth_first_order(graph, count, directed=True, return_predecessors=True)
    order = np.asarray(order, np.int64)
    parent = np.full(count, -1, np.int64)
    inner = (above[:count] >= 0) & (above[:count] < count)
    parent[inner] = above[:count][inner]
    place, behind, depth = _preorder(order, np.asarray(above, np.int64), count)
    return Tree(parent, _edges_above(field, kept, parent), place, behind, depth)


def _edges_above(field: Field, kept: Index, parent: Index) -> Index:
    """The edge between each node and its parent; of parallel ones the first."""
    found = np.full(len(parent), -1, np.int64)
    backwards = kept[::-1]
    for start, end in ((field.edge_from, field.edge_to), (field.edge_to, field.edge_from)):
        down = backwards[parent[end[backwards]] == start[backwards]]
        at = end[down]
        found[at] = np.where((found[at] >= 0) & (found[at] < down), found[at], down)
    return found


def _preorder(order: Index, above: Index, count: int) -> tuple[Index, Index, Index]:
    """Preorder numbers, ends and depths out of a breadth-first order from node `count`, the world outside."""
    reached = len(order)
    rank = np.empty(count + 1, np.int64)
    rank[order] = np.arange(reached)
    parents = rank[above[order[1:]]]  # rises, because breadth-first
    bounds = [0, 1]
    while bounds[-1] < reached:
        bounds.append(1 + int(np.searchsorted(parents, bounds[-1])))
    size = np.ones(reached, np.int64)
    for low, high in zip(bounds[-2:0:-1], bounds[:1:-1], strict=True):
        np.add.at(size, parents[low - 1 : high - 1], size[low:high])
    before = np.concatenate([[0], np.cumsum(size[1:])])[:-1]
    before -= before[np.searchsorted(parents, parents)] if reached > 1 else 0
    number, level = np.full(reached, -1, np.int64), np.full(reached, -1, np.int64)
    for depth, (low, high) in enumerate(pairwise(bounds[1:])):
        number[low:high] = number[parents[low - 1 : high - 1]] + 1 + before[low - 1 : high - 1]
        level[low:high] = depth
    place = np.empty(count + 1, np.int64)
    behind, depths = np.empty(count + 1, np.int64), np.full(count + 1, -1, np.int64)
    place[order], behind[order], depths[order] = number, number + size, level
    dead = np.setdiff1d(np.arange(count), order, assume_unique=True)
    place[dead] = reached - 1 + np.arange(len(dead))
    behind[dead] = place[dead] + 1
    return place[:count], behind[:count], depths[:count]
