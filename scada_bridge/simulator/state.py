"""The state of the field: positions, what is broken, and who is live through it; pure."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from scada_bridge.simulator.field import SWITCHING, Field, Flags, Mask
from scada_bridge.simulator.flows import Pickup
from scada_bridge.simulator.supply import Supply, claimed, supply_of
from scada_bridge.simulator.trace import Tree, live_phases, supply_tree


@dataclass(frozen=True, slots=True)
class Change:
    """How a change of the state changed the usage points (k): those who lost supply, those who got it back."""

    lost: tuple[str, ...]
    restored: tuple[str, ...]


class State:
    """Positions by edge (`open_masks`), what is parted by breakage (`broken`), and what follows from both.

    Devices that no network knows (`others`) have a position only. `openings` counts how often each device opened,
    `moves` how often anything moved.
    """

    def __init__(self, field: Field, others: Iterable[str] = ()) -> None:
        self.field = field
        self.open_masks: Mask = field.open_phases & field.phases
        self.broken: Mask = np.zeros(len(field.edges), np.uint8)
        self.on_standby: Flags = np.zeros(len(field.usage_points), bool)
        self.others = dict.fromkeys(others, True)
        self.openings: dict[str, int] = {}
        self.moves = 0
        self.pickup = Pickup(field.node_count)
        self.live: Mask
        self.tree: Tree
        self.supply: Supply
        normal = live_phases(field, self.open_masks)
        self.claims = claimed(field, normal)
        self._take(normal)
        self.normal_tree = self.tree
        self.normal_weights = self.supply.weights

    def _take(self, live: Mask) -> None:
        self.live = live
        self.tree = supply_tree(self.field, self.open_masks | self.broken, live)
        self.supply = supply_of(self.field, self.claims, live, self.on_standby)

    def find(self, word: str) -> str | None:
        """The device or equipment a person means; None: neither the network nor a point knows one."""
        return word if word in self.others else self.field.find(word)

    def can_switch(self, code: str) -> bool:
        """Whether a device can be opened and closed at all."""
        return code in self.others or any(self.field.kind_of(edge) in SWITCHING for edge in self.field.edges_of(code))

    def is_closed(self, code: str) -> bool:
        """Whether any phase of a device is closed."""
        if code in self.others:
            return self.others[code]
        return any(self.field.phases[edge] & ~self.open_masks[edge] for edge in self.field.edges_of(code))

    def set_position(self, code: str, *, closed: bool, phases: int = 7) -> bool:
        """Open or close phases of a device; answers whether anything moved. `settle` has to follow."""
        if code in self.others:
            moved, self.others[code] = self.others[code] != closed, closed
        else:
            moved = False
            for edge in self.field.edges_of(code):
                mask = int(self.field.phases[edge]) & phases
                before = int(self.open_masks[edge])
                after = before & ~mask if closed else before | mask
                moved = moved or after != before
                self.open_masks[edge] = after
        self.moves += moved
        if moved and not closed:
            self.openings[code] = self.openings.get(code, 0) + 1
        return moved

    def settle(self, at: float) -> Change:
        """Trace anew after positions, breakage or transfers changed; answers who lost supply and who has it back."""
        dark, live = self.supply.dark, self.live
        self._take(live_phases(self.field, self.open_masks | self.broken))
        self.pickup.turned(live, self.live, at)
        codes = self.field.usage_points
        lost, restored = (np.flatnonzero(now) for now in (self.supply.dark & ~dark, dark & ~self.supply.dark))
        return Change(tuple(codes[point] for point in lost), tuple(codes[point] for point in restored))
