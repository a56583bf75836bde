"""How usage points hang on the network at a time: connections, their roles, and who is in supply on which phases."""

from dataclasses import dataclass

import numpy as np

from cis_power.core.phases import ALL_PHASES
from cis_power.outages.grid import Flags, Index, Mask

EVER = np.iinfo(np.int64).min
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Connections:
    """All connections that are held true now, one array element each; times are microseconds since 1970, half-open.

    `point`: index of the usage point; `element`: what it hangs on; `phases`: mask, 0 for all there are.
    """

    key: Index
    point: Index
    element: Index
    standby: Flags
    manual: Flags
    phases: Mask
    began: Index
    ended: Index

    def boundaries(self) -> Index:
        """Instants at which any connection begins or ends."""
        times = np.unique(np.concatenate([self.began, self.ended]))
        return np.asarray(times[(times != EVER) & (times != NEVER)], np.int64)

    def at(self, moment: int) -> "Connections":
        """Those that are valid at an instant, main ones first."""
        valid = np.flatnonzero((self.began <= moment) & (moment < self.ended))
        valid = valid[np.argsort(self.standby[valid], kind="stable")]
        return Connections(*(getattr(self, name)[valid] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Served:
    """When usage points are served: spells of status by point; one without any spell is served always."""

    point: Index
    active: Flags
    began: Index
    ended: Index

    def at(self, moment: int, count: int) -> Flags:
        """Whether each of `count` usage points is served at an instant."""
        answer = np.ones(count, bool)
        answer[self.point] = False
        valid = self.active & (self.began <= moment) & (moment < self.ended)
        answer[self.point[valid]] = True
        return answer


@dataclass(frozen=True, slots=True)
class Feed:
    """The connections of one time against one network: `node` is where each hangs, -1 where the network has it not.

    `normal` of a connection are the phases it has in the normal state; `several` says that its usage point has more
    than one connection.
    """

    connections: Connections
    count: int
    node: Index
    claim: Mask
    normal: Mask
    several: Flags

    @classmethod
    def of(cls, connections: Connections, count: int, node: Index, energized_normally: Mask) -> "Feed":
        linked = np.bincount(connections.point, minlength=count)
        claim = np.where(connections.phases == 0, ALL_PHASES, connections.phases).astype(np.uint8)
        feed = cls(connections, count, node, claim, np.zeros(len(node), np.uint8), linked[connections.point] > 1)
        normal = feed.by_connection(energized_normally)
        return cls(connections, count, node, claim, normal, feed.several)

    def by_connection(self, energized: Mask) -> Mask:
        """Live phases of each connection."""
        live = energized[np.maximum(self.node, 0)] & self.claim
        return np.where(self.node >= 0, live, 0).astype(np.uint8)

    def by_point(self, phases: Mask, on_standby: Flags) -> Mask:
        """Phases of each usage point from those of its connections.

        Automatic transfer: whatever any connection brings. Manual: only the active one, the main unless recorded
        otherwise.
        """
        usable = self.usable(on_standby)
        answer = np.zeros(self.count, np.uint8)
        single = ~self.several
        answer[self.connections.point[single]] = phases[single]
        chosen = np.flatnonzero(self.several & usable)
        np.bitwise_or.at(answer, self.connections.point[chosen], phases[chosen])
        return answer

    def usable(self, on_standby: Flags) -> Flags:
        """Whether each connection may bring supply as things are transferred."""
        active = self.connections.standby == on_standby[self.connections.point]
        return np.asarray(~self._by_hand() | active, bool)

    def _by_hand(self) -> Flags:
        """Whether the transfer of each connection's usage point is manual; one manual connection makes it so."""
        manual = np.zeros(self.count, bool)
        manual[self.connections.point[self.connections.manual & self.several]] = True
        return np.asarray(manual[self.connections.point], bool)
