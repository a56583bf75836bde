"""What a one-line diagram is made of, in px: symbols with labels, wires, bus bars; and the cells of its grid. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from cis_power.network.feeder_tree import Edge

CELL_WIDTH, CELL_HEIGHT = 84, 32
ANCHOR_X, ANCHOR_Y = 14, 10
SYMBOL = 14
LABEL_HEIGHT = 13
CHARACTER = 6.65  # of a monospaced font of 11 px; Chinese characters are 11 wide
WIDE_CHARACTER = 11.5
MARK = WIDE_CHARACTER  # room for one sign before a label

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle by its corner and size, px."""

    x: float
    y: float
    width: float
    height: float

    def meets(self, other: "Box") -> bool:
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


@dataclass(frozen=True, slots=True)
class Symbol:
    """A device drawn at (x, y), its middle; `edge` says which. `upright`: wires come from above or below."""

    edge: Edge
    x: float
    y: float
    upright: bool
    text: str
    label: Box

    @property
    def box(self) -> Box:
        return Box(self.x - SYMBOL / 2, self.y - SYMBOL / 2, SYMBOL, SYMBOL)


@dataclass(frozen=True, slots=True)
class Wire:
    """Corners of a wire; `node` is the node whose state it shows, `lines` the lines it stands for.

    `ends`: nothing is drawn behind it; customers may hang there all the same.
    """

    points: tuple[Point, ...]
    node: str
    lines: tuple[str, ...] = ()
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """Where a tree begins: a bus bar at (x, y)."""

    node: str
    x: float
    y: float
    text: str
    label: Box


@dataclass(frozen=True, slots=True)
class Diagram:
    """What is to be drawn, px."""

    width: float
    height: float
    symbols: tuple[Symbol, ...]
    wires: tuple[Wire, ...]
    heads: tuple[Head, ...]


Cell = tuple[int, int]  # column, row


def anchor(cell: Cell) -> Point:
    return cell[0] * CELL_WIDTH + ANCHOR_X, cell[1] * CELL_HEIGHT + ANCHOR_Y


@dataclass(frozen=True, slots=True)
class Words:
    """What things are called: by name, else by a code without the feeder's own name before it."""

    prefix: str
    names: Mapping[str, str]

    def of(self, code: str) -> str:
        if code in self.names or not self.prefix or not code.startswith(self.prefix):
            return self.names.get(code, code)
        return code[len(self.prefix) :].lstrip("-_./ :") or code


def symbol_at(item: tuple[Cell, bool, Edge], words: Words) -> Symbol:
    cell, upright, edge = item
    x, y = anchor(cell)
    name = words.of(edge.devices[0]) + (f" +{len(edge.devices) - 1}" if len(edge.devices) > 1 else "")
    if upright:
        left, top = x + SYMBOL / 2 + 4, y - LABEL_HEIGHT / 2
    else:
        left, top = cell[0] * CELL_WIDTH + 3, y + SYMBOL / 2 + 2
    text = fitted(name, (cell[0] + 1) * CELL_WIDTH - 2 - left - MARK)
    return Symbol(edge, x, y, upright, text, Box(left, top, text_width(text) + MARK, LABEL_HEIGHT))


def head_at(row: int, root: str, words: Words) -> Head:
    x, y = anchor((0, row))
    text = fitted(words.of(root), CELL_WIDTH - 5)
    return Head(root, x, y, text, Box(3, y + SYMBOL / 2 + 2, text_width(text), LABEL_HEIGHT))


def text_width(text: str) -> float:
    """Width of a label in px."""
    return sum(WIDE_CHARACTER if ord(character) > 0x2E7F else CHARACTER for character in text)


def fitted(text: str, width: float) -> str:
    """A text cut so that it takes at most `width` px."""
    if text_width(text) <= width:
        return text
    while text and text_width(text) + CHARACTER > width:
        text = text[:-1]
    return text + "…"
