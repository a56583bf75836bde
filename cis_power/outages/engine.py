"""The energization engine: folds steps of entries into positions, dead nodes, outages and interruptions.

Pure: a `World` and steps in, a changed `State` out. Each change of a position is followed by one full trace of the
compiled network; everything else is done on arrays of those whom the change touches.
"""

from datetime import UTC, datetime

import numpy as np

from cis_power.outages.blame import Blame
from cis_power.outages.entries import Entry, Step, micros
from cis_power.outages.grid import Grid, Index, Mask
from cis_power.outages.positions import DevicePosition, apply
from cis_power.outages.scene import Moment, Prepared, Rows, Scene
from cis_power.outages.spells import Spells
from cis_power.outages.state import ConflictFact, OutageFacts, PositionSpell, State, World
from cis_power.outages.supply import EVER, Feed

MOVING = frozenset({"signal", "switch", "tag", "set", "release", "confirmation"})
FIRST = micros(datetime(1900, 1, 1, tzinfo=UTC))
UNKNOWN_DEVICE = "the device is not in the network that was valid then"
OSCILLATES = "oscillatory: the device moves to and fro"
RESOLVED = "later evidence agrees"
NO_STANDBY = "the usage point has no second connection to transfer to"


class Engine:
    """Applies steps to a state, in their order."""

    def __init__(self, world: World, state: State, known: dict[int, Prepared] | None = None) -> None:
        """`known`: what was worked out for network versions before; it is added to."""
        self.world = world
        self.state = state
        self.scene: Scene | None = None
        self._number = {facts.key: index for index, facts in enumerate(state.outages)}
        self._known = {} if known is None else known

    def run(self, steps: list[Step], until: int) -> None:
        """Apply steps in order, and the changes of the model that fall between them and `until`."""
        for step in steps:
            self._follow_model(micros(step.at))
            self._apply(step)
            self.state.step = step.key
        self._follow_model(until)

    def normal(self) -> Mask:
        """Phases that each usage point has in the normal state."""
        if self.scene is None:
            return np.zeros(len(self.world.points), np.uint8)
        return self.scene.feed.by_point(self.scene.feed.normal, self.state.standby)

    def _follow_model(self, until: int) -> None:
        """Let network versions and connections change as they did."""
        times = self.world.boundaries(self.state.model_at, until)
        if times and self.state.quiet and not self.state.devices:
            times = times[-1:]  # nothing is out and nothing stands otherwise than normal: only the last one matters
        for time in times:
            self._stage(time)
            self._settle(time, (time, time), np.zeros(0, np.int64))
            self.state.model_at = time
        if self.scene is None:
            self._stage(until)

    def _stage(self, at: int) -> None:
        """Set up the network and the connections that hold at an instant."""
        version = self.world.version_at(at)
        if version is None:
            self.scene = None
            return
        grid = self.world.grid(version)
        prepared = self._known.get(version)
        if prepared is None:
            prepared = self._known[version] = Prepared.of(grid)
        connections = self.world.connections.at(at)
        feed = Feed.of(connections, len(self.world.points), grid.locate(connections.element), prepared.normal_live)
        open_masks = grid.edge_normal.copy()
        for device, position in self.state.devices.items():
            for edge in prepared.edges_of.get(device, ()):
                open_masks[edge] = position.open_mask & grid.edge_phases[edge]
        live = grid.energized(open_masks)
        self.scene = Scene(grid, prepared, feed, open_masks, live)
        self._know_transformers(grid)
        self._mark_islands(at)

    def _mark_islands(self, at: int) -> None:
        """Note usage points that hang on the network where no source feeds it in the normal state."""
        feed, islands = self.scene.feed, self.state.islands  # type: ignore[union-attr]
        dark = np.zeros(feed.count, bool)
        dark[feed.connections.point[feed.node >= 0]] = True
        dark[feed.connections.point[feed.normal != 0]] = False
        islands.end(np.flatnonzero(islands.open & ~dark), at)
        new = np.flatnonzero(dark & ~islands.open)
        since = FIRST if self.state.model_at == EVER else at
        islands.begin(new, np.zeros(len(new), np.int64), since, np.zeros(len(new), np.uint8))

    def _know_transformers(self, grid: Grid) -> None:
        state = self.state
        new = np.setdiff1d(grid.transformers, state.transformer_keys)
        state.transformer_keys = np.concatenate([state.transformer_keys, new])
        state.transformers.grow(len(state.transformer_keys))

    def _apply(self, step: Step) -> None:
        moved: set[int] = set()
        transferred = False
        at = micros(step.at)
        for entry in step.entries:
            if entry.kind == "transfer":
                transferred |= self._transfer(entry, at)
            elif entry.element_id is not None and entry.kind in MOVING and self._move(entry, at):
                moved.add(entry.element_id)
        if self.scene is None or not (moved or transferred):
            return
        before = self.scene.open_masks.copy()
        known = self.scene.prepared.edges_of
        edges = np.concatenate([np.zeros(0, np.int64), *(known[device] for device in sorted(moved))])
        for device in moved:
            mask = self.state.devices[device].open_mask
            of_device = known[device]
            self.scene.open_masks[of_device] = mask & self.scene.grid.edge_phases[of_device]
        if transferred or (before != self.scene.open_masks).any():
            self._settle(at, _bounds(step), edges, before)

    def _transfer(self, entry: Entry, at: int) -> bool:
        point = self._point(entry.usage_point_id)
        connections = self.world.connections.at(at)
        if point is None or (connections.point == point).sum() < 2:
            self.state.conflicts.append(ConflictFact(entry.id, NO_STANDBY, at))
            return False
        self.state.standby[point] = entry.payload.get("to") == "standby"
        return True

    def _point(self, key: int | None) -> int | None:
        points = self.world.points
        place = int(np.searchsorted(points, key)) if key is not None else len(points)
        return place if place < len(points) and points[place] == key else None

    def _move(self, entry: Entry, at: int) -> bool:
        """Let an entry act on its device; answers whether its position in this network changed."""
        state, device = self.state, entry.element_id
        assert device is not None
        edges = self.scene.prepared.edges_of.get(device) if self.scene else None
        normal = 0
        if self.scene is not None and edges is not None:
            normal = int(np.bitwise_or.reduce(self.scene.grid.edge_normal[edges]))
        else:
            state.conflicts.append(ConflictFact(entry.id, UNKNOWN_DEVICE, at))
        position = state.devices.setdefault(device, DevicePosition(normal))
        change = apply(position, entry, normal)
        if change.conflict:
            state.conflicts.append(ConflictFact(entry.id, change.conflict, at))
        state.conflicts.extend(ConflictFact(resolved, RESOLVED, at, ended=True) for resolved in change.resolved)
        if change.oscillates:
            state.conflicts.append(ConflictFact(entry.id, OSCILLATES, at))
        self._record_stand(device, position, entry.kind, at)
        return edges is not None and bool(change.opened or change.closed)

    def _record_stand(self, device: int, position: DevicePosition, origin: str, at: int) -> None:
        stood = self.state.stands.get(device)
        if stood is not None and stood[0] == position.open_mask:
            return
        if stood is not None and stood[2] < at:
            self.state.moved.append(PositionSpell(device, stood[0], stood[1], stood[2], at))
        self.state.stands[device] = (position.open_mask, origin, at)
        self.state.restood.add(device)

    def _settle(self, at: int, bounds: tuple[int, int], edges: Index, open_before: Mask | None = None) -> None:
        """Trace the network and let spells begin, change, pass on and end. `edges` are those that moved.

        Without `open_before` the model itself changed.
        """
        scene, state = self.scene, self.state
        if scene is None:
            return
        live_before = scene.live
        if open_before is not None:
            scene.live = scene.grid.energized(scene.open_masks)
        blame = Blame(scene.grid, scene.prepared.tree, live_before, scene.live, open_before, scene.open_masks)
        moment = Moment(at, bounds, self._moved_on(edges if open_before is not None else None))
        feed = scene.feed
        by_connection = feed.by_connection(scene.live)
        lost_there = feed.normal & ~by_connection

        normal = feed.by_point(feed.normal, state.standby)
        lost = normal & ~feed.by_point(by_connection, state.standby)
        usable = np.flatnonzero(feed.usable(state.standby))
        rows = Rows(feed.connections.point[usable], feed.node[usable], lost_there[usable])
        self._update_points(lost, normal, blame, rows, moment)

        nodes = scene.grid.locate(state.transformer_keys)
        dead = scene.prepared.normal_live & ~scene.live
        lost = np.where(nodes >= 0, dead[nodes], 0).astype(np.uint8)
        self._update(state.transformers, lost, blame, Rows(np.arange(len(nodes)), nodes, lost), moment)

        links = np.searchsorted(self.world.connections.key, feed.connections.key)
        lost = np.zeros(len(self.world.connections.key), np.uint8)
        lost[links[feed.several]] = lost_there[feed.several]
        self._update(state.links, lost, blame, Rows(links, feed.node, lost_there), moment)
        self._close_outages(at)

    def _update_points(self, lost: Mask, normal: Mask, blame: Blame, rows: Rows, moment: Moment) -> None:
        """Spells of usage points, and with them the interruptions of the ledger."""
        state, ledger = self.state, self.state.interruptions
        was, mask_before = state.members.open, state.members.mask.copy()
        if ((lost != 0) & ~was).any():
            lost = np.where(was | self.world.served.at(moment.at, len(lost)), lost, 0).astype(np.uint8)
        back = np.flatnonzero(was & (lost == 0))
        steps = self._count_steps(back, moment.at)
        ledger.finish(back, moment.at, steps)
        self._update(state.members, lost, blame, rows, moment)
        now = state.members.open
        new = np.flatnonzero(now & ~was)
        ledger.start(new, state.members.outage[new], moment.at, moment.bounds, lost[new], lost[new] != normal[new])
        turned = np.flatnonzero(now & was & (lost != mask_before))
        ledger.turn(turned, moment.at, mask_before[turned], lost[turned])

    def _count_steps(self, back: Index, at: int) -> Index:
        """The restoration step, in its first outage, of each usage point that is back."""
        state = self.state
        for number in np.union1d(state.interruptions.outage[back], state.members.outage[back]).tolist():
            facts = state.outages[number]
            if facts.step_at != at:
                facts.steps, facts.step_at, facts.changed, facts.left = facts.steps + 1, at, True, True
        return np.array([state.outages[number].steps for number in state.interruptions.outage[back].tolist()], np.int64)

    def _update(self, spells: Spells, lost: Mask, blame: Blame, rows: Rows, moment: Moment) -> None:
        was, out = spells.open, lost != 0
        going = was & out
        passing = [np.zeros(0, np.int64)]
        for number, open_mask in moment.moved_on.items():
            passing.append(np.flatnonzero(going & (spells.outage == number) & ((lost & open_mask) == 0)))
        pass_on, new = np.concatenate(passing), np.flatnonzero(out & ~was)
        spells.end(np.flatnonzero(was & ~out), moment.at)
        spells.change(np.flatnonzero(going & (lost != spells.mask)), lost[going & (lost != spells.mask)])
        for whom, opened in ((pass_on, False), (new, True)):
            if not len(whom):
                continue
            edges = blame.of_rows(whom, rows.subject, rows.node, rows.lost, opened=opened)
            outages = np.full(len(whom), -1, np.int64)
            outages[edges >= 0] = self._outages_of(edges[edges >= 0], moment)
            goes = (edges >= 0) & (spells.outage[whom] != outages)
            if not opened:
                spells.end(whom[goes], moment.at)
            spells.begin(whom[goes], outages[goes], moment.at, lost[whom[goes]])

    def _moved_on(self, edges: Index | None) -> dict[int, int]:
        """Open outages whose device moved, with its open phases now; `None`: the model changed, so look at all."""
        scene = self.scene
        assert scene is not None
        moved = None if edges is None else set(scene.grid.edge_element[edges].tolist())
        answer = {}
        for number, facts in enumerate(self.state.outages):
            if facts.restored is None and (moved is None or facts.device in moved):
                of_device = scene.prepared.edges_of.get(facts.device) if facts.device is not None else None
                answer[number] = 0 if of_device is None else int(np.bitwise_or.reduce(scene.open_masks[of_device]))
        return answer

    def _outages_of(self, edges: Index, moment: Moment) -> Index:
        """Number of the outage of each edge's device; one that is not there begins now."""
        assert self.scene is not None
        elements = self.scene.grid.edge_element[edges]
        distinct, place = np.unique(elements, return_inverse=True)
        return np.array([self._outage_of(device, moment) for device in distinct.tolist()], np.int64)[place]

    def _outage_of(self, device: int, moment: Moment) -> int:
        position = self.state.devices.get(device)
        opened_by = position.opened_by if position else None
        key = f"{opened_by}|{device}"
        number = self._number.get(key)
        if number is None:
            number = self._number[key] = len(self.state.outages)
            self.state.outages.append(OutageFacts(
                key, device, moment.at, *moment.bounds, open_phases=position.open_mask if position else 0,
                opened_as=dict(position.opened_as) if position else {},
            ))  # fmt: skip
        facts = self.state.outages[number]
        if facts.restored is not None:
            facts.restored, facts.left, facts.changed = None, False, True
        return number

    def _close_outages(self, at: int) -> None:
        """Outages that keep nobody and nothing out any more are restored."""
        state = self.state
        holding = np.zeros(len(state.outages), bool)
        for spells in (state.members, state.transformers, state.links):
            holding[spells.outage[spells.open]] = True
        for number, facts in enumerate(state.outages):
            if facts.restored is None and not holding[number]:
                facts.restored, facts.changed = at, True


def _bounds(step: Step) -> tuple[int, int]:
    """Earliest and latest instant of a step."""
    earliest = min(entry.earliest_at or entry.occurred_at for entry in step.entries)
    latest = max(entry.latest_at or entry.occurred_at for entry in step.entries)
    return micros(earliest), micros(latest)
