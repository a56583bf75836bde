"""What the engine asks of a compiled network: arrays of nodes and edges, and who is energized."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Grid(Protocol):
    """A compiled network version. Edges are conducting elements; one element may have several.

    `edge_from`, `edge_to`: nodes by index; `edge_phases`: phases it carries; `edge_normal`: phases open in the normal
    state; `edge_element`: key of its element. `transformers`: elements that are transformers.
    """

    @property
    def node_count(self) -> int: ...
    @property
    def edge_from(self) -> Index: ...
    @property
    def edge_to(self) -> Index: ...
    @property
    def edge_phases(self) -> Mask: ...
    @property
    def edge_normal(self) -> Mask: ...
    @property
    def edge_element(self) -> Index: ...
    @property
    def transformers(self) -> Index: ...

    def energized(self, open_masks: Mask) -> Mask:
        """Phases of each node that are live, given the open phases of each edge."""
        ...

    def locate(self, elements: Index) -> Index:
        """Node of each element where supply is taken: a node itself, a transformer's secondary; -1: not in here."""
        ...

    def sources(self) -> Index:
        """Nodes that feed."""
        ...
