"""Fields for the tests of the simulator: built out of rows, a small town, and random ones."""

import zlib
from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from scada_bridge.simulator.field import EDGE_KINDS, Field
from scada_bridge.simulator.loads import mean_kw

# code, kind, from, to, normally open
Edge = tuple[str, str, str, str, bool]
# usage point, transformer or node, standby, manual
Link = tuple[str, str, bool, bool]

TOWN_EDGES: tuple[Edge, ...] = (
    ("F1-CB", "breaker", "BUS", "A0", False),
    ("F1-L1", "line", "A0", "A1", False),
    ("F1-L2", "line", "A1", "A2", False),
    ("F1-RC", "recloser", "A2", "A3", False),
    ("F1-L3", "line", "A3", "A4", False),
    ("F1-SW", "load_break_switch", "A4", "A5", False),
    ("F1-L4", "line", "A5", "A6", False),
    ("F1-FU1", "fuse", "A1", "P1", False),
    ("F1-T1", "transformer", "P1", "B1", False),
    ("F1-FU2", "fuse", "A4", "P2", False),
    ("F1-T2", "transformer", "P2", "B2", False),
    ("F1-FU3", "fuse", "A6", "P3", False),
    ("F1-T3", "transformer", "P3", "B3", False),
    ("TIE", "switch", "A6", "C2", True),
    ("F2-CB", "breaker", "BUS", "C0", False),
    ("F2-L1", "line", "C0", "C1", False),
    ("F2-L2", "line", "C1", "C2", False),
    ("F2-FU1", "fuse", "C2", "Q1", False),
    ("F2-T1", "transformer", "Q1", "D1", False),
)
TOWN_LINKS: tuple[Link, ...] = (
    *((f"U1{number}", "F1-T1", False, False) for number in range(4)),
    *((f"U2{number}", "F1-T2", False, False) for number in range(4)),
    *((f"U3{number}", "F1-T3", False, False) for number in range(4)),
    *((f"V1{number}", "F2-T1", False, False) for number in range(4)),
    ("DUAL", "F1-T3", False, False),
    ("DUAL", "F2-T1", True, False),
    ("HAND", "F1-T3", False, True),
    ("HAND", "F2-T1", True, True),
)


def field_of(edges: Sequence[Edge], links: Sequence[Link], sources: Sequence[str] = ("BUS",)) -> Field:
    """A field of three phases; transformers of 400 kVA from 10 kV to 0.4 kV, commercial and residential by turns."""
    nodes = list(dict.fromkeys([*sources, *(node for edge in edges for node in edge[2:4])]))
    place = {node: number for number, node in enumerate(nodes)}
    below = {edge[3] for edge in edges if edge[1] == "transformer"}
    points = list(dict.fromkeys(link[0] for link in links))
    kind = np.arange(len(points)) % 2
    key = np.array([zlib.crc32(point.encode()) for point in points], np.uint32)
    secondary = {edge[0]: edge[3] for edge in edges if edge[1] == "transformer"}
    return Field(
        nodes=tuple(nodes),
        nominal_v=np.array([400.0 if node in below else 10_000.0 for node in nodes]),
        source_phases=np.array([7 if node in sources else 0 for node in nodes], np.uint8),
        edges=tuple(edge[0] for edge in edges),
        kind=np.array([EDGE_KINDS.index(edge[1]) for edge in edges], np.uint8),
        edge_from=np.array([place[edge[2]] for edge in edges], np.int64),
        edge_to=np.array([place[edge[3]] for edge in edges], np.int64),
        phases=np.full(len(edges), 7, np.uint8),
        open_phases=np.array([7 if edge[4] else 0 for edge in edges], np.uint8),
        rated_kva=np.array([400.0 if edge[1] == "transformer" else np.nan for edge in edges]),
        feeder=tuple(edge[0].partition("-")[0] if "-" in edge[0] else None for edge in edges),
        substation=tuple("SUB" for _ in edges),
        usage_points=tuple(points),
        mean_kw=mean_kw(kind, np.full(len(points), 50.0), key),
        load_kind=kind,
        link_point=np.array([points.index(link[0]) for link in links], np.int64),
        link_node=np.array([place[secondary.get(link[1], link[1])] for link in links], np.int64),
        link_standby=np.array([link[2] for link in links], bool),
        link_manual=np.array([link[3] for link in links], bool),
        link_phases=np.zeros(len(links), np.uint8),
    )


def town() -> Field:
    """Two feeders of one busbar with a tie, a recloser, fuses; one point fed twice by itself, one by hand."""
    return field_of(TOWN_EDGES, TOWN_LINKS)


@st.composite
def fields(draw: st.DrawFn) -> Field:
    """Any field at all: loops, islands, parallel edges, several sources, edges and loads of some phases."""
    count = draw(st.integers(1, 12))
    edges = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=20))
    edges = [(start, end) for start, end in edges if start != end]
    masks = st.integers(1, 7)
    phases = draw(st.lists(masks, min_size=len(edges), max_size=len(edges)))
    sources = draw(st.lists(st.sampled_from((0, 0, 0, 7, 7, 1, 6)), min_size=count, max_size=count))
    links = draw(st.lists(st.tuples(st.integers(0, 5), st.integers(0, count - 1), st.booleans(), st.booleans(),
                                    st.integers(0, 7)), max_size=10))  # fmt: skip
    column = list(zip(*links, strict=True)) if links else [()] * 5
    return Field(
        nodes=tuple(f"n{number}" for number in range(count)),
        nominal_v=np.full(count, 10_000.0),
        source_phases=np.array(sources, np.uint8),
        edges=tuple(f"e{number}" for number in range(len(edges))),
        kind=np.array([number % 7 for number in range(len(edges))], np.uint8),
        edge_from=np.array([edge[0] for edge in edges], np.int64),
        edge_to=np.array([edge[1] for edge in edges], np.int64),
        phases=np.array(phases, np.uint8),
        open_phases=np.zeros(len(edges), np.uint8),
        rated_kva=np.full(len(edges), np.nan),
        feeder=(None,) * len(edges),
        substation=(None,) * len(edges),
        usage_points=tuple(f"u{number}" for number in range(6)),
        mean_kw=np.arange(1.0, 7.0),
        load_kind=np.arange(6) % 5,
        link_point=np.array(column[0], np.int64),
        link_node=np.array(column[1], np.int64),
        link_standby=np.array(column[2], bool),
        link_manual=np.array(column[3], bool),
        link_phases=np.array(column[4], np.uint8),
    )
