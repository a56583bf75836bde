"""The network as a crew sees it: nodes joined by equipment, some of which can be opened and closed. Pure."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

SWITCHABLE = frozenset({"breaker", "recloser", "load_break_switch", "switch", "fuse"})


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of equipment between two nodes. `told`: its position comes by telemetry."""

    code: str
    kind: str
    ends: tuple[str, str]
    normal_open: bool
    told: bool
    feeder: str

    @property
    def switchable(self) -> bool:
        return self.kind in SWITCHABLE

    def beyond(self, node: str) -> str:
        """The other end."""
        return self.ends[1] if self.ends[0] == node else self.ends[0]


def itself(code: str) -> str:
    """What stands for equipment that is known as such."""
    return code


class Wiring:
    """All equipment by code and by node, and where supply comes from. It holds no state: what is open is asked with."""

    def __init__(
        self, pieces: Iterable[Piece], sources: Collection[str], behind: Callable[[str], str] = itself
    ) -> None:
        """`behind`: what stands for equipment that is not among the pieces, such as low-voltage lines."""
        self.behind = behind
        self.pieces = {piece.code: piece for piece in pieces}
        self.sources = frozenset(sources)
        self._at: dict[str, list[Piece]] = {}
        for piece in self.pieces.values():
            for node in set(piece.ends):
                self._at.setdefault(node, []).append(piece)

    def at(self, node: str) -> list[Piece]:
        """Equipment that ends at a node."""
        return self._at.get(node, [])

    def normally_open(self) -> set[str]:
        """Everything that stands open when nothing is the matter."""
        return {code for code, piece in self.pieces.items() if piece.normal_open}

    def section(self, code: str) -> frozenset[str]:
        """The nodes that cannot be parted from a piece of equipment by any switch: where a crew works on it."""
        own = self.pieces[code]
        return frozenset(self._spread(own.ends, lambda piece: piece.code == code or not piece.switchable))

    def border(self, nodes: Collection[str], but: str = "") -> list[Piece]:
        """The switches around a section, in the order of their codes."""
        found = {
            piece.code: piece for node in nodes for piece in self.at(node) if piece.switchable and piece.code != but
        }
        return [found[code] for code in sorted(found)]

    def nearest(self, code: str, kind: str) -> str | None:
        """Equipment of a kind near another one, by way of whatever conducts in the normal state."""
        seen = set(self.pieces[code].ends)
        ahead = sorted(seen)
        for node in ahead:
            for piece in self.at(node):
                if piece.kind == kind:
                    return piece.code
                other = piece.beyond(node)
                if other not in seen and not piece.normal_open:
                    seen.add(other)
                    ahead.append(other)
        return None

    def feeds(self, piece: Piece, section: Collection[str]) -> bool:
        """Whether supply could come into a section through a switch on its border, were everything else closed."""
        beyond = [node for node in piece.ends if node not in section]
        reached = self._spread(beyond, lambda other: section_free(other, section))
        return bool(beyond) and not self.sources.isdisjoint(reached)

    def part(self, node: str, is_open: Collection[str]) -> set[str]:
        """All nodes that hang together with a node as things stand."""
        return self._spread((node,), lambda piece: piece.code not in is_open)

    def live(self, node: str, is_open: Collection[str]) -> bool:
        """Whether a node is in supply as things stand."""
        return not self.sources.isdisjoint(self.part(node, is_open))

    def lights(self, code: str, is_open: Collection[str]) -> frozenset[str]:
        """The dead nodes that closing a switch brings into supply; none where it joins live to live or dead to dead."""
        here, there = (self.part(node, is_open) for node in self.pieces[code].ends)
        if self.sources.isdisjoint(here) == self.sources.isdisjoint(there):
            return frozenset()
        return frozenset(there if self.sources.isdisjoint(there) else here)

    def _spread(self, begin: Iterable[str], passes: Callable[[Piece], bool]) -> set[str]:
        seen = set(begin)
        ahead = list(seen)
        while ahead:
            node = ahead.pop()
            for piece in self.at(node):
                other = piece.beyond(node)
                if other not in seen and passes(piece):
                    seen.add(other)
                    ahead.append(other)
        return seen


def section_free(piece: Piece, section: Collection[str]) -> bool:
    """Whether a piece of equipment has no end in a section."""
    return piece.ends[0] not in section and piece.ends[1] not in section


def pieces_of_rows(rows: Iterable[tuple[object, ...]]) -> Iterator[Piece]:
    """Pieces of rows as in equipment.csv: device, kind, from, to, normal_open, telemetered, phases, kva, feeder, …"""
    for device, kind, one, other, normal_open, told, _phases, _kva, feeder, *_ in rows:
        yield Piece(str(device), str(kind), (str(one), str(other)), bool(normal_open), bool(told), str(feeder))
