"""Every format holds the same rows; no text becomes a formula or markup; nothing is sent to a cloud."""

import csv
import io
import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from cis_power.core.errors import Unavailable
from cis_power.core.tables import original_text
from reports.model import DataQuality, Figure, Finding, Report, Table, table
from reports.renderers import as_pdf
from reports.renderers.as_csv import render_csv
from reports.renderers.as_html import figure_json
from reports.renderers.formats import FORMATS

ZONE = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 3, 1, 16, tzinfo=UTC)
EVIL = '=HYPERLINK("http://x","y")'
MARKUP = "</script><script>alert(1)</script>"
ROWS = [(EVIL, 1.5, AT, True), (MARKUP, None, None, False), ("停电 & 'x", 2.0, AT, None), ("-", -3.0, AT, True)]
REPORT = Report(
    name="sample",
    title="Sample <b>",
    parameters={"from": "2026-03-01", "districts": ["N", "S"]},
    generated_at=AT,
    tables=(
        table("main", "Main", (("name", ""), ("energy_kwh", "kWh"), ("peak_at", ""), ("flag", "")), ROWS),
        table("a_second_table_with_a_very_long_name_indeed", "Second", (("id", ""),), [("x",)]),
    ),
    figures=(Figure("curve", "Curve", [{"type": "bar", "name": MARKUP, "y": [1, 2]}], {}),),
    notes=("A note.",),
    data_quality=DataQuality(0.5, (Finding("open", 2, "are open"),)),
)


def rendered(name):
    return FORMATS[name].render(REPORT, ZONE)


def test_json_has_the_keys_of_the_contract():
    found = json.loads(rendered("json"))
    assert set(found) >= {"name", "parameters", "generated_at", "tables", "notes", "data_quality"}
    assert found["tables"]["main"]["columns"][1] == {"name": "energy_kwh", "unit": "kWh"}
    assert found["tables"]["main"]["rows"][0] == {
        "name": EVIL,
        "energy_kwh": 1.5,
        "peak_at": "2026-03-01T16:00:00+00:00",
        "flag": True,
    }
    assert found["data_quality"] == {
        "good_share": 0.5,
        "findings": [{"code": "open", "count": 2, "message": "are open"}],
    }


def test_csv_values_read_back_equal_and_none_is_a_formula():
    header, *rows = csv.reader(io.StringIO(rendered("csv").decode()))
    assert header == ["name", "energy_kwh", "peak_at", "flag"]
    assert [original_text(row[0]) for row in rows] == [row[0] for row in ROWS]
    assert not any(row[0].startswith(("=", "+", "-", "@")) for row in rows)
    assert rows[0][1:] == ["1.5", "2026-03-02T00:00:00+08:00", "true"]
    assert rows[1][1:] == ["", "", "false"]
    assert render_csv(REPORT, ZONE, "a_second_table_with_a_very_long_name_indeed").decode() == "id\r\nx\r\n"


def test_xlsx_texts_are_texts():
    book = openpyxl.load_workbook(io.BytesIO(rendered("xlsx")))
    assert len(book.sheetnames) == 3
    cells = list(book["main"].iter_rows())
    assert [cell.value for cell in cells[0]] == ["name", "energy_kwh", "peak_at", "flag"]
    assert [row[0].value for row in cells[1:]] == [row[0] for row in ROWS]
    assert {row[0].data_type for row in cells[1:]} == {"s"}
    assert [row[1].value for row in cells[1:]] == [1.5, None, 2.0, -3.0]
    assert cells[1][0].hyperlink is None
    about = [row[0].value for row in book["about"].iter_rows()]
    assert about[0] == "Sample <b>"
    assert {"districts: N, S", "share of good data: 50.00%", "2 are open", "unit of main.energy_kwh: kWh"} <= set(about)


def test_html_escapes_and_draws_without_a_cloud():
    page = rendered("html").decode()
    body = page[: page.index("/**")]  # before the chart library
    assert MARKUP not in body
    assert "&lt;/script&gt;" in body
    assert "Sample &lt;b&gt;" in body
    assert "2026-03-02 00:00:00" in body
    assert json.loads(figure_json(REPORT.figures[0]))["data"][0]["name"] == MARKUP
    assert '"showSendToCloud": false' in page
    assert '"plotlyServerURL": ""' in page


def test_pdf_embeds_a_font_with_chinese():
    content = rendered("pdf")
    assert content.startswith(b"%PDF-")
    assert b"/FontFile2" in content


def test_pdf_without_a_font_says_what_to_install(monkeypatch):
    monkeypatch.setattr(as_pdf, "_FOLDERS", ())
    monkeypatch.delenv(as_pdf.FONT_SETTING, raising=False)
    as_pdf._use_font.cache_clear()
    try:
        with pytest.raises(Unavailable, match="fonts-wqy-microhei"):
            rendered("pdf")
    finally:
        as_pdf._use_font.cache_clear()


def test_a_table_with_a_short_row_is_refused():
    with pytest.raises(ValueError, match="a row of 1 values for 2 columns"):
        Table("t", "T", REPORT.tables[0].columns[:2], (("x",),))
