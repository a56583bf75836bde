"""Every kind of page in a browser: axe finds nothing wrong, in the light, in the dark, on a phone."""

import threading
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from cis_power.access.permissions import GRANTABLE_ROLES
from tests.journeys.desk import DESKTOP, PHONE, Desk, kind_of
from tests.web.browsers import PASSWORD
from tests.web.conftest import Site

ASK = """async (rules) => (await axe.run({ exclude: [".js-plotly-plot"] }, {
  runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] },
  resultTypes: ["violations"], ...rules })).violations
  .map((found) => `${found.id} (${found.help}): ${found.nodes.slice(0, 3).map((node) => node.html).join(" | ")}`)"""
CONTRAST_ONLY = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}


class Quiet(WSGIRequestHandler):
    """Says nothing of what it answers."""

    def log_request(self, *_words: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def address(site: Site) -> Iterator[str]:
    """The application behind a real port of loopback."""
    server = make_server("127.0.0.1", 0, site.app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
def visit(browser: Any, address: str) -> Callable[[str], Desk]:
    def open_desk(role: str) -> Desk:
        desk = Desk(browser.new_context(viewport=DESKTOP).new_page(), address, strict=False)
        desk.watch()
        desk.sign_in(f"{role}-all", PASSWORD)
        return desk

    return open_desk


def _violations(desk: Desk, axe: str) -> list[str]:
    """What axe finds on the open page: everything in the light and on a phone, contrast in the dark."""
    page = desk.page
    page.evaluate(axe)
    found = [f"{page.url}: {words}" for words in page.evaluate(ASK, {})]
    page.emulate_media(color_scheme="dark")
    found += [f"{page.url}, dark: {words}" for words in page.evaluate(ASK, CONTRAST_ONLY)]
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)
    page.evaluate("() => new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then)))")
    found += [f"{page.url}, phone: {words}" for words in page.evaluate(ASK, {})]
    desk.check()
    page.set_viewport_size(DESKTOP)
    return found


def test_axe_finds_nothing_on_any_kind_of_page(visit: Callable[[str], Desk], axe: str) -> None:
    known: set[str] = set()
    found: list[str] = []
    for role in GRANTABLE_ROLES:
        desk = visit(role)
        for path in desk.walk("/", passing=known):
            known.add(kind_of(path))
            found += _violations(desk, axe)
        found += desk.wrong
        desk.page.context.close()
    assert not found, "\n".join(found)
    assert {"/", "/customers", "/outages/*", "/network/*", "/points/*", "/billing", "/admin/users"} <= known


def test_errors_and_open_parts_are_accessible(visit: Callable[[str], Desk], axe: str) -> None:
    desk = visit("engineer")
    desk.open("/customers/none-such", status=404)
    found = _violations(desk, axe)
    desk.open("/admin/users", status=403)
    found += _violations(desk, axe)
    desk.open("/points?limit=0", status=422)
    found += _violations(desk, axe)
    desk.open("/")
    desk.page.keyboard.press("?")
    desk.page.get_by_role("dialog").wait_for()
    found += _violations(desk, axe) + desk.wrong
    desk.page.context.close()
    assert found == []


def test_axe_would_find_something(visit: Callable[[str], Desk], axe: str) -> None:
    desk = visit("engineer")
    desk.page.evaluate("document.querySelector('#find').previousElementSibling.remove()")
    desk.page.evaluate("document.querySelector('#find').removeAttribute('placeholder')")
    assert any("label" in words for words in _violations(desk, axe))
