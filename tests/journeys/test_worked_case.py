"""The worked case of IEEE 1366 on a utility of 2,000 customers: files in by the command, indices out by the report."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.command_line import CommandLine

CUSTOMERS = 2000
YEAR = 2023
# first customer, customers, kVA, began (of 1 March), lasted; sustained ones reach 1,800 different customers
SUSTAINED = (
    (0, 200, 800, "12:12:20", timedelta(minutes=8, seconds=10)),
    (200, 600, 1800, "00:23:10", timedelta(hours=1, minutes=11, seconds=19)),
    (800, 25, 75, "23:17:00", timedelta(minutes=30, seconds=14)),
    (0, 90, 500, "15:45:39", timedelta(hours=4, minutes=27, seconds=11)),
    (915, 700, 2100, "08:20:00", timedelta(hours=2)),
    (300, 1500, 3000, "17:10:00", timedelta(minutes=10)),
    (0, 100, 200, "10:15:00", timedelta(minutes=40)),
)
MOMENTARY = ((0, 400, 1600, "03:00:00", timedelta(seconds=30)), (0, 2000, 4000, "04:00:00", timedelta(seconds=60)))
EXPECTED = {
    "SAIFI": (1.6075, 1e-9),
    "SAIDI": (86.113, 5e-4),
    "CAIDI": (53.569, 1e-3),
    "CTAIDI": (95.68, 5e-3),
    "CAIFI": (1.786, 5e-4),
    "ASAI": (0.999836, 5e-7),
    "ASIFI": (2.11875, 1e-9),
    "ASIDI": (140.19, 5e-3),
    "MAIFI": (1.2, 1e-9),
    "MAIFIE": (1.2, 1e-9),
}


def write(folder: Path) -> None:
    network = folder / "network"
    network.mkdir(parents=True)
    (network / "sources.csv").write_text("node\nS\n")
    places = range(CUSTOMERS // 20)
    nodes = "".join(f"M{place},{place},0,10000\nL{place},{place},1,400\n" for place in places)
    (network / "nodes.csv").write_text(f"node,x,y,nominal_v\nS,0,0,10000\n{nodes}")
    rows = "device,kind,from_node,to_node,normal_open,telemetered,phases,rated_kva,feeder,substation,district,name\n"
    for place in places:
        above = f"M{place - 1}" if place % 25 else "S"
        kind = "line" if place % 25 else "breaker"
        rows += f"E{place},{kind},{above},M{place},0,0,ABC,,F{place // 25},SS,D,\n"
        rows += f"T{place},transformer,M{place},L{place},0,0,ABC,40,F{place // 25},SS,D,\n"
    (network / "equipment.csv").write_text(rows)
    text = "account_no,name,kind,district,usage_point,transformer,rated_kva,nominal_v,meter_no,status\n"
    for number in range(CUSTOMERS):
        text += f"{number:05},Customer {number},residential,D,U{number},T{number // 20},2,220,M{number},active\n"
    (folder / "customers.csv").write_text(text)
    text = "outage_no,step,usage_point,began_at,restored_at,kind,cause,device,operations,event_no,connected_kva\n"
    for event, (first, customers, kva, began, lasted) in enumerate(SUSTAINED + MOMENTARY, 1):
        began_at = datetime.fromisoformat(f"{YEAR}-03-01T{began}+00:00")
        when = f"{began_at.isoformat()},{(began_at + lasted).isoformat()}"
        for number in range(first, first + customers):
            text += f"E-{event},1,U{number},{when},unplanned,,,1,E-{event},{kva / customers}\n"
    (folder / "interruptions.csv").write_text(text)


def test_the_reliability_report_equals_the_worked_case(cli: CommandLine, tmp_path: Path) -> None:
    files = tmp_path / "files"
    write(files)
    assert len({number for first, count, *_ in SUSTAINED for number in range(first, first + count)}) == 1800
    cli("network", "import", "csv", files / "network")
    for kind, rows in (("customers", CUSTOMERS), ("interruptions", 3215 + 2400)):
        answer = cli("import", kind, files / f"{kind}.csv", "--json").json
        assert (answer["accepted"], answer["rejected"]) == (rows, 0), answer["problems"][:3]
    period = ("--from", f"{YEAR}-01-01", "--to", f"{YEAR + 1}-01-01")
    report = json.loads(cli("report", "reliability", *period, "--format", "json").out)
    found = {row["index"]: row["value"] for row in report["tables"]["indices"]["rows"]}
    assert set(found) == set(EXPECTED)
    for index, (value, tolerance) in EXPECTED.items():
        assert found[index] == pytest.approx(value, abs=tolerance), index
