"""Worked case (1) of IEEE 1366 end to end: 2,000 customers and their interruptions from files, by the real command."""

import csv
import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.command_line import CommandLine
from tests.reports.ledgers import WORKED_CASE, WORKED_MOMENTARY, worked_case

CUSTOMERS = 2000
A_TRANSFORMER = 20
YEAR_BEGINS = datetime(2025, 1, 1, tzinfo=UTC)
PERIOD = ("--from", "2025-01-01", "--to", "2026-01-01")
EXPECTED = {  # value and the last digit that the case prints
    "SAIFI": (1.6075, 5e-6),
    "SAIDI": (86.113, 5e-4),
    "CAIDI": (53.569, 1e-3),
    "CTAIDI": (95.68, 5e-3),
    "CAIFI": (1.786, 5e-4),
    "ASAI": (0.999836, 5e-7),
    "ASIFI": (2.11875, 5e-6),
    "ASIDI": (140.19, 5e-3),
    "MAIFI": (1.2, 5e-6),
    "MAIFIE": (1.2, 5e-6),
}


def _write(file, header, rows):
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header.split(","))
        writer.writerows(rows)
    return file


def _network(folder):
    """One feeder: a breaker, and a transformer for every twenty customers."""
    folder.mkdir()
    count = CUSTOMERS // A_TRANSFORMER
    nodes = [("SRC", 0, 0, 10000), ("BUS", 1, 0, 10000), *((f"LV{n}", n, 1, 400) for n in range(count))]
    _write(folder / "nodes.csv", "node,x,y,nominal_v", nodes)
    _write(folder / "sources.csv", "node", [("SRC",)])
    header = "device,kind,from_node,to_node,normal_open,telemetered,phases,rated_kva,feeder,substation,district,name"
    line = (False, True, "ABC", "", "F1", "SUB", "A", "")
    breaker = ("BR", "breaker", "SRC", "BUS", *line)
    transformers = (
        (f"T{n}", "transformer", "BUS", f"LV{n}", False, False, "ABC", 100, "F1", "SUB", "A", "") for n in range(count)
    )
    _write(folder / "equipment.csv", header, [breaker, *transformers])
    return folder


def _customers(file):
    header = "account_no,name,kind,district,usage_point,transformer,rated_kva,meter_no,status"
    return _write(
        file,
        header,
        (
            (f"A{n}", f"Customer {n}", "residential", "A", f"U{n}", f"T{n // A_TRANSFORMER}", 2, f"M{n}", "active")
            for n in range(CUSTOMERS)
        ),
    )


def _interruptions(file):
    case = worked_case()
    rows = []
    for outage, point, began, restored, kva in zip(
        case.outage.tolist(), case.usage_point.tolist(), case.began.tolist(), case.restored.tolist(), case.kva.tolist(),
        strict=True,
    ):  # fmt: skip
        begin, end = (YEAR_BEGINS + timedelta(days=30, seconds=seconds) for seconds in (began, restored))
        rows.append((f"E{outage}", 1, f"U{point}", begin.isoformat(), end.isoformat(), "unplanned", "", "BR", kva))
    header = "outage_no,step,usage_point,began_at,restored_at,kind,cause,device,connected_kva"
    return _write(file, header, rows)


@pytest.fixture
def command(postgresql_url, tmp_path):
    """The real command on PostgreSQL; a journey does the same on SQLite."""
    home = tmp_path / "home"
    home.mkdir()
    line = CommandLine(home, postgresql_url)
    yield line
    line.stop_all()


def test_the_report_equals_the_worked_case(command, tmp_path):
    command("import", "districts", _write(tmp_path / "districts.csv", "code,name,parent", [("A", "A", "")]))
    command("network", "import", "csv", _network(tmp_path / "network"))
    assert (
        command("import", "customers", _customers(tmp_path / "customers.csv"), "--json").json["accepted"] == CUSTOMERS
    )
    answer = command("import", "interruptions", _interruptions(tmp_path / "interruptions.csv"), "--json").json
    expected_rows = sum(row[0] for row in WORKED_CASE) + sum(row[0] for row in WORKED_MOMENTARY)
    assert (answer["accepted"], answer["rejected"]) == (expected_rows, 0)
    report = command("report", "reliability", *PERIOD, "--json").json
    rows = report["tables"]["indices"]["rows"]
    assert [row["index"] for row in rows] == list(EXPECTED)
    for row in rows:
        value, digit = EXPECTED[row["index"]]
        assert row["value"] == pytest.approx(value, abs=digit), row["index"]
    drill_down = report["tables"]["interruptions"]["rows"]
    minutes = sum(row["customer_minutes"] for row in drill_down if row["class"] == "sustained")
    assert minutes == pytest.approx(rows[1]["value"] * CUSTOMERS)
    assert sum(row["rows"] for row in drill_down) == expected_rows
    file = tmp_path / "report.json"
    command("report", "reliability", *PERIOD, "--district", "A", "-o", file)
    assert json.loads(file.read_text())["tables"]["indices"]["rows"] == rows


def test_wrong_usage_is_told(cli):
    for arguments in (
        ("no-such-report", *PERIOD),
        ("reliability", "--from", "2025-01-01"),
        ("reliability", "--from", "soon", "--to", "2025-01-01"),
        ("reliability", *PERIOD, "--by", "feeder"),
        ("load", *PERIOD, "--by", "moon"),
        ("load", *PERIOD, "--table", "no_such_table", "--format", "csv"),
        ("load", *PERIOD, "--json", "--format", "pdf"),
    ):
        assert cli("report", *arguments, expect=2).out == ""
    unknown = cli("report", "reliability", *PERIOD, "--district", "X", expect=1)
    assert "there is no district X" in unknown.err
