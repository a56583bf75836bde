"""From a field signal to the answer on the screen, by the contracts only: command line, files, Modbus, HTTP."""

import http.client
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.command_line import CommandLine
from tests.journeys import town
from tests.journeys.field import FieldDevice

SUPPLY_KEYS = {
    "usage_point", "energized", "phases_out", "sources_lost", "since", "outage_id", "reason", "cause",
    "estimated_restoration", "evidence", "service_priority",
}  # fmt: skip
OUTAGE_KEYS = {
    "id", "kind", "sub_kind", "status", "began_at", "began_earliest", "began_latest", "restored_at", "device", "feeder",
    "customers_affected", "customers_out", "customers_partial", "customers_affected_total", "customers_out_total",
    "priority_customers_out", "probability", "estimated_restoration", "evidence",
}  # fmt: skip
CONFIGURATION = 'timezone = "Asia/Shanghai"\n[sources.rtu1]\nurl = "{url}"\ntimeout_seconds = 2\n'
IMPORT_KEYS = {"batch", "rows", "accepted", "rejected", "unchanged", "problems"}


@pytest.fixture
def field() -> Iterator[FieldDevice]:
    device = FieldDevice()
    device.coil(town.COIL["TIE"], False)
    device.float32(0, 120.5)
    device.float32(2, 1800.0)
    yield device
    device.close()


@pytest.fixture(scope="module")
def loaded(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """The town loaded by the importers, once; tests work on copies."""
    folder = tmp_path_factory.mktemp("loaded")
    files = town.write(folder / "town")
    shutil.copyfile(sqlite_template, folder / "cis.db")
    cli = CommandLine(folder, f"sqlite:///{folder}/cis.db").configure(CONFIGURATION.format(url="modbus://127.0.0.1:1"))
    for words in (
        ("import", "districts", files / "districts.csv"),
        ("network", "import", "csv", files / "network"),
        ("import", "customers", files / "customers.csv"),
        ("import", "connections", files / "connections.csv"),
        ("points", "import", files / "points.csv"),
    ):
        answer = cli(*words, "--json").json
        assert set(answer) >= IMPORT_KEYS, words
        assert answer["rejected"] == 0, answer
        assert not [problem for problem in answer["problems"] if problem["severity"] == "error"], answer
    return cli


@pytest.fixture
def utility(loaded: CommandLine, field: FieldDevice, tmp_path: Path) -> Iterator[CommandLine]:
    """The town with a field device of its own, polled once."""
    folder = tmp_path / "utility"
    shutil.copytree(loaded.folder, folder)
    cli = CommandLine(folder, f"sqlite:///{folder}/cis.db").configure(CONFIGURATION.format(url=field.url))
    cli("poll", "--once")
    yield cli
    cli.stop_all()


def _open(utility: CommandLine) -> list[dict[str, Any]]:
    return utility("outage", "list", "--json").json


class Api:
    """The web process, asked over HTTP with a key."""

    def __init__(self, cli: CommandLine, *key: str) -> None:
        self.web = cli.start("web", "--port", "0")
        line = self.web.wait_line("http://")
        found = re.search(r"http://[\d.]+:\d+", line)
        assert found, line
        self.address = urlsplit(found.group())
        self.key = cli("key", "add", "test", *key).out.strip()

    def ask(
        self, path: str, method: str = "GET", body: Any = None, key: bool = True, **headers: str
    ) -> tuple[int, Any, Any]:
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=30)
        if key:
            headers["Authorization"] = f"Bearer {self.key}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        kind = answer.headers.get_content_type()
        connection.close()
        return answer.status, json.loads(content) if kind.endswith("json") else content, answer.headers


