"""What every point shows at an instant, from the state of the field; whole arrays at a time, pure."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np

from scada_bridge.points import Point
from scada_bridge.simulator.curves import Curves
from scada_bridge.simulator.energy import Counted
from scada_bridge.simulator.field import Flags, Floats, Index
from scada_bridge.simulator.flows import Flow, Physics, amperes
from scada_bridge.simulator.loads import shapes
from scada_bridge.simulator.places import NOWHERE, Place, Places
from scada_bridge.simulator.quantities import (
    ENERGY,
    FLOWING,
    FREQUENCY,
    OPERATIONS,
    OTHER,
    POSITION,
    TRIPPED,
    VOLTAGE,
    meaning_of,
)
from scada_bridge.simulator.world import World

_NEEDS_PLACE = (*FLOWING, VOLTAGE, ENERGY, FREQUENCY)
_BY_DEVICE = (POSITION, OPERATIONS, TRIPPED)
_NOISE, _VOLTAGE_NOISE = 3e-4, 1e-4  # of the value, at most


class Readings:
    """The points of a list, sorted by what they measure. `values` answers them in the list's order."""

    def __init__(self, points: Sequence[Point], world: World, zone: ZoneInfo, seed: int) -> None:
        self._points, self._world, self._zone = tuple(points), world, zone
        state = world.state
        self.physics = Physics(world.field, zone, state.normal_tree, state.normal_weights)
        self._dice = np.random.default_rng([seed, 3])
        self._counted = Counted(zone)
        self._missed: dict[int, float] = {}
        self._energy_at: float | None = None
        self._sort(Places(world.field, state.normal_tree))

    def _sort(self, places: Places) -> None:
        """Which points measure what, where; what has no place in the field, or no load to show, is a calm curve."""
        count = len(self._points)
        has_load = bool(self._world.state.normal_weights.any())
        self._factor = np.ones(count)
        self._edge, self._node = np.full(count, -1, np.int64), np.full(count, -1, np.int64)
        self._other_node, self._base = np.full(count, -1, np.int64), np.zeros(count)
        self._amperes, self._rated = np.zeros(count), np.full(count, np.nan)
        rows: dict[str, list[int]] = {}
        for row, point in enumerate(self._points):
            meaning, factor = meaning_of(point)
            place = NOWHERE if meaning in (*_BY_DEVICE, OTHER) else places.of(point.equipment)
            if meaning in _NEEDS_PLACE and (place == NOWHERE or not has_load):
                meaning = OTHER
            rows.setdefault(meaning, []).append(row)
            self._factor[row] = factor
            if place != NOWHERE:
                self._locate(row, point, meaning, place, places)
        self._rows: dict[str, Index] = {meaning: np.array(own, np.int64) for meaning, own in rows.items()}
        self._devices = {
            row: self._world.state.find(self._points[row].equipment or "")
            for meaning in (*_BY_DEVICE, OTHER)
            for row in rows.get(meaning, ())
        }
        self._positions: Floats = np.zeros(0)
        self._as_of_move = -1
        self._curves = Curves([self._points[row] for row in rows.get(OTHER, ())])

    def _locate(self, row: int, point: Point, meaning: str, place: Place, places: Places) -> None:
        field, volts = self._world.field, self.physics.nominal_v
        self._edge[row], self._node[row] = place.edge, place.node
        if meaning == VOLTAGE:
            self._node[row], self._other_node[row], self._base[row] = places.voltage_at(point, place, volts)
        if place.edge >= 0:
            ends = np.array([field.edge_from[place.edge], field.edge_to[place.edge]])
            side = volts[ends].min()  # a transformer is measured on its low side
            phases = field.phases[place.edge]
            self._rated[row] = field.rated_kva[place.edge]
        else:
            side, phases = volts[place.node], np.uint8(7)
        self._amperes[row] = amperes(np.ones(1), np.array([side]), np.array([phases], np.uint8))[0]

    def values(self, at: float) -> Floats:
        """What every point shows at an instant, in its own unit."""
        found = np.zeros(len(self._points))
        state = self._world.state
        flow = self.physics.flow(state.tree, state.live, state.supply.weights, state.pickup.at(at), at)
        for meaning, rows in self._rows.items():
            match meaning:
                case "position":
                    found[rows] = self._closed(rows)
                case "operations":
                    found[rows] = [state.openings.get(self._devices[row] or "", 0) for row in rows.tolist()]
                case "tripped":
                    found[rows] = [self._alarm(row) for row in rows.tolist()]
                case "other":
                    found[rows] = self._others(rows, at)
                case "energy":
                    found[rows] = self._energy(rows, at) * self._factor[rows]
                case "voltage":
                    volts = self._voltage(rows, flow) * self._noise(len(rows), _VOLTAGE_NOISE)
                    found[rows] = volts * self._factor[rows]
                case "frequency":
                    live = self._live(rows)
                    found[rows] = np.where(live, 50 + 0.02 * np.sin(at / 97), 0.0) * self._factor[rows]
                case _:
                    found[rows] = self._flowing(meaning, rows, flow) * self._factor[rows] * self._noise(len(rows))
        return found

    def _noise(self, count: int, most: float = _NOISE) -> Floats:
        noise: Floats = 1 + self._dice.uniform(-most, most, count)
        return noise

    def _is_closed(self, row: int) -> bool:
        device = self._devices[row]
        return True if device is None else self._world.state.is_closed(device)

    def _closed(self, rows: Index) -> Floats:
        if self._as_of_move != self._world.state.moves:
            self._positions = np.array([self._is_closed(row) for row in rows.tolist()], np.float64)
            self._as_of_move = self._world.state.moves
        return self._positions

    def _alarm(self, row: int) -> float:
        """An alarm stands at its normal state until protection opens its device."""
        normal = self._points[row].normal_state or 0.0
        return float(not normal) if self._devices[row] in self._world.tripped else normal

    def _fed(self, rows: Index) -> Index:
        """The node into which flows what each point measures; -1 where nothing does."""
        tree = self._world.state.tree
        edge, node = self._edge[rows], self._node[rows]
        fed = np.where(edge < 0, node, -1)
        if len(self._world.field.edges):
            fed = np.where(edge >= 0, tree.child_of(np.maximum(edge, 0), self._world.field), fed)
        return fed

    def _flowing(self, meaning: str, rows: Index, flow: Flow) -> Floats:
        fed = self._fed(rows)
        p, q, s = (np.where(fed >= 0, amount[fed], 0.0) for amount in (flow.p_kw, flow.q_kvar, flow.s_kva))
        match meaning:
            case "current":
                shown = s * self._amperes[rows]
            case "reactive":
                shown = q
            case "apparent":
                shown = s
            case "loading":
                shown = np.nan_to_num(s / self._rated[rows])
            case "power_factor":
                shown = np.where(s > 0, p / np.maximum(s, 1e-9), 1.0)
            case _:
                shown = p
        values: Floats = shown
        return values

    def _voltage(self, rows: Index, flow: Flow) -> Floats:
        first, second = flow.voltage[self._node[rows]], flow.voltage[self._other_node[rows]]
        volts: Floats = np.where(first > 0, first, second) * self._base[rows]
        return volts

    def _live(self, rows: Index) -> Flags:
        field, live = self._world.field, self._world.state.live
        edge, node = self._edge[rows], self._node[rows]
        if not len(field.edges):
            return live[node] > 0
        of_edge = live[field.edge_from[edge]] | live[field.edge_to[edge]]
        alive: Flags = np.where(edge >= 0, of_edge, live[node]) > 0
        return alive

    def _energy(self, rows: Index, at: float) -> Floats:
        """Counted by the shapes in the normal state, less what passed otherwise since this began."""
        state = self._world.state
        counted = self._counted.at(at)
        shape = shapes(np.array([at]), self._zone)[0]
        normal = np.zeros((len(rows), len(counted)))
        nodes = self._normal_nodes(rows)
        for kind in range(len(counted)):
            below = state.normal_tree.below(state.normal_weights[:, kind])
            normal[:, kind] = np.where(nodes >= 0, below[nodes], 0.0)
        fed = self._fed(rows)
        now = np.where(fed >= 0, state.tree.below(state.supply.weights @ shape)[fed], 0.0)
        hours = 0.0 if self._energy_at is None else max(at - self._energy_at, 0.0) / 3600
        self._energy_at = at
        for place, row in enumerate(rows.tolist()):
            less = (float(normal[place] @ shape) - float(now[place])) * hours
            self._missed[row] = self._missed.get(row, 0.0) + less
        found: Floats = normal @ counted - np.array([self._missed[row] for row in rows.tolist()])
        return found

    def _normal_nodes(self, rows: Index) -> Index:
        edge, node = self._edge[rows], self._node[rows]
        children = self._world.state.normal_tree.child_of(np.maximum(edge, 0), self._world.field)
        return np.where(edge >= 0, children, node)

    def _others(self, rows: Index, at: float) -> Floats:
        """Calm curves, nought where the device is open."""
        values = self._curves.at(at)
        for place in self._curves.gated:
            if not self._is_closed(int(rows[place])):
                values[place] = 0.0
        return values
