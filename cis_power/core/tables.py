"""Rows as CSV and XLSX for people's spreadsheets: typed values, and no text that would run as a formula."""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

import xlsxwriter

from cis_power.core.time import iso

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_SIGNED_NUMBER = re.compile(r"[+-]\d+(\.\d+)?")
_XLSX_TEXT_LENGTH = 32_767
_XLSX_WHOLE = 2**53  # a spreadsheet's numbers are doubles; longer whole numbers are written as text


def plain_value(value: Any, zone: tzinfo) -> str | int | float | bool | None:
    """Return what a cell holds: instants as ISO 8601 in `zone`, amounts as numbers, texts joined, else JSON."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return iso(value, zone)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return "; ".join(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def safe_text(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: an apostrophe goes before one that would be.

    A text that begins with an apostrophe gets a second, so that `original_text` gives every text back. Signed plain
    numbers, such as international telephone numbers, stay as they are.
    """
    if text.startswith("'") or (text.startswith(_STARTS_FORMULA) and not _SIGNED_NUMBER.fullmatch(text)):
        return f"'{text}"
    return text


def original_text(cell: str) -> str:
    """Return the text that `safe_text` was given."""
    return cell.removeprefix("'")


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]], zone: tzinfo) -> str:
    """Return a CSV file with a header row."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_csv_cell(plain_value(value, zone)) for value in row])
    return file.getvalue()


def xlsx_bytes(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], zone: tzinfo) -> bytes:
    """Return an XLSX file with one sheet; text is always text, never a formula or a link."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet(re.sub(r"[^\w -]", "_", name)[:31] or "rows")
        bold = book.add_format({"bold": True})
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(columns):
            sheet.write_string(0, place, column, bold)
        for line, row in enumerate(rows, start=1):
            for place, value in enumerate(row):
                _write_cell(sheet, line, place, plain_value(value, zone))
    return file.getvalue()


def _csv_cell(value: str | int | float | bool | None) -> str | int | float | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return safe_text(value) if isinstance(value, str) else value


def _write_cell(sheet: Any, line: int, place: int, value: str | int | float | bool | None) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(line, place, value)
    elif isinstance(value, str):
        sheet.write_string(line, place, value[:_XLSX_TEXT_LENGTH])
    elif abs(value) <= _XLSX_WHOLE:
        sheet.write_number(line, place, value)
    else:
        sheet.write_string(line, place, str(value))
