"""The outage board and the page of one outage, as people see them."""

from datetime import timedelta

from tests.web.browsers import sign_in
from tests.web.utility import EAST, WEST
from web.shell import Shell


def at(site, minutes: float):
    """Let the site's clock show so many minutes after it was built."""
    shell: Shell = site.app.extensions["cis"]
    site.app.extensions["cis"] = Shell(
        shell.database, shell.settings, shell.trail, lambda: site.at + timedelta(minutes=minutes)
    )


def test_the_board_shows_totals_and_links_to_their_rows(site) -> None:
    page = sign_in(site.app, "dispatcher-all").get("/outages").text
    assert "<b>2</b><span>open outages</span>" in page
    assert EAST.device in page
    assert WEST.device in page
    own = sign_in(site.app, "dispatcher-own").get("/outages").text
    assert "<b>1</b><span>open outages</span>" in own
    assert "/calls?outage=" in own


def test_what_changed_since_the_last_look_is_marked_until_it_is_seen(site) -> None:
    browser = sign_in(site.app, "dispatcher-own")
    assert "Since your last look" not in browser.get("/outages").text
    at(site, 10)
    again = browser.get("/outages").text
    assert "Since your last look" not in again, "nothing changed"
    taken = browser.post("/calls", {"account_no": EAST.account_no, "trouble_code": "wire_down"})
    assert taken.status_code == 200
    at(site, 11)
    marked = browser.get("/outages").text
    assert "Since your last look" in marked
    assert "<b>1 changed</b>" in marked
    assert 'class="mark"' in marked
    assert "1 call" in marked, "danger comes in words"
    assert 'class="mark"' in browser.get("/outages").text, "a reload keeps the marks"
    assert 'class="mark"' not in sign_in(site.app, "agent-own").get("/outages").text, "each has his own looks"
    assert browser.post("/outages/seen").status_code == 303
    at(site, 11.5)
    assert 'class="mark"' not in browser.get("/outages").text


def test_the_same_answer_costs_a_304_and_the_next_change_does_not(site) -> None:
    browser = sign_in(site.app, "dispatcher-own")
    tag = browser.get("/outages").headers["ETag"]
    assert browser.get("/outages", headers={"If-None-Match": tag}).status_code == 304
    browser.post("/calls", {"account_no": EAST.account_no, "trouble_code": "fire"})
    assert browser.get("/outages", headers={"If-None-Match": tag}).status_code == 200


def test_filters_of_the_address(site) -> None:
    browser = sign_in(site.app, "dispatcher-all")

    def devices(query: str) -> set[str]:
        return {row["device"] for row in browser.get(f"/outages.json?{query}").get_json()["items"]}

    assert devices("") == {EAST.device, WEST.device}
    assert devices(f"district={EAST.district}") == {EAST.device}
    assert devices(f"feeder={WEST.feeder}") == {WEST.device}
    assert devices("status=predicted") == devices("kind=planned") == devices("district=nowhere") == set()
    assert devices("status=confirmed&kind=unplanned") == {EAST.device, WEST.device}
    first = browser.get("/outages.json?limit=1").get_json()
    rest = browser.get(f"/outages.json?limit=1&cursor={first['next']}").get_json()
    assert {row["device"] for row in first["items"] + rest["items"]} == {EAST.device, WEST.device}
    assert rest["next"] is None
    past = browser.get("/outages.json?all=1&status=restored").get_json()["items"]
    assert {row["id"] for row in past} == {EAST.outage_no, WEST.outage_no}


def test_danger_without_an_outage_stands_above_the_board(site) -> None:
    browser = sign_in(site.app, "dispatcher-own")
    browser.post("/calls", {"account_no": EAST.important_account, "trouble_code": "fire"})
    browser.post("/calls", {"account_no": "E5500001", "trouble_code": "wire_down"})
    page = browser.get("/outages").text
    assert "Danger without an outage" in page, "the border feeder is in supply"
    assert "E5500001" in page
    assert "Danger without an outage" not in sign_in(site.app, "engineer-own").get("/outages").text


def test_the_page_of_an_outage_tells_what_happened(site) -> None:
    browser = sign_in(site.app, "dispatcher-own")
    (row,) = browser.get("/outages.json").get_json()["items"]
    page = browser.get(f"/outages/{row['id']}").text
    assert "What happened" in page
    assert "by control room" in page
    assert "no power" not in page
    past = browser.get(f"/outages/{EAST.outage_no}").text
    assert "1 usage point back" in past
    assert "after 1 h 17 min" in past
