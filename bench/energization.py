"""A feeder breaker opens and closes: which usage points are affected, by phase. Beside an exact engine on rustworkx."""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import rustworkx as rx

from bench.result import Result, peak_memory_mb, percentile, seconds_of
from cis_power.network.topology import PHASE_BITS, Index, PointLayout, Topology, compile_topology, lay_out
from cis_power.outages.energization import Energization

SIZES = {"small": 10_000, "full": 1_000_000}
FEEDER_CUSTOMERS = 833
LATERALS = 50
MOVES = 200


@dataclass(frozen=True)
class Utility:
    """A compiled network, the breaker of each feeder (edges) and where its usage points are."""

    topology: Topology
    breakers: Index
    points: PointLayout
    compile_seconds: float


def utility(customers: int, seed: int) -> Utility:
    """Feeders of 10 to 300 trunk nodes with 50 laterals (fuse, transformer, box), a third of them on a single phase."""
    rng = np.random.default_rng(seed)
    feeders = max(4, customers // FEEDER_CUSTOMERS)
    substations = max(1, feeders // 6)
    edges: list[tuple[int, int, int, int]] = []
    hanging: list[int] = []
    breakers, tails, nodes = [], [], substations
    for feeder in range(feeders):
        breakers.append(len(edges))
        trunk = [nodes]
        edges.append((feeder % substations, nodes, 7, 0))
        for _ in range(int(rng.choice([10, 20, 40, 300], p=[0.3, 0.4, 0.28, 0.02]))):
            edges.append((trunk[-1], trunk[-1] + 1, 7, 0))
            trunk.append(trunk[-1] + 1)
        nodes = trunk[-1] + 1
        for _ in range(LATERALS):
            phases = int(rng.choice([7, 7, 7, 7, 1, 2, 4]))
            above = trunk[rng.integers(len(trunk))]
            for _ in range(3):
                edges.append((above, nodes, phases, 0))
                above, nodes = nodes, nodes + 1
            hanging += [above] * max(1, int(rng.gamma(1.5, FEEDER_CUSTOMERS / LATERALS / 1.5)))
        tails.append(trunk[-1])
    edges += [(one, other, 7, 7) for one, other in pairwise(tails)]
    fed = np.zeros(nodes, np.uint8)
    fed[:substations] = 7
    start, end, carried, normal = (np.array(column) for column in zip(*edges, strict=True))
    arrays = (np.arange(nodes), fed, start, end, carried.astype(np.uint8), normal.astype(np.uint8))
    made: list[Topology] = []
    seconds = seconds_of(
        lambda: made.append(compile_topology(*arrays, np.arange(len(edges)), np.zeros(len(edges), np.uint8), 6))
    )
    topology = made[0]
    points = lay_out(topology, topology.node_numbers(np.array(hanging)))
    return Utility(topology, np.array(breakers), points, seconds)


class Peer:
    """An exact engine on rustworkx, for a phase: the sides of the moved edge are searched for a source."""

    def __init__(self, topology: Topology, bit: int) -> None:
        closed = np.flatnonzero(topology.edge_phases & ~topology.edge_normal & bit)
        self.ends = [
            (int(topology.edge_from[edge]), int(topology.edge_to[edge])) for edge in range(len(topology.edge_from))
        ]
        self.sources = set(np.flatnonzero(topology.source_phases & bit).tolist())
        self.graph = rx.PyGraph(multigraph=True)
        self.graph.add_nodes_from(range(topology.node_count))
        self.graph.add_edges_from([(*self.ends[edge], int(edge)) for edge in closed.tolist()])

    def open(self, edge: int) -> set[int]:
        """Open an edge; answers the nodes that became dead."""
        start, end = self.ends[edge]
        self.graph.remove_edge(start, end)
        lower = rx.node_connected_component(self.graph, end)
        if not lower & self.sources:
            return lower
        upper = rx.node_connected_component(self.graph, start)
        return set() if upper & self.sources else upper

    def close(self, edge: int) -> set[int]:
        """Close an edge; answers the nodes that became live."""
        start, end = self.ends[edge]
        lower = rx.node_connected_component(self.graph, end)
        self.graph.add_edge(start, end, edge)
        return lower if not lower & self.sources else set()


def run(size: int, database: str) -> Result:
    """`size`: customers."""
    where = utility(size, seed=1)
    topology, points = where.topology, where.points
    before = peak_memory_mb()
    start = seconds_of(lambda: Energization(topology, topology.edge_normal))
    state = Energization(topology, topology.edge_normal)
    peak = peak_memory_mb()
    peers = [Peer(topology, bit) for bit in PHASE_BITS]
    moved = np.random.default_rng(2).choice(where.breakers, MOVES).tolist()
    found: list[Any] = [None, None]

    def ours(edge: int, mask: int) -> None:
        changes = state.move(edge, mask)
        places = np.concatenate([points.below(lo, hi) for change in changes for lo, hi in change.slices])
        found[0] = places if len(changes) == 1 else np.unique(places)

    def theirs(edge: int, closes: bool) -> None:
        nodes = set().union(*(peer.close(edge) if closes else peer.open(edge) for peer in peers))
        starts, counts = points.starts[np.fromiter(nodes, np.int64)], per_node[np.fromiter(nodes, np.int64)]
        places = np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        found[1] = points.order[places]

    per_node = np.diff(points.starts)
    took: dict[str, list[float]] = {"ours": [], "peer": []}
    affected = 0
    for edge in moved:
        for closes in (False, True):
            took["ours"].append(seconds_of(partial(ours, edge, 0 if closes else 7)))
            took["peer"].append(seconds_of(partial(theirs, edge, closes)))
            affected += len(found[0])
            if set(found[1].tolist()) != set(found[0].tolist()):
                raise AssertionError("the peer finds other usage points")
    trace = min(seconds_of(lambda: topology.energized(topology.edge_normal)) for _ in range(5))
    medians = {name: 1000 * percentile(times, 0.5) for name, times in took.items()}
    return Result(
        "energization",
        {"customers": len(points.order), "nodes": topology.node_count, "affected_mean": affected / (2 * MOVES)},
        {
            "move_p50_ms": medians["ours"], "move_p99_ms": 1000 * percentile(took["ours"], 0.99),
            "compile_seconds": where.compile_seconds, "start_seconds": start,
            "added_mb": peak - before,
        },
        {"rustworkx_move_p50_ms": medians["peer"], "rustworkx_move_p99_ms": 1000 * percentile(took["peer"], 0.99)},
        {"full_trace_ms": 1000 * trace},
        medians["peer"] / medians["ours"],
        1000 * trace / medians["ours"],
        peak,
    )  # fmt: skip
