"""CIM networks (CIM100 RDF, CIM16/CGMES with EQ and TP): equipment between the nodes of its terminals."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from cis_power.core.errors import Problem, Severity
from cis_power.core.phases import ALL_PHASES, PHASE_BITS
from cis_power.network.importers.cim_rdf import RdfObject, RdfStore, read_rdf
from cis_power.network.importers.zones import SPLIT, Zones, settle_phases, zone_voltages
from cis_power.network.model import SWITCHING_KINDS, Branch, Equipment, Load, NetworkModel, Node, Source

EDGE_KINDS = {
    "Breaker": "breaker",
    "DisconnectingCircuitBreaker": "breaker",
    "ProtectedSwitch": "breaker",
    "Recloser": "recloser",
    "Fuse": "fuse",
    "LoadBreakSwitch": "load_break_switch",
    "Disconnector": "switch",
    "Sectionaliser": "switch",
    "Jumper": "switch",
    "Cut": "switch",
    "Switch": "switch",
    "ACLineSegment": "line",
    "SeriesCompensator": "line",
    "EquivalentBranch": "line",
}
SOURCES = ("EnergySource", "ExternalNetworkInjection")
LAST_RESORTS = ("EquivalentInjection", "SynchronousMachine")
LOADS = ("EnergyConsumer", "ConformLoad", "NonConformLoad", "StationSupply")
NODES = ("ConnectivityNode", "TopologicalNode")
NAME = "IdentifiedObject.name"


def read_cim(path: Path) -> NetworkModel:
    """The network of a CIM file, archive or folder, with every problem of it."""
    return _Converter(read_rdf(path)).model()


def phase_mask(text: str | None) -> int:
    """Mask of a phase code such as `ABCN`, `AN`, `s1N` or `SinglePhaseKind.B`; neutral and unnamed carry none."""
    word = (text or "").rpartition(".")[2]
    if re.search(r"s[12]", word):
        return SPLIT
    return sum(bit for letter, bit in PHASE_BITS.items() if letter in word)


class _Converter:
    def __init__(self, store: RdfStore) -> None:
        self.store = store
        self.problems = list(store.problems)
        by_connectivity = any("Terminal.ConnectivityNode" in item.values for item in store.of("Terminal"))
        self.node_class = NODES[0] if by_connectivity else NODES[1]
        self.kilo = self._kilo()
        self.terminals = self._terminals()
        self.open_parts: dict[str, int] = defaultdict(int)
        self.phases = self._phases()
        self.node_codes = _codes(self.store.of(self.node_class))
        self.volts: list[tuple[str, float]] = []
        self.coordinates: dict[str, tuple[float, float]] = {}
        self.secondary: dict[str, list[int]] = {}

    def _kilo(self) -> float:
        """CGMES gives kV and MVA, other CIM100 writers V and VA; what tells them apart is the model header."""
        cgmes = any("CIM-schema-cim1" in name for name in self.store.namespaces)
        header = any(True for _ in self.store.of("FullModel"))
        nominal = [_float(item.get("BaseVoltage.nominalVoltage")) or 0.0 for item in self.store.of("BaseVoltage")]
        return 1000.0 if cgmes or (header and max(nominal, default=0.0) <= 1500) else 1.0

    def note(
        self, code: str, message: str, at: RdfObject, name: str | None = None, severity: Severity = "error"
    ) -> None:
        self.problems.append(Problem(code, message, severity, at.place.file, at.place.line, name))

    def model(self) -> NetworkModel:
        edges = [item for item in self.store.objects.values() if item.class_name in EDGE_KINDS]
        transformers = list(self.store.of("PowerTransformer"))
        codes = _codes([*edges, *transformers])
        equipment = [
            *(made for item in edges for made in self._edge(item, codes[item.id])),
            *(made for item in transformers for made in self._transformer(item, codes[item.id])),
        ]
        load_objects = list(self.store.of(*LOADS))
        load_codes = _codes(load_objects)
        loads = [made for item in load_objects for made in self._load(item, load_codes[item.id])]
        sources = [made for item in self._source_objects() for made in self._source(item)]
        zones = Zones(equipment)
        settled = settle_phases(zones, equipment, loads, self.secondary)
        problems = tuple(dict.fromkeys([*self.problems, *settled.problems]))
        nodes = tuple(self._nodes(zones))
        files = tuple(self.store.files)
        return NetworkModel(nodes, settled.equipment, tuple(sources), settled.loads, self._ignored(), problems, files)

    # nodes and terminals

    def _nodes(self, zones: Zones) -> Iterator[Node]:
        for item in self.store.of(self.node_class):
            base = self.store.follow(item, "TopologicalNode.BaseVoltage")
            level = self.store.follow(item, "ConnectivityNode.ConnectivityNodeContainer")
            volts = self._base_volts(base or self.store.follow(level, "VoltageLevel.BaseVoltage"))
            if volts:
                self.volts.append((self.node_codes[item.id], volts))
        by_zone = zone_voltages(zones, self.volts)
        for item in self.store.of(self.node_class):
            code = self.node_codes[item.id]
            x, y = self.coordinates.get(code, (None, None))
            yield Node(code, x, y, by_zone.get(zones.of(code)), item.place)

    def _base_volts(self, base: RdfObject | None) -> float | None:
        value = _float(base.get("BaseVoltage.nominalVoltage")) if base is not None else None
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

    def _node(self, item: RdfObject, terminal: RdfObject | None) -> str | None:
        """Code of the node a terminal is connected to."""
        if terminal is None:
            return None
        field = f"Terminal.{self.node_class}"
        reference = terminal.get(field)
        if reference is None:
            self.note("missing_node", f"a terminal of {_label(item)} is connected to no node", terminal, field)
            return None
        code = self.node_codes.get(reference)
        if code is None:
            message = f"a terminal of {_label(item)} refers to node {reference!r}, which does not exist"
            self.note("dangling_reference", message, terminal, field)
        return code

    def _one_node(self, item: RdfObject) -> tuple[str, int] | None:
        """Node and phases of equipment with one terminal."""
        terminals = self.terminals.get(item.id, [])
        if not terminals:
            self.note("missing_terminal", f"{_label(item)} has no terminal", item)
            return None
        node = self._node(item, terminals[0])
        if node is None:
            return None
        self._place(item, [node])
        return node, self.phases.get(item.id) or phase_mask(terminals[0].get("Terminal.phases"))

    def _place(self, item: RdfObject, nodes: list[str]) -> None:
        """Coordinates and voltage of nodes from those of the equipment that touches them."""
        base = self._base_volts(self.store.follow(item, "ConductingEquipment.BaseVoltage"))
        if base and item.class_name != "PowerTransformer":
            self.volts.extend((node, base) for node in nodes)
        location = item.get("PowerSystemResource.Location")
        points = self._points().get(location or "", [])
        for number, node in enumerate(nodes):
            if points:
                point = points[-1] if number == len(nodes) - 1 else points[0]
                self.coordinates.setdefault(node, point)

    def _points(self) -> dict[str, list[tuple[float, float]]]:
        """Position points by the id of their location, in order."""
        if not hasattr(self, "_points_by_location"):
            rows: dict[str, list[tuple[int, float, float]]] = defaultdict(list)
            for item in self.store.of("PositionPoint"):
                x, y = _float(item.get("PositionPoint.xPosition")), _float(item.get("PositionPoint.yPosition"))
                if x is not None and y is not None:
                    number = int(_float(item.get("PositionPoint.sequenceNumber")) or 0)
                    rows[item.get("PositionPoint.Location") or ""].append((number, x, y))
            self._points_by_location = {key: [(x, y) for _, x, y in sorted(value)] for key, value in rows.items()}
        return self._points_by_location

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
                if name == "SwitchPhase" and _is_true(item.get("SwitchPhase.normalOpen")):
                    self.open_parts[reference] |= mask
        return dict(masks)

    # equipment

    def _edge(self, item: RdfObject, code: str) -> Iterator[Equipment]:
        terminals = self.terminals.get(item.id, [])
        if len(terminals) != 2:
            self.note("missing_terminal", f"{_label(item)} has {len(terminals)} terminals, not 2", item)
            return
        start, end = (self._node(item, terminal) for terminal in terminals)
        if start is None or end is None:
            return
        self._place(item, [start, end])
        phases = self.phases.get(item.id) or phase_mask(terminals[0].get("Terminal.phases")) or ALL_PHASES
        kind = EDGE_KINDS[item.class_name]
        opened = self._open_phases(item, phases) if kind in SWITCHING_KINDS else 0
        yield self._equipment(item, code, kind, Branch(start, end, phases), self._disconnected(item, phases) or opened)

    def _equipment(self, item: RdfObject, code: str, kind: str, branch: Branch, opened: int) -> Equipment:
        container = self.store.follow(item, "Equipment.EquipmentContainer")
        feeder = container if container is not None and container.class_name in {"Feeder", "Line"} else None
        level = self.store.follow(container, "VoltageLevel.Substation", "Bay.VoltageLevel") or container
        substation = self.store.follow(feeder, "Feeder.NormalEnergizingSubstation") or self.store.follow(
            level, "VoltageLevel.Substation"
        )
        if substation is None and level is not None and level.class_name == "Substation":
            substation = level
        return Equipment(
            code=code,
            kind=kind,
            from_node=branch.from_node,
            to_node=branch.to_node,
            phases=branch.phases,
            open_phases=opened,
            feeder=_name(feeder),
            substation=_name(substation),
            name=item.get(NAME),
            place=item.place,
        )

    def _open_phases(self, item: RdfObject, phases: int) -> int:
        """Phases open by `normalOpen`, else by the present position; single phases may say so for themselves."""
        if _is_true(item.get("Switch.normalOpen", "Switch.open")):
            return phases
        return self.open_parts.get(item.id, 0) & phases

    def _disconnected(self, item: RdfObject, phases: int) -> int:
        for terminal in self.terminals[item.id]:
            if terminal.get("ACDCTerminal.connected", "Terminal.connected") == "false":
                message = f"a terminal of {_label(item)} is disconnected; it is taken as open"
                self.note("disconnected_terminal", message, terminal, None, "warning")
                return phases
        return 0

    def _transformer(self, item: RdfObject, code: str) -> Iterator[Equipment]:
        ends = self._ends().get(item.id, [])
        branches: dict[tuple[str, str], list[int]] = {}
        broken = False
        for group in ends:
            nodes = [self._node(item, self.store.follow(end, "TransformerEnd.Terminal")) for end in group]
            named = [(node, end) for node, end in zip(nodes, group, strict=True) if node is not None]
            broken = broken or len(named) < len(group)
            for node, end in named:
                self._end_volts(node, end)
            if len(named) < 2:
                continue
            (first, primary), *others = named
            for node, end in others:
                masks = branches.setdefault((first, node), [0, 0])
                masks[0] |= _end_phases(primary)
                masks[1] |= _end_phases(end)
        if not branches:
            if not broken:
                self.note("missing_terminal", f"{_label(item)} has fewer than two connected ends", item)
            return
        made = [Branch(first, node, masks[0]) for (first, node), masks in branches.items()]
        self.secondary[code] = [masks[1] for masks in branches.values()]
        self._place(item, [made[0].from_node, made[0].to_node])
        opened = self._disconnected(item, made[0].phases)
        element = self._equipment(item, code, "transformer", made[0], opened)
        yield replace(element, further=tuple(made[1:]), rated_kva=self._rated_kva(ends))

    def _ends(self) -> dict[str, list[list[RdfObject]]]:
        """Ends by the id of their transformer: one group for all, or one a tank, each in the order of end numbers."""
        if not hasattr(self, "_ends_by_transformer"):
            groups: dict[tuple[str, str], list[RdfObject]] = defaultdict(list)
            for item in self.store.of("PowerTransformerEnd", "TransformerTankEnd"):
                tank = self.store.follow(item, "TransformerTankEnd.TransformerTank")
                owner = (tank or item).get("TransformerTank.PowerTransformer", "PowerTransformerEnd.PowerTransformer")
                if owner is None or owner not in self.store.objects:
                    message = f"{item.class_name} {item.id} refers to transformer {owner!r}, which does not exist"
                    self.note("dangling_reference", message, item, "PowerTransformer")
                else:
                    groups[owner, tank.id if tank else ""].append(item)
            self._ends_by_transformer: dict[str, list[list[RdfObject]]] = defaultdict(list)
            for (owner, _), ends in groups.items():
                ends.sort(key=lambda end: _float(end.get("TransformerEnd.endNumber")) or 0.0)
                self._ends_by_transformer[owner].append(ends)
        return self._ends_by_transformer

    def _end_volts(self, node: str, end: RdfObject) -> None:
        volts = self._base_volts(self.store.follow(end, "TransformerEnd.BaseVoltage"))
        if volts:
            self.volts.append((node, volts))

    def _rated_kva(self, ends: Iterable[list[RdfObject]]) -> float | None:
        rated = [_float(group[0].get("PowerTransformerEnd.ratedS")) for group in ends if group]
        known = [value for value in rated if value is not None]
        return sum(known) * self.kilo**2 / 1000 if known else None

    def _load(self, item: RdfObject, code: str) -> Iterator[Load]:
        at = self._one_node(item)
        if at is None:
            return
        node, phases = at
        if (item.get("EnergyConsumer.phaseConnection") or "").endswith(".D") and phases in (1, 2, 4):
            phases |= {1: 2, 2: 4, 4: 1}[phases]  # a delta load named by one phase lies between it and the next
        active, reactive = _float(item.get("EnergyConsumer.p")), _float(item.get("EnergyConsumer.q"))
        rated = math.hypot(active, reactive or 0.0) * self.kilo**2 / 1000 if active else None
        volts = self._base_volts(self.store.follow(item, "ConductingEquipment.BaseVoltage"))
        customers = int(_float(item.get("EnergyConsumer.customerCount")) or 1)
        yield Load(code, node, phases or ALL_PHASES, rated, volts, customers, item.place)

    def _source_objects(self) -> list[RdfObject]:
        """What feeds; where a model names no source, the injections or machines it has, with a warning each."""
        named = list(self.store.of(*SOURCES))
        for class_name in LAST_RESORTS:
            if not named:
                named = list(self.store.of(class_name))
                for item in named:
                    message = f"the model names no source: {_label(item)} is taken for one"
                    self.note("assumed_source", message, item, None, "warning")
        return named

    def _source(self, item: RdfObject) -> Iterator[Source]:
        at = self._one_node(item)
        if at is not None:
            yield Source(at[0], at[1] & ALL_PHASES or ALL_PHASES, item.place)

    def _ignored(self) -> dict[str, int]:
        """Equipment with terminals that neither conducts from node to node nor supplies nor takes, by class."""
        used = {*EDGE_KINDS, *SOURCES, *LOADS, "PowerTransformer"}
        owners = (self.store.objects[owner] for owner in self.terminals)
        return dict(Counter(item.class_name for item in owners if item.class_name not in used))


def _codes(items: Iterable[RdfObject]) -> dict[str, str]:
    """Code by id: the name where it is unique among `items`, else the id."""
    objects = list(items)
    times = Counter(item.get(NAME) or item.id for item in objects)
    names = {item.id: item.get(NAME) or item.id for item in objects}
    return {key: name if times[name] == 1 else key for key, name in names.items()}


def _name(item: RdfObject | None) -> str | None:
    return (item.get(NAME) or item.id) if item is not None else None


def _label(item: RdfObject) -> str:
    return f"{item.class_name} {item.get(NAME) or item.id}"


def _sequence(terminal: RdfObject) -> float:
    return _float(terminal.get("ACDCTerminal.sequenceNumber", "Terminal.sequenceNumber")) or 0.0


def _end_phases(end: RdfObject) -> int:
    return phase_mask(end.get("TransformerTankEnd.orderedPhases", "TransformerTankEnd.phases")) or ALL_PHASES


def _is_true(text: str | None) -> bool:
    return (text or "").casefold() in {"true", "1"}


def _float(text: str | None) -> float | None:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None
