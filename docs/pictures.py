"""Pictures of every page of a running demo: `python -m docs.pictures FOLDER --address URL --users FILE`.

FILE holds what `cis-power demo` printed when it built (name and password a line). Pictures are taken for each role, in
both languages, at desktop and phone width; `--role`, `--look` and `--only` narrow them, `--also` adds addresses. Let
something happen before (`cis-power simulate fault F002-L001 permanent`). `--press` then puts those that the documents
show into docs/pictures/, cut and with few colours.
"""

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.journeys.desk import DESKTOP, PHONE, Desk, kind_of

ROLES = ("agent", "billing", "marketing", "engineer", "dispatcher", "manager", "sysadmin", "secadmin", "auditor")
# look: language, width, colours
LOOKS: dict[str, tuple[str, dict[str, int], str]] = {
    "en": ("en", DESKTOP, "light"),
    "zh": ("zh_CN", DESKTOP, "light"),
    "en-dark": ("en", DESKTOP, "dark"),
    "zh-phone": ("zh_CN", PHONE, "light"),
    "en-phone": ("en", PHONE, "light"),
}
# What the documents show: name → picture taken, and how much of its height (pixels).
SHOWN = {
    "home-manager-zh": ("manager-home-zh", 900),
    "home-agent": ("agent-home-en", 800),
    "customer": ("agent-customers-one-en", 1150),
    "customer-phone-zh": ("agent-customers-one-zh-phone", 1500),
    "outages": ("agent-outages-en", 700),
    "outage": ("agent-outages-one-en", 1000),
    "feeder": ("engineer-network-one-en", 1150),
    "transformer-dark": ("engineer-transformers-one-en-dark", 1150),
    "points": ("engineer-points-one-en", 900),
    "load-report-zh": ("engineer-reports-load-zh", 1100),
    "reliability-zh": ("engineer-reports-reliability-zh", 1250),
    "arrears": ("billing-billing-arrears-en", 800),
    "sources": ("sysadmin-admin-sources-en", 700),
    "home-phone-zh": ("agent-home-zh-phone", 1500),
}
COLOURS = 64
DOCUMENTS = Path(__file__).parent / "pictures"
_REPORTS = (
    "/reports/load?from=2026-11-01&to=2026-11-15&by=feeder",
    "/reports/reliability?from=2026-01-01&to=2026-11-01",
    "/reports/outage-log?from=2026-10-01&to=2026-11-01",
)


def passwords(file: Path) -> dict[str, str]:
    """Names and passwords as the demo printed them."""
    lines = (line.split() for line in file.read_text(encoding="utf-8").splitlines())
    return {words[0]: words[1] for words in lines if len(words) >= 2 and words[0] in ROLES}


def take(
    browser: Browser, address: str, who: tuple[str, str], look: str, folder: Path, only: str, also: Sequence[str]
) -> list[str]:
    """Take one picture a kind of page that a role reaches; answers what a page did wrong."""
    language, size, colours = LOOKS[look]
    context = browser.new_context(viewport=size, color_scheme=colours, device_scale_factor=1)  # type: ignore[arg-type]
    desk = Desk(context.new_page(), address, strict=False)
    desk.watch()
    desk.sign_in(*who, language)
    begin = ["/", *also, *(_REPORTS if who[0] in ("engineer", "manager") else ())]
    for path in desk.walk(*begin):
        if re.search(only, path):
            settle(desk.page)
            words = kind_of(path).replace("*", "one").strip("/").replace("/", "-") or "home"
            desk.page.screenshot(path=folder / f"{who[0]}-{words}-{look}.png", full_page=True)
    context.close()
    return desk.wrong


def settle(page: Any) -> None:
    """Wait until charts and maps are drawn."""
    page.wait_for_load_state("networkidle")
    if page.locator("figure.chart:not([data-map])").count():
        page.locator("figure.chart svg.main-svg").first.wait_for()


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--address", required=True, help="where the demo's web is")
@click.option("--users", required=True, type=click.Path(exists=True, path_type=Path), help="what the demo printed")
@click.option("--role", "roles", multiple=True, default=ROLES, help="only these roles")
@click.option("--look", "looks", multiple=True, default=tuple(LOOKS), type=click.Choice(tuple(LOOKS)))
@click.option("--only", default="", help="only paths in which this pattern is found")
@click.option("--also", multiple=True, help="an address to begin with: it is taken instead of the first of its kind")
@click.option("--press", "pressed", is_flag=True, help="put those that the documents show into docs/pictures/")
def main(
    folder: Path,
    address: str,
    users: Path,
    roles: tuple[str, ...],
    looks: tuple[str, ...],
    only: str,
    also: tuple[str, ...],
    pressed: bool,
) -> None:
    """Take pictures of every page of a running demo into FOLDER."""
    folder.mkdir(parents=True, exist_ok=True)
    known = passwords(users)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for role in roles:
            for look in looks:
                for words in take(browser, address.rstrip("/"), (role, known[role]), look, folder, only, also):
                    sys.stdout.write(f"{role} {look}: {words}\n")
        browser.close()
    if pressed:
        press(folder)


def press(folder: Path) -> None:
    """Put what the documents show into docs/pictures/: the top of each picture, in few colours."""
    for name, (taken, height) in SHOWN.items():
        file = folder / f"{taken}.png"
        if file.exists():
            with Image.open(file) as picture:
                top = picture.convert("RGB").crop((0, 0, picture.width, min(height, picture.height)))
                few = top.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
                few.save(DOCUMENTS / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
