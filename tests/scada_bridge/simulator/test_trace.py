"""The simulator's own trace against networkx, for any field and any switch state."""

import networkx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scada_bridge.simulator.supply import claimed, supply_of
from scada_bridge.simulator.trace import live_phases, supply_tree
from tests.scada_bridge.simulator.fields import fields


def graph_of(field, open_masks, bit):
    """What conducts one phase, and a node `S` that stands for everything outside."""
    graph = networkx.Graph()
    graph.add_nodes_from([*range(field.node_count), "S"])
    for edge in range(len(field.edges)):
        if field.phases[edge] & ~open_masks[edge] & bit:
            graph.add_edge(int(field.edge_from[edge]), int(field.edge_to[edge]))
    graph.add_edges_from(("S", node) for node in range(field.node_count) if field.source_phases[node] & bit)
    return graph


@st.composite
def states(draw):
    field = draw(fields())
    masks = draw(st.lists(st.sampled_from((0, 0, 7, 1, 6)), min_size=len(field.edges), max_size=len(field.edges)))
    return field, np.array(masks, np.uint8)


@given(states())
def test_live_phases_are_those_connected_with_a_source(state):
    field, masks = state
    live = live_phases(field, masks)
    for bit in (1, 2, 4):
        reached = networkx.node_connected_component(graph_of(field, masks, bit), "S")
        assert {node for node in range(field.node_count) if live[node] & bit} == reached - {"S"}


@given(states())
def test_the_way_of_supply_is_a_shortest_one_and_sums_follow_it(state):
    field, masks = state
    live = live_phases(field, masks)
    tree = supply_tree(field, masks, live)
    whole = networkx.Graph()
    whole.add_nodes_from([*range(field.node_count), "S"])
    for edge in range(len(field.edges)):
        ends = int(field.edge_from[edge]), int(field.edge_to[edge])
        if field.phases[edge] & ~masks[edge] & live[ends[0]] & live[ends[1]]:
            whole.add_edge(*ends)
    whole.add_edges_from(("S", node) for node in range(field.node_count) if field.source_phases[node] & live[node])
    far = networkx.single_source_shortest_path_length(whole, "S")
    amounts = np.arange(1.0, field.node_count + 1)
    below, above = tree.below(amounts), tree.above(amounts)
    ways = {}
    for node in range(field.node_count):
        assert tree.depth[node] == (far[node] - 1 if node in far else -1)
        way = tree.path_up(node)
        assert len(way) == max(tree.depth[node], 0)
        ways[node] = [node]
        while tree.parent[ways[node][-1]] >= 0:
            edge = tree.parent_edge[ways[node][-1]]
            ends = {int(field.edge_from[edge]), int(field.edge_to[edge])}
            assert ends == {ways[node][-1], int(tree.parent[ways[node][-1]])}
            ways[node].append(int(tree.parent[ways[node][-1]]))
        assert above[node] == sum(amounts[ways[node]])
    for node in range(field.node_count):
        assert below[node] == sum(amounts[other] for other in ways if node in ways[other])
    children = tree.child_of(np.arange(len(field.edges)), field)
    assert set(children[children >= 0].tolist()) == {node for node in ways if tree.parent[node] >= 0}


@given(states(), st.lists(st.booleans(), min_size=6, max_size=6))
def test_a_point_is_dark_exactly_when_no_usable_connection_is_live(state, standing):
    field, masks = state
    live = live_phases(field, masks)
    claims = claimed(field, live_phases(field, field.open_phases))
    on_standby = np.array(standing)
    found = supply_of(field, claims, live, on_standby)
    carried = np.zeros(len(field.usage_points))
    for point in range(len(field.usage_points)):
        links = np.flatnonzero(field.link_point == point)
        manual = len(links) > 1 and field.link_manual[links].any()
        usable = [link for link in links if not manual or field.link_standby[link] == on_standby[point]]
        fed = [link for link in usable if live[field.link_node[link]] & claims[link]]
        assert found.dark[point] == (not fed)
        if fed:
            link = min(fed, key=lambda one: (field.link_standby[one], one))
            share = bin(live[field.link_node[link]] & claims[link]).count("1") / bin(claims[link]).count("1")
            carried[point] = field.mean_kw[point] * share
    assert np.isclose(found.weights.sum(), carried.sum())
