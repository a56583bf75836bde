"""The demo utility's network, substation by substation and feeder by feeder. Pure, the same every time.

A substation has two transformers and two sections of a bus, joined by a breaker that stands open. A feeder is its
breaker, then a trunk of lines with reclosers and switches in it; laterals hang on the trunk behind fuses; transformers
on the laterals; low-voltage branch boxes and meter boxes below those of the town. Normally open ties join feeders.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from cis_power.demo import geography as geo
from cis_power.demo.chance import whole
from cis_power.demo.codes import (
    METER_BOXES_A_BRANCH_BOX,
    branch_box_node,
    breaker_code,
    bus_node,
    district_code,
    district_of_substation,
    feeder_code,
    meter_box_node,
    meter_boxes,
    sub_district_code,
    substation_code,
    transformer_code,
)
from cis_power.demo.places import compound, road, town_name
from cis_power.demo.plan import RURAL, STYLES, SUBURBAN, URBAN, Plan

HIGH_V, MEDIUM_V, LOW_V = 110_000, 10_000, 400
MAIN_KVA = 40_000
DEEPEST = 300

Row = tuple[object, ...]

# Of each style: lines of a trunk, where its devices stand (share of the way), most transformers on a lateral, lines
# between two of them, and their length in kilometres.
_LINES = {URBAN: 40, SUBURBAN: 70, RURAL: 150}
_DEVICES = {
    URBAN: ((0.25, "SW"), (0.5, "RC"), (0.6, "DS"), (0.75, "SW")),
    SUBURBAN: ((0.2, "SW"), (0.4, "RC"), (0.5, "DS"), (0.6, "SW"), (0.8, "RC")),
    RURAL: ((0.15, "RC"), (0.3, "SW"), (0.45, "RC"), (0.55, "DS"), (0.65, "SW"), (0.75, "RC"), (0.9, "SW")),
}
_KIND_OF = {"SW": "load_break_switch", "RC": "recloser", "DS": "switch", "LN": "line"}
_WORDS = {"SW": "负荷开关", "RC": "重合器", "DS": "隔离开关"}
_MOST_ON_LATERAL = {URBAN: 3, SUBURBAN: 4, RURAL: 8}
_LINES_BETWEEN = {URBAN: 1, SUBURBAN: 2, RURAL: 5}
_LINE_KM = {URBAN: 0.08, SUBURBAN: 0.07, RURAL: 0.09}
_LARGE_LATERAL = 6
_GROUP = 60


@dataclass
class Part:
    """Nodes and equipment of one substation or feeder, as rows of nodes.csv and equipment.csv."""

    nodes: list[Row] = field(default_factory=list)
    equipment: list[Row] = field(default_factory=list)
    tail: tuple[str, str, str] = ("", "", "")

    def node(self, code: str, at: geo.Km, volts: int = MEDIUM_V) -> str:
        self.nodes.append((code, *geo.degrees(*at), volts))
        return code

    def add(
        self, device: str, kind: str, begin: str, end: str, *, phases: str = "ABC", normal_open: bool = False,
        telemetered: bool = False, kva: float | str = "", name: str = "", owner: str = "utility",
    ) -> None:  # fmt: skip
        flags = int(normal_open), int(telemetered)
        self.equipment.append((device, kind, begin, end, *flags, phases, kva, *self.tail, name, owner))


def bus_code(plan: Plan, feeder: int) -> str:
    """The section of the bus that a feeder hangs on: every other one on the second."""
    section = plan.place_in_substation(feeder) % 2 + 1
    return f"{substation_code(int(plan.substation_of_feeder[feeder]))}-B{section}"


def source_code(substation: int) -> str:
    """The node where a substation is fed from outside."""
    return f"{substation_code(substation)}-110"


def sources(plan: Plan) -> list[str]:
    """Every node that is fed from outside."""
    return [source_code(substation) for substation in range(plan.substations)]


def equipment(plan: Plan) -> Iterator[Row]:
    """Rows of equipment.csv."""
    for part in parts(plan):
        yield from part.equipment


def substation_part(plan: Plan, substation: int) -> Part:
    """A substation: incoming node, two transformers, each with a breaker to its section of the bus, and the tie."""
    code, (x, y) = substation_code(substation), geo.substation_at(plan, substation)
    part = Part(tail=("", code, district_code(district_of_substation(plan, substation))))
    incoming = part.node(source_code(substation), (x, y + 0.02), HIGH_V)
    for section in (1, 2):
        at = x + 0.02 * (2 * section - 3)
        low = part.node(f"{code}-M{section}", (at, y + 0.01))
        bus = part.node(f"{code}-B{section}", (at, y))
        name = f"{town_name(plan, substation)}{code} {section}号主变"
        part.add(f"{code}-MT{section}", "transformer", incoming, low, kva=MAIN_KVA, name=name)
        part.add(f"{code}-CB{section}", "breaker", low, bus, telemetered=True, name=f"{section}号主变低压侧断路器")
    part.add(
        f"{code}-CB0", "breaker", f"{code}-B1", f"{code}-B2", normal_open=True, telemetered=True, name="母联断路器"
    )
    return part


def trunk_lines(plan: Plan, feeder: int) -> int:
    """How many elements in a row the trunk of a feeder has."""
    return min(_LINES[plan.style(feeder)], 10 + 2 * len(plan.transformers_of(feeder)))


def trunk_node(feeder: int, place: int) -> str:
    return f"{feeder_code(feeder)}-N{place:03d}"


def trunk_devices(plan: Plan, feeder: int) -> dict[int, str]:
    """Place in the trunk → code of the switch there; all others are lines."""
    lines, seen = trunk_lines(plan, feeder), {"SW": 0, "RC": 0, "DS": 0}
    found = {}
    for share, word in _DEVICES[plan.style(feeder)]:
        seen[word] += 1
        found[int(share * lines)] = f"{feeder_code(feeder)}-{word}{seen[word]:02d}"
    return found


def laterals(plan: Plan, feeder: int) -> list[list[int]]:
    """The transformers of each lateral, in the order of the trunk; single-phase ones have a lateral of their own."""
    style, groups = plan.style(feeder), list[list[int]]()
    room = 0
    for transformer in plan.transformers_of(feeder):
        alone = bool(plan.transformer_phases[transformer])
        if not room or alone:
            groups.append([])
            room = 1 if alone else 1 + whole(plan.seed, _GROUP, transformer) % _MOST_ON_LATERAL[style]
        groups[-1].append(transformer)
        room -= 1
    return groups


def feeder_part(plan: Plan, feeder: int) -> Part:
    """A feeder without its ties."""
    code, style = feeder_code(feeder), plan.style(feeder)
    substation = int(plan.substation_of_feeder[feeder])
    part = Part(tail=(code, substation_code(substation), sub_district_code(plan, feeder)))
    lines, devices = trunk_lines(plan, feeder), trunk_devices(plan, feeder)
    places, directions = geo.spread(geo.trunk_way(plan, feeder), lines + 2)
    for place in range(lines + 1):
        part.node(trunk_node(feeder, place), places[place + 1])
    name = f"{road(plan, feeder)}线 {code}"
    head = breaker_code(feeder)
    part.add(
        head, "breaker", bus_code(plan, feeder), trunk_node(feeder, 0), telemetered=True, name=f"{name} 出线断路器"
    )
    for place in range(lines):
        device = devices.get(place, f"{code}-L{place + 1:03d}")
        word = device.split("-")[1][:2] if place in devices else "LN"
        label = f"{road(plan, feeder)}线{_WORDS[word]}{device[-2:]}" if word != "LN" else ""
        ends = trunk_node(feeder, place), trunk_node(feeder, place + 1)
        part.add(device, _KIND_OF[word], *ends, telemetered=word in ("SW", "RC"), name=label)
    groups = laterals(plan, feeder)
    for number, group in enumerate(groups):
        last = style == RURAL and number == len(groups) - 1 and len(plan.transformers_of(feeder)) > 20
        place = lines if last else min(lines, 1 + (2 * number + 1) * (lines - 1) // (2 * len(groups)))
        along, side = directions[place + 1], 1 if number % 2 else -1
        across = (-along[1] * side, along[0] * side)
        _Lateral(plan, part, feeder, number, group).draw(
            place, places[place + 1], across, DEEPEST - lines - 8 if last else 0
        )
    return part


@dataclass
class _Lateral:
    """One lateral: its head (fuse, recloser or the customer's switch), a chain of lines, transformers along it."""

    plan: Plan
    part: Part
    feeder: int
    number: int
    group: list[int]

    def draw(self, place: int, begin: geo.Km, across: geo.Km, least_lines: int) -> None:
        plan, part, group = self.plan, self.part, self.group
        code, style = f"{feeder_code(self.feeder)}-A{self.number + 1:02d}", plan.style(self.feeder)
        phases = str(plan.transformer_phases[group[0]]) or "ABC"
        lines = max(least_lines, _LINES_BETWEEN[style] * (len(group) - 1) + (style != URBAN))
        step = min(_LINE_KM[style], 5.0 / max(1, lines))
        chain = []
        for spot in range(lines + 1):
            away = step * (spot + 0.5)
            at = begin[0] + across[0] * away, begin[1] + across[1] * away
            chain.append((part.node(f"{code}-{spot:03d}", at), at))
        self._head(trunk_node(self.feeder, place), chain[0][0], phases)
        for spot in range(lines):
            part.add(f"{code}-L{spot + 1:03d}", "line", chain[spot][0], chain[spot + 1][0], phases=phases)
        for rank, transformer in enumerate(group):
            node, at = chain[-1 if rank == len(group) - 1 else rank * lines // max(1, len(group) - 1)]
            self._transformer(transformer, node, at, across, phases, alone=len(group) == 1)

    def _head(self, trunk: str, first: str, phases: str) -> None:
        code, number = feeder_code(self.feeder), f"{self.number + 1:02d}"
        if len(self.group) >= _LARGE_LATERAL:
            self.part.add(
                f"{code}-RL{number}", "recloser", trunk, first, telemetered=True, name=f"{number}号支线重合器"
            )
        elif len(self.group) == 1 and self.plan.own[self.group[0]]:
            own = _own_switch(transformer_code(self.plan, self.group[0]))
            self.part.add(own, "load_break_switch", trunk, first, telemetered=True, name="用户分界开关")
        else:
            self.part.add(f"{code}-FU{number}", "fuse", trunk, first, phases=phases, name=f"{number}号支线熔断器")

    def _transformer(
        self, transformer: int, node: str, at: geo.Km, across: geo.Km, phases: str, *, alone: bool
    ) -> None:
        plan, part = self.plan, self.part
        code, own = transformer_code(plan, transformer), bool(plan.own[transformer])
        x, y = at[0] - across[1] * 0.015, at[1] + across[0] * 0.015
        high = node
        if not alone:
            high = part.node(code.replace("-T", "-P"), (x, y))
            if own:
                part.add(_own_switch(code), "load_break_switch", node, high, telemetered=True, name="用户分界开关")
            else:
                part.add(code.replace("-T", "-TF"), "fuse", node, high, phases=phases, name="跌落式熔断器")
        low = part.node(bus_node(code), (x - across[1] * 0.01, y + across[0] * 0.01), LOW_V)
        around = compound(plan, transformer)
        name = f"{around.name}台区" if around else f"{road(plan, self.feeder)}线专变"
        part.add(
            code, "transformer", high, low, phases=phases, kva=f"{plan.transformer_kva[transformer]:g}", name=name,
            owner="customer" if own else "utility",
        )  # fmt: skip
        _low_voltage(part, code, low, (x, y), across, meter_boxes(plan, transformer))


def _own_switch(transformer: str) -> str:
    """The switch between the utility and a customer's own transformer."""
    return transformer.replace("-T", "-UB")


def _low_voltage(part: Part, code: str, bus: str, at: geo.Km, across: geo.Km, boxes: int) -> None:
    """Branch boxes on the bus, meter boxes on them."""
    along = -across[1], across[0]
    for box in range(boxes):
        branch, place = divmod(box, METER_BOXES_A_BRANCH_BOX)
        out, off = 0.02 + 0.012 * branch, 0.008 * (place + 1)
        spot = at[0] + along[0] * out, at[1] + along[1] * out
        if place == 0:
            part.node(branch_box_node(code, branch), spot, LOW_V)
            part.add(f"{code}-X{branch + 1}", "line", bus, branch_box_node(code, branch))
        part.node(meter_box_node(code, box), (spot[0] + across[0] * off, spot[1] + across[1] * off), LOW_V)
        part.add(f"{code}-M{box + 1}", "line", branch_box_node(code, branch), meter_box_node(code, box))


@dataclass(frozen=True)
class Tie:
    """A normally open switch between two feeders; `place` and `other_place` are places in their trunks."""

    device: str
    feeder: int
    place: int
    other: int
    other_place: int


def ties(plan: Plan) -> list[Tie]:
    """Ends of feeders across the town, streets of one substation, the country road where it leaves the town."""
    found: list[tuple[int, int, int, int]] = []
    for feeder in range(plan.feeders):
        substation, place = int(plan.substation_of_feeder[feeder]), plan.place_in_substation(feeder)
        lines, style = trunk_lines(plan, feeder), plan.style(feeder)
        across = _twin(plan, substation ^ 1, place)
        if across is not None and substation % 2 == 0 and (style == URBAN or place == 2):
            found.append((feeder, lines, across, trunk_lines(plan, across)))
        below = _twin(plan, substation ^ 2, place)
        if below is not None and substation % 4 < 2 and place == 4:
            found.append((feeder, lines, below, trunk_lines(plan, below)))
        following = {0: 1, 1: 3, 5: 2}.get(place)
        beside = None if following is None else _twin(plan, substation, following)
        if beside is not None:
            share = 0.1 if style == RURAL else 0.6
            found.append(
                (feeder, int(share * lines), beside, int((0.3 if style == RURAL else 0.6) * trunk_lines(plan, beside)))
            )
    seen: dict[int, int] = {}
    answer = []
    for feeder, place, other, other_place in found:
        seen[feeder] = seen.get(feeder, 0) + 1
        answer.append(Tie(f"{feeder_code(feeder)}-TIE{seen[feeder]}", feeder, place, other, other_place))
    return answer


def _twin(plan: Plan, substation: int, place: int) -> int | None:
    """The feeder of a substation at a place, if there is one."""
    if substation >= plan.substations or place >= len(STYLES):
        return None
    feeders = (plan.substation_of_feeder == substation).nonzero()[0]
    return int(feeders[place]) if place < len(feeders) else None


def tie_part(plan: Plan, tie: Tie) -> Part:
    substation = substation_code(int(plan.substation_of_feeder[tie.feeder]))
    part = Part(tail=(feeder_code(tie.feeder), substation, sub_district_code(plan, tie.feeder)))
    name = f"联络开关 {feeder_code(tie.feeder)}–{feeder_code(tie.other)}"
    ends = trunk_node(tie.feeder, tie.place), trunk_node(tie.other, tie.other_place)
    part.add(tie.device, "load_break_switch", *ends, normal_open=True, telemetered=True, name=name)
    return part


def parts(plan: Plan) -> Iterator[Part]:
    """The whole network, part by part."""
    for substation in range(plan.substations):
        yield substation_part(plan, substation)
    for feeder in range(plan.feeders):
        yield feeder_part(plan, feeder)
    for tie in ties(plan):
        yield tie_part(plan, tie)
