"""What a file became: rows with line numbers, and every problem."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from cis_power.core.columns import Coded, Values, plain, taken
from cis_power.core.errors import Problem


class Row(dict[str, Any]):
    """Values by column name (every declared column is there, None when absent), and the physical line."""

    __slots__ = ("line",)

    def __init__(self, values: Mapping[str, Any], line: int) -> None:
        super().__init__(values)
        self.line = line


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as columns: `columns[name][i]` and `lines[i]` belong together. What posting functions take.

    A column a file does not hold is missing from `columns`; `column` and `Row` give None (its default) for it. A column
    is a list, or as in `cis_power.core.columns`; amounts may be whole cents.
    """

    columns: Mapping[str, Values]
    lines: Sequence[int]
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str) -> Values:
        """Values of a column, its default for every row where the file does not hold it."""
        found = self.columns.get(name)
        return Coded.same(self.defaults.get(name), len(self)) if found is None else found

    def plain(self, name: str) -> Sequence[Any]:
        """The same as plain values."""
        return plain(self.column(name))

    def __iter__(self) -> Iterator[Row]:
        names = tuple(self.columns)
        absent = {name: value for name, value in self.defaults.items() if name not in self.columns}
        for line, values in zip(self.lines, zip(*map(plain, self.columns.values()), strict=True), strict=True):
            row = Row(absent, int(line))
            row.update(zip(names, values, strict=True))
            yield row

    def slice(self, start: int, stop: int) -> "Rows":
        """Rows start..stop as they stand."""
        cut = {name: values[start:stop] for name, values in self.columns.items()}
        return Rows(cut, self.lines[start:stop], self.defaults)

    def take(self, keep: np.ndarray) -> "Rows":
        """Rows where `keep` (bool) is true."""
        if keep.all():
            return self
        places = np.flatnonzero(keep)
        columns = {name: taken(values, places) for name, values in self.columns.items()}
        return Rows(columns, [self.lines[place] for place in places.tolist()], self.defaults)


@dataclass(slots=True)
class Parsed:
    """A file read against its layout.

    `refused`: a file error, nothing may post. `rows` holds every row, `good` which are without error;
    `amount_total` is the sum of the trailer's column over all rows (unreadable amounts count 0).
    """

    sha256: str
    size_bytes: int = 0
    encoding: str = "utf-8-sig"
    zone: ZoneInfo | None = None
    rows: Rows = field(default_factory=lambda: Rows({}, []))
    good: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    problems: list[Problem] = field(default_factory=list)
    refused: bool = False
    amount_total: Decimal | None = None

    @property
    def good_rows(self) -> Rows:
        return self.rows.take(self.good)

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.severity == "error"]
