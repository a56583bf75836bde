"""What one opened or closed edge changes, exactly and by local work: live and dead slices of the compiled network.

In the normal state the network is a forest in preorder, and what hangs on a node is a slice. An open tree edge cuts its
slice out: the forest falls into *regions*, each a slice without the slices cut out of it. Closed edges outside the
forest (ties, loops, parallel edges) link regions. A region is live if links lead from it to a region that is fed. So a
change costs as much as there are regions and links around it, whatever the size of the network. Each phase is held for
itself.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from cis_power.network.topology import PHASE_BITS, Flags, Index, Mask, Topology

Slices = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Change:
    """Slices of nodes that lost or got some phases, as far as these come to a node at all (`Energization.carried`)."""

    phases: int
    live: bool
    slices: Slices


@dataclass(frozen=True, eq=False)
class _Forest:
    """What the phases share: where slices end, the node below each tree edge (-1: none), and the ends of edges."""

    behind: list[int]
    roots: list[int]
    below: list[int]
    ends: list[tuple[int, int]]

    @classmethod
    def of(cls, topology: Topology) -> "_Forest":
        below = np.full(len(topology.edge_from), -1, np.int64)
        inner = np.flatnonzero(topology.parent_edge >= 0)
        below[topology.parent_edge[inner]] = inner
        ends = zip(topology.edge_from.tolist(), topology.edge_to.tolist(), strict=True)
        roots = np.flatnonzero(topology.parent < 0).tolist()
        return cls(topology.behind.tolist(), roots, below.tolist(), list(ends))


@dataclass(eq=False)
class _Phase:
    """One phase: `cuts`, the first nodes of the regions, rising; `around`, the region each was cut out of (-1: none).

    `links`: both ends of every closed edge outside the forest, as (node, edge), rising. `fed`: regions with a source.
    `void` (n): nodes with nothing at or below them that carries the phase; no need to cut them out.
    """

    forest: _Forest
    fed: set[int]
    void: Flags
    cuts: list[int] = field(default_factory=list)
    around: dict[int, int] = field(default_factory=dict)
    links: list[tuple[int, int]] = field(default_factory=list)
    live: set[int] = field(default_factory=set)

    def restart(self, closed: Flags) -> None:
        """Take over a state of all edges."""
        forest = self.forest
        below = np.array(forest.below, np.int64)
        opened = below[(below >= 0) & ~closed]
        opened = opened[~self.void[opened]]
        self.cuts = sorted([*forest.roots, *opened.tolist()])
        self.around, self.live = {}, set()
        open_regions: list[int] = []
        for cut in self.cuts:
            while open_regions and forest.behind[open_regions[-1]] <= cut:
                open_regions.pop()
            self.around[cut] = open_regions[-1] if open_regions else -1
            open_regions.append(cut)
        apart = np.flatnonzero((below < 0) & closed).tolist()
        self.links = sorted((node, edge) for edge in apart for node in forest.ends[edge])
        for source in self.fed:
            if source not in self.live:
                self.live |= self._joined(source)

    def open(self, edge: int) -> Slices:
        """Open a closed edge; answers what became dead."""
        below = self.forest.below[edge]
        if below >= 0:
            upper = self.region_of(below)
            self._cut(below, upper)
            sides = (below, upper)
            if upper in self.live:
                self.live.add(below)
        else:
            sides = self._unlink(edge)
        if sides[0] == sides[1] or sides[0] not in self.live:
            return []
        died: set[int] = set()
        for side in sides:
            if side not in died and not self._reaches_source(side):
                died |= self._joined(side)
        self.live -= died
        return self.slices(died)

    def close(self, edge: int) -> Slices:
        """Close an open edge; answers what became live."""
        below = self.forest.below[edge]
        if below >= 0:
            sides = below, self.around[below]
        else:
            sides = self.region_of(self.forest.ends[edge][0]), self.region_of(self.forest.ends[edge][1])
        dead = [side for side in sides if side not in self.live]
        risen = self._joined(dead[0]) if len(dead) == 1 else set()
        slices = self.slices(risen)
        self.live |= risen
        if below >= 0:
            self._mend(below)
        else:
            for node in self.forest.ends[edge]:
                insort(self.links, (node, edge))
        return slices

    def region_of(self, node: int) -> int:
        """The region that a node is in."""
        region = self.cuts[bisect_right(self.cuts, node) - 1]
        while self.forest.behind[region] <= node:
            region = self.around[region]
        return region

    def _cut(self, node: int, upper: int) -> None:
        for inner in self._cut_out(node):
            self.around[inner] = node
        self.around[node] = upper
        insort(self.cuts, node)

    def _mend(self, node: int) -> None:
        upper = self.around.pop(node)
        self.cuts.pop(bisect_left(self.cuts, node))
        for inner in self._cut_out(node):
            self.around[inner] = upper
        self.live.discard(node)

    def _unlink(self, edge: int) -> tuple[int, int]:
        one, other = self.forest.ends[edge]
        for node in (one, other):
            self.links.pop(bisect_left(self.links, (node, edge)))
        return self.region_of(one), self.region_of(other)

    def _cut_out(self, region: int) -> Iterator[int]:
        """The regions that are cut out of the slice of a node next, rising."""
        cuts, behind = self.cuts, self.forest.behind
        place, end = bisect_right(cuts, region), behind[region]
        while place < len(cuts) and cuts[place] < end:
            inner = cuts[place]
            yield inner
            place = bisect_left(cuts, behind[inner], place + 1)

    def _own(self, region: int) -> Iterator[tuple[int, int]]:
        """The slices of a region, without what is cut out."""
        begin = region
        for inner in self._cut_out(region):
            if begin < inner:
                yield begin, inner
            begin = self.forest.behind[inner]
        if begin < self.forest.behind[region]:
            yield begin, self.forest.behind[region]

    def _next_to(self, region: int) -> Iterator[int]:
        """The regions that links lead to from a region."""
        links, ends = self.links, self.forest.ends
        for begin, end in self._own(region):
            for place in range(bisect_left(links, (begin, -1)), bisect_left(links, (end, -1))):
                node, edge = links[place]
                one, other = ends[edge]
                yield self.region_of(other if node == one else one)

    def _joined(self, region: int) -> set[int]:
        """All regions that links lead to from a region, itself among them."""
        found, waiting = {region}, [region]
        while waiting:
            for other in self._next_to(waiting.pop()):
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return found

    def _reaches_source(self, region: int) -> bool:
        found, waiting = {region}, [region]
        while waiting:
            at = waiting.pop()
            if at in self.fed:
                return True
            for other in self._next_to(at):
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return False

    def slices(self, regions: set[int]) -> Slices:
        """The nodes of some regions, rising."""
        return sorted(own for region in regions for own in self._own(region))


class Energization:
    """The live state of a compiled network, changed edge by edge."""

    def __init__(self, topology: Topology, open_masks: Mask) -> None:
        self.topology = topology
        forest = _Forest.of(topology)
        self.carried = _carried(topology)
        self._phases = [
            _Phase(
                forest, set(np.flatnonzero(topology.source_phases & bit).tolist()), _void(topology, self.carried & bit)
            )
            for bit in PHASE_BITS
        ]
        self.restart(open_masks)

    def restart(self, open_masks: Mask) -> None:
        """Take over open phases of every edge (m)."""
        self._open = np.where(self.topology.edge_phases & open_masks, self.topology.edge_phases & open_masks, 0)
        for bit, phase in zip(PHASE_BITS, self._phases, strict=True):
            phase.restart((self.topology.edge_phases & ~open_masks & bit) > 0)

    def move(self, edge: int, open_phases: int) -> list[Change]:
        """Let an edge stand open on these phases; answers what that changed."""
        carried, before = int(self.topology.edge_phases[edge]), int(self._open[edge])
        after = open_phases & carried
        self._open[edge] = after
        turned: list[tuple[int, bool, Slices]] = []
        for bit, phase in zip(PHASE_BITS, self._phases, strict=True):
            if (before ^ after) & bit:
                slices, live = (phase.open(edge), False) if after & bit else (phase.close(edge), True)
                if turned and turned[-1][1:] == (live, slices):
                    turned[-1] = (turned[-1][0] | bit, live, slices)
                elif slices:
                    turned.append((bit, live, slices))
        return [Change(*one) for one in turned]

    def live_at(self, node: int) -> int:
        """Phases that are live at a node."""
        return sum(
            bit for bit, phase in zip(PHASE_BITS, self._phases, strict=True) if phase.region_of(node) in phase.live
        ) & int(self.carried[node])

    def live_masks(self) -> Index:
        """Phases that are live at each node (n)."""
        found = np.zeros(self.topology.node_count, np.int64)
        for bit, phase in zip(PHASE_BITS, self._phases, strict=True):
            for begin, end in phase.slices(phase.live):
                found[begin:end] |= bit
        return found & self.carried


def _carried(topology: Topology) -> Mask:
    """Phases that any edge or source brings to each node (n)."""
    found = topology.source_phases.copy()
    for ends in (topology.edge_from, topology.edge_to):
        np.bitwise_or.at(found, ends, topology.edge_phases)
    return found


def _void(topology: Topology, carried: Index | Mask) -> Flags:
    """Nodes with nothing of a phase at or below them (n)."""
    before = np.concatenate([[0], np.cumsum(carried > 0)])
    return np.asarray(before[topology.behind] == before[:-1], bool)
