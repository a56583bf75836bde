"""The one-line diagram of a feeder: from its forest to places on a grid, without a crossing. Pure.

Every path of a tree is a row: the trunk, the way with most behind it, goes right; whatever leaves it hangs on a column
of its own, above or below. Laterals are placed from the far end back to the source, each over what already stands in
its columns, so that the column of a lateral is free down to its trunk and no two things meet. A short lateral without
branches stands upright. A long row is wrapped like text: it goes on below at the left; what hangs on it gets the
columns that are left to the right of it. A cell of the grid holds one symbol with its label, or wires.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cis_power.network.diagram import CELL_HEIGHT, CELL_WIDTH, Cell, Diagram, Wire, Words, anchor, head_at, symbol_at
from cis_power.network.feeder_tree import LINE, Edge, Forest

COLUMNS = 14
_LEAST_COLUMNS = 3
_OWN_SHARE = 0.6  # of the columns that a row may take, its laterals may hang over the rest
_UPRIGHT = 4


@dataclass(slots=True)
class _Block:
    """Something placed in cells: column 0 is where it is entered, in row 0; rows -`above` … `below`."""

    columns: int = 1
    above: int = 0
    below: int = 0
    symbols: list[tuple[Cell, bool, Edge]] = field(default_factory=list)
    wires: list[tuple[list[Cell], "_Slot"]] = field(default_factory=list)

    def take(self, other: "_Block", column: int, row: int, sign: int) -> None:
        """Take in another block with its entry at a cell; `sign` -1: upside down."""

        def moved(cell: Cell) -> Cell:
            return cell[0] + column, row + sign * cell[1]

        self.symbols += [(moved(cell), upright, edge) for cell, upright, edge in other.symbols]
        self.wires += [([moved(cell) for cell in cells], slot) for cells, slot in other.wires]


@dataclass(slots=True)
class _Slot:
    """A column of a row: a device, a node that something leaves, or an end. `lines` lead to it from the slot before."""

    node: str
    lines: tuple[str, ...]
    edge: Edge | None = None
    laterals: list[Edge] = field(default_factory=list)

    @property
    def is_end(self) -> bool:
        return self.edge is None and not self.laterals


def arrange(
    forest: Forest,
    *,
    apart: Collection[str] = (),
    columns: int = COLUMNS,
    prefix: str = "",
    names: Mapping[str, str] | None = None,
) -> Diagram:
    """Lay a forest out. `apart`: lines that are drawn as symbols; all others of a run become one wire.

    Labels are what `names` says of a device, else its code without `prefix`.
    """
    words = Words(prefix, names or {})
    whole, heads, top = _Block(), [], 0
    for root in forest.roots:
        block = _row(forest, _slots(forest, root, (), apart), columns, apart)
        row = top + block.above
        whole.take(block, 0, row, 1)
        whole.columns = max(whole.columns, block.columns)
        heads.append((row, root))
        top = row + block.below + 1
    return Diagram(
        width=whole.columns * CELL_WIDTH,
        height=max(top, 1) * CELL_HEIGHT,
        symbols=tuple(symbol_at(item, words) for item in whole.symbols),
        wires=tuple(Wire(tuple(map(anchor, cells)), slot.node, slot.lines, slot.is_end) for cells, slot in whole.wires),
        heads=tuple(head_at(row, root, words) for row, root in heads),
    )


def _slots(forest: Forest, node: str, lines: tuple[str, ...], apart: Collection[str]) -> list[_Slot]:
    """The row that begins at a node: the way with most behind it, and what leaves it."""
    slots: list[_Slot] = []
    while True:
        edges = forest.edges.get(node, [])
        ahead = next((edge for edge in edges if edge.below), None)
        laterals = [edge for edge in edges if edge is not ahead]
        if ahead is None and laterals and not _is_wire(laterals[0], apart):
            ahead = laterals.pop(0)  # the row ends in a device rather than in a corner
        for first in range(0, len(laterals), 2):
            slots.append(_Slot(node, lines, laterals=laterals[first : first + 2]))
            lines = ()
        if ahead is None:
            if lines or not slots:
                slots.append(_Slot(node, lines))
            return slots
        if _is_wire(ahead, apart):
            lines = (*lines, *ahead.devices)
        else:
            slots.append(_Slot(node, lines, edge=ahead))
            lines = ()
            if not ahead.below:
                return slots
        node = ahead.far


def _lateral_slots(forest: Forest, edge: Edge, apart: Collection[str]) -> list[_Slot]:
    """The row that an edge begins."""
    if not edge.below:
        if _is_wire(edge, apart):
            return [_Slot(edge.node, edge.devices)]
        return [_Slot(edge.node, (), edge=edge)]
    if _is_wire(edge, apart):
        return _slots(forest, edge.far, edge.devices, apart)
    behind = _slots(forest, edge.far, (), apart)
    if behind[0] == _Slot(edge.far, ()):
        behind = []  # nothing is behind the device
    return [_Slot(edge.node, (), edge=edge), *behind]


def _is_wire(edge: Edge, apart: Collection[str]) -> bool:
    return edge.kind == LINE and not any(device in apart for device in edge.devices)


def _hanging(forest: Forest, edge: Edge, columns: int, apart: Collection[str]) -> _Block:
    """A lateral as a block below its trunk's row: entered at (0, 0), everything in rows 1 and more."""
    slots = _lateral_slots(forest, edge, apart)
    block = _Block()
    if len(slots) <= _UPRIGHT and not any(slot.laterals for slot in slots):
        for row, slot in enumerate(slots, start=1):
            if slot.edge is not None:
                block.symbols.append(((0, row), True, slot.edge))
            block.wires.append(([(0, row - 1), (0, row)], slot))
        block.below = len(slots)
        return block
    inner = _row(forest, slots, columns, apart)
    entry = inner.above + 1
    block.take(inner, 0, entry, 1)
    # The column of entry joins the first wire, which begins at (0, entry).
    cells, slot = block.wires[0]
    block.wires[0] = ([(0, 0), *cells], slot)
    block.columns, block.below = inner.columns, entry + inner.below
    return block


