"""A file is checked whole: every problem at once, with physical lines, whatever the bytes."""

import csv
import io
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis_power.core.layouts import Column, Kind, Layout, Limits, Parsed, Trailer, parse

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")

THINGS = Layout(
    "things",
    "Things.",
    (
        Column("thing", "Its id.", Kind.IDENTIFIER, required=True, max_length=20),
        Column("name", "Its name."),
        Column("colour", "Its colour.", Kind.CHOICE, choices=("red", "green")),
        Column("weight_kg", "Its weight.", Kind.NUMBER, minimum=0, unit="kg"),
        Column("at", "When.", Kind.INSTANT),
        Column("on", "Which day.", Kind.DATE),
        Column("good", "Whether good.", Kind.FLAG, default=True),
        Column("count", "How many.", Kind.INTEGER, default=1),
    ),
    key=("thing",),
)
MONEY = Layout(
    "money",
    "Money.",
    (Column("ref", "Id.", Kind.IDENTIFIER, required=True), Column("amount", "Sum.", Kind.MONEY, required=True)),
    key=("ref",),
    trailer=Trailer("amount"),
)


def read(text: str | bytes, layout: Layout = THINGS, zone: ZoneInfo = SHANGHAI) -> Parsed:
    return parse(layout, text.encode() if isinstance(text, str) else text, zone)


def found(parsed: Parsed) -> list[tuple[int | None, str | None, str]]:
    return [(problem.line, problem.field, problem.code) for problem in parsed.problems]


def test_values_become_what_the_columns_say():
    parsed = read("thing,name,colour,weight_kg,at,on,good,count\nT1, a ,RED,1.5,2026-03-01 08:00,2026-02-28,no,3\n")
    assert not parsed.problems
    (row,) = parsed.good_rows
    assert row == {
        "thing": "T1",
        "name": "a",
        "colour": "red",
        "weight_kg": 1.5,
        "at": datetime(2026, 3, 1, tzinfo=UTC),
        "on": date(2026, 2, 28),
        "good": False,
        "count": 3,
    }
    assert row.line == 2


def test_absent_columns_and_empty_fields_give_the_default():
    (row,) = read("thing,good\nT1,\n").good_rows
    assert row["good"] is True
    assert row["count"] == 1
    assert row["name"] is None


def test_lines_are_physical_also_after_quoted_line_breaks_and_blank_lines():
    parsed = read('thing,name\r\nT1,"two\r\nlines"\r\n\r\nT2,x,cut\r\n,\r\nT3,\r\n')
    assert [row.line for row in parsed.good_rows] == [2, 7]
    assert next(iter(parsed.rows))["name"] == "two\r\nlines"
    assert found(parsed) == [(5, None, "wrong_field_count")]


def test_every_problem_of_every_row_comes_back_at_once():
    parsed = read(
        "thing,colour,weight_kg,at,on,count\n"
        ",blue,NaN,2026-13-01,2026-02-30,1.5\n"
        "T2,red,-1,0001-01-01T00:00:00+14:00,1066-01-01,9\n"
        "T3,red,1e999,2026-01-01T00:00:00Z,2026-01-01,\n"
        "T4,red,1_0,,,\n"
        "T5,red,٣,,,\n"
        "T1,red\n"
    )
    assert not parsed.refused
    assert sorted(found(parsed)) == sorted(
        [
            (2, "thing", "missing_value"),
            (2, "colour", "unknown_choice"),
            (2, "weight_kg", "bad_number"),
            (2, "at", "bad_time"),
            (2, "on", "bad_date"),
            (2, "count", "bad_number"),
            (3, "weight_kg", "out_of_range"),
            (3, "at", "bad_time"),
            (3, "on", "bad_date"),
            (4, "weight_kg", "bad_number"),
            (5, "weight_kg", "bad_number"),
            (6, "weight_kg", "bad_number"),
            (7, None, "wrong_field_count"),
        ]
    )
    assert len(parsed.rows) == 6
    assert not parsed.good.any()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "no_header"),
        (b"\n\n", "no_header"),
        (b"name\nx\n", "missing_column"),
        (b"thing,name,Name\nT1,a,b\n", "doubled_column"),
        (b"thing,name\nT1,\xff\xfe\n", "bad_encoding"),
        ("thing,name\nT1,客户信息系统".encode()[:-1], "bad_encoding"),
        ("thing,name\nT1,Müller\n".encode("latin-1"), "bad_encoding"),
        ("thing,name\nT1,客户\n".encode("utf-16"), "nul_byte"),
        (b"thing,name\nT1,a\x00b\n", "nul_byte"),
        (b'thing,name\nT1,"open\nT2,b\n', "bad_quoting"),
        (b"thing;name\nT1;a\n", "wrong_separator"),
        (b"#TZ=Mars/Olympus\nthing\nT1\n", "bad_zone"),
        (b"#TZ=../../etc/passwd\nthing\nT1\n", "bad_zone"),
        (b"x" * 20_000 + b"\n", "header_too_long"),
        (b"#TZ=UTC\n" + b"x" * 20_000 + b"\n", "header_too_long"),
        (b",".join(b"c%d" % place for place in range(400)) + b"\n", "too_many_columns"),
    ],
)
def test_file_errors_refuse_the_file(text, code):
    parsed = read(text)
    assert parsed.refused
    assert code in {problem.code for problem in parsed.errors}


