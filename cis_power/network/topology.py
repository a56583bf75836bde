"""The compiled network: nodes in preorder of the normal state, edges as arrays, and who is energized. Pure.

Nodes are renumbered so that all below a node are the numbers right behind it: what hangs on a device in the normal
state is a slice `[lo, hi)`. The state (open phases of each edge) is no part of it; it is an argument.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

Mask = NDArray[np.uint8]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]

PHASE_BITS = (1, 2, 4)


@dataclass(frozen=True, eq=False)
class Topology:
    """One network version as arrays. `n` nodes, `m` edges; elements are keys, nodes and edges are numbers.

    `node_element` (n): element of each node, in preorder. `parent` (n): the node above in the normal state, -1 at a
    source or at the head of a dead part. `behind` (n): one past the last node below. `source_phases` (n): phases fed
    from outside. `edge_from`, `edge_to` (m): nodes. `edge_phases`, `edge_normal` (m): phases carried, and those of them
    open in the normal state. `edge_element` (m). `edge_kind` (m): place in `model.KINDS`.
    """

    node_element: Index
    parent: Index
    behind: Index
    source_phases: Mask
    edge_from: Index
    edge_to: Index
    edge_phases: Mask
    edge_normal: Mask
    edge_element: Index
    edge_kind: Mask
    transformer_kind: int

    @property
    def node_count(self) -> int:
        return len(self.node_element)

    @cached_property
    def transformers(self) -> Index:
        """Elements that are transformers, rising."""
        return np.unique(self.edge_element[self.edge_kind == self.transformer_kind])

    def sources(self) -> Index:
        """Nodes fed from outside."""
        return np.flatnonzero(self.source_phases)

    # state

    def energized(self, open_masks: Mask) -> Mask:
        """Phases of each node that are live, given the open phases of each edge: one trace of the whole network."""
        closed = self.edge_phases & ~open_masks
        live = np.zeros(self.node_count, np.uint8)
        done: list[tuple[Flags, Index, Index]] = []
        for bit in PHASE_BITS:
            keep, fed = (closed & bit) > 0, np.flatnonzero(self.source_phases & bit)
            reached = next(
                (nodes for flags, at, nodes in done if np.array_equal(fed, at) and np.array_equal(keep, flags)), None
            )
            if reached is None:
                reached = self._reached(keep, fed)
                done.append((keep, fed, reached))
            live[reached] |= bit
        return live

    @cached_property
    def normal_live(self) -> Mask:
        """Live phases of each node in the normal state."""
        return self.energized(self.edge_normal)

    def _reached(self, keep: Flags, fed: Index) -> Index:
        """Nodes that hang together with a node of `fed` over the kept edges."""
        offsets, neighbours, edges = self.half_edges
        kept = keep[edges]
        starts = np.concatenate([[0], np.cumsum(kept)])[offsets]
        graph = _with_outside(starts, neighbours[kept], fed)
        order = breadth_first_order(graph, self.node_count, directed=True, return_predecessors=False)
        return np.asarray(order[1:], np.int64)

    @cached_property
    def half_edges(self) -> tuple[Index, Index, Index]:
        """Edges from each node: where they begin (n + 1), the node at the other end (2 m), the edge (2 m)."""
        return _half_edges(self.node_count, self.edge_from, self.edge_to)

    # places

    def node_numbers(self, elements: Index) -> Index:
        """Number of each node element; -1 where it is no node of this version."""
        return _look_up(self._sorted_nodes, elements)

    def locate(self, elements: Index) -> Index:
        """Node where an element supplies: a node itself, a transformer's secondary; -1: neither is in this version."""
        numbers = self.node_numbers(elements)
        return np.where(numbers >= 0, numbers, _look_up(self._secondaries, elements))

    @cached_property
    def _sorted_nodes(self) -> tuple[Index, Index]:
        order = np.argsort(self.node_element, kind="stable")
        return self.node_element[order], order

    @cached_property
    def _secondaries(self) -> tuple[Index, Index]:
        edges = np.flatnonzero(self.edge_kind == self.transformer_kind)
        keys, first = np.unique(self.edge_element[edges], return_index=True)
        return keys, self.edge_to[edges[first]]

    @cached_property
    def _sorted_edges(self) -> tuple[Index, Index]:
        order = np.argsort(self.edge_element, kind="stable")
        return self.edge_element[order], order

    def edges_of(self, element: int) -> Index:
        """Edges of one element: one, or as many as a transformer has further windings; empty: not in this version."""
        keys, order = self._sorted_edges
        return order[np.searchsorted(keys, element, "left") : np.searchsorted(keys, element, "right")]

    def slice_of(self, edge: int) -> tuple[int, int]:
        """Nodes `[lo, hi)` that hang on an edge in the normal state; none on an open one or one that closes a loop."""
        if self.edge_phases[edge] & ~self.edge_normal[edge] == 0:
            return 0, 0
        start, end = int(self.edge_from[edge]), int(self.edge_to[edge])
        if self.parent[end] == start:
            return end, int(self.behind[end])
        if self.parent[start] == end:
            return start, int(self.behind[start])
        return 0, 0

    @cached_property
    def parent_edge(self) -> Index:
        """The edge to the node above, -1 where there is none; of parallel ones the first."""
        found = np.full(self.node_count, -1, np.int64)
        closed = np.flatnonzero(self.edge_phases & ~self.edge_normal)[::-1]
        for start, end in ((self.edge_from, self.edge_to), (self.edge_to, self.edge_from)):
            down = closed[self.parent[end[closed]] == start[closed]]
            found[end[down]] = np.where(found[end[down]] >= 0, np.minimum(found[end[down]], down), down)
        return found

    def path_up(self, node: int) -> list[int]:
        """Edges from a node up to its source in the normal state, nearest first."""
        path: list[int] = []
        while self.parent[node] >= 0:
            path.append(int(self.parent_edge[node]))
            node = int(self.parent[node])
        return path


