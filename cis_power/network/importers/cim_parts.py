"""What CIM says of nodes, terminals, phases and voltages: the ground on which equipment is put together."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property

from cis_power.core.errors import Problem, Severity
from cis_power.core.phases import PHASE_BITS
from cis_power.network.importers.cim_rdf import RdfObject, RdfStore
from cis_power.network.importers.zones import SPLIT, Zones, zone_voltages
from cis_power.network.model import Node

NODES = ("ConnectivityNode", "TopologicalNode")
NAME = "IdentifiedObject.name"


def phase_mask(text: str | None) -> int:
    """Mask of a phase code such as `ABCN`, `AN`, `s1N` or `SinglePhaseKind.B`; neutral and unnamed carry none."""
    word = (text or "").rpartition(".")[2]
    if re.search(r"s[12]", word):
        return SPLIT
    return sum(bit for letter, bit in PHASE_BITS.items() if letter in word)


class CimParts:
    """One store of objects, seen from its nodes and terminals; notes what is wrong with them."""

    def __init__(self, store: RdfStore) -> None:
        self.store = store
        self.problems = list(store.problems)
        by_connectivity = any("Terminal.ConnectivityNode" in item.values for item in store.of("Terminal"))
        self.node_class = NODES[0] if by_connectivity else NODES[1]
        self.kilo = self._kilo()
        self.terminals = self._terminals()
        self.open_parts: dict[str, int] = defaultdict(int)
        self.phases = self._phases()
        self.node_codes = codes_of(self.store.of(self.node_class))
        self.volts: list[tuple[str, float]] = []
        self.coordinates: dict[str, tuple[float, float]] = {}

    def _kilo(self) -> float:
        """CGMES gives kV and MVA, other CIM100 writers V and VA; what tells them apart is the model header."""
        cgmes = any("CIM-schema-cim1" in name for name in self.store.namespaces)
        header = any(True for _ in self.store.of("FullModel"))
        nominal = [as_number(item.get("BaseVoltage.nominalVoltage")) or 0.0 for item in self.store.of("BaseVoltage")]
        return 1000.0 if cgmes or (header and max(nominal, default=0.0) <= 1500) else 1.0

    def note(
        self, code: str, message: str, at: RdfObject, name: str | None = None, severity: Severity = "error"
    ) -> None:
        self.problems.append(Problem(code, message, severity, at.place.file, at.place.line, name))

    def nodes(self, zones: Zones) -> Iterator[Node]:
        for item in self.store.of(self.node_class):
            base = self.store.follow(item, "TopologicalNode.BaseVoltage")
            level = self.store.follow(item, "ConnectivityNode.ConnectivityNodeContainer")
            volts = self.base_volts(base or self.store.follow(level, "VoltageLevel.BaseVoltage"))
            if volts:
                self.volts.append((self.node_codes[item.id], volts))
        by_zone = zone_voltages(zones, self.volts)
        for item in self.store.of(self.node_class):
            code = self.node_codes[item.id]
            x, y = self.coordinates.get(code, (None, None))
            yield Node(code, x, y, by_zone.get(zones.of(code)), item.place)

    def base_volts(self, base: RdfObject | None) -> float | None:
        value = as_number(base.get("BaseVoltage.nominalVoltage")) if base is not None else None
        return value * self.kilo if value else None

    def _terminals(self) -> dict[str, list[RdfObject]]:
        """Terminals by the id of their equipment, in the order of their numbers."""
        found: dict[str, list[RdfObject]] = defaultdict(list)
        for item in self.store.of("Terminal"):
            owner = item.get("Terminal.ConductingEquipment")
            if owner is None or owner not in self.store.objects:
                message = f"terminal {item.id} refers to equipment {owner!r}, which does not exist"
                self.note("dangling_reference", message, item, "Terminal.ConductingEquipment")
            else:
                found[owner].append(item)
        for terminals in found.values():
            terminals.sort(key=_sequence)
        return found

    def node(self, item: RdfObject, terminal: RdfObject | None) -> str | None:
        """Code of the node a terminal is connected to."""
        if terminal is None:
            return None
        field = f"Terminal.{self.node_class}"
        reference = terminal.get(field)
        if reference is None:
            self.note("missing_node", f"a terminal of {label(item)} is connected to no node", terminal, field)
            return None
        code = self.node_codes.get(reference)
        if code is None:
            message = f"a terminal of {label(item)} refers to node {reference!r}, which does not exist"
            self.note("dangling_reference", message, terminal, field)
        return code

    def one_node(self, item: RdfObject) -> tuple[str, int] | None:
        """Node and phases of equipment with one terminal."""
        terminals = self.terminals.get(item.id, [])
        if not terminals:
            self.note("missing_terminal", f"{label(item)} has no terminal", item)
            return None
        node = self.node(item, terminals[0])
        if node is None:
            return None
        self.place(item, [node])
        return node, self.phases.get(item.id) or phase_mask(terminals[0].get("Terminal.phases"))

    def place(self, item: RdfObject, nodes: list[str]) -> None:
        """Coordinates and voltage of nodes from those of the equipment that touches them."""
        base = self.base_volts(self.store.follow(item, "ConductingEquipment.BaseVoltage"))
        if base and item.class_name != "PowerTransformer":
            self.volts.extend((node, base) for node in nodes)
        location = item.get("PowerSystemResource.Location")
        points = self.points.get(location or "", [])
        for number, node in enumerate(nodes):
            if points:
                point = points[-1] if number == len(nodes) - 1 else points[0]
                self.coordinates.setdefault(node, point)

    @cached_property
    def points(self) -> dict[str, list[tuple[float, float]]]:
        """Position points by the id of their location, in order."""
        rows: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
        for item in self.store.of("PositionPoint"):
            x, y = as_number(item.get("PositionPoint.xPosition")), as_number(item.get("PositionPoint.yPosition"))
            if x is not None and y is not None:
                number = as_number(item.get("PositionPoint.sequenceNumber")) or 0.0
                rows[item.get("PositionPoint.Location") or ""].append((number, x, y))
        return {key: [(x, y) for _, x, y in sorted(value)] for key, value in rows.items()}

    def _phases(self) -> dict[str, int]:
        """Phases by the id of equipment, from the objects that describe single phases of it."""
        masks: dict[str, int] = defaultdict(int)
        for name, owner, field in (
            ("ACLineSegmentPhase", "ACLineSegment", "phase"),
            ("SwitchPhase", "Switch", "phaseSide1"),
            ("EnergyConsumerPhase", "EnergyConsumer", "phase"),
            ("EnergySourcePhase", "EnergySource", "phase"),
        ):
            for item in self.store.of(name):
                reference = item.get(f"{name}.{owner}")
                if reference is None or reference not in self.store.objects:
                    message = f"{name} {item.id} refers to {reference!r}, which does not exist"
                    self.note("dangling_reference", message, item, f"{name}.{owner}")
                    continue
                mask = phase_mask(item.get(f"{name}.{field}"))
                masks[reference] |= mask
                if name == "SwitchPhase" and is_true(item.get("SwitchPhase.normalOpen")):
                    self.open_parts[reference] |= mask
        return dict(masks)


def codes_of(items: Iterable[RdfObject]) -> dict[str, str]:
    """Code by id: the name where it is unique among `items`, else the id."""
    objects = list(items)
    times = Counter(item.get(NAME) or item.id for item in objects)
    names = {item.id: item.get(NAME) or item.id for item in objects}
    return {key: name if times[name] == 1 else key for key, name in names.items()}


def label(item: RdfObject) -> str:
    return f"{item.class_name} {item.get(NAME) or item.id}"


def _sequence(terminal: RdfObject) -> float:
    return as_number(terminal.get("ACDCTerminal.sequenceNumber", "Terminal.sequenceNumber")) or 0.0


def is_true(text: str | None) -> bool:
    return (text or "").casefold() in {"true", "1"}


def as_number(text: str | None) -> float | None:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None
