"""The checks: what refuses a network, and what only warns, each at its place."""

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from cis_power.network.checks import check
from cis_power.network.model import Branch, Equipment, Load, NetworkModel, Node, Place, Source


def model(
    *edges: tuple, nodes: str = "SABCD", sources: tuple[str, ...] = ("S",), loads: tuple[str, ...] = ()
) -> NetworkModel:
    """A network of (code, from, to[, phases[, open phases[, kind]]]) and nodes of one letter."""
    equipment = []
    for line, edge in enumerate(edges, 2):
        code, start, end, phases, opened, kind = (*edge, *(7, 0, "line")[len(edge) - 3 :])
        equipment.append(Equipment(code, kind, start, end, phases, opened, place=Place("e", line)))
    return NetworkModel(
        tuple(Node(code, place=Place("n", line)) for line, code in enumerate(nodes, 2)),
        tuple(equipment),
        tuple(Source(node) for node in sources),
        tuple(Load(f"load {node}", node) for node in loads),
    )


def said(network: NetworkModel, **more: object) -> list[tuple[str, str, int | None]]:
    return [(problem.severity, problem.code, problem.line) for problem in check(network, **more)]


def test_a_radial_network_has_nothing_to_say() -> None:
    assert said(model(("1", "S", "A"), ("2", "A", "B"), ("3", "A", "C"), ("4", "C", "D"))) == []


def test_doubled_nodes_and_devices_refuse() -> None:
    network = model(("1", "S", "A"), ("1", "A", "B"), nodes="SABA")
    assert said(network) == [("error", "doubled_id", 5), ("error", "doubled_id", 3)]


def test_a_node_and_a_device_may_bear_one_code() -> None:
    assert said(model(("A", "S", "A"), nodes="SA")) == []


def test_every_dangling_end_refuses_at_its_row() -> None:
    network = model(("1", "S", "X"), ("2", "Y", "Z"), nodes="S", sources=("S", "Q"), loads=("W",))
    codes = said(network)
    assert [code for _, code, _ in codes] == ["dangling_reference"] * 5
    assert [line for _, _, line in codes] == [2, 3, 3, None, None]


def test_an_unknown_kind_and_no_source_refuse() -> None:
    network = model(("1", "S", "A", 7, 0, "teleporter"), nodes="SA", sources=())
    assert said(network) == [("error", "unknown_kind", 2), ("error", "no_source", None)]


def test_islands_and_dead_parts_are_told_apart() -> None:
    network = model(("1", "S", "A"), ("tie", "A", "B", 7, 7), ("2", "C", "D"))
    assert said(network) == [("warning", "island", 5), ("warning", "dead_part", 4)]
    messages = [problem.message for problem in check(network)]
    assert messages == ["2 nodes (C, D) without any way to a source", "1 node (B) without supply in the normal state"]


def test_a_loop_names_one_element_that_closes_it() -> None:
    network = model(("1", "S", "A"), ("2", "A", "B"), ("3", "B", "C"), ("4", "C", "S"), nodes="SABC")
    assert [code for _, code, _ in said(network)] == ["loop"]


def test_two_sources_joined_in_the_normal_state_are_a_loop_and_an_open_tie_is_none() -> None:
    joined = model(("1", "S", "A"), ("2", "A", "T"), nodes="SAT", sources=("S", "T"))
    apart = model(("1", "S", "A"), ("2", "A", "T", 7, 7), nodes="SAT", sources=("S", "T"))
    assert [code for _, code, _ in said(joined)] == ["loop"]
    assert said(apart) == []


def test_parallel_edges_are_named_unless_their_phases_differ() -> None:
    same = model(("1", "S", "A"), ("2", "A", "S"), nodes="SA")
    different = model(("1", "S", "A", 1), ("2", "A", "S", 2), ("3", "S", "A", 4), nodes="SA")
    assert [code for _, code, _ in said(same)] == ["parallel_edge", "loop"]
    assert said(different) == []


def test_a_self_loop_warns() -> None:
    assert [code for _, code, _ in said(model(("1", "S", "A"), ("2", "A", "A"), nodes="SA"))] == ["self_loop"]


def test_transformers_without_customers_warn_only_when_customers_are_known() -> None:
    network = model(
        ("T1", "S", "A", 7, 0, "transformer"), ("T2", "S", "B", 7, 0, "transformer"), ("1", "B", "C"), nodes="SABC"
    )
    assert said(network) == []
    assert said(network, supplied={"C"}) == [("warning", "idle_transformer", 2)]
    assert said(network, supplied={"A", "B"}) == []


def test_a_transformer_that_feeds_transformers_is_not_idle() -> None:
    network = model(
        ("T1", "S", "A", 7, 0, "transformer"), ("T2", "A", "B", 7, 0, "transformer"), nodes="SAB", loads=("B",)
    )
    assert said(network) == []


def test_a_load_on_a_phase_that_never_arrives_is_named() -> None:
    network = model(
        ("1", "S", "A", 1), ("2", "A", "B"), ("3", "A", "C", 7, 7), nodes="SABC", loads=("S", "A", "B", "C")
    )
    found = [problem for problem in check(network) if problem.code == "phase_missing"]
    assert [problem.message for problem in found] == [
        "load load A takes phase BC, which does not reach A",
        "load load B takes phase BC, which does not reach B",
    ]


def test_the_legs_of_a_transformer_are_checked_too() -> None:
    network = NetworkModel(
        (Node("S"), Node("A")), (Equipment("T", "transformer", "S", "A", further=(Branch("S", "Z"),)),), (Source("S"),)
    )
    assert [code for _, code, _ in said(network)] == ["dangling_reference"]


_NODES = st.integers(0, 9)


@given(st.lists(st.tuples(_NODES, _NODES, st.sampled_from([7, 7, 1, 6]), st.sampled_from([0, 0, 7])), max_size=20))
@settings(max_examples=200, deadline=None)
def test_loops_and_unsupplied_nodes_agree_with_networkx(edges: list[tuple[int, int, int, int]]) -> None:
    names = "SABCDEFGHI"
    rows = [
        (str(number), names[a], names[b], phases, opened & phases)
        for number, (a, b, phases, opened) in enumerate(edges)
    ]
    problems = check(model(*rows, nodes=names))
    closing: set[str] = set()
    for bit in (1, 2, 4):
        graph = nx.MultiGraph()
        graph.add_nodes_from(names)
        graph.add_edges_from((a, b) for _, a, b, phases, opened in rows if phases & ~opened & bit and a != b)
        loops = graph.number_of_edges() - graph.number_of_nodes() + nx.number_connected_components(graph)
        closing |= {"loop"} if loops else set()
    assert ({problem.code for problem in problems} & {"loop"}) == closing
    full, normal = nx.Graph(), nx.Graph()
    for graph, mask in ((full, 7), (normal, 0)):
        graph.add_nodes_from(names)
        graph.add_edges_from((a, b) for _, a, b, phases, opened in rows if phases & ~(opened & ~mask))
    island = set(names) - nx.node_connected_component(full, "S")
    dead = set(names) - nx.node_connected_component(normal, "S") - island
    parts = nx.number_connected_components(full.subgraph(island)), nx.number_connected_components(normal.subgraph(dead))
    codes = [problem.code for problem in problems]
    assert (codes.count("island"), codes.count("dead_part")) == parts
