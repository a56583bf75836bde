"""Rows given by a program as columns, checked as the rows of a file are: the same faults, line for line."""

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis_power.core.columns import Coded, Values, amount, cents, combined, days, instants, numbers, plain, taken
from cis_power.core.errors import Problem
from cis_power.core.layouts.checks import Spotting
from cis_power.core.layouts.declaration import Column, Kind, Layout
from cis_power.core.layouts.rows import Parsed, Row, Rows
from cis_power.core.layouts.values import Fault, Refused, check_bounds, read_value, shown
from cis_power.core.phases import format_phases
from cis_power.core.time import iso

_FIRST_LINE = 2
_YEARS = np.datetime64("1900-01-01"), np.datetime64("2101-01-01")
_TEXTS = (Kind.IDENTIFIER, Kind.TEXT, Kind.CHOICE)
Faults = dict[int, Fault]


def read_arrays(layout: Layout, columns: Mapping[str, Values]) -> Parsed:
    """Rows of a layout from columns of one length, with line numbers as if they stood in a file under a header.

    Instants are datetime64 (UTC) or aware datetimes, dates datetime64 or dates, amounts whole cents (int64) or
    Decimals, numbers floats, all else lists or `Coded`; None, NaN and NaT are absent. Raises ValueError for columns
    that the layout does not have or that differ in length: that is the caller's mistake, no fault of the data.
    """
    unknown = sorted(set(columns) - {column.name for column in layout.columns})
    if unknown:
        raise ValueError(f"{layout.name} has no columns {', '.join(unknown)}")
    lengths = {name: len(values) for name, values in columns.items()}
    count = next(iter(lengths.values()), 0)
    if set(lengths.values()) - {count}:
        raise ValueError(f"columns for {layout.name} differ in length: {lengths}")
    return _Reading(layout, count).read(columns)


class _Reading:
    """Columns being checked."""

    def __init__(self, layout: Layout, count: int) -> None:
        self._layout, self._count = layout, count
        self._good = np.ones(count, np.bool_)
        self._problems: list[Problem] = []
        self._columns: dict[str, Values] = {}

    def read(self, given: Mapping[str, Values]) -> Parsed:
        needed = [column.name for column in self._layout.columns if column.must_be_in_header]
        missing = [name for name in needed if name not in given]
        if missing:
            raise ValueError(f"{self._layout.name} needs columns {', '.join(missing)}")
        for name, values in given.items():
            column = self._layout.column(name)
            self._columns[name], faults = _READERS.get(column.kind, _read_texts)(column, values)
            for place, fault in sorted(faults.items()):
                self._fault(place, Problem(fault.code, fault.message, fault.severity, field=name))
        self._check_groups()
        self._check_rows()
        self._check_keys()
        lines = range(_FIRST_LINE, self._count + _FIRST_LINE)
        defaults = {column.name: column.default for column in self._layout.columns}
        parsed = Parsed(_fingerprint(self._layout, self._columns), rows=Rows(self._columns, lines, defaults))
        parsed.good = self._good
        parsed.problems = sorted(self._problems, key=lambda problem: (problem.line or 0, problem.severity))
        if self._layout.trailer:
            parsed.amount_total = amount(int(cents(self._columns[self._layout.trailer.total_column]).sum()))
        return parsed

    def _fault(self, place: int, problem: Problem) -> None:
        if problem.severity == "error":
            self._good[place] = False
        self._problems.append(replace(problem, line=place + _FIRST_LINE))

    def _check_groups(self) -> None:
        for group in self._layout.one_of:
            empty = self._good.copy()
            for name in group:
                if name in self._columns:
                    empty &= _absent(self._columns[name])
            for place in np.flatnonzero(empty).tolist():
                message = f"one of {', '.join(group)} must be filled"
                self._fault(place, Problem("missing_value", message, field=group[0]))

    def _check_rows(self) -> None:
        check = self._layout.row_check
        if check is None:
            return
        suspects = check.suspects(self._columns, self._count) if isinstance(check, Spotting) else self._good
        for place in np.flatnonzero(suspects & self._good).tolist():
            for problem in check(self._row(place), place + _FIRST_LINE):
                self._fault(place, problem)

    def _row(self, place: int) -> Row:
        values = {column.name: column.default for column in self._layout.columns}
        at = np.array([place])
        values |= {name: plain(taken(column, at))[0] for name, column in self._columns.items()}
        return Row(values, place + _FIRST_LINE)

    def _check_keys(self) -> None:
        """A second row of the same key is an error; where the layout lets doubles pass and it says the same, a hint."""
        names = [name for name in self._layout.key if name in self._columns]
        needed = self._columns.get(self._layout.key_needs or "")
        counted = self._good if needed is None else self._good & ~_absent(needed)
        if not names or not counted.any() or (self._layout.key_needs and needed is None):
            return
        places = np.flatnonzero(counted)
        key = combined([_numbered(self._columns[name])[places] for name in names])
        if (key[1:] > key[:-1]).all():
            return
        order = np.argsort(key, kind="stable")
        begins = np.append(True, key[order][1:] != key[order][:-1])
        first = np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))
        for spot in np.flatnonzero(~begins).tolist():
            self._doubled(int(places[order[first[spot]]]), int(places[order[spot]]))

    def _doubled(self, seen: int, place: int) -> None:
        line = seen + _FIRST_LINE
        if self._layout.doubles_pass and dict(self._row(seen)) == dict(self._row(place)):
            self._fault(place, Problem("doubled_row", f"the same row stands on line {line}", "warning"))
        else:
            message = f"the same {', '.join(self._layout.key)} stands on line {line}"
            self._fault(place, Problem("doubled_key", message, field=self._layout.key[-1]))


