"""Who is without supply, worked out plainly: a walk over wires, phase by phase, without the engine."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tests.journeys.living.shape import Shape


@dataclass(frozen=True, order=True)
class Moved:
    """Phases of a device (or of a broken line) that stand open from an instant on. `by` says how that is known."""

    at: datetime
    device: str
    open_mask: int
    by: str = ""


@dataclass(frozen=True)
class Spell:
    """Some phase, or all of them, were missing in [began, ended); None: still. `by`, `ended_by`: the moves then."""

    began: datetime
    ended: datetime | None
    by: tuple[Moved, ...]
    ended_by: tuple[Moved, ...] = ()


class Oracle:
    """Answers for a shape; what normally is without supply counts for nothing."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._normal = {edge.code: edge.phases if edge.normal_open else 0 for edge in shape.edges}
        self._normal_live = self._live(self._normal)
        self._links: dict[str, list] = {}
        for link in shape.links:
            self._links.setdefault(link.usage_point, []).append(link)
        self._normal_phases = {point: self._phases(point, self._normal_live) for point in self._links}

    def missing(self, moved: Mapping[str, int]) -> dict[str, tuple[int, bool]]:
        """Usage point → (phases missing, whether none is left), where `moved` stands otherwise than normal."""
        live = self._live(self._normal | dict(moved))
        found = {}
        for point, normal in self._normal_phases.items():
            here = self._phases(point, live)
            if normal & ~here:
                found[point] = (normal & ~here, not here)
        return found

    def spells(self, moves: Iterable[Moved], until: datetime, *, dark: bool = False) -> dict[str, list[Spell]]:
        """Spells of every usage point through moves in order; `dark`: only without any phase."""
        open_now: dict[str, list] = {}
        found: dict[str, list[Spell]] = {}
        position: dict[str, int] = {}
        ordered = sorted((move for move in moves if move.at <= until), key=lambda move: move.at)
        place = 0
        while place < len(ordered):
            at, step = ordered[place].at, []
            while place < len(ordered) and ordered[place].at == at:
                step.append(ordered[place])
                position[ordered[place].device] = ordered[place].open_mask
                place += 1
            out = {point for point, (_, none) in self.missing(position).items() if none or not dark}
            for point in open_now.keys() - out:
                began, by = open_now.pop(point)
                found.setdefault(point, []).append(Spell(began, at, by, tuple(step)))
            for point in out - open_now.keys():
                open_now[point] = (at, tuple(step))
        for point, (began, by) in open_now.items():
            found.setdefault(point, []).append(Spell(began, None, by))
        return {point: [one for one in spells if one.ended != one.began] for point, spells in found.items()}

    def _phases(self, point: str, live: Mapping[str, int]) -> int:
        links = self._links[point]
        by_hand = any(link.by_hand for link in links)
        usable = [link for link in links if not (by_hand and link.standby)]
        phases = 0
        for link in usable:
            phases |= live.get(link.node, 0) & link.phases
        return phases

    def _live(self, is_open: Mapping[str, int]) -> dict[str, int]:
        live: dict[str, int] = {}
        for bit in (1, 2, 4):
            ways: dict[str, list[str]] = {}
            for edge in self._shape.edges:
                if edge.phases & bit and not is_open.get(edge.code, 0) & bit:
                    ways.setdefault(edge.ends[0], []).append(edge.ends[1])
                    ways.setdefault(edge.ends[1], []).append(edge.ends[0])
            seen, ahead = set(self._shape.sources), list(self._shape.sources)
            while ahead:
                for other in ways.get(ahead.pop(), ()):
                    if other not in seen:
                        seen.add(other)
                        ahead.append(other)
            for node in seen:
                live[node] = live.get(node, 0) | bit
        return live
