"""Writes docs/data-model.md from the models: `python -m docs.data_model`. A test says when it is out of date."""

from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, Column, Date, Float, ForeignKey, Table

from cis_power.core.db import Base, Money, UtcDateTime
from cis_power.migrations import metadata

FILE = Path(__file__).parent / "data-model.md"
HEAD = """# Data model

Written from the models by `python -m docs.data_model`; do not edit. All tables stand in one relational database
(SQLite or PostgreSQL). Keys are integers inside; the owner's ids are text. An *instant* is an aware UTC time, a *date*
a local day, from/to are half-open, *money* is exact to the cent. A text column's comment lists its values.
"""
BY_NAME = {
    "_kw": "kW",
    "_kwh": "kWh",
    "_kva": "kVA",
    "_v": "V",
    "_a": "A",
    "_minutes": "min",
    "_seconds": "s",
    "_ms": "ms",
    "_mb": "MB",
    "_share": "share, 0 to 1",
}
OF_ITS_OWNER = "that of its point or channel"
SPECIAL = {
    "x": "the network model's coordinate",
    "y": "the network model's coordinate",
    "value": OF_ITS_OWNER,
    "previous_value": OF_ITS_OWNER,
    "original_value": OF_ITS_OWNER,
    "offset": OF_ITS_OWNER,
    "normal_state": OF_ITS_OWNER,
    "scale": "factor",
}
BY_COMMENT = ("s", "ms", "kW", "kWh", "kVA", "V", "A", "min", "degrees", "m", "h")


def unit_of(column: Column[Any]) -> str:
    """The unit of a column, from its type, its name, or the beginning of its comment (`s; …`)."""
    for type_, words in ((UtcDateTime, "instant"), (Date, "date"), (Money, "money")):
        if isinstance(column.type, type_):
            return words
    first = (column.comment or "").split(";")[0].split(",")[0].strip()
    if first in BY_COMMENT:
        return first
    if isinstance(column.type, Float) and column.name in SPECIAL:
        return SPECIAL[column.name]
    return next((unit for suffix, unit in BY_NAME.items() if column.name.endswith(suffix)), "")


def wants_unit(column: Column[Any]) -> bool:
    """Whether a reader would ask for the unit: a floating number of which nothing tells it."""
    told = "unit" in (column.comment or "") or "0 to 1" in (column.comment or "") or "ratio" in (column.comment or "")
    return isinstance(column.type, Float) and not unit_of(column) and not told


def _kind(column: Column[Any]) -> str:
    if isinstance(column.type, UtcDateTime | Money | Date):
        return {"UtcDateTime": "time", "Money": "number", "Date": "date"}[type(column.type).__name__]
    if isinstance(column.type, Boolean):
        return "true/false"
    return {"TEXT": "text", "BIGINT": "integer", "INTEGER": "integer", "BLOB": "bytes", "JSON": "JSON"}.get(
        str(column.type), "number" if isinstance(column.type, Float) else str(column.type).lower()
    )


def _refers(column: Column[Any]) -> str:
    keys: list[ForeignKey] = sorted(column.foreign_keys, key=str)
    return ", ".join(f"→ {key.column.table.name}" for key in keys)


def _table(table: Table, summary: str) -> list[str]:
    lines = [f"### {table.name}", "", summary, "", "| column | type | empty | unit | |", "|---|---|---|---|---|"]
    for column in table.columns:
        words = "; ".join(
            part for part in ("key" if column.primary_key else "", _refers(column), column.comment) if part
        )
        words = words.replace("|", "\\|")
        lines.append(
            f"| {column.name} | {_kind(column)} | {'yes' if column.nullable else ''} | {unit_of(column)} | {words} |"
        )
    return [*lines, ""]


def render() -> str:
    """The whole document."""
    metadata()
    classes = {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}
    rooms: dict[str, list[str]] = {}
    for name in sorted(classes):
        room = classes[name].__module__.rsplit(".", 1)[0]
        rooms.setdefault(room, []).append(name)
    lines = [HEAD]
    for room in sorted(rooms):
        lines += [f"## {room}", ""]
        for name in rooms[room]:
            summary = " ".join((classes[name].__doc__ or "").split())
            lines += _table(Base.metadata.tables[name], summary)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
