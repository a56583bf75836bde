"""Where in the field each point measures: the edge or node that its equipment stands for; pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scada_bridge.points import Point
from scada_bridge.simulator.field import EDGE_KINDS, Field, Floats
from scada_bridge.simulator.quantities import meaning_of
from scada_bridge.simulator.trace import Tree

_ROOT_THREE = 3**0.5


@dataclass(frozen=True, slots=True)
class Place:
    """An edge or a node (the other one -1)."""

    edge: int = -1
    node: int = -1


NOWHERE = Place()


@dataclass(frozen=True)
class Places:
    """Finds places: equipment, nodes, and by their heads also feeders and substations."""

    field: Field
    normal: Tree

    def of(self, word: str | None) -> Place:
        """The place that an equipment's name stands for; NOWHERE where the field has none."""
        if not word:
            return NOWHERE
        code = self.field.find(word)
        if code is not None:
            return Place(edge=self.field.edges_of(code)[0])
        node = self.field.node_of(word)
        if node is not None:
            return Place(node=node)
        if word in self._heads:
            return Place(edge=self._heads[word])
        return Place(node=self._busbars[word]) if word in self._busbars else NOWHERE

    def _depth(self, edge: int) -> int:
        ends = self.normal.depth[[self.field.edge_from[edge], self.field.edge_to[edge]]]
        return int(ends.min()) if ends.min() >= 0 else len(self.field.nodes)

    @cached_property
    def _heads(self) -> dict[str, int]:
        """Feeder → its edge nearest to the source."""
        found: dict[str, int] = {}
        for edge, code in enumerate(self.field.feeder):
            if code is not None and (code not in found or self._depth(edge) < self._depth(found[code])):
                found[code] = edge
        return found

    @cached_property
    def _busbars(self) -> dict[str, int]:
        """Substation → the node above its feeders, else above its edge nearest to the source."""
        found: dict[str, int] = {}
        heads = list(self._heads.values())
        for edge in [*heads, *np.argsort([self._depth(edge) for edge in range(len(self.field.edges))]).tolist()]:
            code = self.field.substation[edge]
            if code is not None and code not in found:
                start, end = int(self.field.edge_from[edge]), int(self.field.edge_to[edge])
                found[code] = start if self.normal.parent[start] != end else end
        return found

    def voltage_at(self, point: Point, place: Place, nominal_v: Floats) -> tuple[int, int, float]:
        """Where a voltage is measured: the node, another one where that is dead, and the volts of one per unit.

        A transformer is measured below, else above, whichever fits the point's limits; likewise line to line, else line
        to neutral.
        """
        if place.node >= 0:
            return place.node, place.node, self._volts(point, float(nominal_v[place.node])) or nominal_v[place.node]
        start, end = int(self.field.edge_from[place.edge]), int(self.field.edge_to[place.edge])
        if self.field.kind[place.edge] == EDGE_KINDS.index("transformer"):
            low, high = sorted((start, end), key=lambda node: float(nominal_v[node]))
            for node in (low, high):
                volts = self._volts(point, float(nominal_v[node]))
                if volts:
                    return node, node, volts
            return low, low, float(nominal_v[low])
        return start, end, self._volts(point, float(nominal_v[start])) or float(nominal_v[start])

    def _volts(self, point: Point, nominal: float) -> float | None:
        _, factor = meaning_of(point)
        low = -np.inf if point.minimum is None else point.minimum
        high = np.inf if point.maximum is None else point.maximum
        if point.minimum is None and point.maximum is None and (point.unit or "").lower() == "kv" and nominal < 1000:
            return None
        fits: Iterator[float] = (volts for volts in (nominal, nominal / _ROOT_THREE) if low <= volts * factor <= high)
        return next(fits, None)
