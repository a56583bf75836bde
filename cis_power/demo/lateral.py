"""Laterals of the demo utility: their heads, lines and transformers, and the low-voltage network below. Pure."""

from dataclasses import dataclass

from cis_power.demo import geography as geo
from cis_power.demo.codes import (
    METER_BOXES_A_BRANCH_BOX,
    branch_box_node,
    bus_node,
    feeder_code,
    meter_box_node,
    meter_boxes,
    transformer_code,
)
from cis_power.demo.part import LOW_V, Part
from cis_power.demo.places import compound, road
from cis_power.demo.plan import RURAL, SUBURBAN, URBAN, Plan

# Of each style: lines between two transformers, and their length in kilometres.
_LINES_BETWEEN = {URBAN: 1, SUBURBAN: 2, RURAL: 5}
_LINE_KM = {URBAN: 0.08, SUBURBAN: 0.07, RURAL: 0.09}
_LARGE_LATERAL = 6


@dataclass
class Lateral:
    """One lateral: its head (fuse, recloser or the customer's switch), a chain of lines, transformers along it."""

    plan: Plan
    part: Part
    feeder: int
    number: int
    group: list[int]

    def draw(self, trunk: str, begin: geo.Km, across: geo.Km, least_lines: int) -> None:
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
        self._head(trunk, chain[0][0], phases)
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