@dataclass(frozen=True, eq=False)
class PointLayout:
    """Usage points (or anything that hangs on nodes) in the order of the nodes.

    `order` (k): places in the caller's arrays, unlocated ones left out. `starts` (n + 1): where each node's begin.
    """

    order: Index
    starts: Index

    def below(self, lo: int, hi: int) -> Index:
        """Places of those on the nodes `[lo, hi)`."""
        return self.order[self.starts[lo] : self.starts[hi]]


def lay_out(topology: Topology, nodes: Index) -> PointLayout:
    """Lay things out by the node number each hangs on (-1: nowhere)."""
    located = np.flatnonzero(nodes >= 0)
    order = located[np.argsort(nodes[located], kind="stable")]
    counts = np.bincount(nodes[located], minlength=topology.node_count)
    return PointLayout(order, np.concatenate([[0], np.cumsum(counts)]))


def compile_topology(
    node_element: Index,
    source_phases: Mask,
    edge_from: Index,
    edge_to: Index,
    edge_phases: Mask,
    edge_normal: Mask,
    edge_element: Index,
    edge_kind: Mask,
    transformer_kind: int,
) -> Topology:
    """Renumber a network in preorder. `edge_from`, `edge_to` are places in `node_element`; see `Topology`."""
    count = len(node_element)
    order, above = _normal_tree(count, source_phases, edge_from, edge_to, (edge_phases & ~edge_normal) > 0)
    number, behind = _preorder(order, above, count)
    nodes = np.empty(count, np.int64)
    nodes[number] = np.arange(count)
    parent = np.full(count, -1, np.int64)
    inner = above[:count] < count
    parent[number[inner]] = number[above[:count][inner]]
    return Topology(
        node_element=np.asarray(node_element, np.int64)[nodes],
        parent=parent,
        behind=behind[nodes],
        source_phases=np.asarray(source_phases, np.uint8)[nodes],
        edge_from=number[edge_from],
        edge_to=number[edge_to],
        edge_phases=np.asarray(edge_phases, np.uint8),
        edge_normal=np.asarray(edge_normal & edge_phases, np.uint8),
        edge_element=np.asarray(edge_element, np.int64),
        edge_kind=np.asarray(edge_kind, np.uint8),
        transformer_kind=transformer_kind,
    )


