"""Which device clears a short circuit, in a given state of the field; pure."""

from dataclasses import dataclass

from scada_bridge.simulator.field import PROTECTING, RECLOSING, SWITCHING
from scada_bridge.simulator.happenings import MOMENTARY, Fault
from scada_bridge.simulator.state import State


@dataclass(frozen=True, slots=True)
class Clearing:
    """What opens: the device, its kind, and the phases (a fuse blows in those of the fault only)."""

    device: str
    kind: str
    phases: int


def fed_nodes(state: State, fault: Fault) -> list[int]:
    """Nodes through which a short circuit is fed now. A switching device is struck at its far end, others anywhere."""
    field, edge = state.field, fault.edge
    start, end = int(field.edge_from[edge]), int(field.edge_to[edge])
    ends = [start, end]
    if field.kind_of(edge) in SWITCHING:
        depth = state.normal_tree.depth
        ends = [start if 0 <= depth[end] < depth[start] or depth[start] < 0 <= depth[end] else end]
    return [node for node in ends if int(state.live[node]) & fault.phases]


def clearing(state: State, fault: Fault) -> Clearing | None:
    """The next device that opens against a fault that is fed: the nearest protecting one on a way that feeds it.

    Against a momentary one only devices that reclose count, as long as there is one: they spare the fuse. Where nothing
    protects, the first switching device of the way has to; None where there is none, or where nothing feeds the fault.
    """
    field = state.field
    ways = [state.tree.path_up(node) for node in fed_nodes(state, fault)]
    for wanted in ((RECLOSING,) if fault.kind == MOMENTARY else ()) + (PROTECTING, tuple(SWITCHING)):
        for way in sorted(ways, key=len):
            for edge in way:
                if field.kind_of(edge) in wanted:
                    kind = field.kind_of(edge)
                    phases = fault.phases if kind == "fuse" else 7
                    return Clearing(field.edges[edge], kind, phases)
    return None
