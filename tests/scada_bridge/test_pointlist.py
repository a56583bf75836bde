"""Point lists are checked whole, every problem with its line."""

from zoneinfo import ZoneInfo

import pytest

from scada_bridge.pointlist import ImpossibleAddress, parse_address, read_point_list
from scada_bridge.points import Point

UTC = ZoneInfo("UTC")
HEADER = (
    "point_id,source,device_id,table,address,datatype,byte_order,scale,offset,unit,kind,equipment,quantity,"
    "normal_state,min,max,deadband,poll_seconds"
)


def read(*lines, header=HEADER):
    return read_point_list("\n".join([header, *lines, ""]).encode(), UTC)


def test_a_full_row_and_a_short_one():
    found = read(
        "I1,rtu1,3,holding,100,float32,big_swap,0.1,-5,A,analog,CB1,current,,0,600,0.5,2",
        "S1,rtu1,3,input,7.9,dpi,,,,,,CB1,position,1,,,,",
    )
    assert found.parsed.problems == []
    assert found.points[0] == Point(
        "I1", "rtu1", 3, "holding", 100, "float32", None, "big_swap", 0.1, -5.0, "A", "analog", "CB1", "current", None,
        0.0, 600.0, 0.5, 2.0,
    )  # fmt: skip
    assert (found.points[1].address, found.points[1].bit, found.points[1].kind) == (7, 9, "discrete")
    assert (found.points[1].scale, found.points[1].byte_order, found.points[1].poll_seconds) == (1.0, "big", 10.0)


def test_the_columns_that_matter_are_enough():
    found = read("S1,rtu1,1,coil,0,bit", header="point_id,source,device_id,table,address,datatype")
    assert found.points[0].kind == "discrete"


BAD = {
    "P,r,1,holding,40001,uint16": ("address", "table_in_address"),
    "P,r,1,input,30001,uint16": ("address", "table_in_address"),
    "P,r,1,coil,00001,bit": ("address", "table_in_address"),
    "P,r,1,holding,400001,uint16": ("address", "table_in_address"),
    "P,r,1,holding,65536,uint16": ("address", "address_out_of_range"),
    "P,r,1,holding,65533,float64": ("address", "address_out_of_range"),
    "P,r,1,coil,65535,dpi": ("address", "address_out_of_range"),
    "P,r,1,holding,-1,uint16": ("address", "bad_address"),
    "P,r,1,holding,1.16,bit": ("address", "bad_bit"),
    "P,r,1,holding,1.15,dpi": ("address", "bad_bit"),
    "P,r,1,holding,1.2,uint16": ("address", "bit_of_a_number"),
    "P,r,1,holding,1,bit": ("address", "bit_missing"),
    "P,r,1,coil,1.2,bit": ("address", "bit_of_a_bit"),
    "P,r,1,coil,1,uint16": ("datatype", "datatype_not_in_table"),
    "P,r,1,holding,1,int24": ("datatype", "unknown_choice"),
    "P,r,1,memory,1,uint16": ("table", "unknown_choice"),
    "P,r,256,holding,1,uint16": ("device_id", "out_of_range"),
    "P,r,x,holding,1,uint16": ("device_id", "bad_number"),
    ",r,1,holding,1,uint16": ("point_id", "missing_value"),
}


@pytest.mark.parametrize("line", BAD)
def test_one_wrong_thing_is_named(line):
    found = read(line, header="point_id,source,device_id,table,address,datatype")
    assert [(p.line, p.field, p.code) for p in found.parsed.problems] == [(2, *BAD[line])]
    assert found.refused
    assert found.points == ()


def test_all_problems_come_at_once():
    header = "point_id,source,device_id,table,address,datatype"
    found = read(*BAD, "D,r,1,coil,1,bit", "D,r,1,coil,2,bit", header=header)
    by_line = {(p.line, p.code) for p in found.parsed.errors}
    assert {(line, code) for line, (_, code) in enumerate(BAD.values(), start=2)} <= by_line
    assert (len(BAD) + 3, "doubled_key") in by_line


def test_scale_zero_and_crossed_limits_are_refused():
    found = read("P,r,1,holding,1,uint16,,0,,,,,,,5,1,,")
    assert {p.code for p in found.parsed.errors} == {"scale_is_zero", "min_above_max"}


def test_remarkable_is_not_wrong():
    found = read("P,r,1,coil,1,bit,,,,,,,position,,,,,", "Q,r,1,holding,1,uint16,,,,,analog,CB,position,,,,,")
    assert not found.refused
    assert [(p.line, p.code, p.severity) for p in found.parsed.problems] == [
        (2, "no_equipment", "warning"),
        (3, "position_not_discrete", "warning"),
    ]


def test_two_points_may_read_one_address():
    assert not read("P,r,1,holding,1,uint16,,,,,,,,,,,,", "Q,r,1,holding,1,int16,,,,,,,,,,,,").refused


@pytest.mark.parametrize(
    ("text", "table", "expected"),
    [
        ("0", "holding", (0, None)),
        ("0x9C41", "holding", (40001, None)),
        ("40001", "input", (40001, None)),
        ("40000", "holding", (40000, None)),
        ("65535.15", "input", (65535, 15)),
    ],
)
def test_addresses(text, table, expected):
    assert parse_address(text, table) == expected


@pytest.mark.parametrize("text", ["", "x", "1.", "1.a", "1,2", "1e3", "99999999"])
def test_what_is_no_address(text):
    with pytest.raises(ImpossibleAddress):
        parse_address(text, "holding")