def _normal_tree(count: int, source_phases: Mask, start: Index, end: Index, closed: Flags) -> tuple[Index, Index]:
    """Breadth-first order and the node above each over the closed edges; node `count` is the world outside.

    It stands above every source, and above one node of each part that no source reaches.
    """
    offsets, neighbours, _ = _half_edges(count, start[closed], end[closed])
    fed = np.flatnonzero(source_phases)
    graph = _with_outside(offsets, neighbours, fed)
    order, above = breadth_first_order(graph, count, directed=True, return_predecessors=True)
    if len(order) <= count:
        inner = csr_array((np.ones(len(neighbours)), neighbours, offsets), shape=(count, count))
        labels = connected_components(inner, directed=False)[1]
        _, heads = np.unique(labels, return_index=True)
        heads = heads[~np.isin(labels[heads], labels[fed])]
        graph = _with_outside(offsets, neighbours, np.sort(np.concatenate([fed, heads])))
        order, above = breadth_first_order(graph, count, directed=True, return_predecessors=True)
    return np.asarray(order, np.int64), np.asarray(above, np.int64)


def _preorder(order: Index, above: Index, count: int) -> tuple[Index, Index]:
    """Preorder number of each node, and one past the last number below it."""
    place = np.empty(count + 1, np.int64)
    place[order] = np.arange(count + 1)
    parents = place[above[order[1:]]]  # rises, because breadth-first
    bounds = [0, 1]
    while bounds[-1] <= count:
        bounds.append(1 + int(np.searchsorted(parents, bounds[-1])))
    size = np.ones(count + 1, np.int64)
    for lo, hi in zip(bounds[-2:0:-1], bounds[:1:-1], strict=True):
        np.add.at(size, parents[lo - 1 : hi - 1], size[lo:hi])
    before = np.concatenate([[0], np.cumsum(size[1:])])[:-1]
    before -= before[np.searchsorted(parents, parents)] if count else 0
    number = np.full(count + 1, -1, np.int64)
    for lo, hi in pairwise(bounds[1:]):
        number[lo:hi] = number[parents[lo - 1 : hi - 1]] + 1 + before[lo - 1 : hi - 1]
    by_node = np.empty(count + 1, np.int64)
    by_node[order] = number
    sizes = np.empty(count + 1, np.int64)
    sizes[order] = size
    return by_node[:count], (by_node + sizes)[:count]


def _half_edges(count: int, start: Index, end: Index) -> tuple[Index, Index, Index]:
    both = np.concatenate([start, end])
    order = np.argsort(both, kind="stable")
    offsets = np.concatenate([[0], np.cumsum(np.bincount(both, minlength=count))])
    edges = np.concatenate([np.arange(len(start)), np.arange(len(start))])[order]
    return offsets, np.concatenate([end, start])[order], edges


def _with_outside(starts: Index, neighbours: Index, fed: Index) -> csr_array:
    """The graph with one more node, the world outside, that leads to every node of `fed`."""
    indices = np.concatenate([neighbours, fed]).astype(np.int32)
    offsets = np.concatenate([starts, [len(indices)]]).astype(np.int32)
    return csr_array((np.ones(len(indices)), indices, offsets), shape=(len(starts), len(starts)))


def _look_up(table: tuple[Index, Index], keys: Index) -> Index:
    known, values = table
    if len(known) == 0:
        return np.full(len(keys), -1, np.int64)
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[places] == keys, values[places], -1)
