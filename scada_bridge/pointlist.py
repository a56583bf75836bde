"""The layout `points`, and from its rows to points; pure but for reading the file it is given."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cis_power.core.errors import Problem
from cis_power.core.layouts import Column, Kind, Layout, Parsed, parse
from scada_bridge.points import (
    BIT_TABLES,
    BYTE_ORDERS,
    DATATYPES,
    DEFAULT_POLL_SECONDS,
    KINDS,
    POSITION,
    TABLES,
    WORDS_OF_DATATYPE,
    Point,
)

_ADDRESS = re.compile(r"(?P<number>\d{1,6}|0[xX][0-9a-fA-F]{1,5})(\.(?P<bit>\d{1,2}))?", re.ASCII)
# 4xxxx notation counts from 1 and puts the table before the number: 40001 is holding register 0.
_NOTATION = {"holding": 4, "input": 3, "discrete": 1, "coil": 0}
_BEHIND_LAST = 65_536
_STATES = ("bit", "dpi")


class ImpossibleAddress(ValueError):
    """An address that no device has; `code` names why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def parse_address(text: str, table: str) -> tuple[int, int | None]:
    """(address, bit) of `120` or `120.3`; `0x…` is always a protocol address. Raises ImpossibleAddress."""
    match = _ADDRESS.fullmatch(text.strip())
    if match is None:
        raise ImpossibleAddress("bad_address", f"{text!r} is neither an address nor address.bit")
    number, bit = match["number"], match["bit"]
    hexadecimal = number[:2].lower() == "0x"
    address = int(number, 16) if hexadecimal else int(number)
    if not hexadecimal and _is_notation(number, table):
        raise ImpossibleAddress(
            "table_in_address",
            f"{text!r} looks like {_NOTATION[table]}xxxx notation: give the zero-based protocol address"
            f" (if it is one already, write it as 0x{address:X})",
        )
    if address >= _BEHIND_LAST:
        raise ImpossibleAddress("address_out_of_range", f"{text!r} is beyond 65535")
    if bit is not None and int(bit) > 15:
        raise ImpossibleAddress("bad_bit", f"{text!r}: a register has the bits 0 to 15")
    return address, None if bit is None else int(bit)


def _is_notation(number: str, table: str) -> bool:
    digit = _NOTATION.get(table)
    if digit is None:
        return False
    if digit == 0:
        return len(number) >= 5 and number.startswith("0")
    return len(number) in (5, 6) and number.startswith(str(digit)) and int(number[1:]) > 0


def _check(row: dict[str, Any], line: int) -> Iterable[Problem]:
    """What the columns of one row must keep together."""
    yield from (Problem(code, message, field=field, line=line) for field, code, message in _faults(row))
    if row["quantity"] == POSITION and not row["equipment"]:
        yield Problem(
            "no_equipment", "a position without equipment changes nothing", "warning", None, line, "equipment"
        )
    if row["quantity"] == POSITION and row["kind"] not in (None, "discrete"):
        message = "a position is a discrete point; as another kind it decides nothing"
        yield Problem("position_not_discrete", message, "warning", line=line, field="kind")


def _faults(row: dict[str, Any]) -> Iterable[tuple[str, str, str]]:
    table, datatype = row["table"], row["datatype"]
    in_bits = table in BIT_TABLES
    if in_bits and datatype not in _STATES:
        yield "datatype", "datatype_not_in_table", f"a {table} holds bit or dpi, not {datatype}"
    try:
        address, bit = parse_address(row["address"], table)
    except ImpossibleAddress as fault:
        yield "address", fault.code, str(fault)
    else:
        yield from _place_faults(datatype, address, bit, in_bits=in_bits)
    if row["scale"] == 0:
        yield "scale", "scale_is_zero", "a scale of 0 hides the value"
    if row["min"] is not None and row["max"] is not None and row["min"] > row["max"]:
        yield "min", "min_above_max", f"min {row['min']:g} is above max {row['max']:g}"


def _place_faults(datatype: str, address: int, bit: int | None, *, in_bits: bool) -> Iterable[tuple[str, str, str]]:
    if bit is not None and in_bits:
        yield "address", "bit_of_a_bit", "only registers have bits"
    elif bit is not None and datatype not in _STATES:
        yield "address", "bit_of_a_number", f"{datatype} takes whole registers"
    elif bit is None and not in_bits and datatype == "bit":
        yield "address", "bit_missing", "a bit of a register is address.n"
    elif bit == 15 and datatype == "dpi":
        yield "address", "bad_bit", "a double point takes the bits n and n + 1 of one register"
    width = (2 if datatype == "dpi" else 1) if in_bits else WORDS_OF_DATATYPE[datatype]
    if address + width > _BEHIND_LAST:
        yield "address", "address_out_of_range", f"{datatype} at {address} ends beyond 65535"


