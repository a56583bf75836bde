"""The compiled topology against networkx, on random networks with ties, loops, parallel edges, sources and phases."""

from dataclasses import dataclass

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cis_power.network.topology import Topology, compile_topology, lay_out

TRANSFORMER = 6


@dataclass
class Drawn:
    """A drawn network: edges as (from, to, phases, open, kind), sources as node → phases."""

    count: int
    edges: list[tuple[int, int, int, int, int]]
    sources: dict[int, int]

    def compiled(self) -> Topology:
        sources = np.zeros(self.count, np.uint8)
        for node, phases in self.sources.items():
            sources[node] = phases
        columns = np.array(self.edges, np.int64).reshape(-1, 5)
        return compile_topology(
            node_element=np.arange(self.count) + 1000,
            source_phases=sources,
            edge_from=columns[:, 0],
            edge_to=columns[:, 1],
            edge_phases=columns[:, 2].astype(np.uint8),
            edge_normal=(columns[:, 3] & columns[:, 2]).astype(np.uint8),
            edge_element=np.arange(len(self.edges)) + 5000,
            edge_kind=columns[:, 4].astype(np.uint8),
            transformer_kind=TRANSFORMER,
        )

    def live(self, opened: list[int]) -> dict[int, int]:
        """Live phases by node as networkx sees them."""
        masks = dict.fromkeys(range(self.count), 0)
        for bit in (1, 2, 4):
            graph = nx.MultiGraph()
            graph.add_nodes_from(range(self.count))
            for (start, end, phases, _, _), open_mask in zip(self.edges, opened, strict=True):
                if phases & ~open_mask & bit:
                    graph.add_edge(start, end)
            for source, phases in self.sources.items():
                if phases & bit:
                    for node in nx.node_connected_component(graph, source):
                        masks[node] |= bit
        return masks


@st.composite
def networks(draw: st.DrawFn) -> Drawn:
    count = draw(st.integers(1, 25))
    node = st.integers(0, count - 1)
    phases = st.sampled_from([7, 7, 7, 1, 2, 4, 3, 5, 6])
    edge = st.tuples(node, node, phases, st.sampled_from([0, 0, 0, 7, 1, 6]), st.sampled_from([0, 5, TRANSFORMER]))
    edges = draw(st.lists(edge, max_size=45))
    if edges:
        edges += draw(st.lists(st.sampled_from(edges), max_size=3))  # parallel ones
    sources = draw(st.dictionaries(node, phases, max_size=3))
    return Drawn(count, edges, sources)


@given(networks(), st.data())
@settings(max_examples=300, deadline=None)
def test_energized_equals_networkx_in_any_state(drawn: Drawn, data: st.DataObject) -> None:
    topology = drawn.compiled()
    normal = [opened & phases for _, _, phases, opened, _ in drawn.edges]
    states = [
        normal,
        *data.draw(st.lists(st.lists(st.integers(0, 7), min_size=len(normal), max_size=len(normal)), max_size=3)),
    ]
    for state in states:
        live = topology.energized(np.array(state, np.uint8))
        expected = drawn.live(state)
        assert {
            int(element) - 1000: int(mask) for element, mask in zip(topology.node_element, live, strict=True)
        } == expected


@given(networks())
@settings(max_examples=300, deadline=None)
def test_preorder_keeps_every_node_once_and_a_subtree_is_a_slice(drawn: Drawn) -> None:
    topology = drawn.compiled()
    assert sorted(topology.node_element.tolist()) == [1000 + node for node in range(drawn.count)]
    below: dict[int, set[int]] = {node: {node} for node in range(drawn.count)}
    for node in range(drawn.count - 1, -1, -1):  # children have the higher numbers
        parent = int(topology.parent[node])
        assert parent < node
        if parent >= 0:
            below[parent] |= below[node]
    for node in range(drawn.count):
        assert below[node] == set(range(node, int(topology.behind[node])))


