"""What a report is: tables, figures, notes, and how good its data was. Frozen; rendering changes nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cis_power.core.time import iso

Value = str | int | float | bool | datetime | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `unit` is empty where there is none."""

    name: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in the order of the columns. A value that is not known is None, never zero."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]

    def __post_init__(self) -> None:
        wrong = next((row for row in self.rows if len(row) != len(self.columns)), None)
        if wrong is not None:
            raise ValueError(f"table {self.name}: a row of {len(wrong)} values for {len(self.columns)} columns")

    def as_dicts(self) -> Iterator[dict[str, Value]]:
        """Each row as column name → value."""
        names = [column.name for column in self.columns]
        for row in self.rows:
            yield dict(zip(names, row, strict=True))


@dataclass(frozen=True, slots=True)
class Figure:
    """A plotly figure as plain data (`data`, `layout`), to be drawn by the reader's browser."""

    name: str
    title: str
    data: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the data that bears on the figures: what, how often, in words."""

    code: str
    count: int
    message: str


@dataclass(frozen=True, slots=True)
class DataQuality:
    """`good_share`: the share of good data behind the report, 0 to 1; None where nothing was expected."""

    good_share: float | None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A finished report. `parameters` are the ones it was made with, as plain values."""

    name: str
    title: str
    parameters: Mapping[str, Any]
    generated_at: datetime
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()
    data_quality: DataQuality = field(default_factory=lambda: DataQuality(None))

    def table(self, name: str) -> Table:
        """The table of that name; KeyError when there is none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)

    def as_dict(self) -> dict[str, Any]:
        """The report as the JSON contract has it; times are ISO 8601 with offset."""
        return {
            "name": self.name,
            "title": self.title,
            "parameters": {name: plain(value) for name, value in self.parameters.items()},
            "generated_at": iso(self.generated_at),
            "tables": {
                table.name: {
                    "title": table.title,
                    "columns": [{"name": column.name, "unit": column.unit} for column in table.columns],
                    "rows": [{name: plain(value) for name, value in row.items()} for row in table.as_dicts()],
                }
                for table in self.tables
            },
            "notes": list(self.notes),
            "data_quality": {
                "good_share": self.data_quality.good_share,
                "findings": [
                    {"code": finding.code, "count": finding.count, "message": finding.message}
                    for finding in self.data_quality.findings
                ],
            },
        }


def plain(value: Any) -> Any:
    """A value as JSON knows it."""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, tuple | list | frozenset):
        return [plain(item) for item in value]
    return value


def table(name: str, title: str, columns: Iterable[tuple[str, str]], rows: Iterable[Sequence[Value]]) -> Table:
    """A table from (column, unit) pairs and rows."""
    return Table(name, title, tuple(Column(*column) for column in columns), tuple(tuple(row) for row in rows))
