"""The process as it runs in the demo: it reads the log, calls the web, moves the field, and ends when it is told to."""

import asyncio
import json
import signal
import threading
from datetime import UTC, datetime
from http.server import HTTPServer
from pathlib import Path

import pytest

from cis_power.demo import codes
from cis_power.demo.plan import plan
from scada_bridge.control import holding, listen
from tests.command_line import CommandLine
from tests.demo.people.test_hands import Desk
from tests.waiting import wait_for

SETTINGS = """timezone = "Asia/Shanghai"
[people]
pace = 600
call_share = 1.0
mistake_share = 0
idle_calls_an_hour = 0
planned_an_hour = 0
business_days_an_hour = 0
"""
PLAN = plan(100)


class Web(Desk):
    """The desk, which also says that it is there and knows no outage."""

    def do_GET(self) -> None:  # noqa: N802 - the name is that of the library
        body = b'{"items": [], "next": null}' if "outages" in self.path else b'{"status": "ok"}'
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)


class SimulatedField:
    """The control folder of a simulator that notes what it is asked for."""

    def __init__(self, run_dir: Path) -> None:
        self.asked: list[dict] = []
        self.log = run_dir / "simulator" / "truth.jsonl"
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task | None = None
        self._thread = threading.Thread(target=self._run, args=(run_dir / "simulator",), daemon=True)
        self._thread.start()
        wait_for((run_dir / "simulator").exists)

    def _run(self, folder: Path) -> None:
        async def answer(request: dict) -> dict:
            self.asked.append(request)
            return {}

        with holding(folder, "a field"):
            self._task = self._loop.create_task(listen(folder, answer))
            try:
                self._loop.run_until_complete(self._task)
            except asyncio.CancelledError:
                pass
            finally:
                self._loop.close()

    def say(self, event: str, **facts: object) -> None:
        line = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **facts}
        with self.log.open("a") as log:
            log.write(json.dumps(line) + "\n")

    def end(self) -> None:
        assert self._task is not None
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(10)


@pytest.fixture
def field(cli: CommandLine):
    made = SimulatedField(cli.folder / "run")
    yield made
    made.end()


@pytest.fixture
def web():
    Web.asked, Web.break_next = [], 0
    server = HTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_people_live_in_a_process_of_their_own(cli: CommandLine, field: SimulatedField, web: str) -> None:
    cli.configure(SETTINGS)
    feeder = PLAN.customers_of_feeder(0)
    points = [codes.usage_point(customer) for customer in feeder]
    field.say("start", seed=7)
    people = cli.start("people", "--web", web, "--customers", "100")
    wait_for((cli.folder / "run" / "people" / "keys.json").exists, 60, "the keys")
    field.say("fault", id=1, kind="permanent", equipment="F001-L002", phases="ABC")
    field.say("open", device="F001-CB", by="protection", fault=1)
    field.say("lost", usage_points=points, device="F001-CB", fault=1)
    wait_for(lambda: len([path for path, _, _ in Web.asked if path.endswith("calls")]) > 5, 60, "calls")
    wait_for(lambda: {"do": "repair", "equipment": "F001-L002"} in field.asked, 60, "the repair")
    wait_for(lambda: {"do": "move", "device": "F001-CB", "closed": True} in field.asked, 60, "the breaker")
    cli("people", "--web", web, "--customers", "100", expect=1)  # people live here already
    people.process.send_signal(signal.SIGTERM)
    assert people.process.wait(30) == 0
    acts = [json.loads(line)["act"] for line in (cli.folder / "run/people/diary.jsonl").read_text("utf-8").splitlines()]
    assert {"call", "move", "repair"} <= set(acts)


def test_wrong_settings_are_named(cli: CommandLine) -> None:
    cli.configure("[people]\npace = 0\nspeed = 3\n")
    answer = cli("people", "--web", "http://127.0.0.1:9", "--customers", "100", expect=1)
    assert "people.pace" in answer.err
    assert "people.speed" in answer.err
