"""OpenDSS circuits: what a script built, as a network."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cis_power.core.phases import ALL_PHASES
from cis_power.network.importers.opendss_script import DssObject, Script
from cis_power.network.importers.opendss_transformer import Winding, read_windings
from cis_power.network.importers.opendss_words import is_yes, number, split_array
from cis_power.network.importers.zones import Zones, settle_phases, zone_voltages
from cis_power.network.model import Branch, Equipment, Load, NetworkModel, Node, Source

CONDUCTING = ("line", "transformer", "autotrans", "reactor", "capacitor")
CONTROLS = {"fuse": "fuse", "recloser": "recloser", "relay": "breaker", "swtcontrol": "switch"}


@dataclass(frozen=True, slots=True)
class Bus:
    """A bus as a terminal names it, with the phases of its conductors."""

    name: str
    phases: int


def read_script(path: Path) -> NetworkModel:
    """The circuit a script builds, with every problem of it and of the files it includes."""
    return _Circuit(Script(path)).model()


def bus(text: str, conductors: int) -> Bus:
    """Bus and phases of `name.1.2.3`; conductors without a node are 1, 2, 3 in order; ground and neutrals count not."""
    name, *nodes = text.strip().split(".")
    numbers = [int(node) if node.isdecimal() else 0 for node in nodes]
    numbers += list(range(len(numbers) + 1, conductors + 1))
    return Bus(name, sum({1 << (node - 1) for node in numbers[:conductors] if 1 <= node <= 3}))


class _Circuit:
    def __init__(self, script: Script) -> None:
        self.script = script
        self.nodes: dict[str, Node] = {}
        self.secondary: dict[str, list[int]] = {}
        self.volts: list[tuple[str, float]] = []
        self.codes = self._codes()

    def _codes(self) -> dict[str, str]:
        """Code by full name: the name as written, with its class in front where two classes use the same."""
        items = list(self.script.of(*CONDUCTING))
        times = Counter(item.name.casefold() for item in items)
        return {
            item.full_name: item.name
            if times[item.name.casefold()] == 1
            else f"{item.class_name.capitalize()}.{item.name}"
            for item in items
        }

    def model(self) -> NetworkModel:
        script = self.script
        sources = [source for item in script.of("vsource") for source in self._source(item)]
        equipment = [*self._lines(), *self._transformers(), *self._series()]
        loads = [load for item in script.of("load") for load in self._load(item)]
        self._operate(equipment)
        zones = Zones(equipment)
        settled = settle_phases(zones, equipment, loads, self.secondary)
        volts = zone_voltages(zones, self.volts)
        nodes = tuple(replace(node, nominal_v=volts.get(zones.of(node.code))) for node in self.nodes.values())
        ignored = dict(script.ignored)
        problems = (*script.problems, *settled.problems)
        return NetworkModel(
            nodes, settled.equipment, tuple(sources), settled.loads, ignored, problems, tuple(script.files)
        )

    # reading values

    def _number(self, item: DssObject, name: str, default: float) -> float:
        text = item.last(name)
        if text is None:
            return default
        try:
            return number(text)
        except ValueError:
            self.script.note("bad_number", f"{item.full_name}: {text!r} is not a number", item.place, name)
            return default

    def _count(self, item: DssObject, name: str, default: int) -> int:
        value = self._number(item, name, default)
        if not 1 <= value <= 100 or value != int(value):
            self.script.note("bad_number", f"{item.full_name}: {value:g} {name} are impossible", item.place, name)
            return default
        return int(value)

    def _bus(self, item: DssObject, text: str | None, conductors: int, field: str) -> Bus | None:
        if text is None or not text.strip(". "):
            self.script.note("missing_value", f"{item.full_name} names no {field}", item.place, field)
            return None
        named = bus(text, conductors)
        x, y = self.script.coordinates.get(named.name.casefold(), (None, None))
        node = self.nodes.setdefault(named.name.casefold(), Node(named.name, x, y, None, item.place))
        return Bus(node.code, named.phases)

    # classes

    def _source(self, item: DssObject) -> Iterable[Source]:
        phases = self._count(item, "phases", 3)
        at = self._bus(item, item.last("bus1"), phases, "bus1")
        if at is not None:
            self.volts.append((at.name, 1000 * self._number(item, "basekv", 115.0)))
            yield Source(at.name, at.phases or ALL_PHASES, item.place)

    def _lines(self) -> Iterable[Equipment]:
        for item in self.script.of("line"):
            phases = self._line_phases(item)
            start = self._bus(item, item.last("bus1"), phases, "bus1")
            end = self._bus(item, item.last("bus2"), phases, "bus2")
            if start is None or end is None:
                continue
            if start.phases != end.phases:
                message = f"{item.full_name} joins conductors of different names; phases pass by name"
                self.script.note("phases_differ", message, item.place, "bus2", "warning")
            kind = "switch" if is_yes(item.last("switch") or "no") else "line"
            yield self._edge(item, kind, start, end, start.phases & end.phases or start.phases)

    def _line_phases(self, item: DssObject) -> int:
        """Phases of a line: what `phases`, its line code or its geometry said last."""
        phases = 3
        for name, text in item.settings:
            if name == "phases":
                phases = self._count(item, "phases", 3)
            elif name in {"linecode", "geometry"}:
                code = self.script.find(f"{'linegeometry' if name == 'geometry' else name}.{text}")
                if code is None:
                    message = f"{item.full_name} refers to {name} {text!r}, which does not exist"
                    self.script.note("unknown_code", message, item.place, name, "warning")
                else:
                    phases = self._count(code, "nphases", 3)
        return phases

    def _edge(self, item: DssObject, kind: str, start: Bus, end: Bus, phases: int) -> Equipment:
        return Equipment(
            code=self.codes[item.full_name],
            kind=kind,
            from_node=start.name,
            to_node=end.name,
            phases=phases or ALL_PHASES,
            open_phases=self._open_phases(item, phases or ALL_PHASES),
            feeder=self.script.circuit,
            place=item.place,
        )

    def _open_phases(self, item: DssObject, phases: int) -> int:
        """Phases behind the conductors that stand open: conductor 1 is the first phase of the element."""
        if 0 in item.open_conductors:
            return phases
        bits = [bit for bit in (1, 2, 4) if phases & bit]
        return sum(bits[conductor - 1] for conductor in item.open_conductors if conductor <= len(bits))

    def _transformers(self) -> Iterable[Equipment]:
        for item in self.script.of("transformer", "autotrans"):
            try:
                phases, windings = read_windings(item, self.script)
            except ValueError as error:
                self.script.note("bad_number", f"{item.full_name}: {error}", item.place)
                continue
            buses = [self._bus(item, winding.bus, winding.conductors(phases), "bus") for winding in windings]
            named = [at for at in buses if at is not None]
            if len(named) < len(buses):
                continue
            for at, winding in zip(named, windings, strict=True):
                self.volts.append((at.name, winding.line_volts(phases)))
            yield self._transformer(item, named, windings)

    def _transformer(self, item: DssObject, buses: Sequence[Bus], windings: Sequence[Winding]) -> Equipment:
        first, second, *others = buses
        edge = self._edge(item, "transformer", first, second, first.phases)
        further = tuple(
            Branch(first.name, at.name, edge.phases)
            for number, at in enumerate(others, 2)
            if at.name not in {other.name for other in buses[1:number]}
        )
        masks = {
            name: sum({1 << bit for at in buses[1:] if at.name == name for bit in range(3) if at.phases >> bit & 1})
            for name in (second.name, *(branch.to_node for branch in further))
        }
        self.secondary[edge.code] = [masks[name] or edge.phases for name in masks]
        return replace(edge, further=further, rated_kva=windings[0].kva)

    def _series(self) -> Iterable[Equipment]:
        """Reactors and capacitors between two buses conduct like lines; those to ground do not count."""
        for item in self.script.of("reactor", "capacitor"):
            phases = self._count(item, "phases", 3)
            second = item.last("bus2")
            if second is None or second.split(".")[0].casefold() == (item.last("bus1") or "").split(".")[0].casefold():
                self.script.ignored[item.class_name] += 1
                continue
            start = self._bus(item, item.last("bus1"), phases, "bus1")
            end = self._bus(item, second, phases, "bus2")
            if start is None or end is None:
                continue
            message = f"{item.full_name} lies in series between two buses and is taken as a line"
            self.script.note("series_element", message, item.place, None, "warning")
            yield self._edge(item, "line", start, end, start.phases & end.phases or start.phases)

    def _load(self, item: DssObject) -> Iterable[Load]:
        phases = self._count(item, "phases", 3)
        delta = (item.last("conn") or "wye").casefold().startswith(("d", "ll"))
        at = self._bus(item, item.last("bus1"), phases + 1 if delta and phases < 3 else phases, "bus1")
        if at is None:
            return
        if item.open_conductors:
            message = f"{item.full_name} is opened; a usage point has no switch of its own"
            self.script.note("open_load", message, item.place, None, "warning")
        volts = 1000 * self._number(item, "kv", 12.47)
        customers = self._count(item, "numcust", 1)
        yield Load(item.name, at.name, at.phases or ALL_PHASES, self._load_kva(item), volts, customers, item.place)

    def _load_kva(self, item: DssObject) -> float:
        """Apparent power from the two of kW, kvar, power factor and kVA that were given last."""
        given = [name for name, _ in item.settings if name in {"kw", "kvar", "pf", "kva"}]
        latest = {name: place for place, name in enumerate(given)}
        kw = self._number(item, "kw", 10.0)
        if latest.get("kva", -1) > max(latest.get("kvar", -1), latest.get("kw", -1)):
            return abs(self._number(item, "kva", 0.0))
        if latest.get("kvar", -1) > latest.get("pf", -1):
            return math.hypot(kw, self._number(item, "kvar", 0.0))
        factor = abs(self._number(item, "pf", 0.88))
        return abs(kw) / factor if factor else abs(kw)

    # protection and control

    def _operate(self, equipment: list[Equipment]) -> None:
        """Fuses, reclosers, relays and switch controls make the line they switch one of their kind, and may open it."""
        place = {item.code: number for number, item in enumerate(equipment)}
        for control in self.script.of(*CONTROLS):
            target = control.last("switchedobj") or control.last("monitoredobj")
            item = self.script.find(target) if target else None
            code = self.codes.get(item.full_name) if item is not None else None
            if code is None or code not in place:
                if item is None or item.enabled:
                    message = f"{control.full_name} switches {target!r}, which does not exist or does not conduct"
                    self.script.note("dangling_reference", message, control.place, "switchedobj")
                continue
            switched = equipment[place[code]]
            kind = switched.kind
            if kind in {"line", "switch"} and not (kind == "switch" and control.class_name == "swtcontrol"):
                kind = CONTROLS[control.class_name]
            opened = self._control_open(control, switched)
            equipment[place[code]] = replace(switched, kind=kind, open_phases=opened)

    def _control_open(self, control: DssObject, switched: Equipment) -> int:
        """Open phases by a control's normal state, else its present one, else as the switched element stands."""
        text = control.last("normal") or control.last("state") or control.last("action")
        if text is None:
            return switched.open_phases
        states = split_array(text)
        bits = [bit for bit in (1, 2, 4) if switched.phases & bit]
        if len(states) <= 1:
            opens = bool(states) and states[0].casefold().startswith(("o", "t"))
            return switched.phases if opens else 0
        return sum(bit for bit, state in zip(bits, states, strict=False) if state.casefold().startswith("o"))
