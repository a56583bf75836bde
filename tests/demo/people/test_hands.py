"""The process around people: settings, the growing log, the telephone, commands that are ended."""

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from cis_power.core.config import Settings, load_settings
from cis_power.core.errors import ConfigError, Unavailable
from cis_power.demo.home import configure
from cis_power.demo.people.acts import Call, Report
from cis_power.demo.people.diary import Diary
from cis_power.demo.people.hands import Commands, _words_of_report
from cis_power.demo.people.manner import Manner
from cis_power.demo.people.settings import manner_of
from cis_power.demo.people.telephone import Telephone
from cis_power.demo.people.truth import TruthFile
from cis_power.demo.plan import plan

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_settings_make_a_manner_and_every_wrong_one_is_named() -> None:
    assert manner_of({}) == Manner()
    assert manner_of({"pace": 60, "crews": 2.0}) == Manner(pace=60.0, crews=2)
    with pytest.raises(ConfigError) as refused:
        manner_of({"pace": 0, "call_share": 1.5, "crews": 0.5, "nonsense": 1})
    assert {problem.field for problem in refused.value.problems} == {
        "people.pace", "people.call_share", "people.crews", "people.nonsense",
    }  # fmt: skip


def test_the_log_is_read_on_and_a_half_line_waits(tmp_path) -> None:
    file = tmp_path / "truth.jsonl"
    truth = TruthFile(file)
    assert truth.more() == []
    file.write_text('{"at": "2026-03-02T09:00:00.000Z", "event": "start", "seed": 1}\n{"at": "2026-03-02T09')
    (first,) = truth.more()
    assert (first.event, first["seed"], first.at) == ("start", 1, AT)
    assert truth.more() == []
    with file.open("a") as log:
        log.write(':00:01.000Z", "event": "stop"}\n')
    assert [happening.event for happening in truth.more()] == ["stop"]
    with file.open("a") as log:
        log.write('{"at": "2026-03-02T09:30:00.000Z", "event": "start", "seed": 9}\n')
    assert [happening["seed"] for happening in truth.more()] == [9]
    assert [happening["seed"] for happening in TruthFile(file).more()] == [9]
    file.unlink()
    file.write_text('{"at": "2026-03-02T10:00:00.000Z", "event": "start", "seed": 2}\n')
    assert [happening["seed"] for happening in truth.more()] == [2]


class Desk(BaseHTTPRequestHandler):
    """A web that notes what it is asked, and breaks the line now and then."""

    asked: list[tuple[str, dict, str | None]]
    break_next = 0

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).asked.append((self.path, body, self.headers.get("Idempotency-Key")))
        if type(self).break_next and self.path.endswith("/calls"):
            type(self).break_next -= 1
            self.close_connection = True
            return
        self.send_response(201)
        self.end_headers()
        self.wfile.write(b'{"id": "C1", "outage_id": "O7"}')

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def desk():
    Desk.asked, Desk.break_next = [], 0
    server = HTTPServer(("127.0.0.1", 0), Desk)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_call_rings_is_taken_once_and_hung_up(desk: str) -> None:
    call = Call(AT, "K1", {"account_no": "A1"}, "no_power", "dark", shown="13800000001")
    Desk.break_next = 1
    assert Telephone(desk, "a", "d").call(call) == "taken, outage O7"
    paths = [path.rpartition("/")[2] for path, _, _ in Desk.asked]
    assert paths == ["events", "calls", "calls", "events"]
    first, second = (asked for asked in Desk.asked if asked[0].endswith("calls"))
    assert first == second
    assert first[2] == "K1"
    assert first[1] == {"account_no": "A1", "trouble_code": "no_power", "text": "dark", "channel": "phone",
                        "caller_phone": "13800000001"}  # fmt: skip


def test_a_withheld_number_stays_withheld(desk: str) -> None:
    Telephone(desk, "a", "d").call(Call(AT, "K2", {"account_no": "A1"}, "no_power"))
    assert "13800000001" not in json.dumps(Desk.asked)
    assert Desk.asked[0][1]["from"] == ""
    assert "caller_phone" not in Desk.asked[1][1]


def test_no_web_is_said_so() -> None:
    with pytest.raises(Unavailable):
        Telephone("http://127.0.0.1:9", "a", "d").outages({})


def test_a_report_is_the_switch_command_as_the_crew_says_it() -> None:
    report = Report(AT + timedelta(minutes=1), "F1-FU01", False, AT, "王班", {"kind": "planned", "cause": "x"})
    assert _words_of_report(report) == [
        "switch", "open", "F1-FU01", "--at", "2026-03-02T09:00:00+00:00", "--by", "王班", "--kind", "planned",
        "--cause", "x",
    ]  # fmt: skip


def test_commands_end_with_everything() -> None:
    commands = Commands()
    assert commands("--help")[0] == 0
    found: list[tuple[int, str, str]] = []
    thread = threading.Thread(target=lambda: found.append(commands("db", "check", "--help")))
    thread.start()
    thread.join(60)
    assert found[0][0] == 0
    commands.end()
    assert commands("--help")[0] < 0


def test_the_diary_says_what_was_done(tmp_path) -> None:
    diary = Diary(tmp_path / "diary.jsonl")
    diary.note(Call(AT, "K1", {"account_no": "A1"}, "no_power"), "taken", AT)
    (line,) = (tmp_path / "diary.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line)["ending"] == "taken"


def test_settings_of_people_are_handed_on_to_the_demo(tmp_path) -> None:
    given = Settings(run_dir=tmp_path / "run", people={"pace": 60, "call_share": 0.05})
    file = configure(given, plan(100), 8080)
    found = load_settings({"CIS_CONFIG": str(file)}, tmp_path)
    assert manner_of(found.people) == Manner(pace=60.0, call_share=0.05)
