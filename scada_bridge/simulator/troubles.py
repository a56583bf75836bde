"""What may be wrong between a device and who asks it; how Modbus shows a value known to be bad; pure."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from scada_bridge.decode import reorder
from scada_bridge.points import BIT_TABLES, WORDS_OF_DATATYPE, Point
from scada_bridge.simulator.memory import Overlaid, Readable
from scada_bridge.simulator.server import FAULTS

BAD, INTERMEDIATE, FROZEN, SKEW = "bad", "intermediate", "frozen", "skew"
COMMUNICATION: Mapping[str, str] = FAULTS | {
    BAD: "knows its values to be bad, and says so: see docs/simulator.md",
    INTERMEDIATE: "shows every double point between open and closed",
    SKEW: "stamps what its archive gets with a clock that is an hour ahead",
}
_FULL = 0xFFFF


def bad(under: Readable, points: Iterable[Point]) -> Overlaid:
    """A unit whose points all read bad.

    Double points read 3, floats not-a-number, BCD digits above 9, integers the number at the end of their range if the
    point's limits tell it from a value. For points that have no such sign the device refuses the read.
    """
    return _overlaid(under, points, _bad_cells)


def intermediate(under: Readable, points: Iterable[Point]) -> Overlaid:
    """A unit whose double points read 0, neither open nor closed."""
    dpi = (point for point in points if point.datatype == "dpi")
    return _overlaid(under, dpi, lambda point: _double(point, 0))


def _overlaid(
    under: Readable, points: Iterable[Point], cells_of: Callable[[Point], list[tuple[int, int]] | None]
) -> Overlaid:
    cells: dict[str, dict[int, tuple[int, int]]] = {}
    unreadable: dict[str, set[int]] = {}
    for point in points:
        found = cells_of(point)
        if found is None:
            places = range(point.address, point.address + point.width)
            unreadable.setdefault(point.table, set()).update(places)
            continue
        table = cells.setdefault(point.table, {})
        for place, (mask, code) in enumerate(found, start=point.address):
            before = table.get(place, (0, 0))
            table[place] = before[0] | mask, (before[1] & ~mask) | code
    return Overlaid(under, cells, {table: frozenset(places) for table, places in unreadable.items()})


def _bad_cells(point: Point) -> list[tuple[int, int]] | None:
    if point.datatype == "dpi":
        return _double(point, 3)
    if point.datatype == "bit" or point.table in BIT_TABLES:
        return None
    width = WORDS_OF_DATATYPE[point.datatype]
    if point.datatype.startswith("float"):
        words = [0x7FC0 if width == 2 else 0x7FF8] + [0] * (width - 1)
    elif point.datatype.startswith("bcd"):
        words = [0xAAAA] * width
    else:
        signed = point.datatype.startswith("int")
        words = [0x8000] + [0] * (width - 1) if signed else [_FULL] * width
        shown = -(2 ** (16 * width - 1)) if signed else 2 ** (16 * width) - 1
        if not _tells(point, shown * point.scale + point.offset):
            return None
    return [(_FULL, int(word)) for word in _as_on_wire(words, point.byte_order)]


def _tells(point: Point, value: float) -> bool:
    """Whether the limits of a point say that this cannot be a value of it."""
    below = point.minimum is not None and value < point.minimum
    return below or (point.maximum is not None and value > point.maximum)


def _double(point: Point, code: int) -> list[tuple[int, int]]:
    if point.table in BIT_TABLES:
        return [(1, code & 1), (1, code >> 1)]
    shift, mask = point.bit or 0, _FULL if point.bit is None else 3 << point.bit
    (mask_there,), (code_there,) = (_as_on_wire([word], point.byte_order) for word in (mask, code << shift))
    return [(mask_there, code_there)]


def _as_on_wire(words: list[int], byte_order: str) -> list[int]:
    return [int(word) for word in reorder(np.array([words], np.uint16), byte_order)[0]]
