"""Lists: four forms of the same rows, formulas never, values re-read equal; a cursor serves one viewer and list."""

import csv
import io
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from flask import Blueprint
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape
from pydantic import Field

from cis_power.core.quality import Quality
from cis_power.core.tables import csv_text, original_text, safe_text, xlsx_bytes
from tests.web.browsers import Browser, sign_in
from web.formats import Listing, columns_of, json_value, list_response
from web.gate import access
from web.lists import list_route
from web.paging import Page, make_cursor
from web.values import Text

ZONE = ZoneInfo("Asia/Shanghai")
FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")', "'=1", "''", "'plain")
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40) | st.sampled_from(FORMULAS)


@dataclass(frozen=True)
class Row:
    number: int
    customer: str
    amount: Decimal | None
    seen_at: datetime
    quality: Quality
    parts: tuple[str, ...]


ROWS = [
    Row(number, words, Decimal("12.50") if number % 2 else None, datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC),
        Quality.STALE, ("a", "b"))
    for number, words in enumerate(("魏晨曦", *FORMULAS, "+8613977000131", "-5", "007"))
]  # fmt: skip


class Filter(Page):
    """A list's query with a filter."""

    words: Annotated[Text, Field(max_length=20)] = ""


@pytest.fixture
def app(site):
    lists = Blueprint("planted", __name__)

    @list_route(lists, "/planted")
    @access("session:self:use", query=Filter)
    def planted(query: Filter, file_format: str):
        start = query.position()[0] if query.position() else 0
        shown = ROWS[start : start + query.rows()]
        following = make_cursor([start + len(shown)]) if start + len(shown) < len(ROWS) else None
        return list_response(Listing("planted", columns_of(Row), shown, following), file_format, "planted.html")

    site.app.register_blueprint(lists)
    return site.app


@given(texts)
def test_no_text_is_a_formula_and_every_text_comes_back(text):
    safe = safe_text(text)
    assert original_text(safe) == text
    assert not safe.startswith(("=", "@", "\t", "\r"))
    if safe.startswith(("+", "-")):
        assert float(safe) == float(text), "a signed plain number is no formula"


@given(st.lists(st.tuples(texts, st.integers(-(2**53), 2**53), st.booleans()), max_size=5))
def test_csv_and_xlsx_give_back_what_was_put_in(rows):
    table = list(csv.reader(io.StringIO(csv_text(("a", "b", "c"), rows, ZONE), newline="")))[1:]
    assert [(original_text(a), int(b), c == "true") for a, b, c in table] == rows
    book = openpyxl.load_workbook(io.BytesIO(xlsx_bytes("t", ("a", "b", "c"), rows, ZONE)))
    cells = list(book.active.iter_rows(min_row=2, values_only=True))
    assert [(unescape(a or ""), b, c) for a, b, c in cells] == rows
    assert all(cell.data_type != "f" for row in book.active.iter_rows() for cell in row)


def test_the_four_forms_hold_the_same_rows(app):
    browser = sign_in(app, "agent-own")
    items = browser.get("/planted.json").get_json()
    assert items["next"] is None
    assert items["items"][1] == {
        "number": 1, "customer": "=1+1", "amount": 12.5, "seen_at": "2026-05-04T11:02:01+08:00", "quality": "STALE",
        "parts": ["a", "b"],
    }  # fmt: skip
    answer = browser.get("/planted.csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="planted.csv"'
    table = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [original_text(row["customer"]) for row in table] == [row.customer for row in ROWS]
    book = openpyxl.load_workbook(io.BytesIO(browser.get("/planted.xlsx").data))
    cells = list(book.active.iter_rows(values_only=True))
    assert cells[0] == columns_of(Row)
    assert [unescape(row[1]) for row in cells[1:]] == [row.customer for row in ROWS]
    assert [row[2] for row in cells[1:]] == [row["amount"] for row in items["items"]]
    assert {row[4] for row in cells[1:]} == {"STALE"}


def test_pages_follow_one_another_without_loss(app):
    browser = sign_in(app, "agent-own")
    seen, cursor = [], ""
    while cursor is not None:
        page = browser.get(f"/planted.json?limit=4&words=x&cursor={cursor}").get_json()
        seen += [item["number"] for item in page["items"]]
        cursor = page["next"]
    assert seen == [row.number for row in ROWS]
    answer = browser.get("/planted.csv?limit=4")
    assert (len(answer.text.splitlines()) >= 5, bool(answer.headers["X-Next-Cursor"])) == (True, True)


def test_a_cursor_serves_one_viewer_territory_list_and_filter(app):
    browser = sign_in(app, "agent-own")
    cursor = browser.get("/planted.json?limit=4&words=x").get_json()["next"]
    assert browser.get(f"/planted.json?limit=2&words=x&lang=en&cursor={cursor}").status_code == 200
    assert browser.get(f"/planted.csv?words=x&cursor={cursor}").status_code == 200
    wrong = [
        browser.get(f"/planted.json?words=y&cursor={cursor}"),
        browser.get(f"/planted.json?words=x&cursor={cursor[:-1]}"),
        browser.get("/planted.json?words=x&cursor=WzRd.x"),
        browser.get(f"/customers.json?q=x&cursor={cursor}"),
        sign_in(app, "agent-all").get(f"/planted.json?words=x&cursor={cursor}"),
        sign_in(app, "billing-own").get(f"/planted.json?words=x&cursor={cursor}"),
    ]
    assert {answer.status_code for answer in wrong} == {422}
    assert {answer.get_json()["problems"][0]["code"] for answer in wrong} == {"wrong_cursor"}


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1e9", "10001", "99999999999999999999"])
def test_a_wrong_limit_is_named_not_clamped(app, limit):
    answer = sign_in(app, "agent-own").get(f"/planted.json?limit={limit}")
    assert (answer.status_code, answer.get_json()["problems"][0]["field"]) == (422, "limit")


def test_exports_are_audited_with_their_size(app, site):
    browser: Browser = sign_in(app, "agent-own")
    browser.get("/planted.json")
    browser.get("/planted.csv?limit=3")
    shown = sign_in(app, "auditor-own").get("/admin/audit.json?limit=3").get_json()["items"]
    exports = [entry for entry in shown if entry["action"] == "access:data:shown"]
    assert [entry["detail"] for entry in exports] == [{"view": "planted.planted", "form": "csv", "rows": 3}]


def test_json_knows_every_kind_of_value_and_refuses_others(site):
    with site.app.test_request_context():
        values = {"a": float("nan"), "b": Decimal("1.10"), "c": date(2026, 5, 4), "d": {Quality.GOOD}, "e": None}
        assert json_value(values) == {"a": None, "b": 1.1, "c": "2026-05-04", "d": ["GOOD"], "e": None}
        with pytest.raises(TypeError):
            json_value(object())
