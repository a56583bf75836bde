"""What a file layout is: columns and file rules, declared once. Parser, checks, template and docs come from it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cis_power.core.layouts.checks import RowCheck


class Kind(StrEnum):
    """What a column's text means, and the Python value it becomes."""

    IDENTIFIER = "identifier"  # str without control characters, kept as written
    TEXT = "text"  # str
    CHOICE = "choice"  # one of `choices`, lower case
    FLAG = "flag"  # bool
    INTEGER = "integer"  # int
    NUMBER = "number"  # float, finite
    MONEY = "money"  # Decimal, to the cent
    DATE = "date"  # date
    PHASES = "phases"  # int, the mask of core/phases.py
    INSTANT = "instant"  # aware UTC datetime; a bare date is local midnight


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `required`: it must be in the header and filled in every row; an empty field is None otherwise.

    `may_repeat`, of a time in the key: where clocks go back, a local time that comes twice means the later one then.
    `required_header` asks for the column itself but allows empty fields. `minimum` and `maximum` are inclusive.
    """

    name: str
    description: str
    kind: Kind = Kind.TEXT
    required: bool = False
    required_header: bool = False
    choices: tuple[str, ...] = ()
    unit: str = ""
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    max_length: int = 200
    example: str = ""
    may_repeat: bool = False

    def __post_init__(self) -> None:
        if (self.kind is Kind.CHOICE) != bool(self.choices):
            raise ValueError(f"column {self.name}: choices belong to columns of kind choice, and only to them")

    @property
    def must_be_in_header(self) -> bool:
        return self.required or self.required_header


@dataclass(frozen=True, slots=True)
class Trailer:
    """The last line `#TRAILER,rows,total`: rows of data and the sum of `total_column`, to the cent."""

    total_column: str


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of file. `key` columns identify a row; a second row of the same key in one file is an error.

    `doubles_pass`: a second row that says exactly the same is a warning and goes on to the posting function.
    `key_needs` names a column that must be filled for that; rows where it is empty have no key.

    `one_of`: of each group of columns a row must fill at least one. `poster` names the posting function as
    `"module:function"`, loaded only when rows are posted; layouts without one are read by commands of their own.
    `chunk_rows`: most rows one transaction may post (None: as many as half a second takes).
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    key_needs: str | None = None
    doubles_pass: bool = False
    one_of: tuple[tuple[str, ...], ...] = ()
    trailer: Trailer | None = None
    row_check: RowCheck | None = None
    poster: str | None = None
    chunk_rows: int | None = None
    notes: tuple[str, ...] = ()
    title: str = ""
    _by_name: dict[str, Column] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._by_name.update({column.name: column for column in self.columns})
        if len(self._by_name) != len(self.columns):
            raise ValueError(f"layout {self.name}: a column is declared twice")
        named = [*self.key, *filter(None, (self.key_needs,)), *(name for group in self.one_of for name in group)]
        if self.trailer:
            named.append(self.trailer.total_column)
        unknown = sorted(set(named) - set(self._by_name))
        if unknown:
            raise ValueError(f"layout {self.name}: undeclared columns {', '.join(unknown)}")

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when there is none."""
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name
