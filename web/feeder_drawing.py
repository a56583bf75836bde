"""A feeder as its page shows it: its devices with their present state, and the one-line diagram of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.network.diagram import Diagram, Symbol
from cis_power.network.feeder_plan import FeederPlan
from cis_power.network.feeder_reads import FeederDevice, FeederNow
from cis_power.network.feeder_state import dead_nodes
from cis_power.network.feeder_tree import LINE, TRANSFORMER, grow
from cis_power.network.one_line import arrange
from cis_power.network.version_cache import kept
from cis_power.telemetry.device_reads import PositionSignal
from web.labels import label
from web.presentation import segment
from web.words import gettext

DEAD, ABNORMAL = "×", "!"
BASELINE = 10  # of a label below its upper edge, px


@dataclass(frozen=True, slots=True)
class DeviceNow:
    """A device as it is shown. `state`: open, closed, partly_open, or unknown where its signal is not to be believed;
    `dead`: without supply; `folded`: low-voltage equipment behind it.
    """

    device: FeederDevice
    state: str
    signal: PositionSignal | None
    dead: bool
    folded: int
    leads_to: str | None

    @property
    def abnormal(self) -> bool:
        return (self.device.position != "closed") != self.device.normal_open


@dataclass(frozen=True, slots=True)
class Drawn:
    """A symbol of the diagram, ready to be written."""

    shape: str
    x: int
    y: int
    css: str
    title: str
    text: str
    text_x: int
    text_y: int
    href: str | None
    is_tie: bool


@dataclass(frozen=True, slots=True)
class OneLine:
    """The diagram: size in px, symbols, wires as (points, dead, title, ends), bus bars as (x, y, text, its x and y)."""

    width: float
    height: float
    symbols: Sequence[Drawn]
    wires: Sequence[tuple[str, bool, str, bool]]
    heads: Sequence[tuple[float, float, str, float, float]]


def diagram_of(session: Session, viewer: Viewer, feeder: FeederNow) -> Diagram:
    """The layout; kept by the process for the network version, the territory and the lines that stand open."""
    plan = feeder.plan
    apart = frozenset(item.device for item in feeder.devices if item.kind == LINE and item.position != "closed")
    key = ("one_line", plan.version_id, plan.feeder, viewer.districts, apart)
    return kept(session, key, lambda: _arranged(plan, apart))


def _arranged(plan: FeederPlan, apart: Collection[str]) -> Diagram:
    names = {device: f"→ {feeder}" for device, feeder in plan.neighbours.items()}
    return arrange(grow(plan.branches, plan.roots, plan.low), apart=apart, prefix=plan.feeder, names=names)


def devices_now(
    feeder: FeederNow, diagram: Diagram, out: Collection[str], signals: Mapping[int, PositionSignal]
) -> tuple[dict[str, DeviceNow], frozenset[str]]:
    """Every device that is not folded away, as it is shown now; and the nodes without supply."""
    plan = feeder.plan
    everything = (*feeder.devices, *feeder.ties)
    opened = {item.device for item in everything if item.position == "open"}
    dead = dead_nodes(plan.branches, opened, out, plan.roots, plan.own_nodes)
    folded = {device: len(item.edge.folded) for item in diagram.symbols for device in item.edge.devices}
    hidden = {device for item in diagram.symbols for device in item.edge.folded}
    elements = {item.device: item.element_id for item in (*plan.devices, *plan.ties)}
    found = {}
    for item in everything:
        if item.device in hidden:
            continue
        signal = signals.get(elements[item.device])
        found[item.device] = DeviceNow(
            device=item,
            state="unknown" if signal is not None and not signal.decides else item.position,
            signal=signal,
            dead=item.device in out if item.kind == TRANSFORMER else {item.from_node, item.to_node} <= dead,
            folded=folded.get(item.device, 0),
            leads_to=plan.neighbours.get(item.device),
        )
    return found, dead


def drawing(diagram: Diagram, devices: Mapping[str, DeviceNow], dead: Collection[str]) -> OneLine:
    """The diagram with the present state."""
    return OneLine(
        width=diagram.width,
        height=diagram.height,
        symbols=[_drawn(item, [devices[device] for device in item.edge.devices]) for item in diagram.symbols],
        wires=[
            (" ".join(f"{x:g},{y:g}" for x, y in wire.points), wire.node in dead, _run(wire.lines), wire.ends)
            for wire in diagram.wires
        ],
        heads=[(head.x, head.y, head.text, head.label.x, head.label.y + BASELINE) for head in diagram.heads],
    )


def _run(lines: Sequence[str]) -> str:
    """The lines that a wire stands for."""
    if len(lines) < 3:
        return ", ".join(lines)
    return gettext("%(count)s lines, %(first)s … %(last)s", count=len(lines), first=lines[0], last=lines[-1])


def _drawn(symbol: Symbol, devices: Sequence[DeviceNow]) -> Drawn:
    states = {item.state for item in devices}
    state = next((word for word in ("unknown", "partly_open", "open") if word in states), "closed")
    is_dead, abnormal = any(item.dead for item in devices), any(item.abnormal for item in devices)
    mark = DEAD if is_dead else ABNORMAL if abnormal else ""
    css = " ".join(filter(None, (state, "dead" if is_dead else "", "odd" if abnormal else "")))
    leads_to = devices[0].leads_to
    href = f"/network/{segment(leads_to)}" if leads_to else None
    if symbol.edge.kind == TRANSFORMER:
        href = f"/transformers/{segment(symbol.edge.devices[0])}"
    return Drawn(
        shape=symbol.edge.kind,
        x=round(symbol.x),
        y=round(symbol.y),
        css=css,
        title="\n".join(device_words(item) for item in devices),
        text=mark + symbol.text,
        text_x=round(symbol.label.x - symbol.x),
        text_y=round(symbol.label.y + BASELINE - symbol.y),
        href=href,
        is_tie=leads_to is not None,
    )


def device_words(item: DeviceNow) -> str:
    """What a device is and how it stands, in words."""
    device = item.device
    words = [device.device, str(label("equipment_kind", device.kind))]
    if device.kind != TRANSFORMER or device.position != "closed":
        words.append(state_words(item))
    if item.dead:
        words.append(str(label("energized", "none")))
    if item.folded:
        words.append(gettext("%(count)s of low voltage behind it", count=item.folded))
    if item.leads_to:
        words.append(gettext("to feeder %(name)s", name=item.leads_to))
    return " · ".join(words)


def state_words(item: DeviceNow) -> str:
    """The position in words."""
    position = str(label("position", item.device.position))
    if item.state == "unknown":
        return gettext("not known, last %(position)s", position=position)
    return gettext("%(position)s, not normal", position=position) if item.abnormal else position
