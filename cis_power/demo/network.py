"""The demo utility's network: substations, feeders with switches and laterals, ties. Pure, the same every time.

A feeder is a trunk of nodes: its breaker, sections of line, a telemetered switch after every third one, a recloser in
the middle. Laterals hang on the trunk: a fuse, a transformer. A normally open tie joins the last trunk nodes of
neighbouring feeders.
"""

from collections.abc import Iterator
from dataclasses import dataclass

TRUNK_NODES = 12
RECLOSER_AT = 6
MEDIUM_V = 10_000
LOW_V = 400

Row = tuple[object, ...]


@dataclass(frozen=True)
class Plan:
    """The size of everything, derived from the number of usage points."""

    customers: int
    feeders: int
    transformers_a_feeder: int
    feeders_a_substation: int = 8
    feeders_a_district: int = 4

    @property
    def transformers(self) -> int:
        return self.feeders * self.transformers_a_feeder

    @property
    def substations(self) -> int:
        return -(-self.feeders // self.feeders_a_substation)

    @property
    def districts(self) -> int:
        return -(-self.feeders // self.feeders_a_district)

    def feeder_of(self, transformer: int) -> int:
        return transformer // self.transformers_a_feeder

    def substation_of(self, feeder: int) -> int:
        return feeder // self.feeders_a_substation

    def district_of(self, feeder: int) -> int:
        return feeder // self.feeders_a_district


def plan(customers: int) -> Plan:
    """A plan for a number of usage points: about 2,000 a feeder (fewer in a small utility), about 40 a transformer."""
    a_feeder = 2000 if customers > 20_000 else max(25, customers // 8)
    feeders = max(2, -(-customers // a_feeder))
    a_transformer = 40 if customers > 20_000 else 20
    return Plan(customers, feeders, max(1, -(-customers // (feeders * a_transformer))))


def feeder_code(feeder: int) -> str:
    return f"F{feeder + 1:03d}"


def substation_code(substation: int) -> str:
    return f"SUB{substation + 1:02d}"


def district_code(district: int) -> str:
    return f"D{district + 1:02d}"


def transformer_code(plan_: Plan, transformer: int) -> str:
    feeder, place = divmod(transformer, plan_.transformers_a_feeder)
    return f"{feeder_code(feeder)}-T{place + 1:03d}"


def nodes(plan_: Plan) -> Iterator[Row]:
    """Rows of nodes.csv."""
    for substation in range(plan_.substations):
        yield substation_code(substation), substation * 40.0, 0.0, MEDIUM_V
    for feeder in range(plan_.feeders):
        code, y = feeder_code(feeder), 2.0 + 4.0 * (feeder % plan_.feeders_a_substation)
        x = plan_.substation_of(feeder) * 40.0
        for place in range(TRUNK_NODES):
            yield f"{code}-N{place:02d}", x + 2 * place + 1, y, MEDIUM_V
        for lateral in range(plan_.transformers_a_feeder):
            at = x + 2 * trunk_place(plan_, lateral) + 1 + (lateral % 5) * 0.3
            yield f"{code}-P{lateral + 1:03d}", at, y + 1, MEDIUM_V
            yield f"{code}-B{lateral + 1:03d}", at, y + 1.5, LOW_V


def trunk_place(plan_: Plan, lateral: int) -> int:
    """The trunk node that a feeder's lateral hangs on."""
    return lateral * TRUNK_NODES // plan_.transformers_a_feeder


def _trunk_kind(place: int) -> str:
    """What joins trunk node `place` to the next one."""
    if place == RECLOSER_AT:
        return "recloser"
    return "load_break_switch" if place % 3 == 2 else "line"


def _trunk_device(code: str, place: int) -> str:
    return f"{code}-{ {'recloser': 'RC', 'load_break_switch': 'SW', 'line': 'LN'}[_trunk_kind(place)] }{place:02d}"


def equipment(plan_: Plan) -> Iterator[Row]:
    """Rows of equipment.csv."""
    for feeder in range(plan_.feeders):
        code = feeder_code(feeder)
        tail = (code, substation_code(plan_.substation_of(feeder)), district_code(plan_.district_of(feeder)))
        head = f"{code}-CB", "breaker", tail[1], f"{code}-N00"
        yield *head, 0, 1, "ABC", "", *tail, f"出线断路器 {code}", "utility"
        for place in range(TRUNK_NODES - 1):
            kind = _trunk_kind(place)
            ends = f"{code}-N{place:02d}", f"{code}-N{place + 1:02d}"
            yield _trunk_device(code, place), kind, *ends, 0, int(kind != "line"), "ABC", "", *tail, "", "utility"
        for lateral in range(plan_.transformers_a_feeder):
            number, trunk = f"{lateral + 1:03d}", f"{code}-N{trunk_place(plan_, lateral):02d}"
            yield f"{code}-FU{number}", "fuse", trunk, f"{code}-P{number}", 0, 0, "ABC", "", *tail, "", "utility"
            ends = f"{code}-P{number}", f"{code}-B{number}"
            owner = "customer" if lateral % 17 == 16 else "utility"
            name = f"{code} {number}号台区"
            yield f"{code}-T{number}", "transformer", *ends, 0, 0, "ABC", 400, *tail, name, owner
        if feeder % 2 == 0 and feeder + 1 < plan_.feeders:
            ends = f"{code}-N{TRUNK_NODES - 1:02d}", f"{feeder_code(feeder + 1)}-N{TRUNK_NODES - 1:02d}"
            yield f"{code}-TIE", "switch", *ends, 1, 1, "ABC", "", *tail, f"联络开关 {code}", "utility"


def telemetered(plan_: Plan) -> Iterator[tuple[str, str, int]]:
    """Every telemetered device: its code, kind and feeder."""
    for feeder in range(plan_.feeders):
        code = feeder_code(feeder)
        yield f"{code}-CB", "breaker", feeder
        for place in range(TRUNK_NODES - 1):
            if _trunk_kind(place) != "line":
                yield _trunk_device(code, place), _trunk_kind(place), feeder
        if feeder % 2 == 0 and feeder + 1 < plan_.feeders:
            yield f"{code}-TIE", "switch", feeder
