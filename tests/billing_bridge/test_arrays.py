"""Rows given as arrays, for programs that make much data, become exactly what the same rows of a file become."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from cis_power.core.batches import Import
from cis_power.core.batches.importing import import_arrays
from cis_power.core.batches.ledger import BatchResult
from cis_power.core.columns import Coded
from cis_power.core.db import Base, Database
from cis_power.core.layouts import find_layout
from cis_power.core.models import Batch
from tests.billing_bridge.files import NOW, SETTINGS, plain_customers, put

COUNT = 40
LATER = NOW + timedelta(hours=1)
TABLES = {
    "readings": ("channel", "series", "series_chunk", "reading_span", "register_reading"),
    "bills": ("bill", "tariff"),
    "payments": ("payment",),
    "interruptions": ("interruption", "outage", "outage_state"),
}
UNLIKE = (
    "batch_id", "recorded_at", "recorded_by", "created_at", "id", "series_id", "owner_id", "channel_id", "outage_id",
    "tariff_id", "account_id", "usage_point_id",
)  # fmt: skip


def readings() -> tuple[str, dict[str, Any]]:
    """A day of quarter hours of one meter with a gap and estimates, and a register of another read three times."""
    begin = datetime(2026, 10, 31, 16, tzinfo=UTC)
    times = [begin + timedelta(minutes=15 * n) for n in range(96)]
    values = [float("nan") if n == 7 else n / 4 for n in range(96)]
    words = ["missing" if n == 7 else "estimated" if 20 <= n < 24 else "measured" for n in range(96)]
    lines = [
        f"M1,1,{at.isoformat()},900,{'' if value != value else value},kWh,{word}\n"
        for at, value, word in zip(times, values, words, strict=True)
    ]
    reads = [(begin + timedelta(days=30 * n), 1000.0 + 210.25 * n) for n in range(3)]
    lines += [f"M2,R,{at.isoformat()},,{value},kWh,measured\n" for at, value in reads]
    at = np.array([moment.replace(tzinfo=None) for moment in [*times, *(at for at, _ in reads)]], "datetime64[s]")
    columns = {
        "meter_no": Coded(np.repeat([0, 1], [96, 3]), ["M1", "M2"]),
        "channel": Coded(np.repeat([1, 0], [96, 3]), ["R", "1"]),
        "began_at": at,
        "seconds": np.repeat([900.0, np.nan], [96, 3]),
        "value": np.array([*values, *(value for _, value in reads)]),
        "unit": Coded.same("kWh", 99),
        "quality": Coded.of([*words, *["measured"] * 3]),
    }
    return "meter_no,channel,began_at,seconds,value,unit,quality\n" + "".join(lines), columns


def bills() -> tuple[str, dict[str, Any]]:
    """A month of bills; one is a credit, one has no energy and no tariff."""
    numbers = [f"B-202610-{n}" for n in range(COUNT)]
    amounts = [Decimal(n * 1237 - 500) / 100 for n in range(COUNT)]
    energy = ["" if n == 5 else f"{n * 3.25}" for n in range(COUNT)]
    tariffs = ["" if n == 5 else f"T{n % 3}" for n in range(COUNT)]
    lines = [
        f"{numbers[n]},A{n + 1},2026-10-01,2026-11-01,2026-11-03,2026-11-20,{energy[n]},{amounts[n]},CNY,{tariffs[n]}\n"
        for n in range(COUNT)
    ]
    columns = {
        "bill_no": numbers,
        "account_no": [f"A{n + 1}" for n in range(COUNT)],
        "from": np.full(COUNT, np.datetime64("2026-10-01")),
        "to": np.full(COUNT, np.datetime64("2026-11-01")),
        "issued_on": np.full(COUNT, np.datetime64("2026-11-03")),
        "due_on": np.full(COUNT, np.datetime64("2026-11-20")),
        "energy_kwh": np.array([float(text or "nan") for text in energy]),
        "amount": np.array([int(value * 100) for value in amounts]),
        "currency": Coded.same("CNY", COUNT),
        "tariff": Coded.of([text or None for text in tariffs]),
    }
    return "bill_no,account_no,from,to,issued_on,due_on,energy_kwh,amount,currency,tariff\n" + "".join(lines), columns


def payments() -> tuple[str, dict[str, Any]]:
    """A day of payments in two batches of the sender; every tenth account is not known."""
    at = [datetime(2026, 11, 10, tzinfo=UTC) + timedelta(seconds=1234 * n) for n in range(COUNT)]
    accounts = [f"X{n}" if n % 10 == 9 else f"A{n + 1}" for n in range(COUNT)]
    cents = [n * 731 + 1 for n in range(COUNT)]
    lines = [
        f"P{n % 2},{accounts[n]},{at[n].isoformat()},{Decimal(cents[n]) / 100},CNY,{'bank' if n % 3 else ''},R{n}\n"
        for n in range(COUNT)
    ]
    columns = {
        "batch_no": Coded(np.arange(COUNT) % 2, ["P0", "P1"]),
        "account_no": accounts,
        "paid_at": np.array([moment.replace(tzinfo=None) for moment in at], "datetime64[s]"),
        "amount": np.array(cents),
        "currency": Coded.same("CNY", COUNT),
        "method": [None if n % 3 == 0 else "bank" for n in range(COUNT)],
        "reference": [f"R{n}" for n in range(COUNT)],
    }
    head = "batch_no,account_no,paid_at,amount,currency,method,reference\n"
    return f"{head}{''.join(lines)}#TRAILER,{COUNT},{Decimal(sum(cents)) / 100}\n", columns


def interruptions() -> tuple[str, dict[str, Any]]:
    """Two outages, one in two steps and planned, one still going on; and one of unnamed customers."""
    begin = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
    rows: list[tuple[Any, ...]] = [
        (f"O{n % 2}", n % 3 + 1 if n % 2 else 1, f"U{n + 1}", begin,
         begin + timedelta(minutes=7 + n) if n % 2 else None, "planned" if n % 2 else "unplanned", "tree", "F1-CB", 1,
         None)
        for n in range(30)
    ]  # fmt: skip
    rows.append(("O9", 1, None, begin, begin + timedelta(hours=1), "unplanned", None, "X", 2, 17))
    names = (
        "outage_no", "step", "usage_point", "began_at", "restored_at", "kind", "cause", "device", "operations",
        "customers",
    )  # fmt: skip
    text = ["" if value is None else value.isoformat() if isinstance(value, datetime) else str(value)
            for row in rows for value in row]  # fmt: skip
    lines = [",".join(text[n : n + len(names)]) + "\n" for n in range(0, len(text), len(names))]
    by_name = dict(zip(names, zip(*rows, strict=True), strict=True))
    columns: dict[str, Any] = {name: list(values) for name, values in by_name.items()}
    for name in ("began_at", "restored_at"):
        bare = [None if value is None else value.replace(tzinfo=None) for value in by_name[name]]
        columns[name] = np.array(bare, "datetime64[us]")
    columns["step"] = np.array(by_name["step"])
    return ",".join(names) + "\n" + "".join(lines), columns


CONTENTS = {"readings": readings, "bills": bills, "payments": payments, "interruptions": interruptions}


def give(database: Database, kind: str, columns: dict[str, Any], **options: Any) -> BatchResult:
    task = Import(find_layout(kind), b"", "cli:test", LATER, file_name="arrays", format="arrays", **options)
    return import_arrays(database, SETTINGS, task, columns)


def contents(database: Database, kind: str) -> dict[str, list[tuple[object, ...]]]:
    """What the tables of a kind say, without keys and times of recording."""
    found = {}
    with database.reading() as session:
        for name in TABLES[kind]:
            table = Base.metadata.tables[name]
            columns = [column for column in table.c if column.name not in UNLIKE]
            found[name] = sorted((tuple(row) for row in session.execute(select(*columns))), key=str)
    return found


def empty(database: Database, kind: str) -> None:
    with database.transaction() as session:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name in TABLES[kind] or table.name == "batch_reject":
                session.execute(table.delete())


def batch(database: Database, number: int) -> dict[str, Any]:
    with database.reading() as session:
        row = session.get_one(Batch, number)
        names = ("kind", "status", "rows", "accepted", "rejected", "unchanged", "rows_done", "problems")
        control = {name: value for name, value in row.control.items() if name != "zone"}
        return {name: getattr(row, name) for name in names} | {"control": control}


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("kind", CONTENTS)
def test_a_day_from_a_file_and_from_arrays_is_equal(database: Database, kind: str, alone: bool) -> None:
    put(database, "customers", plain_customers(COUNT))
    text, columns = CONTENTS[kind]()
    by_file = put(database, kind, text)
    from_file, its_batch = contents(database, kind), batch(database, by_file.batch)
    empty(database, kind)
    by_arrays = give(database, kind, columns, alone=alone)
    assert contents(database, kind) == from_file
    assert batch(database, by_arrays.batch) == its_batch
    assert [rows for rows in from_file.values() if not rows] == []
    assert [(p.line, p.field, p.code, p.severity, p.message) for p in by_arrays.problems] == [
        (p.line, p.field, p.code, p.severity, p.message) for p in by_file.problems
    ]


@pytest.mark.parametrize("kind", CONTENTS)
def test_arrays_are_posted_once(database: Database, kind: str) -> None:
    put(database, "customers", plain_customers(COUNT))
    text, columns = CONTENTS[kind]()
    first = give(database, kind, columns)
    before = contents(database, kind)
    again = give(database, kind, CONTENTS[kind]()[1])
    assert (again.batch, again.accepted, again.rejected, again.unchanged) == (first.batch, 0, 0, first.rows)
    by_file = put(database, kind, text)
    gaps = 1 if kind == "readings" else 0  # a value that is missing is nothing that could be there already
    assert (by_file.accepted, by_file.rejected) == (gaps, first.rejected)
    assert contents(database, kind) == before


FAULTY = {
    "bill_no": (["B1", "B1", "B3", "", "B5\x07", " B6 "], ["B1", "B1", "B3", "", "B5\x07", " B6 "]),
    "account_no": (["A1"] * 6, ["A1"] * 6),
    "from": (np.array(["2026-10-01"] * 6, "datetime64[D]"), ["2026-10-01"] * 6),
    "to": (np.array(["2026-11-01", "2026-11-01", "2026-09-01", "NaT", "2026-11-01", "2026-11-01"], "datetime64[D]"),
           ["2026-11-01", "2026-11-01", "2026-09-01", "", "2026-11-01", "2026-11-01"]),
    "issued_on": (np.array(["2026-11-01"] * 5 + ["NaT"], "datetime64[D]"), ["2026-11-01"] * 5 + [""]),
    "amount": (np.array([100] * 6), ["1.00"] * 6),
    "energy_kwh": (np.array([1, 1, 1, 1, 1, np.nan]), ["1", "1", "1", "1", "1", ""]),
}  # fmt: skip


def test_faults_are_those_of_the_file(database: Database) -> None:
    put(database, "customers", plain_customers(1))
    lines = [",".join(FAULTY), *map(",".join, zip(*(texts for _, texts in FAULTY.values()), strict=True))]
    by_file = put(database, "bills", "\n".join(lines) + "\n")
    empty(database, "bills")
    by_arrays = give(database, "bills", {name: values for name, (values, _) in FAULTY.items()})
    assert by_arrays.rejected == by_file.rejected == 5
    assert {(p.line, p.field, p.code, p.message) for p in by_arrays.problems} == {
        (p.line, p.field, p.code, p.message) for p in by_file.problems
    }


def test_columns_that_cannot_be_are_refused(sqlite_database: Database) -> None:
    with pytest.raises(ValueError, match="no columns colour"):
        give(sqlite_database, "bills", {"colour": ["red"]})
    with pytest.raises(ValueError, match="differ in length"):
        give(sqlite_database, "bills", {"bill_no": ["B1"], "account_no": [], "issued_on": [], "amount": []})
    with pytest.raises(ValueError, match="needs columns account_no"):
        give(sqlite_database, "bills", {"bill_no": ["B1"]})
    with pytest.raises(TypeError, match="whole cents"):
        give(sqlite_database, "bills", {**bills()[1], "amount": np.full(COUNT, 1.5)})
