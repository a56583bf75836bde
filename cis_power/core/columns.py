"""Columns of many rows as arrays; pure. What a file's values become, and what programs may give at once.

A column is a list of plain values, a numpy array, or `Coded`. As arrays instants are datetime64 in UTC, dates
datetime64[D], amounts int64 whole cents, numbers float64; NaT and NaN stand for what is absent.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

Values = Sequence[Any] | NDArray[Any]


class Coded(Sequence[Any]):
    """A column in which values recur: row i holds `values[codes[i]]`. Values are distinct."""

    __slots__ = ("codes", "values")

    def __init__(self, codes: NDArray[np.integer], values: Sequence[Any]) -> None:
        self.codes, self.values = codes, values

    @classmethod
    def of(cls, column: Values) -> "Coded":
        """Any column, coded in the order in which values first come."""
        if isinstance(column, Coded):
            return column
        known: dict[Hashable, int] = {}
        plain = column.tolist() if isinstance(column, np.ndarray) else column
        codes = np.fromiter((known.setdefault(value, len(known)) for value in plain), np.int64, len(column))
        return cls(codes, list(known))

    @classmethod
    def same(cls, value: Any, count: int) -> "Coded":
        """One value in every row."""
        return cls(np.zeros(count, np.int8), [value])

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, place: int) -> Any: ...
    @overload
    def __getitem__(self, place: slice) -> "Coded": ...
    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return Coded(self.codes[place], self.values)
        return self.values[self.codes[place]]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.mapped(lambda value: value))

    def compact(self) -> "Coded":
        """The same column with no value that no row holds."""
        used = np.unique(self.codes)
        if len(used) == len(self.values):
            return self
        place = np.zeros(len(self.values), np.int64)
        place[used] = np.arange(len(used))
        return Coded(place[self.codes], [self.values[code] for code in used.tolist()])

    def mapped(self, function: Callable[[Any], Any]) -> list[Any]:
        """What a function makes of each row's value, called once a value."""
        table = np.empty(len(self.values), object)
        table[:] = [function(value) for value in self.values]
        return table[self.codes].tolist()  # type: ignore[no-any-return]

    def looked_up(self, keys: Mapping[Any, int], missing: int = 0) -> NDArray[np.int64]:
        """The number that a mapping gives for each row's value, else `missing`."""
        table = np.array([keys.get(value, missing) for value in self.values], np.int64)
        return table[self.codes] if len(table) else np.empty(0, np.int64)

    def holds(self, test: Callable[[Any], bool]) -> NDArray[np.bool_]:
        """Whether each row's value passes a test, asked once a value."""
        table = np.array([test(value) for value in self.values], np.bool_)
        return table[self.codes] if len(table) else np.empty(0, np.bool_)


def taken(column: Values, places: NDArray[np.int64]) -> Values:
    """The column's rows at some places."""
    if isinstance(column, np.ndarray):
        return column[places]
    if isinstance(column, Coded):
        return Coded(column.codes[places], column.values)
    return [column[place] for place in places.tolist()]


def taken_array(table: NDArray[Any], codes: NDArray[np.integer]) -> NDArray[Any]:
    """The table's values at some codes."""
    found: NDArray[Any] = table[codes]
    return found


def instants(column: Values) -> NDArray[np.datetime64]:
    """Instants as datetime64[us] in UTC; NaT where there is none. Aware datetimes only."""
    if isinstance(column, np.ndarray):
        return column.astype("datetime64[us]")
    if isinstance(column, Coded):
        table = instants(list(column.values))
        return taken_array(table, column.codes)
    bare = [None if value is None else value.astimezone(UTC).replace(tzinfo=None) for value in column]
    return np.array(bare, "datetime64[us]")


def days(column: Values) -> NDArray[np.datetime64]:
    """Dates as datetime64[D]; NaT where there is none."""
    if isinstance(column, np.ndarray):
        return column.astype("datetime64[D]")
    if isinstance(column, Coded):
        table = days(list(column.values))
        return taken_array(table, column.codes)
    return np.array(column, "datetime64[D]")


def numbers(column: Values) -> NDArray[np.float64]:
    """Numbers as float64; NaN where there is none."""
    if isinstance(column, Coded):
        table = numbers(list(column.values))
        return taken_array(table, column.codes)
    return np.asarray(column, np.float64)  # None becomes NaN


def cents(column: Values) -> NDArray[np.int64]:
    """Amounts as whole cents; None counts 0."""
    if isinstance(column, np.ndarray):
        if column.dtype.kind not in "iu":
            raise TypeError(f"amounts as {column.dtype}: whole cents are needed")
        return column.astype(np.int64, copy=False)
    if isinstance(column, Coded):
        table = cents(list(column.values))
        return taken_array(table, column.codes)
    return np.array([0 if value is None else int(value * 100) for value in column], np.int64)


def amount(whole_cents: int) -> Decimal:
    """The amount of so many cents."""
    return Decimal(int(whole_cents)).scaleb(-2)


def aware(moment: np.datetime64) -> datetime | None:
    """An instant of an array as an aware datetime."""
    return None if np.isnat(moment) else moment.astype("datetime64[us]").item().replace(tzinfo=UTC)


def day(moment: np.datetime64) -> date | None:
    """A date of an array as a date."""
    return None if np.isnat(moment) else moment.astype("datetime64[D]").item()


def optional(column: NDArray[Any]) -> list[Any]:
    """Numbers of an array as plain values, None where there is none."""
    plain: list[Any] = column.tolist()
    if column.dtype.kind == "f" and np.isnan(column).any():
        return [None if absent else value for value, absent in zip(plain, np.isnan(column).tolist(), strict=True)]
    return plain


def plain(column: Values) -> Sequence[Any]:
    """A column as plain values: aware datetimes, dates, numbers, None where there is none."""
    if not isinstance(column, np.ndarray):
        return list(column) if isinstance(column, Coded) else column
    if column.dtype.kind != "M":
        return optional(column)
    if np.datetime_data(column.dtype)[0] == "D":
        return [None if value is None else value for value in column.tolist()]
    bare = column.astype("datetime64[us]").tolist()
    return [None if value is None else value.replace(tzinfo=UTC) for value in bare]


def combined(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """One number a row, equal where all parts are."""
    whole, size = np.zeros(len(parts[0]), np.int64), 1
    for part in parts:
        numbered = part
        low, high = int(part.min()), int(part.max())
        if high - low >= 2**62 // size:
            numbered = np.unique(part, return_inverse=True)[1].astype(np.int64)
            low, high = 0, int(numbered.max())
            if high >= 2**62 // size:
                whole = np.unique(whole, return_inverse=True)[1].astype(np.int64)
                size = int(whole.max()) + 1
        whole = whole * (high - low + 1) + (numbered - low)
        size *= high - low + 1
    return whole
