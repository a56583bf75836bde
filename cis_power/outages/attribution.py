"""Which device keeps dead nodes dead: the topmost one between them and the live part of the network."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from cis_power.outages.grid import Flags, Grid, Index


@dataclass(frozen=True, slots=True)
class NormalTree:
    """The feeding tree of the normal state: each node's parent and the edge from it (-1 at sources and islands).

    `depth` of an edge is the distance of its upper end from the source, in edges; large where nothing feeds it.
    """

    parent: Index
    parent_edge: Index
    depth: Index


def normal_tree(grid: Grid) -> NormalTree:
    """Breadth-first tree from all sources over every edge that conducts any phase in the normal state."""
    count = grid.node_count
    edges = np.flatnonzero(grid.edge_phases & ~grid.edge_normal)
    lower, upper = grid.edge_from[edges], grid.edge_to[edges]
    sources = grid.sources()
    ends = (np.concatenate([lower, np.full(len(sources), count)]), np.concatenate([upper, sources]))
    graph = coo_array((np.ones(len(ends[0]), np.int8), ends), shape=(count + 1, count + 1)).tocsr()
    order, parent = breadth_first_order(graph, count, directed=False)
    parent = parent.astype(np.int64)
    level = np.full(count + 1, np.iinfo(np.int32).max, np.int64)
    level[count] = 0
    for node in order[1:].tolist():
        level[node] = level[parent[node]] + 1
    parent_edge = np.full(count + 1, -1, np.int64)
    parent_edge[upper[parent[upper] == lower]] = edges[parent[upper] == lower]
    parent_edge[lower[parent[lower] == upper]] = edges[parent[lower] == upper]
    parent[(parent < 0) | (parent == count)] = -1
    depth = np.minimum(level[grid.edge_from], level[grid.edge_to])
    return NormalTree(parent[:count], parent_edge[:count], depth)


def topmost(grid: Grid, tree: NormalTree, dead: Flags, conducting: Flags, candidates: Flags) -> Index:
    """Edge that keeps each dead node from supply, -1 where no candidate does.

    `conducting` edges join dead nodes to one another; `candidates` are edges whose opening may be the cause. One with
    a single dead end borders the live part. A dead area with one such device belongs to it; with several, a node
    belongs to the first one on its normal way from the source, else to the one highest in the network.
    """
    label = np.full(grid.node_count, -1, np.int64)
    from_dead, to_dead = dead[grid.edge_from], dead[grid.edge_to]
    border = np.flatnonzero(candidates & (from_dead ^ to_dead))
    if not len(border):
        return label
    nodes = np.flatnonzero(dead)
    area = _areas(grid, nodes, conducting & from_dead & to_dead)
    inner = np.where(from_dead[border], grid.edge_from[border], grid.edge_to[border])
    border = border[np.lexsort((grid.edge_element[border], tree.depth[border]))]
    inner = np.where(from_dead[border], grid.edge_from[border], grid.edge_to[border])
    area_of_node = np.full(grid.node_count, -1, np.int64)
    area_of_node[nodes] = area
    highest = np.full(int(area.max()) + 1, -1, np.int64)
    shared = np.zeros(len(highest), bool)
    for edge, here in zip(border.tolist(), area_of_node[inner].tolist(), strict=True):
        if highest[here] < 0:
            highest[here] = edge
        elif grid.edge_element[highest[here]] != grid.edge_element[edge]:
            shared[here] = True
    label[nodes] = highest[area]
    for several in _walk(grid, tree, nodes[shared[area]], border):
        label[several[0]] = several[1]
    return label


def _areas(grid: Grid, nodes: Index, edges: Flags) -> Index:
    """Number of the connected area of each of `nodes`, joined by `edges`."""
    place = np.full(grid.node_count, -1, np.int64)
    place[nodes] = np.arange(len(nodes))
    within = np.flatnonzero(edges)
    ends = (place[grid.edge_from[within]], place[grid.edge_to[within]])
    graph = coo_array((np.ones(len(within), np.int8), ends), shape=(len(nodes), len(nodes)))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _walk(grid: Grid, tree: NormalTree, nodes: Index, border: Index) -> Iterator[tuple[Index, Index]]:
    """Nodes and the topmost edge of `border` on their normal way to the source, where there is one."""
    at_border = np.zeros(len(grid.edge_from), bool)
    at_border[border] = True
    found = np.full(len(nodes), -1, np.int64)
    here = nodes.copy()
    way = np.arange(len(nodes))
    while len(way):
        edge = tree.parent_edge[here]
        going = edge >= 0
        way, here, edge = way[going], here[going], edge[going]
        hit = at_border[edge]
        found[way[hit]] = edge[hit]
        here = tree.parent[here]
    yield nodes[found >= 0], found[found >= 0]