def _row(forest: Forest, slots: Sequence[_Slot], columns: int, apart: Collection[str]) -> _Block:
    """A row, wrapped into bands so that the whole takes about so many columns; its first wire begins at (0, 0)."""
    whole = _Block()
    row = edge_column = first = length = 0
    for part in _bands(slots, columns):
        band = _band(forest, part, columns, apart)
        start: list[Cell] = [(0, 0)]
        if first:
            gutter, upper = whole.below + 1, row
            row = gutter + band.above + 1
            start = [(length, upper), (edge_column, upper), (edge_column, gutter), (0, gutter), (0, row)]
        else:
            whole.above = band.above
        for place, slot in enumerate(part, start=1):
            corners = start if place == 1 else [(place - 1, row)]
            whole.wires.append(([*corners, (place, row)], slot))
            if slot.edge is not None:
                whole.symbols.append(((place, row), False, slot.edge))
        whole.take(band, 0, row, 1)
        whole.below = row + band.below
        edge_column = band.columns  # the first free one: there the row turns, if it goes on
        first, length = first + len(part), len(part)
        whole.columns = max(whole.columns, band.columns + (first < len(slots)))
    return whole


def _bands(slots: Sequence[_Slot], columns: int) -> Iterator[Sequence[_Slot]]:
    """A row cut into bands; a rest without laterals stays where it is, as long as there is room."""
    length = max(_LEAST_COLUMNS, round(columns * _OWN_SHARE))
    first = 0
    while first < len(slots):
        rest = slots[first + length :]
        if len(slots) - first <= columns and not any(slot.laterals for slot in rest):
            yield slots[first:]
            return
        yield slots[first : first + length]
        first += length


def _band(forest: Forest, slots: Sequence[_Slot], columns: int, apart: Collection[str]) -> _Block:
    """What hangs on the slots of one band (columns 1 …), the farthest first, each on the side where it rises less."""
    band = _Block(columns=len(slots) + 1)
    skyline = {-1: [0] * (len(slots) + 1), 1: [0] * (len(slots) + 1)}
    for place in range(len(slots), 0, -1):
        blocks = [_hanging(forest, edge, columns - place, apart) for edge in slots[place - 1].laterals]
        blocks.sort(key=lambda block: -block.below)
        free = [1, -1] if place % 2 else [-1, 1]
        for block in blocks:
            reach = place + block.columns
            for sign in free:
                skyline[sign] += [0] * (reach - len(skyline[sign]))
            sign = min(free, key=lambda side: max(skyline[side][place:reach]))
            free.remove(sign)
            base = max(skyline[sign][place:reach])
            _place(band, block, place, base, sign)
            skyline[sign][place:reach] = [base + block.below] * block.columns
            band.columns = max(band.columns, reach)
    band.above, band.below = max(skyline[-1]), max(skyline[1])
    return band


def _place(band: _Block, block: _Block, column: int, base: int, sign: int) -> None:
    """Put a hanging block `base` rows away from the band's row; its column of entry is led through to the row."""
    if base:
        cells, slot = block.wires[0]
        block.wires[0] = ([(0, -base), *cells], slot)
    band.take(block, column, sign * base, sign)