def test_an_opened_breaker_is_an_outage_and_closing_it_ends_it(utility: CommandLine, field: FieldDevice) -> None:
    assert _open(utility) == []
    field.coil(town.COIL["CB-A"], False)
    utility("poll", "--once")
    (outage,) = _open(utility)
    assert set(outage) >= OUTAGE_KEYS
    assert (outage["device"], outage["feeder"], outage["status"], outage["kind"]) == (
        "CB-A",
        "FA",
        "confirmed",
        "unplanned",
    )
    assert outage["customers_out"] == 2  # 1001 and 1002; 1003 is on its standby, 1004 is disconnected
    assert outage["customers_affected"] == 2
    assert outage["began_earliest"] <= outage["began_at"] == outage["began_latest"]
    members = utility("outage", "customers", outage["id"], "--json").json
    assert [member["account_no"] for member in members] == ["1002", "1001"]  # life support first
    assert {member["restored_at"] for member in members} == {None}

    field.coil(town.COIL["SW-A"], False)  # opens in a dead part: no outage of its own
    utility("poll", "--once")
    assert [row["id"] for row in _open(utility)] == [outage["id"]]

    field.coil(town.COIL["CB-A"], True)  # brings back TA1; TA2 stays out behind SW-A
    utility("poll", "--once")
    rows = {row["device"]: row for row in _open(utility)}
    assert rows["SW-A"]["customers_out"] == 1
    field.coil(town.COIL["TIE"], True)  # TA2 from the other feeder
    utility("poll", "--once")
    assert _open(utility) == []
    everything = utility("outage", "list", "--all", "--json").json
    first = next(row for row in everything if row["id"] == outage["id"])
    assert first["status"] == "restored"
    assert first["restored_at"] >= first["began_at"]


def test_a_bad_poll_changes_nothing_and_is_an_error(utility: CommandLine, field: FieldDevice) -> None:
    field.coil(town.COIL["CB-A"], False)
    utility("poll", "--once")
    field.disappear()
    utility("poll", "--once", expect=1)
    assert len(_open(utility)) == 1
    point = utility("points", "show", "CB-A.pos", "--json").json
    assert (point["value"], point["quality"]) == (0, "STALE")
    assert set(point) >= {"point_id", "value", "unit", "quality", "reason", "measured_at", "received_at", "age_seconds"}
    field.appear()  # closed again
    field.coil(town.COIL["TIE"], False)
    utility("poll", "--once")
    assert _open(utility) == []


def test_manual_switching_and_what_was_known_then(utility: CommandLine) -> None:
    utility("switch", "open", "CB-B", "--at", "2026-11-01T08:00:00+08:00", "--by", "liu")
    outages = utility("outage", "list", "--all", "--json").json
    assert any(row["device"] == "CB-B" for row in outages)
    utility("switch", "open", "NO-SUCH", "--at", "2026-11-01T08:00:00+08:00", "--by", "liu", expect=1)
    utility("switch", "open", "CB-B", "--at", "2999-01-01T00:00:00Z", "--by", "liu", expect=1)
    utility("switch", "open", "CB-B", expect=2)


def test_supply_answer_over_http(utility: CommandLine, field: FieldDevice) -> None:
    api = Api(utility, "--role", "agent")
    status, answer, _ = api.ask("/api/v1/customers/1001/supply")
    assert status == 200
    (point,) = answer["usage_points"]
    assert set(point) >= SUPPLY_KEYS
    assert (point["energized"], point["reason"], point["outage_id"]) == ("full", "none", None)

    field.coil(town.COIL["CB-A"], False)
    utility("poll", "--once")
    (point,) = api.ask("/api/v1/customers/1002/supply")[1]["usage_points"]
    assert (point["energized"], point["reason"], point["service_priority"]) == ("none", "outage", "life_support")
    (outage,) = api.ask("/api/v1/outages")[1]["items"]
    assert (point["outage_id"], point["since"]) == (outage["id"], outage["began_at"])
    assert {piece["kind"] for piece in point["evidence"]} == {"signal"}
    (works,) = api.ask("/api/v1/customers/1003/supply")[1]["usage_points"]
    assert (works["energized"], works["sources_lost"]) == ("full", 1)
    (closed,) = api.ask("/api/v1/customers/1004/supply")[1]["usage_points"]
    assert closed["reason"] == "disconnected"
    (unlinked,) = api.ask("/api/v1/customers/2003/supply")[1]["usage_points"]
    assert (unlinked["energized"], unlinked["reason"]) == ("unknown", "unknown")

    assert api.ask("/api/v1/customers/none/supply")[0] == 404
    status, found, _ = api.ask("/api/v1/customers?q=%E5%B0%8F%E6%98%8E")
    assert [row["account_no"] for row in found["items"]] == ["1001"]
    assert api.ask(f"/api/v1/outages/{outage['id']}")[1]["device"] == "CB-A"
    assert api.ask("/api/v1/points")[0] == 403
    assert api.ask("/api/v1/customers/1001/supply", key=False, Authorization="Bearer wrong")[0] == 401

    body = {"account_no": "1001", "trouble_code": "no_power"}
    first = api.ask("/api/v1/calls", "POST", body, **{"Idempotency-Key": "k1"})
    again = api.ask("/api/v1/calls", "POST", body, **{"Idempotency-Key": "k1"})
    assert first[0] in (200, 201)
    assert again[1]["id"] == first[1]["id"]


