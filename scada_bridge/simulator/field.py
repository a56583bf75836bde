"""The physical field that is simulated: a network, what hangs on it, and how much that takes; plain arrays.

Whoever has a network makes a `Field` of it (`scada_bridge.field_reads` does so for the local store); the simulator
itself reads no database and knows nothing of the engine that judges outages.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Mask = NDArray[np.uint8]
Flags = NDArray[np.bool_]

EDGE_KINDS = ("breaker", "recloser", "fuse", "load_break_switch", "switch", "line", "transformer")
SWITCHING = frozenset(EDGE_KINDS[:5])
RECLOSING = ("breaker", "recloser")
PROTECTING = ("breaker", "recloser", "fuse")


@dataclass(frozen=True, eq=False)
class Field:
    """`n` nodes, `m` edges (a transformer of three windings is two of them), `k` usage points, `c` connections.

    `nominal_v` (n): V line to line, NaN where unknown. `source_phases` (n): mask of phases fed from outside. `kind`
    (m): place in EDGE_KINDS. `phases`, `open_phases` (m): masks A = 1, B = 2, C = 4 of those carried, and of those open
    in the normal state. `rated_kva` (m): NaN where unknown. `feeder`, `substation` (m): codes or None. `mean_kw`,
    `load_kind` (k): see loads. `link_*` (c): usage point, node, whether standby, whether transferred by hand, phases
    (0: all there are). `other_kw` (n): mean load of nobody we know; empty: none.
    """

    nodes: tuple[str, ...] = ()
    nominal_v: Floats = field(default_factory=lambda: np.empty(0))
    source_phases: Mask = field(default_factory=lambda: np.empty(0, np.uint8))
    edges: tuple[str, ...] = ()
    kind: Mask = field(default_factory=lambda: np.empty(0, np.uint8))
    edge_from: Index = field(default_factory=lambda: np.empty(0, np.int64))
    edge_to: Index = field(default_factory=lambda: np.empty(0, np.int64))
    phases: Mask = field(default_factory=lambda: np.empty(0, np.uint8))
    open_phases: Mask = field(default_factory=lambda: np.empty(0, np.uint8))
    rated_kva: Floats = field(default_factory=lambda: np.empty(0))
    feeder: tuple[str | None, ...] = ()
    substation: tuple[str | None, ...] = ()
    usage_points: tuple[str, ...] = ()
    mean_kw: Floats = field(default_factory=lambda: np.empty(0))
    load_kind: Index = field(default_factory=lambda: np.empty(0, np.int64))
    link_point: Index = field(default_factory=lambda: np.empty(0, np.int64))
    link_node: Index = field(default_factory=lambda: np.empty(0, np.int64))
    link_standby: Flags = field(default_factory=lambda: np.empty(0, np.bool_))
    link_manual: Flags = field(default_factory=lambda: np.empty(0, np.bool_))
    link_phases: Mask = field(default_factory=lambda: np.empty(0, np.uint8))
    other_kw: Floats = field(default_factory=lambda: np.empty(0))

    @property
    def node_count(self) -> int:
        return len(self.nodes)

    def kind_of(self, edge: int) -> str:
        """The kind of an edge, as a word."""
        return EDGE_KINDS[self.kind[edge]]

    @cached_property
    def _edges_of(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for edge, code in enumerate(self.edges):
            found.setdefault(code, []).append(edge)
        return found

    @cached_property
    def _node_of(self) -> dict[str, int]:
        return {code: node for node, code in enumerate(self.nodes)}

    @cached_property
    def _by_any_name(self) -> dict[str, str | None]:
        """What people may also write: without regard to case, or without the class before the dot; None: several."""
        found: dict[str, str | None] = {}
        for code in self._edges_of:
            lower = code.lower()
            found[lower] = None if lower in found else code
        return found

    def find(self, word: str) -> str | None:
        """The equipment a person or a point list means; None where there is none, or more than one."""
        if word in self._edges_of:
            return word
        for text in (word.lower(), word.partition(".")[2].lower()):
            if text and self._by_any_name.get(text):
                return self._by_any_name[text]
        return None

    def edges_of(self, code: str) -> list[int]:
        """Edges of an equipment; empty where there is none of exactly this code."""
        return self._edges_of.get(code, [])

    def node_of(self, code: str) -> int | None:
        """The node of a code."""
        return self._node_of.get(code)

    @cached_property
    def claims(self) -> Mask:
        """Phases that each connection may take (c)."""
        return np.where(self.link_phases == 0, 7, self.link_phases).astype(np.uint8)

    @cached_property
    def by_hand(self) -> Flags:
        """Whether each usage point (k) is transferred by hand: has several connections, one of them so."""
        several = np.bincount(self.link_point, minlength=len(self.usage_points)) > 1
        found = np.zeros(len(self.usage_points), bool)
        found[self.link_point[self.link_manual]] = True
        return found & several