def test_a_file_over_the_size_limit_is_refused_unread(tmp_path: Path):
    path = tmp_path / "big.csv"
    with path.open("wb") as stream:
        stream.truncate(2_000)
    parsed = parse(THINGS, path, SHANGHAI, Limits(size_bytes=1_000))
    assert [problem.code for problem in parsed.problems] == ["too_large"]


def test_a_line_without_end_is_refused():
    parsed = read(b"thing,name\nT1," + b"x" * 1_100_000)
    assert parsed.refused
    assert {problem.code for problem in parsed.problems} & {"line_too_long", "bad_quoting"}


def test_unknown_columns_are_warnings():
    parsed = read("thing,shape\nT1,round\n")
    assert [(problem.code, problem.severity, problem.line) for problem in parsed.problems] == [
        ("unknown_column", "warning", 1)
    ]
    assert parsed.good.all()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_chinese_text_in_each_encoding(encoding):
    parsed = read("thing,name\nT1,广东电网有限责任公司\nT2,联通\n".encode(encoding))
    assert parsed.rows.column("name") == ["广东电网有限责任公司", "联通"]
    assert not parsed.problems


def test_the_zone_line_rules_naive_times_and_counts_as_a_line():
    parsed = read("#TZ=Europe/Berlin\nthing,at\nT1,2026-07-01T12:00\nT2,2026-07-01T12:00+08:00\nT3,2026-07-01\nT4,x\n")
    instants = parsed.rows.column("at")
    assert instants[:3] == [
        datetime(2026, 7, 1, 10, tzinfo=UTC),
        datetime(2026, 7, 1, 4, tzinfo=UTC),
        datetime(2026, 6, 30, 22, tzinfo=UTC),
    ]
    assert found(parsed) == [(6, "at", "bad_time")]


def test_clock_changes_are_named():
    parsed = read("thing,at\nT1,2026-03-29T02:30\nT2,2026-10-25T02:30\nT3,2026-10-25T02:30+01:00\n", zone=BERLIN)
    assert found(parsed) == [(2, "at", "bad_time"), (3, "at", "ambiguous_time")]
    assert parsed.good.tolist() == [False, True, True]


def test_a_doubled_key_is_an_error_on_the_later_row():
    parsed = read("thing,name\nT1,a\nT2,b\nT1,c\n")
    assert found(parsed) == [(4, "thing", "doubled_key")]
    assert parsed.good.tolist() == [True, True, False]


def test_a_second_row_that_says_the_same_passes_where_the_layout_lets_it():
    text = "thing,name\nT1,a\nT1,a\nT1,b\n"
    passing = read(text, replace(THINGS, doubles_pass=True))
    assert [(problem.line, problem.code, problem.severity) for problem in passing.problems] == [
        (3, "doubled_row", "warning"),
        (4, "doubled_key", "error"),
    ]
    assert [problem.code for problem in read(text).problems] == ["doubled_key", "doubled_key"]


def test_a_row_with_broken_quoting_is_one_bad_row():
    parsed = read('thing,name\nT1,"a"b\nT2,c\n')
    assert found(parsed) == [(2, None, "bad_quoting")]
    assert [row["thing"] for row in parsed.good_rows] == ["T2"]


def test_a_right_trailer_passes_with_unreadable_amounts_as_nothing():
    parsed = read("ref,amount\nA,1.10\nB,abc\nC,-0.10\nD,2.00,extra\n#TRAILER,4,3.00\n", MONEY)
    assert not parsed.refused
    assert parsed.amount_total == Decimal("3.00")
    assert parsed.good_rows.column("amount") == [Decimal("1.10"), Decimal("-0.10")]


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("", "missing_trailer"),
        ("#TRAILER,1,1.10\n", "bad_trailer"),
        ("#TRAILER,2,3.11\n", "bad_trailer"),
        ("#TRAILER,2\n", "bad_trailer"),
        ("#TRAILER,2,x\n", "bad_trailer"),
        ("#TRAILER,2,3.10\nC,1.00\n", "after_trailer"),
    ],
)
def test_a_wrong_trailer_refuses_the_file(end, code):
    parsed = read("ref,amount\nA,1.10\nB,2.00\n" + end, MONEY)
    assert parsed.refused
    assert code in {problem.code for problem in parsed.errors}


