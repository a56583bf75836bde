"""CIM networks (CIM100 RDF, CIM16/CGMES with EQ and TP): equipment between the nodes of its terminals."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from cis_power.core.phases import ALL_PHASES
from cis_power.network.importers.cim_parts import NAME, CimParts, as_number, codes_of, is_true, label, phase_mask
from cis_power.network.importers.cim_rdf import RdfObject, RdfStore, read_rdf
from cis_power.network.importers.zones import Zones, settle_phases
from cis_power.network.model import SWITCHING_KINDS, Branch, Equipment, Load, NetworkModel, Source

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


def read_cim(path: Path) -> NetworkModel:
    """The network of a CIM file, archive or folder, with every problem of it."""
    return _Converter(read_rdf(path)).model()


class _Converter(CimParts):
    def __init__(self, store: RdfStore) -> None:
        super().__init__(store)
        self.secondary: dict[str, list[int]] = {}

    def model(self) -> NetworkModel:
        edges = [item for item in self.store.objects.values() if item.class_name in EDGE_KINDS]
        transformers = list(self.store.of("PowerTransformer"))
        codes, ends = codes_of([*edges, *transformers]), self._ends()
        equipment = [
            *(made for item in edges for made in self._edge(item, codes[item.id])),
            *(made for item in transformers for made in self._transformer(item, codes[item.id], ends[item.id])),
        ]
        load_objects = list(self.store.of(*LOADS))
        load_codes = codes_of(load_objects)
        loads = [made for item in load_objects for made in self._load(item, load_codes[item.id])]
        sources = [made for item in self._source_objects() for made in self._source(item)]
        zones = Zones(equipment)
        settled = settle_phases(zones, equipment, loads, self.secondary)
        problems = tuple(dict.fromkeys([*self.problems, *settled.problems]))
        nodes = tuple(self.nodes(zones))
        files = tuple(self.store.files)
        return NetworkModel(nodes, settled.equipment, tuple(sources), settled.loads, self._ignored(), problems, files)

    # equipment

    def _edge(self, item: RdfObject, code: str) -> Iterator[Equipment]:
        terminals = self.terminals.get(item.id, [])
        if len(terminals) != 2:
            self.note("missing_terminal", f"{label(item)} has {len(terminals)} terminals, not 2", item)
            return
        start, end = (self.node(item, terminal) for terminal in terminals)
        if start is None or end is None:
            return
        self.place(item, [start, end])
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
        if is_true(item.get("Switch.normalOpen", "Switch.open")):
            return phases
        return self.open_parts.get(item.id, 0) & phases

    def _disconnected(self, item: RdfObject, phases: int) -> int:
        for terminal in self.terminals[item.id]:
            if terminal.get("ACDCTerminal.connected", "Terminal.connected") == "false":
                message = f"a terminal of {label(item)} is disconnected; it is taken as open"
                self.note("disconnected_terminal", message, terminal, None, "warning")
                return phases
        return 0

    def _transformer(self, item: RdfObject, code: str, ends: list[list[RdfObject]]) -> Iterator[Equipment]:
        branches: dict[tuple[str, str], list[int]] = {}
        broken = False
        for group in ends:
            nodes = [self.node(item, self.store.follow(end, "TransformerEnd.Terminal")) for end in group]
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
                self.note("missing_terminal", f"{label(item)} has fewer than two connected ends", item)
            return
        made = [Branch(first, node, masks[0]) for (first, node), masks in branches.items()]
        self.secondary[code] = [masks[1] for masks in branches.values()]
        self.place(item, [made[0].from_node, made[0].to_node])
        opened = self._disconnected(item, made[0].phases)
        element = self._equipment(item, code, "transformer", made[0], opened)
        yield replace(element, further=tuple(made[1:]), rated_kva=self._rated_kva(ends))

    def _ends(self) -> dict[str, list[list[RdfObject]]]:
        """Ends by the id of their transformer: one group for all, or one a tank, each in the order of end numbers."""
        groups: dict[tuple[str, str], list[RdfObject]] = defaultdict(list)
        for item in self.store.of("PowerTransformerEnd", "TransformerTankEnd"):
            tank = self.store.follow(item, "TransformerTankEnd.TransformerTank")
            owner = (tank or item).get("TransformerTank.PowerTransformer", "PowerTransformerEnd.PowerTransformer")
            if owner is None or owner not in self.store.objects:
                message = f"{item.class_name} {item.id} refers to transformer {owner!r}, which does not exist"
                self.note("dangling_reference", message, item, "PowerTransformer")
            else:
                groups[owner, tank.id if tank else ""].append(item)
        found: dict[str, list[list[RdfObject]]] = defaultdict(list)
        for (owner, _), ends in groups.items():
            found[owner].append(sorted(ends, key=lambda end: as_number(end.get("TransformerEnd.endNumber")) or 0.0))
        return found

    def _end_volts(self, node: str, end: RdfObject) -> None:
        volts = self.base_volts(self.store.follow(end, "TransformerEnd.BaseVoltage"))
        if volts:
            self.volts.append((node, volts))

    def _rated_kva(self, ends: Iterable[list[RdfObject]]) -> float | None:
        rated = [as_number(group[0].get("PowerTransformerEnd.ratedS")) for group in ends if group]
        known = [value for value in rated if value is not None]
        return sum(known) * self.kilo**2 / 1000 if known else None

    def _load(self, item: RdfObject, code: str) -> Iterator[Load]:
        at = self.one_node(item)
        if at is None:
            return
        node, phases = at
        if (item.get("EnergyConsumer.phaseConnection") or "").endswith(".D") and phases in (1, 2, 4):
            phases |= {1: 2, 2: 4, 4: 1}[phases]  # a delta load named by one phase lies between it and the next
        active, reactive = as_number(item.get("EnergyConsumer.p")), as_number(item.get("EnergyConsumer.q"))
        rated = math.hypot(active, reactive or 0.0) * self.kilo**2 / 1000 if active else None
        volts = self.base_volts(self.store.follow(item, "ConductingEquipment.BaseVoltage"))
        customers = int(as_number(item.get("EnergyConsumer.customerCount")) or 1)
        yield Load(code, node, phases or ALL_PHASES, rated, volts, customers, item.place)

    def _source_objects(self) -> list[RdfObject]:
        """What feeds; where a model names no source, the injections or machines it has, with a warning each."""
        named = list(self.store.of(*SOURCES))
        for class_name in LAST_RESORTS:
            if not named:
                named = list(self.store.of(class_name))
                for item in named:
                    message = f"the model names no source: {label(item)} is taken for one"
                    self.note("assumed_source", message, item, None, "warning")
        return named

    def _source(self, item: RdfObject) -> Iterator[Source]:
        at = self.one_node(item)
        if at is not None:
            yield Source(at[0], at[1] & ALL_PHASES or ALL_PHASES, item.place)

    def _ignored(self) -> dict[str, int]:
        """Equipment with terminals that neither conducts from node to node nor supplies nor takes, by class."""
        used = {*EDGE_KINDS, *SOURCES, *LOADS, "PowerTransformer"}
        owners = (self.store.objects[owner] for owner in self.terminals)
        return dict(Counter(item.class_name for item in owners if item.class_name not in used))


def _name(item: RdfObject | None) -> str | None:
    return (item.get(NAME) or item.id) if item is not None else None


def _end_phases(end: RdfObject) -> int:
    return phase_mask(end.get("TransformerTankEnd.orderedPhases", "TransformerTankEnd.phases")) or ALL_PHASES
