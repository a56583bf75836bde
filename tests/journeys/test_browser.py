"""What people do, in a real browser against real processes: an agent on the telephone, an engineer at his desk."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import CommandLine
from tests.journeys import town
from tests.journeys.desk import Desk
from tests.journeys.field import FieldDevice

PASSWORD = "correct horse 9 battery"
HOSTILE = '<a href="https://x.example">tree</a>'


@dataclass
class Utility:
    """The town with its device in the field and its web process."""

    cli: CommandLine
    device: FieldDevice
    address: str


@pytest.fixture
def utility(cli: CommandLine, tmp_path: Path) -> Iterator[Utility]:
    device = FieldDevice()
    device.coil(town.COIL["TIE"], False)
    device.float32(0, 120.5)
    device.float32(2, 1800.0)
    files = town.write(tmp_path / "town")
    cli.configure(f'timezone = "Asia/Shanghai"\n[sources.rtu1]\nurl = "{device.url}"\ntimeout_seconds = 2\n')
    cli("import", "districts", files / "districts.csv")
    cli("network", "import", "csv", files / "network")
    cli("import", "customers", files / "customers.csv")
    cli("points", "import", files / "points.csv")
    _readings(cli, tmp_path / "readings.csv")
    _interruption(cli, tmp_path / "interruptions.csv")
    cli("poll", "--once")
    for role in ("agent", "engineer"):
        cli("user", "add", role, "--role", role, "--password-stdin", input=f"{PASSWORD}\n")
    line = cli.start("web", "--port", "0").wait_line("http://")
    found = re.search(r"http://[\d.]+:\d+", line)
    assert found, line
    yield Utility(cli, device, found.group())
    device.close()


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _interruption(cli: CommandLine, file: Path) -> None:
    file.write_text(
        "outage_no,step,usage_point,began_at,restored_at,kind,cause,device,operations\n"
        f"O-1,1,UP-1001,2026-10-05T10:00:00+08:00,2026-10-05T11:00:00+08:00,unplanned,{_quoted(HOSTILE)},CB-A,1\n"
    )
    cli("import", "interruptions", file)


def _readings(cli: CommandLine, file: Path) -> None:
    lines = ["meter_no,usage_point,channel,began_at,seconds,value,unit,quality"]
    for hour in range(24):
        quality = "estimated" if hour < 3 else "measured"
        lines.append(f"M-1002,,1,2026-11-01T{hour:02d}:00:00+08:00,3600,{1 + hour % 5},kWh,{quality}")
    file.write_text("\n".join(lines) + "\n")
    cli("import", "readings", file)


@pytest.fixture
def desk(browser: Any, utility: Utility) -> Iterator[Desk]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US")
    desk = Desk(context.new_page(), utility.address)
    desk.watch()
    yield desk
    context.close()


def test_an_agent_answers_the_telephone(utility: Utility, desk: Desk) -> None:
    page = desk.page
    desk.sign_in("agent", PASSWORD)
    page.keyboard.press("/")
    page.keyboard.type("lili")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/customers/1002")
    page.get_by_text("As far as our network shows, your supply is on.").wait_for()
    page.locator("figure.chart svg.main-svg").first.wait_for()
    desk.check()

    utility.device.coil(town.COIL["CB-A"], False)
    utility.cli("poll", "--once")
    page.get_by_text("Your supply has been interrupted since").wait_for(timeout=30_000)  # the page asks by itself
    supply = page.locator("#supply").inner_text()
    assert "without supply" in supply
    assert "life support" in supply
    assert re.search(r"signal · CB-A open", supply), supply
    (outage,) = utility.cli("outage", "list", "--json").json
    assert outage["id"] in supply
    desk.check()

    page.get_by_role("link", name="Take a call").click()
    page.get_by_label("Trouble").select_option("wire_down")
    page.get_by_role("button", name="Record and answer").click()
    page.get_by_text("The call is recorded").wait_for()
    assert page.get_by_role("alert").is_visible()
    assert "Your supply has been interrupted since" in page.locator("main").inner_text()
    desk.check()

    desk.open("/outages")
    page.get_by_role("link", name=outage["id"]).click()
    page.wait_for_url(f"**/outages/{outage['id']}")
    assert "UP-1002" in page.locator("tbody tr").first.inner_text(), "life support comes first"
    desk.check()
    desk.open("/customers/1002?lang=zh_CN")
    assert "您的供电自" in page.locator("#supply").inner_text()
    desk.on_a_phone("/", "/customers?q=100", "/customers/1002", "/outages", f"/outages/{outage['id']}", "/calls")


def test_an_engineer_looks_at_load_and_network(utility: Utility, desk: Desk) -> None:
    page = desk.page
    desk.sign_in("engineer", PASSWORD)
    desk.open("/points")
    page.get_by_role("link", name="FA.i").click()
    page.wait_for_url("**/points/FA.i")
    page.locator("figure.chart svg.main-svg").first.wait_for()
    assert "120.5 A" in page.locator("#point-now").inner_text()
    assert page.locator("a.modebar-btn[data-title*='cloud' i]").count() == 0
    desk.check()
    desk.open("/network/FA")
    page.locator(".leaflet-container path").first.wait_for(state="attached")
    desk.check()
    desk.open("/reports/load?from=2026-11-01&to=2026-11-02&by=usage_point")
    page.locator("figure.chart svg.main-svg").first.wait_for()
    assert "UP-1002" in page.locator("#summary").inner_text()
    desk.check()
    desk.open("/reports/reliability?from=2026-10-01&to=2026-11-01")
    drawn = page.locator("figure.chart svg.main-svg")
    drawn.first.wait_for()
    assert HOSTILE in page.locator("#causes").inner_text()
    assert page.locator("figure.chart svg a").count() == 0, "a text became a link"
    assert HOSTILE in "".join(page.locator("figure.chart svg text").all_text_contents())
    desk.check()
    desk.open("/api/v1/docs")
    assert "/api/v1/customers/{account_no}/supply" in page.locator("main").inner_text()
    desk.on_a_phone("/points", "/points/FA.i", "/network", "/network/FA", "/reports", "/reports/outage-log")
