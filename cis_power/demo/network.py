"""The demo utility's network, substation by substation and feeder by feeder. Pure, the same every time.

A substation has two transformers and two sections of a bus, joined by a breaker that stands open. A feeder is its
breaker, then a trunk of lines with reclosers and switches in it; laterals hang on the trunk behind fuses; transformers
on the laterals; low-voltage branch boxes and meter boxes below those of the town. Normally open ties join feeders.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cis_power.demo import geography as geo
from cis_power.demo.chance import whole
from cis_power.demo.codes import (
    breaker_code,
    district_code,
    district_of_substation,
    feeder_code,
    sub_district_code,
    substation_code,
)
from cis_power.demo.lateral import Lateral
from cis_power.demo.part import HIGH_V, Part, Row
from cis_power.demo.places import road, town_name
from cis_power.demo.plan import RURAL, STYLES, SUBURBAN, URBAN, Plan

MAIN_KVA = 40_000
DEEPEST = 300

# Of each style: lines of a trunk, where its devices stand (share of the way), most transformers on a lateral.
_LINES = {URBAN: 40, SUBURBAN: 70, RURAL: 150}
_DEVICES = {
    URBAN: ((0.25, "SW"), (0.5, "RC"), (0.6, "DS"), (0.75, "SW")),
    SUBURBAN: ((0.2, "SW"), (0.4, "RC"), (0.5, "DS"), (0.6, "SW"), (0.8, "RC")),
    RURAL: ((0.15, "RC"), (0.3, "SW"), (0.45, "RC"), (0.55, "DS"), (0.65, "SW"), (0.75, "RC"), (0.9, "SW")),
}
_KIND_OF = {"SW": "load_break_switch", "RC": "recloser", "DS": "switch", "LN": "line"}
_WORDS = {"SW": "负荷开关", "RC": "重合器", "DS": "隔离开关"}
_MOST_ON_LATERAL = {URBAN: 3, SUBURBAN: 4, RURAL: 8}
_GROUP = 60


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


def _is_long(plan: Plan, feeder: int) -> bool:
    """Whether the last lateral of a feeder goes on from its end, as far as a network is deep."""
    return plan.style(feeder) == RURAL and len(plan.transformers_of(feeder)) > 20


def _place_of_lateral(plan: Plan, feeder: int, number: int, count: int) -> int:
    lines = trunk_lines(plan, feeder)
    if _is_long(plan, feeder) and number == count - 1:
        return lines
    return min(lines, 1 + (2 * number + 1) * (lines - 1) // (2 * count))


def place_in_trunk(plan: Plan, transformer: int) -> int:
    """The place of the trunk node on which the lateral of a transformer hangs."""
    feeder = int(plan.feeder_of_transformer[transformer])
    groups = laterals(plan, feeder)
    number = next(number for number, group in enumerate(groups) if transformer in group)
    return _place_of_lateral(plan, feeder, number, len(groups))


def feeder_part(plan: Plan, feeder: int) -> Part:
    """A feeder without its ties."""
    code = feeder_code(feeder)
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
        last = _is_long(plan, feeder) and number == len(groups) - 1
        place = _place_of_lateral(plan, feeder, number, len(groups))
        along, side = directions[place + 1], 1 if number % 2 else -1
        across = (-along[1] * side, along[0] * side)
        Lateral(plan, part, feeder, number, group).draw(
            trunk_node(feeder, place), places[place + 1], across, DEEPEST - lines - 8 if last else 0
        )
    return part


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