def _absent(column: Values) -> NDArray[np.bool_]:
    """Where a column holds nothing."""
    if isinstance(column, np.ndarray):
        if column.dtype.kind == "M":
            return np.isnat(column)
        return np.isnan(column) if column.dtype.kind == "f" else np.zeros(len(column), np.bool_)
    return Coded.of(column).holds(lambda value: value is None)


def _numbered(column: Values) -> NDArray[np.int64]:
    """Whole numbers that are equal where a column's values are."""
    if isinstance(column, np.ndarray) and column.dtype.kind in "iuM":
        return column.view(np.int64) if column.dtype.kind == "M" else column.astype(np.int64)
    if isinstance(column, np.ndarray) and (column == column[0]).all():
        return np.zeros(len(column), np.int64)
    if isinstance(column, np.ndarray):
        return np.unique(column, return_inverse=True)[1].astype(np.int64)
    return Coded.of(column).codes.astype(np.int64)


def _missing(column: Column, places: Iterable[int]) -> Faults:
    if not column.required:
        return {}
    return {place: Fault("missing_value", f"{column.name} must not be empty") for place in places}


def _read_texts(column: Column, given: Values) -> tuple[Values, Faults]:
    """Texts, choices, flags, phases and whole numbers: looked at value by value, once where they recur."""
    table = list(given.values) if isinstance(given, Coded) else list(plain(given))
    faults: Faults = {}
    plainly = column.kind in _TEXTS
    for place, value in enumerate(table):
        if plainly and type(value) is str and _is_plain(column, value):
            continue
        if value is None or isinstance(value, str):
            table[place], fault = read_value(column, value or "", UTC)
        else:
            table[place], fault = _typed(column, value)
        if fault is not None:
            faults[place] = fault
    if not isinstance(given, Coded):
        return table, faults
    coded = Coded(given.codes, table)
    if len(set(table)) < len(table):  # what was absent took the default's place
        merged = Coded.of(table)
        coded = Coded(merged.codes[given.codes], merged.values)
    if not faults:
        return coded, {}
    return coded, {int(row): faults[code] for row, code in enumerate(given.codes.tolist()) if code in faults}


def _is_plain(column: Column, text: str) -> bool:
    if column.kind is Kind.CHOICE:
        return text in column.choices
    return bool(text) and len(text) <= column.max_length and text.isprintable() and text[0] != " " != text[-1]


def _typed(column: Column, value: Any) -> tuple[Any, Fault | None]:
    """A value that is no text."""
    if column.kind is Kind.FLAG:
        return bool(value), None
    if column.kind in (Kind.INTEGER, Kind.PHASES) and value == int(value):
        return int(value), _out_of_bounds(column, int(value))
    return None, Fault("bad_value", f"{shown(repr(value))} is no {column.kind}")


