"""All registers and bits of the simulated devices in one array, written whole arrays at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scada_bridge.decode import reorder
from scada_bridge.points import BIT_TABLES, WIRE_TYPES, WORDS_OF_DATATYPE, Point
from scada_bridge.simulator.field import Floats, Index
from scada_bridge.simulator.memory import Strip, StripMemory

Words = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class _Group:
    """Points of one coding: their rows in the list, and where in the image each begins."""

    datatype: str
    byte_order: str
    in_bits: bool
    rows: Index
    starts: Index
    shifts: NDArray[np.uint16] | None  # of bits inside registers
    turning: NDArray[np.bool_]  # counters that begin anew at their end


class Screen:
    """What every device shows. `memories`: source → unit → memory, parts of one image that `show` writes."""

    def __init__(self, points: Sequence[Point], unit_of: Callable[[Point], int]) -> None:
        places: dict[tuple[str, int, str], list[int]] = {}
        for row, point in enumerate(points):
            places.setdefault((point.source, unit_of(point), point.table), []).append(row)
        self._image: Words = np.zeros(0, np.uint16)
        starts = np.zeros(len(points), np.int64)
        self.memories: dict[str, dict[int, StripMemory]] = {}
        spans = []
        size = 0
        for key, rows in places.items():
            low = min(points[row].address for row in rows)
            high = max(points[row].address + points[row].width for row in rows)
            starts[rows] = size - low + np.array([points[row].address for row in rows])
            spans.append((key, rows, low, size, high - low))
            size += high - low
        self._image = np.zeros(size, np.uint16)
        for (source, unit, table), rows, low, begin, length in spans:
            used = np.zeros(length, bool)
            for row in rows:
                used[points[row].address - low : points[row].address - low + points[row].width] = True
            strips = dict(self.memories.setdefault(source, {}).get(unit, StripMemory({})).strips)
            strips[table] = Strip(low, self._image[begin : begin + length], used)
            self.memories[source][unit] = StripMemory(strips)
        self._scale = np.array([point.scale or np.inf for point in points], np.float64)
        self._offset = np.array([point.offset for point in points], np.float64)
        self._groups = _grouped(points, starts)

    def show(self, values: Floats) -> None:
        """Write the values of all points (in the list's order) as their devices show them."""
        raw = (values - self._offset) / self._scale
        for group in self._groups:
            own = raw[group.rows]
            if group.datatype in ("bit", "dpi"):
                self._show_states(group, own)
            else:
                words = _words(own, group)
                self._image[group.starts[:, None] + np.arange(words.shape[1])] = words

    def _show_states(self, group: _Group, raw: Floats) -> None:
        state = np.rint(raw)
        if group.in_bits:
            if group.datatype == "bit":
                self._image[group.starts] = state != 0
            else:
                self._image[group.starts], self._image[group.starts + 1] = state == 0, state == 1
            return
        if group.datatype == "bit":
            codes, mask = (state != 0).astype(np.uint16), np.uint16(1)
        else:
            codes, mask = np.where(state == 1, 2, 1).astype(np.uint16), np.uint16(3)
        if group.shifts is None:
            self._image[group.starts] = reorder(codes[:, None], group.byte_order)[:, 0]
            return
        masks = reorder((mask << group.shifts)[:, None], group.byte_order)[:, 0]
        codes = reorder((codes << group.shifts)[:, None], group.byte_order)[:, 0]
        np.bitwise_and.at(self._image, group.starts, ~masks)
        np.bitwise_or.at(self._image, group.starts, codes)


def _words(raw: Floats, group: _Group) -> Words:
    """Words (n, width) of numbers as they stand in registers. What a register cannot hold shows its end."""
    width = WORDS_OF_DATATYPE[group.datatype]
    if group.datatype.startswith("bcd"):
        words = _bcd(_held(raw, 0, 10 ** (4 * width) - 1, group.turning), width)
    elif group.datatype.startswith("float"):
        with np.errstate(over="ignore"):
            words = raw.astype(WIRE_TYPES[group.datatype]).view(">u2").reshape(-1, width).astype(np.uint16)
    else:
        bits = 16 * width
        signed = group.datatype.startswith("int")
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        held = _held(raw, low, high, group.turning)
        words = held.astype(WIRE_TYPES[group.datatype]).view(">u2").reshape(-1, width).astype(np.uint16)
    return reorder(words, group.byte_order)


def _held(raw: Floats, low: int, high: int, turning: NDArray[np.bool_]) -> Floats:
    """Whole numbers within a register's range; of 64 bits as far as a float reaches."""
    top = float(high) if high < 2**53 else np.nextafter(float(high), 0)
    held = np.rint(np.nan_to_num(raw))
    return np.clip(np.where(turning & (held > top), np.mod(held, top + 1), held), low, top)


def _bcd(held: Floats, width: int) -> Words:
    digits = held[:, None] // 10.0 ** np.arange(4 * width - 1, -1, -1) % 10
    weights = np.array([4096, 256, 16, 1])
    words: Words = (digits.reshape(-1, width, 4) @ weights).astype(np.uint16)
    return words


def _grouped(points: Sequence[Point], starts: Index) -> list[_Group]:
    rows_of: dict[tuple[str, str, bool, bool], list[int]] = {}
    for row, point in enumerate(points):
        key = (point.datatype, point.byte_order, point.table in BIT_TABLES, point.bit is not None)
        rows_of.setdefault(key, []).append(row)
    groups = []
    for (datatype, byte_order, in_bits, has_bit), rows in rows_of.items():
        own = [points[row] for row in rows]
        shifts = np.array([point.bit for point in own], np.uint16) if has_bit else None
        turning = np.array([point.kind == "accumulator" for point in own], bool)
        index = np.array(rows, np.int64)
        groups.append(_Group(datatype, byte_order, in_bits, index, starts[index], shifts, turning))
    return groups