def test_points_and_history_over_http(utility: CommandLine, field: FieldDevice) -> None:
    api = Api(utility, "--role", "engineer")
    status, point, _ = api.ask("/api/v1/points/FA.i")
    assert status == 200
    assert (point["value"], point["unit"], point["quality"]) == (120.5, "A", "GOOD")
    status, history, _ = api.ask("/api/v1/points/FA.i/history?from=2026-01-01T00:00:00Z&to=2030-01-01T00:00:00Z")
    assert status == 200
    assert [(row[1], row[2]) for row in history["rows"]] == [(120.5, "GOOD")]
    field.float32(0, 999.0)  # above max
    utility("poll", "--once")
    assert api.ask("/api/v1/points/FA.i")[1]["quality"] == "SUSPECT"
    assert api.ask("/api/v1/points/none")[0] == 404


def test_the_territory_of_a_key(utility: CommandLine, field: FieldDevice) -> None:
    field.coil(town.COIL["CB-A"], False)
    field.coil(town.COIL["CB-B"], False)
    utility("poll", "--once")
    api = Api(utility, "--role", "engineer", "--district", "WEST")
    assert [row["account_no"] for row in api.ask("/api/v1/customers?q=1001")[1]["items"]] == []
    assert api.ask("/api/v1/customers/1001")[0] == 404
    assert api.ask("/api/v1/customers/2001")[0] == 200
    assert {row["device"] for row in api.ask("/api/v1/outages")[1]["items"]} == {"CB-B"}


def test_readings_and_the_load_report(utility: CommandLine, tmp_path: Path) -> None:
    lines = ["meter_no,usage_point,channel,began_at,seconds,value,unit,quality"]
    for hour in range(24):
        lines.append(f"M-1001,,1,2026-11-01T{hour:02d}:00:00+08:00,3600,{2 if hour == 18 else 1},kWh,measured")
        quality = "estimated" if hour < 6 else "measured"
        lines.append(f"M-1003,,1,2026-11-01T{hour:02d}:00:00+08:00,3600,50000,Wh,{quality}")
    file = tmp_path / "readings.csv"
    file.write_text("\n".join(lines) + "\n")
    answer = utility("import", "readings", file, "--json").json
    assert (answer["rows"], answer["accepted"], answer["rejected"]) == (48, 48, 0)
    again = utility("import", "readings", file, "--json").json
    assert (again["accepted"], again["unchanged"], again["batch"]) == (0, 48, answer["batch"])
    period = ("--from", "2026-11-01", "--to", "2026-11-02")
    report = utility("report", "load", *period, "--by", "usage_point", "--format", "json").json
    rows = {row["id"]: row for row in report["tables"]["summary"]["rows"]}
    assert rows["UP-1001"]["energy_kwh"] == pytest.approx(25)
    assert rows["UP-1001"]["peak_kw"] == pytest.approx(2)
    assert rows["UP-1001"]["load_factor"] == pytest.approx(25 / 48)
    assert rows["UP-1001"]["good_share"] == 1
    assert rows["UP-1003"]["energy_kwh"] == pytest.approx(1200)
    assert rows["UP-1003"]["good_share"] == pytest.approx(0.75)
    feeder = utility("report", "load", *period, "--by", "feeder", "--format", "json").json
    assert {row["id"]: row["energy_kwh"] for row in feeder["tables"]["summary"]["rows"]}["FA"] == pytest.approx(1225)
    for format_ in ("html", "xlsx", "csv", "pdf"):
        target = tmp_path / f"load.{format_}"
        utility("report", "load", *period, "--format", format_, "-o", target)
        assert target.stat().st_size > 200


