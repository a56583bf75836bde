"""What every importer yields: a network as plain data, with the place in the input beside each thing.

Phases are masks (A = 1, B = 2, C = 4). Codes are the owner's ids; a node and a device may bear the same code.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cis_power.core.errors import Problem
from cis_power.core.phases import ALL_PHASES

KINDS = ("breaker", "recloser", "fuse", "load_break_switch", "switch", "line", "transformer")
SWITCHING_KINDS = frozenset({"breaker", "recloser", "fuse", "load_break_switch", "switch"})
OWNERS = ("utility", "customer")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the input; `line` is physical, the first is 1, and unknown in formats without lines."""

    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A place of one potential: bus, busbar, junction, branch box. `x`, `y` are in the owner's coordinates."""

    code: str
    x: float | None = None
    y: float | None = None
    nominal_v: float | None = None
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Branch:
    """A further conducting path of an element, such as the third winding of a transformer."""

    from_node: str
    to_node: str
    phases: int = ALL_PHASES


@dataclass(frozen=True, slots=True)
class Equipment:
    """A conducting element between two nodes. `open_phases` are those that stand open in the normal state."""

    code: str
    kind: str
    from_node: str
    to_node: str
    phases: int = ALL_PHASES
    open_phases: int = 0
    telemetered: bool = False
    rated_kva: float | None = None
    feeder: str | None = None
    substation: str | None = None
    district: str | None = None
    name: str | None = None
    owner: str | None = None
    further: tuple[Branch, ...] = ()
    place: Place = Place()

    @property
    def normal_open(self) -> bool:
        """Whether every phase of it stands open in the normal state."""
        return self.open_phases & self.phases == self.phases

    def branches(self) -> Iterator[Branch]:
        """Every conducting path, the first between `from_node` and `to_node`."""
        yield Branch(self.from_node, self.to_node, self.phases)
        yield from self.further


@dataclass(frozen=True, slots=True)
class Source:
    """A node that is fed from outside the model."""

    node: str
    phases: int = ALL_PHASES
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Load:
    """Where customers are supplied, in formats that say so; it becomes a usage point of the same code."""

    code: str
    node: str
    phases: int = ALL_PHASES
    rated_kva: float | None = None
    nominal_v: float | None = None
    customers: int = 1
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class NetworkModel:
    """A whole network and all an importer had to say about it. `ignored` counts what does not conduct, by class.

    `files` are those that were read.
    """

    nodes: tuple[Node, ...] = ()
    equipment: tuple[Equipment, ...] = ()
    sources: tuple[Source, ...] = ()
    loads: tuple[Load, ...] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    files: tuple[Path, ...] = ()

    @property
    def rows(self) -> int:
        return len(self.nodes) + len(self.equipment) + len(self.sources) + len(self.loads)

    def counts(self) -> dict[str, int]:
        """Numbers by kind: every kind of equipment (also 0), and `node`, `source`, `load`."""
        kinds = Counter(item.kind for item in self.equipment)
        counts = {kind: kinds.pop(kind, 0) for kind in KINDS}
        counts.update(kinds)
        return counts | {"node": len(self.nodes), "source": len(self.sources), "load": len(self.loads)}
