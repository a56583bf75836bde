"""What the engine knows behind an entry, and what it makes of the world around it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cis_power.outages.entries import StepKey
from cis_power.outages.grid import Flags, Grid, Index
from cis_power.outages.positions import DevicePosition
from cis_power.outages.spells import Interruptions, Spells
from cis_power.outages.supply import Connections, Served


@dataclass(frozen=True, slots=True)
class World:
    """What the engine is told about its surroundings; times are microseconds.

    `points`: keys of all usage points, rising; `timeline`: (valid from, version) rising, the first from ever;
    `grid`: the compiled network of a version.
    """

    points: Index
    connections: Connections
    served: Served
    timeline: tuple[tuple[int, int], ...]
    grid: Callable[[int], Grid]

    def version_at(self, moment: int) -> int | None:
        """The version that holds at an instant; `None` before the first."""
        valid = [version for began, version in self.timeline if began <= moment]
        return valid[-1] if valid else None

    def boundaries(self, after: int, until: int) -> list[int]:
        """Instants in (after, until] at which the model changes."""
        times = {began for began, _version in self.timeline} | set(self.connections.boundaries().tolist())
        return sorted(time for time in times if after < time <= until)


@dataclass(slots=True)
class OutageFacts:
    """An outage as the engine sees it; times are microseconds. `key` is its opening entry and device.

    `steps` counts restorations so far; `left`: somebody is back while others are not. `opened_as` is what the opening
    entry says of kind and cause.
    """

    key: str
    device: int | None
    began: int
    earliest: int
    latest: int
    open_phases: int
    opened_as: dict[str, Any] = field(default_factory=dict)
    restored: int | None = None
    steps: int = 0
    step_at: int | None = None
    lasted: bool = False
    left: bool = False
    changed: bool = True

    def as_list(self) -> list[Any]:
        """Plain data for a checkpoint."""
        return [self.key, self.device, self.began, self.earliest, self.latest, self.open_phases, self.opened_as,
                self.restored, self.steps, self.step_at, self.lasted, self.left]  # fmt: skip

    @classmethod
    def from_list(cls, plain: list[Any]) -> "OutageFacts":
        facts = cls(*plain)
        facts.changed = False
        return facts


@dataclass(frozen=True, slots=True)
class PositionSpell:
    """A device stood with these phases open, from/to."""

    device: int
    open_mask: int
    origin: str
    began: int
    ended: int | None


@dataclass(frozen=True, slots=True)
class ConflictFact:
    """An entry contradicts other evidence from an instant on (`ended` false), or does so no longer (`ended` true)."""

    entry: int
    reason: str
    at: int
    ended: bool = False


@dataclass(slots=True)
class State:
    """Everything that the next entry acts on."""

    devices: dict[int, DevicePosition]
    standby: Flags
    outages: list[OutageFacts]
    members: Spells
    transformers: Spells
    links: Spells
    islands: Spells
    interruptions: Interruptions
    transformer_keys: Index
    stands: dict[int, tuple[int, str, int]] = field(default_factory=dict)
    moved: list[PositionSpell] = field(default_factory=list)
    restood: set[int] = field(default_factory=set)
    conflicts: list[ConflictFact] = field(default_factory=list)
    step: StepKey | None = None
    model_at: int = np.iinfo(np.int64).min

    @classmethod
    def initial(cls, world: World) -> "State":
        count = len(world.points)
        return cls(
            devices={}, standby=np.zeros(count, bool), outages=[], members=Spells.none(count),
            transformers=Spells.none(0), links=Spells.none(len(world.connections.key)), islands=Spells.none(count),
            interruptions=Interruptions.none(count), transformer_keys=np.zeros(0, np.int64),
        )  # fmt: skip

    @property
    def quiet(self) -> bool:
        """Whether nobody and nothing is without supply."""
        return not (self.members.open.any() or self.transformers.open.any() or self.links.open.any())
