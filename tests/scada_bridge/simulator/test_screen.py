"""What the devices show is what the bridge reads: any point, any value; and what is marked bad never reads good."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis_power.core.quality import Quality
from scada_bridge.decode import Decoder
from scada_bridge.encode import encode_bits, encode_words
from scada_bridge.points import BIT_TABLES, BYTE_ORDERS, DATATYPES, FUNCTION_OF_TABLE, TABLES, Point
from scada_bridge.simulator.memory import Unreadable
from scada_bridge.simulator.screen import Screen
from scada_bridge.simulator.troubles import bad, intermediate


@st.composite
def points(draw):
    """A list of points that do not overlap, of two units."""
    made, address = [], 0
    for number in range(draw(st.integers(1, 8))):
        table = draw(st.sampled_from(TABLES))
        datatype = draw(st.sampled_from(("bit", "dpi") if table in BIT_TABLES else DATATYPES))
        bit = draw(st.integers(0, 14)) if datatype in ("bit", "dpi") and table not in BIT_TABLES else None
        if datatype == "dpi" and draw(st.booleans()):
            bit = None
        limits = draw(st.sampled_from(((None, None), (-500.0, 500.0))))
        made.append(Point(
            f"P{number}", "rtu1", draw(st.integers(1, 2)), table, address, datatype, bit,
            draw(st.sampled_from(BYTE_ORDERS)), draw(st.sampled_from((1.0, 0.5, -2.0))),
            draw(st.sampled_from((0.0, 10.0))) if datatype not in ("bit", "dpi") else 0.0,
            kind="discrete" if datatype in ("bit", "dpi") else "analog", minimum=limits[0], maximum=limits[1],
        ))  # fmt: skip
        address += draw(st.integers(4, 9))
    return made


def read(memory, one):
    """What the bridge makes of a point of this memory, as (value, quality)."""
    cells = memory.read(FUNCTION_OF_TABLE[one.table], one.address, one.width)
    image = np.array(cells, bool if one.table in BIT_TABLES else np.uint16)
    decoded = Decoder([one], [0]).decode(image)
    return float(decoded.value[0]), Quality(int(decoded.quality[0]))


@given(points(), st.data())
def test_what_is_shown_is_what_single_points_encode(made, data):
    values = np.array([data.draw(st.sampled_from((0.0, 1.0)) if one.kind == "discrete" else st.floats(-1e6, 1e6))
                       for one in made])  # fmt: skip
    screen = Screen(made, lambda one: one.device_id)
    screen.show(values)
    for one, value in zip(made, values.tolist(), strict=True):
        memory = screen.memories["rtu1"][one.device_id]
        cells = memory.read(FUNCTION_OF_TABLE[one.table], one.address, one.width)
        if one.table in BIT_TABLES:
            assert cells == [int(bit) for bit in encode_bits(one, value)]
        else:
            assert cells == encode_words(one, value, 0)
    low, high = min(one.address for one in made), max(one.address for one in made)
    for unit in screen.memories["rtu1"].values():
        for table, function in FUNCTION_OF_TABLE.items():
            assert unit.read(function, low, high - low + 60) is None, f"{table}: behind the end nothing is known"


def test_bits_of_one_register_do_not_disturb_one_another():
    made = [Point(f"P{bit}", "r", 1, "holding", 7, "bit", bit, order, kind="discrete")
            for bit, order in ((0, "big"), (3, "big"))]  # fmt: skip
    made.append(Point("D", "r", 1, "holding", 7, "dpi", 5, "big", kind="discrete"))
    screen = Screen(made, lambda one: one.device_id)
    for state in ((1.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 1.0, 1.0)):
        screen.show(np.array(state))
        (word,) = screen.memories["r"][1].read(3, 7, 1)
        assert (word & 1, word >> 3 & 1, word >> 5 & 3) == (state[0], state[1], 2 if state[2] else 1)


def test_a_counter_turns_over_and_a_meter_stands_at_its_end():
    turning = Point("C", "r", 1, "holding", 0, "uint16", kind="accumulator")
    standing = Point("M", "r", 1, "holding", 1, "uint16")
    decimal = Point("B", "r", 1, "holding", 2, "bcd16", kind="accumulator")
    screen = Screen([turning, standing, decimal], lambda one: one.device_id)
    screen.show(np.array([65_537.0, 65_537.0, 10_002.0]))
    assert screen.memories["r"][1].read(3, 0, 3) == [1, 65_535, 2]


@given(points(), st.sampled_from((bad, intermediate)))
def test_a_bad_point_never_reads_good(made, trouble):
    screen = Screen(made, lambda one: one.device_id)
    screen.show(np.ones(len(made)))
    for unit, memory in screen.memories["rtu1"].items():
        own = [one for one in made if one.device_id == unit]
        overlaid = trouble(memory, own)
        for one in own:
            try:
                value, quality = read(overlaid, one)
            except Unreadable:
                assert trouble is bad
                continue
            if trouble is bad:
                assert quality >= Quality.SUSPECT, one
            elif one.datatype == "dpi":
                assert quality == Quality.SUSPECT
                assert np.isnan(value)
            else:
                assert (value, quality) == pytest.approx(read(memory, one), nan_ok=True)


def test_frozen_is_what_was_and_stays_so():
    one = Point("A", "r", 1, "holding", 0, "uint16")
    screen = Screen([one], lambda point: point.device_id)
    screen.show(np.array([7.0]))
    frozen = screen.memories["r"][1].frozen()
    screen.show(np.array([9.0]))
    assert (frozen.read(3, 0, 1), screen.memories["r"][1].read(3, 0, 1)) == ([7], [9])
