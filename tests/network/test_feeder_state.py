"""Dead parts of a feeder, out of what hangs together and which transformers are out; against networkx."""

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from cis_power.network.feeder_state import dead_nodes
from cis_power.network.feeder_tree import Branch

CHAIN = [Branch("CB", "breaker", "BUS", "A"), Branch("SW", "switch", "A", "B"), Branch("T", "transformer", "B", "L"),
         Branch("TIE", "switch", "B", "X")]  # fmt: skip
OWN = {"BUS", "A", "B", "L"}


def test_what_an_open_breaker_leaves_without_a_source_is_dead():
    assert dead_nodes(CHAIN, {"CB", "TIE"}, {"T"}, ["BUS"], OWN) == {"A", "B", "L"}


def test_a_part_without_a_transformer_is_dead_when_nothing_feeds_it():
    assert dead_nodes(CHAIN, {"CB", "SW", "TIE"}, {"T"}, ["BUS"], OWN) == {"A", "B", "L"}
    assert dead_nodes(CHAIN, {"SW"}, (), ["BUS"], OWN) == set()


def test_a_part_that_a_neighbour_feeds_lives_as_its_transformers_do():
    assert dead_nodes(CHAIN, {"CB"}, (), ["BUS"], OWN) == set()
    assert dead_nodes(CHAIN, {"CB"}, {"T"}, ["BUS"], OWN) == {"A", "B", "L", "X"}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.booleans()), max_size=20))
def test_without_transformers_it_is_what_no_root_reaches(edges):
    branches = [Branch(f"D{place}", "switch", str(start), str(end)) for place, (start, end, _) in enumerate(edges)]
    opened = {f"D{place}" for place, (_, _, is_open) in enumerate(edges) if is_open}
    graph = nx.Graph()
    graph.add_nodes_from(str(node) for start, end, _ in edges for node in (start, end))
    graph.add_edges_from((str(start), str(end)) for start, end, is_open in edges if not is_open)
    reached = set(nx.node_connected_component(graph, "0")) if "0" in graph else set()
    assert dead_nodes(branches, opened, (), ["0"], set(graph)) == set(graph) - reached