def test_amounts_finer_than_a_cent_are_refused():
    parsed = read("ref,amount\nA,1.005\nB,1.500\n#TRAILER,2,2.505\n", MONEY)
    assert found(parsed) == [(2, "amount", "bad_amount")]


REPEATED = Layout(
    "repeated",
    "Values in time.",
    (
        Column("meter", "Id.", Kind.IDENTIFIER, required=True),
        Column("at", "When.", Kind.INSTANT, required=True, may_repeat=True),
    ),
    key=("meter", "at"),
)


def test_the_repeated_hour_of_a_25_hour_day_is_read_as_written():
    times = [f"2026-10-25T0{hour}:{minute}" for hour in (1, 2, 2, 3) for minute in ("00", "30")]
    body = "".join(f"{meter},{time}\n" for meter in ("M1", "M2") for time in times)
    parsed = read("meter,at\n" + body, REPEATED, BERLIN)
    assert parsed.good.all()
    instants = parsed.rows.column("at")[:8]
    steps = {(later - earlier).total_seconds() for earlier, later in pairwise(instants)}
    assert steps == {1800}
    third = read("meter,at\n" + "M1,2026-10-25T02:00\n" * 3, REPEATED, BERLIN)
    assert [problem.code for problem in third.errors] == ["doubled_key"]


def test_a_row_of_very_many_fields_is_cut_at_once():
    parsed = read("thing,name\n" + "T1," + "," * 900_000 + "x\nT2,b\n")
    assert found(parsed) == [(2, None, "wrong_field_count")]


def test_a_file_of_too_many_rows_is_refused():
    parsed = parse(THINGS, b"thing\n" + b"T\n" * 30, SHANGHAI, Limits(rows=20))
    assert [problem.code for problem in parsed.problems] == ["too_many_rows"]


def test_problems_are_capped_but_counted():
    body = "thing,weight_kg\n" + "".join(f"T{place},x\n" for place in range(50))
    parsed = parse(THINGS, body.encode(), SHANGHAI, Limits(problems=10))
    assert len(parsed.problems) == 11
    assert "40 further" in parsed.problems[-1].message
    assert not parsed.good.any()


texts = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), min_size=1, max_size=12)


@given(st.lists(st.tuples(texts, st.text(max_size=8)), max_size=20))
def test_what_csv_writes_is_read_back_equal(pairs):
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(["thing", "name"])
    wanted = {}
    for thing, name in pairs:
        tame = "".join(sign for sign in name if sign.isprintable()).strip()
        if thing.strip() and thing not in wanted:
            wanted[thing] = tame
            writer.writerow([thing, tame])
    parsed = read(out.getvalue())
    assert dict(zip(parsed.rows.column("thing"), parsed.rows.column("name"), strict=True)) == {
        thing: name or None for thing, name in wanted.items()
    }


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(junk):
    parsed = read(b"thing,name\n" + junk)
    assert parsed.refused or len(parsed.rows) == len(parsed.good)


HOSTILE = {
    "one line": lambda: b"thing,name\nT1," + b"x" * 60_000_000,
    "nul": lambda: b"thing,name\n" + b"T1,a\n" * 10_000_000 + b"\0",
    "commas": lambda: b"thing,name\n" + (b"," * 1_000_000 + b"x\n") * 60,
    "quotes": lambda: b'thing,name\nT1,"' + b"a\n" * 4_000_000,
    "header": lambda: b"a," * 30_000_000,
    "rows": lambda: b"thing\n" + b"T\n" * 30_000_000,
}
MEASURED = """
import resource, sys
from pathlib import Path
from zoneinfo import ZoneInfo
from tests.core.test_layout_parsing import THINGS
from cis_power.core.layouts import parse
path = Path(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
parsed = parse(THINGS, path, ZoneInfo("UTC"))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, len(parsed.errors), int(parsed.good.sum()))
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_without_much_memory(name, tmp_path: Path):
    path = tmp_path / "hostile.csv"
    path.write_bytes(HOSTILE[name]())
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(path)], cwd=root, capture_output=True, text=True, check=True, timeout=60
    )
    more_kb, errors, good = map(int, done.stdout.split())
    assert errors > 0
    assert good == 0
    assert more_kb < 100_000
