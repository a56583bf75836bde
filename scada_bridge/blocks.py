"""Which blocks of registers and bits to read so that few requests bring all points; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scada_bridge.points import BIT_TABLES, Point

MOST_REGISTERS = 125
MOST_BITS = 2000
WIDEST_REGISTER_GAP = 20
WIDEST_BIT_GAP = 320


@dataclass(frozen=True, slots=True)
class Block:
    """One request: `count` registers or bits of `table` from `address` on; `rows` are the points it brings."""

    table: str
    address: int
    count: int
    rows: tuple[int, ...]


def plan(points: Sequence[Point], rows: Iterable[int] | None = None) -> list[Block]:
    """Blocks that bring the points at `rows` (default: all), merged over small gaps up to the protocol's limits."""
    chosen = range(len(points)) if rows is None else rows
    by_table: dict[str, list[int]] = {}
    for row in chosen:
        by_table.setdefault(points[row].table, []).append(row)
    blocks: list[Block] = []
    for table in sorted(by_table):
        gap = WIDEST_BIT_GAP if table in BIT_TABLES else WIDEST_REGISTER_GAP
        blocks.extend(_merged(points, table, by_table[table], gap))
    return blocks


def _merged(points: Sequence[Point], table: str, rows: list[int], widest_gap: int) -> list[Block]:
    most = MOST_BITS if table in BIT_TABLES else MOST_REGISTERS
    ordered = sorted(rows, key=lambda row: (points[row].address, points[row].width))
    blocks: list[Block] = []
    taken: list[int] = []
    begin = end = 0
    for row in ordered:
        first, behind = points[row].address, points[row].address + points[row].width
        if taken and (first - end > widest_gap or max(end, behind) - begin > most):
            blocks.append(Block(table, begin, end - begin, tuple(taken)))
            taken = []
        if not taken:
            begin, end = first, behind
        taken.append(row)
        end = max(end, behind)
    if taken:
        blocks.append(Block(table, begin, end - begin, tuple(taken)))
    return blocks


def split(points: Sequence[Point], block: Block) -> list[Block]:
    """Smaller blocks for the same points: first without gaps, then halved; a block of one address stays as it is.

    Points that share a bad address share its fate: splitting goes by address, never inside one.
    """
    without_gaps = _merged(points, block.table, list(block.rows), 0)
    if len(without_gaps) > 1:
        return without_gaps
    starts = sorted({points[row].address for row in block.rows})
    if len(starts) == 1:
        return _by_width(points, block)
    middle = starts[len(starts) // 2]
    low = [row for row in block.rows if points[row].address < middle]
    high = [row for row in block.rows if points[row].address >= middle]
    return [*_merged(points, block.table, low, 0), *_merged(points, block.table, high, 0)]


def _by_width(points: Sequence[Point], block: Block) -> list[Block]:
    """Points that begin at one address but differ in width can still fail apart."""
    widths = sorted({points[row].width for row in block.rows})
    return [
        Block(block.table, block.address, width, tuple(row for row in block.rows if points[row].width == width))
        for width in widths
    ]
