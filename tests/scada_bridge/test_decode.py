"""Every datatype in every byte order, against `struct` and against digits written by hand."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis_power.core.quality import Quality
from scada_bridge.decode import REASONS, Decoder
from scada_bridge.encode import encode_bits, encode_words
from scada_bridge.points import BYTE_ORDERS, Point

FORMATS = {
    "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q", "float32": "f",
    "float64": "d",
}  # fmt: skip


def point(datatype, byte_order="big", table="holding", **others):
    return Point("p", "rtu1", 1, table, 0, datatype, byte_order=byte_order, **others)


def on_the_wire(big: bytes, byte_order: str) -> bytes:
    """Bytes A B C D … as a device of this byte order sends them, written without any of the code under test."""
    words = [big[i : i + 2] for i in range(0, len(big), 2)]
    if byte_order == "little":
        return big[::-1]
    if byte_order == "big_swap":
        return b"".join(words[::-1])
    if byte_order == "little_swap":
        return b"".join(word[::-1] for word in words)
    return big


def image(data: bytes) -> np.ndarray:
    return np.array(struct.unpack(f">{len(data) // 2}H", data), dtype=np.uint16)


def decode_one(one: Point, picture: np.ndarray):
    decoded = Decoder([one], [0]).decode(picture)
    return decoded.value[0], Quality(decoded.quality[0]), REASONS[decoded.reason[0]]


@given(st.sampled_from(sorted(FORMATS)), st.sampled_from(BYTE_ORDERS), st.binary(min_size=8, max_size=8))
def test_numbers_equal_struct(datatype, byte_order, data):
    size = struct.calcsize(FORMATS[datatype])
    (expected,) = struct.unpack(f">{FORMATS[datatype]}", data[:size])
    value, quality, reason = decode_one(point(datatype, byte_order), image(on_the_wire(data[:size], byte_order)))
    if isinstance(expected, float) and not math.isfinite(expected):
        assert (math.isnan(value), quality, reason) == (True, Quality.BAD, "not a number")
    else:
        assert (value, quality, reason) == (float(expected), Quality.GOOD, "")


def test_the_four_byte_orders_are_the_ones_of_the_contract():
    orders = {"big": 0x41424344, "little": 0x44434241, "big_swap": 0x43444142, "little_swap": 0x42414443}
    for byte_order, wire in orders.items():
        value, _, _ = decode_one(point("uint32", byte_order), image(struct.pack(">I", wire)))
        assert value == 0x41424344, byte_order


@given(st.integers(0, 99_999_999), st.sampled_from(BYTE_ORDERS))
def test_bcd(number, byte_order):
    wide = on_the_wire(bytes.fromhex(f"{number:08d}"), byte_order)
    assert decode_one(point("bcd32", byte_order), image(wide))[0] == number
    narrow = on_the_wire(bytes.fromhex(f"{number % 10_000:04d}"), byte_order)
    assert decode_one(point("bcd16", byte_order), image(narrow))[0] == number % 10_000


@pytest.mark.parametrize("word", [0xA000, 0x0B00, 0x00C0, 0x000F, 0xFFFF])
def test_a_digit_above_nine_is_bad(word):
    value, quality, reason = decode_one(point("bcd16"), np.array([word], dtype=np.uint16))
    assert (math.isnan(value), quality, reason) == (True, Quality.BAD, "invalid BCD digits")


@given(st.integers(0, 0xFFFF), st.integers(0, 15))
def test_bit_of_a_register(word, bit):
    picture = np.array([word], dtype=np.uint16)
    assert decode_one(point("bit", bit=bit), picture)[0] == (word >> bit) & 1
    turned = ((word & 0xFF) << 8) | (word >> 8)
    assert decode_one(point("bit", "little", bit=bit), np.array([turned], dtype=np.uint16))[0] == (word >> bit) & 1


DOUBLE = {
    0: (None, Quality.SUSPECT, "double point is intermediate"),
    1: (0.0, Quality.GOOD, ""),
    2: (1.0, Quality.GOOD, ""),
    3: (None, Quality.BAD, "double point reads bad"),
}


@pytest.mark.parametrize("code", DOUBLE)
def test_double_point_everywhere_it_may_stand(code):
    expected = DOUBLE[code]
    pictures = {
        "two coils": (point("dpi", table="coil"), np.array([code & 1, code >> 1], dtype=bool)),
        "two bits of a register": (point("dpi", bit=6), np.array([(code << 6) | 0xFF3F], dtype=np.uint16)),
        "a whole register": (point("dpi"), np.array([code], dtype=np.uint16)),
    }
    for place, (one, picture) in pictures.items():
        value, quality, reason = decode_one(one, picture)
        assert (None if math.isnan(value) else value, quality, reason) == expected, place


def test_a_whole_register_that_holds_more_than_a_double_point_is_bad():
    assert decode_one(point("dpi"), np.array([6], dtype=np.uint16))[1] is Quality.BAD


def test_scale_offset_and_range():
    one = point("int16", scale=0.1, offset=-5.0, minimum=0.0, maximum=10.0)
    cases = {100: (5.0, Quality.GOOD, ""), 40: (-1.0, Quality.SUSPECT, "below minimum")}
    cases[200] = (15.0, Quality.SUSPECT, "above maximum")
    cases[50] = (0.0, Quality.GOOD, "")
    for raw, (expected, quality, reason) in cases.items():
        got = decode_one(one, np.array([raw], dtype=np.uint16))
        assert got[0] == pytest.approx(expected)
        assert got[1:] == (quality, reason)


def test_overflow_while_scaling_is_bad():
    value, quality, _ = decode_one(point("float64", scale=1e300), image(struct.pack(">d", 1e300)))
    assert math.isnan(value)
    assert quality is Quality.BAD


def test_a_position_is_open_or_closed_and_nothing_else():
    one = point("uint16", kind="discrete", quantity="position")
    assert decode_one(one, np.array([1], dtype=np.uint16))[:2] == (1.0, Quality.GOOD)
    assert decode_one(one, np.array([2], dtype=np.uint16))[1:] == (Quality.SUSPECT, "neither open nor closed")


def test_a_contact_that_closes_when_the_switch_opens_is_turned_by_scale_and_offset():
    turned = point("bit", table="discrete", kind="discrete", quantity="position", scale=-1.0, offset=1.0)
    assert decode_one(turned, np.array([True]))[0] == 0.0
    assert decode_one(turned, np.array([False]))[0] == 1.0


def test_many_points_of_all_kinds_keep_their_rows():
    points = [point("uint16"), point("float32"), point("bit", bit=3), point("uint16", "little"), point("bcd16")]
    picture = np.concatenate([[7], image(struct.pack(">f", 2.5)), [0b1000, 0x0100, 0x1234]]).astype(np.uint16)
    decoded = Decoder(points, [0, 1, 3, 4, 5]).decode(picture)
    assert decoded.value.tolist() == [7.0, 2.5, 1.0, 1.0, 1234.0]


@given(st.sampled_from([*sorted(FORMATS), "bcd16", "bcd32"]), st.sampled_from(BYTE_ORDERS), st.integers(0, 9999))
def test_encoding_is_the_inverse(datatype, byte_order, number):
    one = point(datatype, byte_order, scale=0.5, offset=10.0)
    words = encode_words(one, number * 0.5 + 10.0)
    assert decode_one(one, np.array(words, dtype=np.uint16))[0] == number * 0.5 + 10.0


@given(st.sampled_from(BYTE_ORDERS), st.integers(0, 14), st.integers(0, 0xFFFF), st.booleans())
def test_encoding_states_leaves_the_other_bits(byte_order, bit, before, closed):
    for datatype in ("bit", "dpi"):
        one = point(datatype, byte_order, bit=bit)
        words = encode_words(one, float(closed), before)
        assert decode_one(one, np.array(words, dtype=np.uint16))[0] == closed
        kept = point("bit", byte_order, bit=(bit + 2) % 16)
        unchanged = np.array([before], dtype=np.uint16), np.array(words, dtype=np.uint16)
        if (bit + 2) % 16 not in (bit, bit + 1):
            assert decode_one(kept, unchanged[0])[0] == decode_one(kept, unchanged[1])[0]
    for table in ("coil", "discrete"):
        for datatype in ("bit", "dpi"):
            one = point(datatype, table=table)
            assert decode_one(one, np.array(encode_bits(one, float(closed))))[0] == closed
