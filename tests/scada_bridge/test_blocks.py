"""Blocks bring every point, stay within the protocol, and split down to the one bad address."""

from hypothesis import given
from hypothesis import strategies as st

from scada_bridge.blocks import MOST_BITS, MOST_REGISTERS, plan, split
from scada_bridge.points import BIT_TABLES, Point

DATATYPES = {"holding": ("uint16", "float32", "int64"), "input": ("uint16", "bcd32"), "coil": ("bit",)}
DATATYPES["discrete"] = ("bit", "dpi")


@st.composite
def points(draw):
    table = draw(st.sampled_from(sorted(DATATYPES)))
    address = draw(st.integers(0, 3000))
    return Point("p", "s", 1, table, address, draw(st.sampled_from(DATATYPES[table])))


@given(st.lists(points(), max_size=60))
def test_every_point_is_whole_in_exactly_one_block_within_the_limits(listed):
    blocks = plan(listed)
    rows = [row for block in blocks for row in block.rows]
    assert sorted(rows) == list(range(len(listed)))
    for block in blocks:
        assert 1 <= block.count <= (MOST_BITS if block.table in BIT_TABLES else MOST_REGISTERS)
        for row in block.rows:
            one = listed[row]
            assert one.table == block.table
            assert block.address <= one.address
            assert one.address + one.width <= block.address + block.count


def test_full_blocks():
    listed = [Point(str(i), "s", 1, "holding", i, "uint16") for i in range(250)]
    assert [(block.address, block.count) for block in plan(listed)] == [(0, 125), (125, 125)]
    bits = [Point(str(i), "s", 1, "coil", i, "bit") for i in range(2001)]
    assert [(block.address, block.count) for block in plan(bits)] == [(0, 2000), (2000, 1)]


def test_far_points_are_not_read_together():
    listed = [Point("a", "s", 1, "holding", 0, "uint16"), Point("b", "s", 1, "holding", 60, "uint16")]
    assert [(block.address, block.count) for block in plan(listed)] == [(0, 1), (60, 1)]


@given(st.lists(points(), min_size=1, max_size=60), st.data())
def test_splitting_finds_the_bad_address_and_spares_its_neighbours(listed, data):
    bad = data.draw(st.integers(0, len(listed) - 1))
    poison = listed[bad].table, listed[bad].address

    def answers(block):
        return not (block.table == poison[0] and block.address <= poison[1] < block.address + block.count)

    waiting, good, refused = plan(listed), set(), set()
    while waiting:
        block = waiting.pop()
        if answers(block):
            good.update(block.rows)
            continue
        smaller = split(listed, block)
        if smaller == [block]:
            refused.update(block.rows)
        else:
            assert sorted(row for part in smaller for row in part.rows) == sorted(block.rows)
            waiting.extend(smaller)
    touching = {
        row
        for row, one in enumerate(listed)
        if one.table == poison[0] and one.address <= poison[1] < one.address + one.width
    }
    assert refused == touching
    assert good == set(range(len(listed))) - touching