def test_payments_to_the_cent(utility: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "payments.csv"
    head = "batch_no,account_no,paid_at,amount,currency,method,reference\n"
    rows = "B1,1001,2026-11-01T09:00:00+08:00,100.10,CNY,cash,R1\nB1,9999,2026-11-01T09:00:00+08:00,0.02,CNY,cash,R2\n"
    file.write_text(head + rows + "#TRAILER,2,100.13\n")
    refused = utility("import", "payments", file, "--json", expect=1).json
    assert refused["accepted"] == 0
    file.write_text(head + rows + "#TRAILER,2,100.12\n")
    answer = utility("import", "payments", file, "--json", expect=1).json
    assert (answer["rows"], answer["accepted"], answer["rejected"]) == (2, 1, 1)
    (problem,) = answer["problems"]
    assert (problem["line"], problem["field"]) == (3, "account_no")
    assert utility("batch", "show", str(answer["batch"]), "--json").json["rejected"] == 1


def test_the_reliability_report_and_the_outage_log(utility: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "interruptions.csv"
    file.write_text(
        "outage_no,step,usage_point,began_at,restored_at,kind,cause,device,operations,event_no,connected_kva\n"
        "O-1,1,UP-1001,2026-10-05T10:00:00+08:00,2026-10-05T11:00:00+08:00,unplanned,tree,CB-A,1,,\n"
        "O-1,2,UP-1002,2026-10-05T10:00:00+08:00,2026-10-05T12:00:00+08:00,unplanned,tree,CB-A,1,,\n"
        "O-2,1,UP-2001,2026-10-06T10:00:00+08:00,2026-10-06T10:05:00+08:00,unplanned,bird,CB-B,1,,\n"
    )
    answer = utility("import", "interruptions", file, "--json").json
    assert answer["accepted"] == 3
    period = ("--from", "2026-10-01", "--to", "2026-11-01")
    report = utility("report", "reliability", *period, "--format", "json").json
    figures = {row["index"]: row["value"] for row in report["tables"]["indices"]["rows"]}
    served = 6  # the disconnected one is not served
    assert figures["SAIFI"] == pytest.approx(2 / served)
    assert figures["SAIDI"] == pytest.approx(180 / served)
    assert figures["CAIDI"] == pytest.approx(90)
    assert figures["MAIFI"] == pytest.approx(1 / served)
    assert figures["ASIFI"] == pytest.approx(16 / (8 * 4 + 200 + 500))
    log = utility("report", "outage-log", *period, "--format", "json").json
    assert log["tables"]
    listed = utility("outage", "list", "--from", "2026-10-01", "--to", "2026-11-01", "--json").json
    assert {row["id"] for row in listed} == {"O-1", "O-2"}


def test_users_log_in_to_pages_and_lists(utility: CommandLine, field: FieldDevice) -> None:
    field.coil(town.COIL["CB-A"], False)
    utility("poll", "--once")
    utility(
        "user",
        "add",
        "ann",
        "--role",
        "agent",
        "--district",
        "EAST",
        "--password-stdin",
        input="correct horse 9 battery\n",
    )
    api = Api(utility, "--role", "agent")
    status, _, headers = api.ask("/customers/1001", key=False)
    assert (status, headers["Location"].split("?")[0].endswith("/login")) == (303, True)
    status, body, headers = api.ask("/login", key=False)
    assert status == 200
    cookie = headers["Set-Cookie"].split(";")[0]
    token = re.search(rb'name="csrf_token"[^>]*value="([^"]+)"', body).group(1).decode()  # type: ignore[union-attr]
    connection = http.client.HTTPConnection(api.address.hostname, api.address.port, timeout=30)
    form = f"username=ann&password=correct+horse+9+battery&csrf_token={token}"
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
    connection.request("POST", "/login", form.replace("battery", "wrong"), kind)
    refused = connection.getresponse()
    refused.read()
    assert refused.status == 401
    connection.request("POST", "/login", form, kind)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 303
    session = "; ".join(value.split(";")[0] for value in answer.headers.get_all("Set-Cookie") or [])
    for path in ("/", "/customers", "/customers?q=1001", "/customers/1001", "/outages", "/calls"):
        connection.request("GET", path, headers={"Cookie": session})
        page = connection.getresponse()
        text = page.read().decode()
        assert page.status == 200, path
        assert "</html>" in text
    for suffix, sign in (("json", b"{"), ("csv", b""), ("xlsx", b"PK")):
        connection.request("GET", f"/outages.{suffix}", headers={"Cookie": session})
        page = connection.getresponse()
        assert page.status == 200
        assert page.read().startswith(sign)
    connection.close()
