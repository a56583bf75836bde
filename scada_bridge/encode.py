"""The inverse of decoding, for the stand-in DMS: a value → registers or bits; pure."""

import struct

from scada_bridge.points import WORDS_OF_DATATYPE, Point

_STRUCT = {
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}
_DOUBLE_OPEN, _DOUBLE_CLOSED = 1, 2


def raw_of(point: Point, value: float) -> float:
    """The raw number that stands for `value`: (value − offset) / scale."""
    return (value - point.offset) / point.scale if point.scale else 0.0


def encode_bits(point: Point, value: float) -> list[bool]:
    """Bits of a point in a coil or discrete table, from its address on."""
    raw = raw_of(point, value)
    if point.datatype == "dpi":
        return [round(raw) == 0, round(raw) == 1]
    return [round(raw) != 0]


def encode_words(point: Point, value: float, before: int = 0) -> list[int]:
    """Words of a point in a register table; `before` is the register whose other bits have to stay."""
    raw = raw_of(point, value)
    if point.datatype == "dpi":
        return [_into_word(point, _DOUBLE_CLOSED if round(raw) == 1 else _DOUBLE_OPEN, 3, before)]
    if point.datatype == "bit":
        return [_into_word(point, int(round(raw) != 0), 1, before)]
    width = WORDS_OF_DATATYPE[point.datatype]
    if point.datatype.startswith("bcd"):
        data = bytes.fromhex(f"{_clamped(round(raw), 0, 10 ** (4 * width) - 1):0{4 * width}d}")
    elif point.datatype.startswith("float"):
        data = struct.pack(f">{_STRUCT[point.datatype]}", raw)
    else:
        size = 16 * width
        signed = point.datatype.startswith("int")
        low, high = (-(2 ** (size - 1)), 2 ** (size - 1) - 1) if signed else (0, 2**size - 1)
        data = struct.pack(f">{_STRUCT[point.datatype]}", _clamped(round(raw), low, high))
    return _ordered(list(struct.unpack(f">{width}H", data)), point.byte_order)


def _into_word(point: Point, code: int, mask: int, before: int) -> int:
    shift = point.bit or 0
    if point.bit is None:
        before, mask = 0, 0xFFFF
    (word,) = _ordered([before], point.byte_order)
    word = (word & ~(mask << shift)) | (code << shift)
    return _ordered([word & 0xFFFF], point.byte_order)[0]


def _ordered(words: list[int], byte_order: str) -> list[int]:
    if byte_order in ("little", "big_swap"):
        words = words[::-1]
    if byte_order in ("little", "little_swap"):
        words = [(word >> 8) | ((word & 0xFF) << 8) for word in words]
    return words


def _clamped(number: int, low: int, high: int) -> int:
    """A device cannot hold more than its register: a meter at its end shows the end."""
    return min(max(number, low), high)
