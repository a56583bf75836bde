"""What people do in the running demo, by hand and keyboard: an agent, a billing clerk, an engineer, an administrator.

The demo is started as a newcomer starts it: simulated field, collector, scheduler, web and people, all real processes.
"""

import io
import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.command_line import CommandLine
from tests.journeys.desk import DESKTOP, Desk
from tests.waiting import wait_for

pytestmark = pytest.mark.xdist_group("demo")

CUSTOMERS = 300
SOON = 30_000  # ms in which a page that refreshes itself must show what happened in the field


@dataclass
class Demo:
    """The running demo: its commands, its address, and the passwords it printed."""

    cli: CommandLine
    address: str
    passwords: dict[str, str]

    def ask(self, key: str, path: str, body: dict[str, str] | None = None) -> Any:
        """Ask the API as a machine does."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        asked = urllib.request.Request(f"{self.address}/api/v1/{path}", data, headers)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, chromium: Path) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    cli = CommandLine(folder, f"sqlite:///{folder / 'demo.db'}")
    running = cli.start("demo", "--customers", CUSTOMERS, "--port", "0")
    address = running.wait_line("http://127.0.0.1:", seconds=240).strip()
    found = (re.match(r"  (\w+) +(\S{16}) +", line) for line in running.lines)
    cli.environ["CIS_CONFIG"] = str(cli.run_dir / "demo.toml")
    known = {match[1]: match[2] for match in found if match}
    wait_for(lambda: cli("simulate", "close", "F001-CB", expect=None).code == 0, seconds=60, what="the simulated field")
    yield Demo(cli, address, known)
    running.stop()
    cli.stop_all()


@pytest.fixture
def sit_down(browser: Any, demo: Demo) -> Iterator[Callable[[str], Desk]]:
    opened = []

    def sign_in(role: str) -> Desk:
        context = browser.new_context(viewport=DESKTOP, locale="en-US", accept_downloads=True)
        opened.append(context)
        desk = Desk(context.new_page(), demo.address)
        desk.watch()
        desk.sign_in(role, demo.passwords[role])
        return desk

    yield sign_in
    for context in opened:
        context.close()


def _file(demo: Demo, name: str, *lines: str) -> Path:
    file = demo.cli.folder / name
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def _outage_of(demo: Demo, device: str) -> dict[str, Any]:
    def found() -> Any:
        return next((row for row in demo.cli("outage", "list", "--json").json if row["device"] == device), None)

    return dict(wait_for(found, seconds=60, what=f"an outage of {device}"))


def test_an_agent_answers_the_telephone(demo: Demo, sit_down: Callable[[str], Desk]) -> None:
    demo.cli("simulate", "open", "F001-CB")
    outage = _outage_of(demo, "F001-CB")
    members = demo.cli("outage", "customers", outage["id"], "--json").json
    key = demo.cli("key", "add", "telephone", "--role", "agent").out.strip()
    callers = (demo.ask(key, f"customers/{row['account_no']}") for row in members if row["account_no"])
    caller = next(row for row in callers if row["phones"] and len(row["usage_points"]) == 1)
    ring = {"event": "newCall", "callId": "ring-1", "from": caller["phones"][0], "direction": "in"}
    candidates = demo.ask(key, "cti/events", ring)["candidates"]
    assert caller["account_no"] in [one["account_no"] for one in candidates]

    desk = sit_down("agent")
    page = desk.page
    page.keyboard.press("/")
    page.keyboard.type(caller["phones"][0].removeprefix("+86"))
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/customers/{caller['account_no']}")
    supply = page.locator("#supply")
    supply.get_by_text("Your supply has been interrupted since").wait_for(timeout=SOON)
    assert outage["id"] in supply.inner_text()
    assert re.search(r"signal · F001-CB open", supply.inner_text())
    desk.check()

    page.get_by_role("link", name="Take a call").click()
    assert page.get_by_label("Account", exact=True).input_value() == caller["account_no"]
    page.get_by_label("Trouble").select_option("no_power")
    page.get_by_label("What the caller says").fill("all dark since breakfast")
    page.get_by_role("button", name="Record and answer").click()
    page.get_by_text("The call is recorded").wait_for()
    assert "Your supply has been interrupted since" in page.locator("main").inner_text()
    desk.check()
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_url("**/calls")
    row = page.locator("#calls tr", has_text="all dark since breakfast")
    row.wait_for()
    assert caller["account_no"] in row.inner_text()
    assert outage["id"] in row.inner_text()

    desk.open(f"/customers/{caller['account_no']}")
    page.get_by_text("Record a contact").click()
    page.get_by_label("Subject").fill("asked for a call back")
    page.get_by_role("button", name="Record the contact").click()
    page.get_by_text("asked for a call back").first.wait_for()
    desk.check()


def test_a_billing_clerk_mends_what_was_rejected(demo: Demo, sit_down: Callable[[str], Desk]) -> None:
    account = "4000000001"
    bills = _file(
        demo, "bills.csv", "bill_no,account_no,from,to,issued_on,due_on,energy_kwh,amount,currency",
        f"BL-1,{account},2026-09-01,2026-10-01,2026-10-03,2026-10-20,210,118.44,CNY",
    )  # fmt: skip
    demo.cli("import", "bills", bills)
    paid = _file(
        demo, "payments.csv", "batch_no,account_no,paid_at,amount,currency,method,reference",
        f"PB-1,{account},2026-10-10T10:00:00+08:00,18.44,CNY,bank,PB-1-1",
        "PB-1,X-NOBODY,2026-10-10T10:00:00+08:00,55.50,CNY,bank,PB-1-2", "#TRAILER,2,73.94",
    )  # fmt: skip
    result = demo.cli("import", "payments", paid, "--json", expect=1).json
    assert (result["accepted"], result["rejected"]) == (1, 1)

    desk = sit_down("billing")
    page = desk.page
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Exchange").click()
    page.get_by_role("link", name=str(result["batch"]), exact=True).click()
    page.wait_for_url(f"**/billing/{result['batch']}")
    text = page.locator("main").inner_text()
    assert "account 'X-NOBODY' is not known" in text
    assert "55.50" in text
    desk.check()
    desk.open(f"/billing/{result['batch']}?lang=zh_CN")
    assert "没有户号 'X-NOBODY'" in page.locator("main").inner_text()
    desk.open(f"/customers/{account}?lang=en")
    money = page.locator("#money")
    assert re.search(r"BL-1\b.*118\.44.*100\.00", money.inner_text(), re.DOTALL), money.inner_text()
    desk.check()

    demo.cli(
        "import", "customers", _file(demo, "new.csv", "account_no,name,usage_point", "X-NOBODY,Late Comer,UP-LATE")
    )
    desk.open(f"/billing/{result['batch']}")
    page.get_by_role("button", name="Post again").click()
    page.wait_for_url(lambda url: not url.endswith(f"/billing/{result['batch']}"))
    assert re.search(r"1\s*Accepted", page.locator("main").inner_text())
    desk.open(f"/billing/{result['batch']}")
    assert "re-entered" in page.locator("main").inner_text()
    desk.open("/customers/X-NOBODY")
    assert "55.5" in page.locator("#money").inner_text()
    desk.check()


def test_an_engineer_goes_from_the_feeder_to_the_report(demo: Demo, sit_down: Callable[[str], Desk]) -> None:
    desk = sit_down("engineer")
    page = desk.page
    page.keyboard.press("?")
    assert "Next and previous row" in page.get_by_role("dialog").inner_text()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("n")
    page.wait_for_url("**/network")
    page.get_by_role("link", name="F002", exact=True).first.click()
    page.wait_for_url("**/network/F002")
    page.locator(".leaflet-container path").first.wait_for(state="attached")
    assert "F002-CB" in page.locator("main").inner_text()
    desk.check()

    desk.open("/points?equipment=F002-CB")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('tbody') !== null")
    page.locator("tbody tr", has_text="current").first.get_by_role("link").first.click()
    page.wait_for_url("**/points/*")
    page.locator("#point-now", has_text="good").wait_for(timeout=SOON)
    page.locator("figure.chart svg.main-svg").first.wait_for(timeout=SOON)
    desk.check()

    desk.open("/reports/load")
    page.get_by_label("by").select_option("feeder")
    page.get_by_role("button", name="Make the report").click()
    page.wait_for_url("**by=feeder**")
    row = page.locator("#summary tbody tr", has_text="F002")
    row.wait_for()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="XLSX").click()
    book = openpyxl.load_workbook(io.BytesIO(Path(waiting.value.path()).read_bytes()))
    cells = {cell.value for sheet in book.worksheets for line in sheet.iter_rows() for cell in line}
    assert "F002" in cells
    desk.check()


def test_an_administrator_sees_a_device_fail_and_no_customer(demo: Demo, sit_down: Callable[[str], Desk]) -> None:
    desk = sit_down("sysadmin")
    page = desk.page
    sections = page.get_by_role("navigation", name="Main").inner_text()
    assert "Sources" in sections
    assert "Jobs" in sections
    assert not re.search("Customers|Users|Outages|Calls", sections)
    page.keyboard.press("g")
    page.keyboard.press("u")
    source = page.locator('tr[data-key="rtu1"]')
    source.filter(has_text="answers").wait_for(timeout=SOON)
    demo.cli("simulate", "fault", "rtu1", "silent")
    source.filter(has_text="does not answer").wait_for(timeout=SOON)  # the page asks by itself
    assert "no answer" in source.inner_text()
    demo.cli("simulate", "fault", "rtu1", "none")
    source.filter(has_not_text="does not answer").wait_for(timeout=SOON)
    desk.check()
    desk.open("/admin/jobs")
    assert "Outage engine" in page.locator("main").inner_text()
    for path in ("/admin/users", "/customers", "/outages", "/customers/4000000001"):
        desk.open(path, status=403)
        assert "Your role does not allow this." in page.locator("main").inner_text()
        assert re.search(r"request [0-9a-f]{16}", page.locator("main").inner_text())