@given(networks())
@settings(max_examples=300, deadline=None)
def test_the_tree_follows_closed_edges_from_the_sources(drawn: Drawn) -> None:
    topology = drawn.compiled()
    graph = nx.Graph()
    graph.add_nodes_from(range(drawn.count))
    graph.add_edges_from((start, end) for start, end, phases, opened, _ in drawn.edges if phases & ~opened)
    fed = (
        set().union(*(nx.node_connected_component(graph, source) for source in drawn.sources))
        if drawn.sources
        else set()
    )
    for node in range(drawn.count):
        old = int(topology.node_element[node]) - 1000
        edge = int(topology.parent_edge[node])
        assert (edge >= 0) == (topology.parent[node] >= 0)
        if edge >= 0:
            start, end, phases, opened, _ = drawn.edges[edge]
            above = int(topology.node_element[topology.parent[node]]) - 1000
            assert {start, end} == {old, above}
            assert phases & ~opened
            assert topology.slice_of(edge) == (node, topology.behind[node])
        if old in fed:
            top = node
            while topology.parent[top] >= 0:
                top = int(topology.parent[top])
            assert topology.source_phases[top]
            assert len(topology.path_up(node)) == min(
                nx.shortest_path_length(graph, source, old)
                for source in drawn.sources
                if nx.has_path(graph, source, old)
            )


@given(networks(), st.data())
@settings(max_examples=200, deadline=None)
def test_on_a_radial_network_a_device_is_the_slice_of_those_it_darkens(drawn: Drawn, data: st.DataObject) -> None:
    parents = [data.draw(st.integers(0, node - 1)) for node in range(1, drawn.count)]
    radial = Drawn(drawn.count, [(parent, node, 7, 0, 0) for node, parent in enumerate(parents, 1)], {0: 7})
    topology = radial.compiled()
    points = np.array(data.draw(st.lists(st.integers(-1, drawn.count - 1), max_size=30)), np.int64)
    layout = lay_out(topology, points)
    for edge in range(len(radial.edges)):
        opened = np.zeros(len(radial.edges), np.uint8)
        opened[edge] = 7
        dark = set(np.flatnonzero(topology.energized(opened) == 0).tolist())
        lo, hi = topology.slice_of(edge)
        assert set(range(lo, hi)) == dark
        assert sorted(layout.below(lo, hi).tolist()) == [place for place, node in enumerate(points) if node in dark]


@given(networks())
@settings(max_examples=100, deadline=None)
def test_elements_are_located_at_their_node_or_secondary(drawn: Drawn) -> None:
    topology = drawn.compiled()
    asked = np.array(
        [1000 + node for node in range(drawn.count)] + [5000 + edge for edge in range(len(drawn.edges))] + [7]
    )
    located = topology.locate(asked)
    for element, number in zip(asked.tolist(), located.tolist(), strict=True):
        if element < 1000 or (element >= 5000 and drawn.edges[element - 5000][4] != TRANSFORMER):
            assert number == -1
        else:
            node = element if element < 5000 else 1000 + drawn.edges[element - 5000][1]
            assert topology.node_element[number] == node


def test_an_empty_network_compiles() -> None:
    topology = Drawn(0, [], {}).compiled()
    assert topology.node_count == 0
    assert topology.energized(np.zeros(0, np.uint8)).tolist() == []
    assert topology.locate(np.array([1])).tolist() == [-1]


def test_a_deep_feeder_compiles_and_traces() -> None:
    count = 3000
    chain = Drawn(count, [(node, node + 1, 7, 0, 0) for node in range(count - 1)], {0: 7})
    topology = chain.compiled()
    assert topology.behind.tolist() == [count] * count
    opened = np.zeros(count - 1, np.uint8)
    opened[count // 2] = 2
    assert np.bincount(topology.energized(opened)).tolist() == [
        0,
        0,
        0,
        0,
        0,
        count // 2 - 1 + count % 2,
        0,
        count // 2 + 1,
    ]
