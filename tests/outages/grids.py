"""Small networks for the engine: the arrays by scipy, and the same thing naively by networkx."""

from dataclasses import dataclass, field

import networkx as nx
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


@dataclass
class SmallGrid:
    """A network given as plain lists; element keys are 1000 + edge, node keys are the node's number."""

    node_count: int
    ends: list[tuple[int, int]]
    feeding: list[int]
    normally_open: list[int] = field(default_factory=list)
    phases: list[int] | None = None
    transformer_edges: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        ends = np.array(self.ends, np.int64).reshape(-1, 2)
        self.edge_from, self.edge_to = ends[:, 0].copy(), ends[:, 1].copy()
        self.edge_phases = np.array(self.phases or [7] * len(ends), np.uint8)
        self.edge_normal = np.zeros(len(ends), np.uint8)
        self.edge_normal[self.normally_open] = self.edge_phases[self.normally_open]
        self.edge_element = 1000 + np.arange(len(ends))
        self.transformers = self.edge_element[np.array(self.transformer_edges, np.int64)]

    def sources(self) -> np.ndarray:
        return np.array(self.feeding, np.int64)

    def locate(self, elements: np.ndarray) -> np.ndarray:
        place = np.where(elements >= 1000, self.edge_to[np.clip(elements - 1000, 0, len(self.ends) - 1)], elements)
        return np.where((place >= 0) & (place < self.node_count), place, -1)

    def energized(self, open_masks: np.ndarray) -> np.ndarray:
        live = np.zeros(self.node_count, np.uint8)
        for bit in (1, 2, 4):
            on = (self.edge_phases & ~open_masks & bit) != 0
            graph = coo_array((np.ones(on.sum()), (self.edge_from[on], self.edge_to[on])), shape=(self.node_count,) * 2)
            area = connected_components(graph, directed=False)[1]
            live[np.isin(area, area[self.feeding])] |= bit
        return live

    def oracle(self, open_masks: dict[int, int]) -> list[int]:
        """Live phases of every node, by networkx; `open_masks` by edge."""
        live = [0] * self.node_count
        for bit in (1, 2, 4):
            graph = nx.Graph()
            graph.add_nodes_from(range(self.node_count))
            graph.add_edges_from(
                end for edge, end in enumerate(self.ends)
                if self.edge_phases[edge] & bit and not open_masks.get(edge, int(self.edge_normal[edge])) & bit
            )  # fmt: skip
            for node in set().union(*(nx.node_connected_component(graph, source) for source in self.feeding)):
                live[node] |= bit
        return live
