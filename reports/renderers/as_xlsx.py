"""A report as a workbook: a sheet a table, and one that says what it is."""

import io
import re
from datetime import tzinfo
from typing import Any

import xlsxwriter

from cis_power.core.tables import plain_value
from reports.model import Report, Table, Value
from reports.renderers.words import parameter_lines, quality_lines

_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_LONGEST_TEXT = 32_767
_MOST_ROWS = 1_048_575


def render_xlsx(report: Report, zone: tzinfo) -> bytes:
    """The workbook; texts are texts, never formulas or links."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, _OPTIONS) as book:
        book.set_properties({"title": report.title, "created": report.generated_at.replace(tzinfo=None)})
        bold = book.add_format({"bold": True})
        used: set[str] = set()
        for table in report.tables:
            _sheet(book.add_worksheet(_sheet_name(table.name, used)), table, zone, bold)
        about = book.add_worksheet(_sheet_name("about", used))
        lines = [report.title, *parameter_lines(report, zone), *quality_lines(report), *report.notes]
        lines += [
            f"unit of {table.name}.{column.name}: {column.unit}"
            for table in report.tables
            for column in table.columns
            if column.unit
        ]
        for line, text in enumerate(lines):
            about.write_string(line, 0, text[:_LONGEST_TEXT])
    return file.getvalue()


def _sheet(sheet: Any, table: Table, zone: tzinfo, bold: Any) -> None:
    sheet.freeze_panes(1, 0)
    for place, column in enumerate(table.columns):
        sheet.write_string(0, place, column.name, bold)
        sheet.set_column(place, place, max(10, min(40, len(column.name) + 4)))
    for line, row in enumerate(table.rows[:_MOST_ROWS], start=1):
        for place, value in enumerate(row):
            _cell(sheet, line, place, value, zone)


def _cell(sheet: Any, line: int, place: int, value: Value, zone: tzinfo) -> None:
    shown = plain_value(value, zone)
    if shown is None:
        return
    if isinstance(shown, bool):
        sheet.write_boolean(line, place, shown)
    elif isinstance(shown, str):
        sheet.write_string(line, place, shown[:_LONGEST_TEXT])
    else:
        sheet.write_number(line, place, shown)


def _sheet_name(name: str, used: set[str]) -> str:
    """A name of at most 31 characters that no other sheet has."""
    short = re.sub(r"[^\w -]", "_", name)[:31]
    count = 1
    while short.lower() in used:
        count += 1
        short = f"{short[:28]}_{count}"
    used.add(short.lower())
    return short
