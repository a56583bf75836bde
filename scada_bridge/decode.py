"""From registers and bits to values with a quality; pure, whole arrays at a time.

Byte orders name the place of the bytes A B C D of a number, A the most significant, as they stand on the wire:
big ABCD, little DCBA, big_swap CDAB, little_swap BADC; 64-bit numbers alike (big_swap turns the order of the words,
little_swap the bytes inside each word, little both). A 16-bit number knows only AB and BA.

A double point (dpi) is two bits as in IEC 60870-5-104 (7.2.6.2): the low bit says open, the high bit closed, so
0 intermediate, 1 open, 2 closed, 3 bad. Its value is the state: 0 open, 1 closed; the other two have none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cis_power.core.quality import Quality
from scada_bridge.points import BIT_TABLES, WIRE_TYPES, WORDS_OF_DATATYPE, Point

Words = NDArray[np.uint16]
Values = NDArray[np.float64]
Codes = NDArray[np.uint8]

FINE, NOT_A_NUMBER, INVALID_BCD, BAD_STATE, INTERMEDIATE, NOT_A_POSITION, BELOW_MINIMUM, ABOVE_MAXIMUM = range(8)
REASONS = (
    "",
    "not a number",
    "invalid BCD digits",
    "double point reads bad",
    "double point is intermediate",
    "neither open nor closed",
    "below minimum",
    "above maximum",
)
_QUALITIES = np.array(
    [
        Quality.GOOD,
        Quality.BAD,
        Quality.BAD,
        Quality.BAD,
        Quality.SUSPECT,
        Quality.SUSPECT,
        Quality.SUSPECT,
        Quality.SUSPECT,
    ],
    dtype=np.uint8,
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """Values of some points in their order: `value` (NaN: there is none), `quality`, `reason` (index into REASONS)."""

    value: Values
    quality: Codes
    reason: Codes


def reorder(words: Words, byte_order: str) -> Words:
    """Words (n, width) as they came → words with the most significant byte first; its own inverse."""
    if byte_order in ("little", "big_swap"):
        words = words[:, ::-1]
    if byte_order in ("little", "little_swap"):
        words = words.byteswap()
    return words


def numbers(words: Words, datatype: str, byte_order: str) -> tuple[Values, Codes]:
    """Raw numbers of `words` (n, width), and a reason for each. Not for bits and double points."""
    words = reorder(words, byte_order)
    if datatype.startswith("bcd"):
        return _bcd(words)
    # Swapping once more on little-endian machines lays the bytes down as the wire has them.
    wire = np.ascontiguousarray(words, dtype=">u2")
    raw = wire.view(WIRE_TYPES[datatype])[:, 0].astype(np.float64)
    return raw, np.where(np.isfinite(raw), FINE, NOT_A_NUMBER).astype(np.uint8)


def _bcd(words: Words) -> tuple[Values, Codes]:
    digits = (words[:, :, None] >> np.array([12, 8, 4, 0], dtype=np.uint16)) & 0xF
    digits = digits.reshape(len(words), -1)
    weights = 10.0 ** np.arange(digits.shape[1] - 1, -1, -1)
    valid = (digits <= 9).all(axis=1)
    raw = np.where(valid, digits @ weights, np.nan)
    return raw, np.where(valid, FINE, INVALID_BCD).astype(np.uint8)


def double_states(codes: NDArray[np.integer]) -> tuple[Values, Codes]:
    """States of double points: 1 → 0.0 (open), 2 → 1.0 (closed), 0 → none, intermediate, all else → none, bad."""
    value = np.select([codes == 1, codes == 2], [0.0, 1.0], np.nan)
    reason = np.select([(codes == 1) | (codes == 2), codes == 0], [FINE, INTERMEDIATE], BAD_STATE)
    return value, reason.astype(np.uint8)


class Decoder:
    """The points that are read together from one table of one device, prepared for decoding poll after poll."""

    def __init__(self, points: Sequence[Point], places: Sequence[int]) -> None:
        """`places[i]` is where point i begins in the array that `decode` will be given."""
        self._count = len(points)
        self._groups = _grouped(points, places)
        self._scale = np.array([point.scale for point in points], dtype=np.float64)
        self._offset = np.array([point.offset for point in points], dtype=np.float64)
        self._minimum = np.array([-np.inf if p.minimum is None else p.minimum for p in points], dtype=np.float64)
        self._maximum = np.array([np.inf if p.maximum is None else p.maximum for p in points], dtype=np.float64)
        self._position = np.array([point.is_position for point in points], dtype=bool)

    def decode(self, image: NDArray[np.uint16] | NDArray[np.bool_]) -> Decoded:
        """Decode registers (uint16) or bits (bool), laid out as `places` said."""
        value = np.empty(self._count, dtype=np.float64)
        reason = np.zeros(self._count, dtype=np.uint8)
        for group in self._groups:
            value[group.rows], reason[group.rows] = group.read(image)
        with np.errstate(over="ignore", invalid="ignore"):
            value = value * self._scale + self._offset
        # What overflowed while scaling is no number either.
        reason[(reason == FINE) & ~np.isfinite(value)] = NOT_A_NUMBER
        fine = reason == FINE
        reason[fine & self._position & (value != 0) & (value != 1)] = NOT_A_POSITION
        reason[fine & (value < self._minimum)] = BELOW_MINIMUM
        reason[fine & (value > self._maximum)] = ABOVE_MAXIMUM
        value[~np.isfinite(value)] = np.nan
        return Decoded(value, _QUALITIES[reason], reason)


@dataclass(frozen=True, slots=True)
class _Group:
    """Points of one coding: their rows in the answer, the places of their words or bits, and the bit inside a word."""

    datatype: str
    byte_order: str
    in_bits: bool
    rows: NDArray[np.intp]
    places: NDArray[np.intp]  # (n, width)
    bits: NDArray[np.uint16] | None

    def read(self, image: NDArray[np.uint16] | NDArray[np.bool_]) -> tuple[Values, Codes]:
        taken = image[self.places]
        if self.in_bits:
            if self.datatype == "dpi":
                return double_states(taken[:, 0].astype(np.intp) + 2 * taken[:, 1].astype(np.intp))
            return taken[:, 0].astype(np.float64), np.zeros(len(taken), dtype=np.uint8)
        words = taken.astype(np.uint16)
        if self.datatype not in ("bit", "dpi"):
            return numbers(words, self.datatype, self.byte_order)
        word = reorder(words, self.byte_order)[:, 0]
        if self.bits is None:
            return double_states(word)
        if self.datatype == "dpi":
            return double_states((word >> self.bits) & 3)
        return ((word >> self.bits) & 1).astype(np.float64), np.zeros(len(word), dtype=np.uint8)


def _grouped(points: Sequence[Point], places: Sequence[int]) -> list[_Group]:
    rows_of: dict[tuple[str, str, bool, bool], list[int]] = {}
    for row, point in enumerate(points):
        key = (point.datatype, point.byte_order, point.table in BIT_TABLES, point.bit is not None)
        rows_of.setdefault(key, []).append(row)
    start = np.asarray(places, dtype=np.intp)
    groups = []
    for (datatype, byte_order, in_bits, has_bit), rows in rows_of.items():
        width = points[rows[0]].width if in_bits else WORDS_OF_DATATYPE[datatype]
        bits = np.array([points[row].bit for row in rows], dtype=np.uint16) if has_bit else None
        index = np.array(rows, dtype=np.intp)
        groups.append(_Group(datatype, byte_order, in_bits, index, start[index][:, None] + np.arange(width), bits))
    return groups
