"""One list, four forms: a page for people, JSON, CSV and XLSX, all of the same rows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from functools import singledispatch
from typing import Any

import numpy as np
from flask import Response, g, jsonify, render_template

from cis_power.core.tables import csv_text, xlsx_bytes
from cis_power.core.time import iso
from web.shell import shell

_XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a list: frozen dataclasses or mappings.

    `name` names the file; `columns` are those of CSV and XLSX, in order (`columns_of` gives the fields of a row class);
    `next` is the cursor of the page after.
    """

    name: str
    columns: Sequence[str]
    rows: Sequence[Any]
    next: str | None = None


def columns_of(row_class: type) -> tuple[str, ...]:
    """Return the names of a row class's fields."""
    return tuple(field.name for field in fields(row_class))


def list_response(listing: Listing, file_format: str, template: str, **context: Any) -> Response:
    """Return a list as a page (`html`), or as `json`, `csv` or `xlsx` of the same rows."""
    g.rows_shown = len(listing.rows)
    if file_format == "html":
        return Response(render_template(template, listing=listing, rows=listing.rows, **context))
    if file_format == "json":
        return json_list(listing)
    cells = ([_of(row, column) for column in listing.columns] for row in listing.rows)
    zone = shell().settings.zone
    if file_format == "csv":
        response = Response(csv_text(listing.columns, cells, zone), mimetype="text/csv")
    else:
        response = Response(xlsx_bytes(listing.name, listing.columns, cells, zone), mimetype=_XLSX_TYPE)
    response.headers["Content-Disposition"] = f'attachment; filename="{listing.name}.{file_format}"'
    if listing.next:
        response.headers["X-Next-Cursor"] = listing.next
    return response


def json_list(listing: Listing) -> Response:
    """Return the API's form of a list: `{"items": […], "next": cursor or null}`."""
    g.rows_shown = len(listing.rows)
    return jsonify({"items": [json_value(row) for row in listing.rows], "next": listing.next})


@singledispatch
def json_value(value: Any) -> Any:
    """Return a value as JSON knows it: records by field, instants as ISO 8601 in the utility's zone."""
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"no JSON for {type(value).__name__}")
    return {field.name: json_value(getattr(value, field.name)) for field in fields(value)}


@json_value.register
def _(value: str | bool | int | None) -> Any:
    return value


@json_value.register
def _(value: float | Decimal | np.floating) -> float | None:
    return float(value) if math.isfinite(value) else None


@json_value.register
def _(value: np.integer | np.bool) -> Any:
    return value.item()


@json_value.register
def _(value: IntEnum) -> str:
    return value.name


@json_value.register
def _(value: Enum) -> Any:
    return json_value(value.value)


@json_value.register
def _(value: date) -> str:
    return iso(value, shell().settings.zone) if isinstance(value, datetime) else value.isoformat()


@json_value.register
def _(value: Mapping) -> dict[str, Any]:  # type: ignore[type-arg] # singledispatch takes bare classes
    return {str(name): json_value(inner) for name, inner in value.items()}


@json_value.register
def _(value: list | tuple | set | frozenset | np.ndarray) -> list[Any]:  # type: ignore[type-arg]
    return [json_value(inner) for inner in value]


def _of(row: Any, column: str) -> Any:
    value = row[column] if isinstance(row, Mapping) else getattr(row, column)
    return value if isinstance(value, Decimal | datetime | date) else json_value(value)
