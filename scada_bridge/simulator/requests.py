"""What the running simulator may be asked for, by people's commands, simulated people, and tests."""

from collections.abc import Mapping
from typing import Any, Protocol

from cis_power.core.errors import CisError, NotFound
from scada_bridge.simulator.display import Display
from scada_bridge.simulator.happenings import ELECTRICAL
from scada_bridge.simulator.server import Device
from scada_bridge.simulator.troubles import COMMUNICATION
from scada_bridge.simulator.world import World

_NONE = "none"


class Running(Protocol):
    """The simulator as requests see it."""

    @property
    def world(self) -> World: ...
    @property
    def display(self) -> Display: ...
    @property
    def devices(self) -> Mapping[str, Device]: ...

    async def set_trouble(self, source: str, trouble: str, at: float) -> None: ...


async def answer(simulator: Running, request: dict[str, Any], now: float) -> dict[str, Any]:
    """Act on a request at an instant. Raises CisError with the words for whoever asks."""
    world = simulator.world
    found: dict[str, Any]
    match request:
        case {"do": "move", "device": str(device), "closed": bool(closed)}:
            found = {"device": world.move(device, now, closed=closed), "closed": closed}
        case {"do": "transfer", "usage_point": str(point), "to": ("main" | "standby") as side}:
            world.transfer(point, now, standby=side == "standby")
            found = {"usage_point": point, "to": side}
        case {"do": "strike", "equipment": str(equipment), "kind": str(kind)}:
            found = _strike(simulator, equipment, kind, str(request.get("phases", "ABC")), now)
        case {"do": "repair", "equipment": str(equipment)}:
            found = {"equipment": equipment, "open": world.repair(equipment, now)}
        case {"do": "fault", "source": str(target), "fault": str(kind)}:
            found = await _fault(simulator, target, kind, now)
        case {"do": "asked"}:
            found = {"asked": {name: dict(device.asked) for name, device in simulator.devices.items()}}
        case {"do": "state"}:
            found = _state(simulator)
        case _:
            raise CisError("the simulator does not understand that")
    return found


def _strike(simulator: Running, equipment: str, kind: str, phases: str, now: float) -> dict[str, Any]:
    mask = sum(bit for letter, bit in (("A", 1), ("B", 2), ("C", 4)) if letter in phases.upper())
    fault = simulator.world.strike(equipment, kind, now, mask)
    return {"id": fault.id, "equipment": simulator.world.field.edges[fault.edge], "kind": kind}


async def _fault(simulator: Running, target: str, kind: str, now: float) -> dict[str, Any]:
    """A trouble of a source; where the target is none, a fault of an equipment, or its repair."""
    if target not in simulator.devices:
        if simulator.world.state.find(target) is None:
            sources = ", ".join(simulator.devices)
            raise NotFound(f"no simulated source and no equipment {target!r}; the sources are {sources}")
        if kind == _NONE:
            return {"equipment": target, "open": simulator.world.repair(target, now)}
        return _strike(simulator, target, kind, "ABC", now)
    if kind in ELECTRICAL:
        raise CisError(f"{target} is a source: {kind} strikes equipment of the network")
    if kind not in COMMUNICATION:
        raise CisError(f"no fault {kind!r}; there are {', '.join(COMMUNICATION)}")
    await simulator.set_trouble(target, kind, now)
    return {"source": target, "fault": kind}


def _state(simulator: Running) -> dict[str, Any]:
    """What is not as usual."""
    world = simulator.world
    field, state = world.field, world.state
    elsewhere = (state.open_masks != field.open_phases & field.phases).nonzero()[0]
    differs = {field.edges[edge] for edge in elsewhere.tolist()}
    differs |= {device for device, closed in state.others.items() if not closed}
    return {
        "moved": {device: state.is_closed(device) for device in sorted(differs)},
        "faults": [
            {"id": fault.id, "kind": fault.kind, "equipment": field.edges[fault.edge], "opened": fault.opened}
            for fault in world.faults.values()
        ],
        "without_supply": int(state.supply.dark.sum()),
        "sources": {name: simulator.display.troubles.get(name, _NONE) for name in simulator.devices},
    }