def _out_of_bounds(column: Column, value: float) -> Fault | None:
    try:
        check_bounds(column, value)
    except Refused as refusal:
        return refusal.fault
    return None


def _read_numbers(column: Column, given: Values) -> tuple[Values, Faults]:
    values = numbers(given)
    if column.default is not None:
        values = np.where(np.isnan(values), column.default, values)
    faults = _missing(column, np.flatnonzero(np.isnan(values)).tolist())
    wrong = np.isinf(values)
    if column.minimum is not None:
        wrong |= values < column.minimum
    if column.maximum is not None:
        wrong |= values > column.maximum
    for place in np.flatnonzero(wrong).tolist():
        value = float(values[place])
        fault = _out_of_bounds(column, value) if math.isfinite(value) else None
        faults[place] = fault or Fault("bad_number", f"{value} is not a finite number")
    return values, faults


def _read_whole(column: Column, given: Values) -> tuple[Values, Faults]:
    """Whole numbers; an array stays one, as float64 where some are absent."""
    if not isinstance(given, np.ndarray):
        return _read_texts(column, given)
    values, faults = _read_numbers(column, given)
    figures = numbers(values)
    for place in np.flatnonzero(figures % 1 > 0).tolist():
        faults[place] = Fault("bad_number", f"{shown(str(figures[place]))} is not a whole number")
    return (figures if np.isnan(figures).any() else figures.astype(np.int64)), faults


def _read_amounts(column: Column, given: Values) -> tuple[Values, Faults]:
    if isinstance(given, np.ndarray):
        return cents(given), {}
    faults = _missing(column, [place for place, value in enumerate(given) if value is None])
    for place, value in enumerate(given):
        if value is not None and Decimal(value) * 100 % 1:
            faults[place] = Fault("bad_amount", f"{shown(str(value))} is finer than a cent")
    return cents(given), faults


def _read_times(column: Column, given: Values) -> tuple[Values, Faults]:
    of_days = column.kind is Kind.DATE
    values = days(given) if of_days else instants(given)
    faults = _missing(column, np.flatnonzero(np.isnat(values)).tolist())
    for place in np.flatnonzero((values < _YEARS[0]) | (values >= _YEARS[1])).tolist():
        faults[place] = Fault("bad_date" if of_days else "bad_time", f"{shown(str(values[place]))} is out of range")
    return values, faults


_READERS = {
    Kind.INTEGER: _read_whole,
    Kind.NUMBER: _read_numbers,
    Kind.MONEY: _read_amounts,
    Kind.DATE: _read_times,
    Kind.INSTANT: _read_times,
}


def _fingerprint(layout: Layout, columns: Mapping[str, Values]) -> str:
    """SHA-256 of what the columns say."""
    digest = hashlib.sha256(layout.name.encode())
    for name, values in sorted(columns.items()):
        digest.update(f"\n{name}\n".encode())
        if isinstance(values, np.ndarray):
            digest.update(np.ascontiguousarray(values).view(np.uint8).data)
        elif isinstance(values, Coded):
            digest.update(np.ascontiguousarray(values.codes, np.int64).view(np.uint8).data)
            digest.update("\n".join(map(str, values.values)).encode())
        else:
            digest.update("\n".join(map(str, values)).encode())
    return digest.hexdigest()


class ArrayRows:
    """The text of rows given as columns, for those that must be kept as rejects."""

    def __init__(self, layout: Layout, rows: Rows) -> None:
        self._layout, self._rows = layout, rows

    def fetch(self, lines: Iterable[int]) -> dict[int, dict[str, str]]:
        """The rows of these lines as column → text, as a file would hold them."""
        wanted = np.array(sorted(lines), np.int64)
        texts: dict[int, dict[str, str]] = {line: {} for line in wanted.tolist()}
        if not texts:
            return texts
        for name, column in self._rows.columns.items():
            found = plain(taken(column, wanted - _FIRST_LINE))
            kind = self._layout.column(name).kind
            for line, value in zip(wanted.tolist(), found, strict=True):
                if value is not None:
                    texts[line][name] = _as_text(kind, value)
        return texts


def _as_text(kind: Kind, value: Any) -> str:
    if kind is Kind.MONEY:
        return str(amount(value))
    if kind is Kind.PHASES:
        return format_phases(value)
    if kind is Kind.INTEGER:
        return str(int(value))
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else str(value)