POINTS = Layout(
    name="points",
    title="Telemetry points",
    description="What the DMS offers: where each value stands in which device, how it is coded, what it means.",
    columns=(
        Column("point_id", "The owner's id of the point.", Kind.IDENTIFIER, required=True, example="P_S1_CB"),
        Column(
            "source",
            "Name of a configured source; one that is not configured (yet) is a warning.",
            Kind.IDENTIFIER,
            required=True,
            example="rtu1",
        ),
        Column("device_id", "Modbus unit, 0 to 255.", Kind.INTEGER, required=True, minimum=0, maximum=255, example="1"),
        Column("table", "Where it stands.", Kind.CHOICE, required=True, choices=TABLES, example="discrete"),
        Column(
            "address",
            "Zero-based protocol address; bit n of a register: `address.n`. 4xxxx notation is refused (3xxxx and 1xxxx"
            " alike); hexadecimal `0x9C41` is a protocol address beyond doubt.",
            Kind.IDENTIFIER,
            required=True,
            example="0",
        ),
        Column("datatype", "How it is coded.", Kind.CHOICE, required=True, choices=DATATYPES, example="bit"),
        Column(
            "byte_order",
            "big = ABCD, little = DCBA, big_swap = CDAB, little_swap = BADC; 64 bits alike.",
            Kind.CHOICE,
            choices=BYTE_ORDERS,
            default="big",
            example="big",
        ),
        Column("scale", "value = raw × scale + offset.", Kind.NUMBER, default=1.0, example="1"),
        Column("offset", "value = raw × scale + offset.", Kind.NUMBER, default=0.0, example="0"),
        Column("unit", "Unit of the value.", Kind.IDENTIFIER, max_length=40),
        Column("kind", "Empty: discrete for bit and dpi, else analog.", Kind.CHOICE, choices=KINDS, example="discrete"),
        Column(
            "equipment",
            "The equipment it belongs to; one the network does not know (yet) is a warning.",
            Kind.IDENTIFIER,
            example="CB1",
        ),
        Column(
            "quantity",
            "`position`: the equipment's state, 1 = closed; `operations`: counts reclosings; any other word.",
            Kind.IDENTIFIER,
            example="position",
        ),
        Column("normal_state", "Expected value, for alarms only.", Kind.NUMBER, example="1"),
        Column("min", "Below it the value is SUSPECT; after scaling.", Kind.NUMBER),
        Column("max", "Above it the value is SUSPECT; after scaling.", Kind.NUMBER),
        Column(
            "deadband",
            "Smallest change worth telling, for sources that report by exception; after scaling.",
            Kind.NUMBER,
            minimum=0,
        ),
        Column(
            "poll_seconds",
            "How often it is read.",
            Kind.NUMBER,
            unit="s",
            default=DEFAULT_POLL_SECONDS,
            minimum=0.1,
            maximum=86_400,
            example="5",
        ),
    ),
    key=("point_id",),
    row_check=_check,
    notes=(
        "Read by `cis-power points import`; all or nothing.",
        (
            "A double point (dpi) is two bits as in IEC 60870-5-104: the low bit says open, the high bit closed; so"
            " 0 is intermediate, 1 open, 2 closed, 3 bad. In a coil or discrete table it takes `address` (low) and the"
            " next; in a register the bits n and n + 1 of `address.n`, or the whole register. Its value is the state:"
            " 0 open, 1 closed; intermediate (SUSPECT) and bad (BAD) have no value."
        ),
        "Several points may read the same address.",
        "Points of the sources in the file that it no longer names are retired; other sources keep theirs.",
    ),
)

LAYOUTS = (POINTS,)


@dataclass(frozen=True, slots=True)
class PointList:
    """A file read as point list: `points` is empty where it is refused, `lines` are their physical lines."""

    parsed: Parsed
    points: tuple[Point, ...]
    lines: tuple[int, ...]

    @property
    def refused(self) -> bool:
        return bool(self.parsed.errors)


def read_point_list(content: bytes | Path, zone: ZoneInfo) -> PointList:
    """Read and check a point list; every problem is in `parsed.problems`. All or nothing."""
    parsed = parse(POINTS, content, zone)
    if parsed.errors:
        parsed.problems.extend(_hidden_faults(parsed))
        parsed.problems.sort(key=lambda problem: (problem.line or 0, problem.severity))
        return PointList(parsed, (), ())
    rows = list(parsed.rows)
    return PointList(parsed, tuple(_point(row) for row in rows), tuple(row.line for row in rows))


def _hidden_faults(parsed: Parsed) -> list[Problem]:
    """What the checks, which pass over rows that are wrong already for something else, would say of those rows."""
    known = {(problem.line, problem.field) for problem in parsed.errors}
    found: list[Problem] = []
    first: dict[str, int] = {}
    for row, good in zip(parsed.rows, parsed.good, strict=True):
        name = row["point_id"]
        if name is not None and first.setdefault(name, row.line) != row.line:
            message = f"the same point_id stands on line {first[name]}"
            found.append(Problem("doubled_key", message, line=row.line, field="point_id"))
        if not good and all(row[needed] is not None for needed in ("table", "address", "datatype")):
            found.extend(_check(row, row.line))
    return [problem for problem in found if (problem.line, problem.field) not in known]


def _point(row: dict[str, Any]) -> Point:
    address, bit = parse_address(row["address"], row["table"])
    return Point(
        point_id=row["point_id"],
        source=row["source"],
        device_id=row["device_id"],
        table=row["table"],
        address=address,
        bit=bit,
        datatype=row["datatype"],
        byte_order=row["byte_order"],
        scale=row["scale"],
        offset=row["offset"],
        unit=row["unit"],
        kind=row["kind"] or ("discrete" if row["datatype"] in _STATES else "analog"),
        equipment=row["equipment"],
        quantity=row["quantity"],
        normal_state=row["normal_state"],
        minimum=row["min"],
        maximum=row["max"],
        deadband=row["deadband"],
        poll_seconds=row["poll_seconds"],
    )
