"""Voltage zones: what hangs together without a transformer between. They settle nominal voltages and phase names."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cis_power.core.errors import Problem
from cis_power.core.phases import ALL_PHASES, format_phases
from cis_power.network.model import Branch, Equipment, Load

SPLIT = 8  # beside A, B, C: the two halves of a centre-tapped secondary, which no phase of the network names


class Zones:
    """Nodes joined by equipment other than transformers, open switches included."""

    def __init__(self, equipment: Iterable[Equipment]) -> None:
        self._parent: dict[str, str] = {}
        for item in equipment:
            if item.kind != "transformer":
                for branch in item.branches():
                    self._parent[self.of(branch.from_node)] = self.of(branch.to_node)

    def of(self, node: str) -> str:
        """One node that stands for the zone of `node`."""
        root = node
        while (above := self._parent.get(root, root)) != root:
            root = above
        while (above := self._parent.get(node, node)) != root:
            self._parent[node], node = root, above
        return root


def zone_voltages(zones: Zones, known: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Nominal voltage by zone in whole volts from (node, volts); the first one given for a zone counts."""
    volts: dict[str, float] = {}
    for node, value in known:
        volts.setdefault(zones.of(node), float(round(value)))
    return volts


@dataclass(frozen=True, slots=True)
class SettledPhases:
    """Equipment and loads with phases that pass through transformers by name."""

    equipment: tuple[Equipment, ...]
    loads: tuple[Load, ...]
    problems: tuple[Problem, ...]


def settle_phases(
    zones: Zones, equipment: Sequence[Equipment], loads: Sequence[Load], secondary: Mapping[str, Sequence[int]]
) -> SettledPhases:
    """Give what lies behind a single-phase transformer the phase of its primary, where its own names differ.

    A centre-tapped transformer on phase B feeds wires named 1 and 2; they die with B, so they are B. `secondary` holds,
    by code of a transformer, the phases its further windings name, one mask a branch; `phases` of its branches are
    those of the primary.
    """
    renamed: dict[str, int] = {}
    problems: list[Problem] = []
    passing: dict[str, list[int]] = {}
    for item in equipment:
        if item.kind != "transformer":
            continue
        for branch, named in zip(item.branches(), secondary.get(item.code, ()), strict=False):
            strange = named & ~branch.phases
            zone = zones.of(branch.to_node)
            if strange and zone != zones.of(branch.from_node) and branch.phases.bit_count() < 3:
                renamed[zone] = renamed.get(zone, 0) | branch.phases
                passing.setdefault(item.code, []).append(branch.phases)
            else:
                if strange & ALL_PHASES:
                    problems.append(_strange(item, branch, named))
                passing.setdefault(item.code, []).append(branch.phases & named or branch.phases)
    settled = tuple(_equipment(item, zones, renamed, passing.get(item.code)) for item in equipment)
    return SettledPhases(settled, tuple(_load(load, zones, renamed) for load in loads), tuple(problems))


def _strange(item: Equipment, branch: Branch, named: int) -> Problem:
    message = (
        f"{item.code} names phases {format_phases(branch.phases)} on one side and "
        f"{format_phases(named & ALL_PHASES)} on the other; phases pass by name"
    )
    return Problem("phases_differ", message, "warning", item.place.file, item.place.line, "phases")


def _equipment(item: Equipment, zones: Zones, renamed: Mapping[str, int], passing: Sequence[int] | None) -> Equipment:
    given = list(passing) if passing else [branch.phases for branch in item.branches()]
    zone = renamed.get(zones.of(item.from_node))
    if zone is not None:
        given = [zone] * len(given)
    masks = [mask & ALL_PHASES or ALL_PHASES for mask in given]
    further = tuple(replace(branch, phases=mask) for branch, mask in zip(item.further, masks[1:], strict=True))
    whole = item.open_phases and item.open_phases & item.phases == item.phases
    opened = masks[0] if whole else item.open_phases & masks[0]
    return replace(item, phases=masks[0], open_phases=opened, further=further)


def _load(load: Load, zones: Zones, renamed: Mapping[str, int]) -> Load:
    zone = renamed.get(zones.of(load.node))
    return replace(load, phases=zone if zone is not None else load.phases & ALL_PHASES or ALL_PHASES)
