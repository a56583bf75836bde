"""A file checked whole against its layout: all problems at once, rows with their physical line numbers."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC
from decimal import Decimal
from itertools import repeat
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from cis_power.core.errors import Problem
from cis_power.core.layouts.declaration import Column, Layout
from cis_power.core.layouts.rows import Parsed, Rows
from cis_power.core.layouts.source import BrokenRecord, FileFault, Limits, Records, fingerprint, inspect
from cis_power.core.layouts.values import Fault, money, read_column, shown

_CHUNK = 50_000
_TRAILER = "#TRAILER"


def parse(layout: Layout, content: bytes | Path, zone: ZoneInfo, limits: Limits | None = None) -> Parsed:
    """Read a file: naive times are local to its `#TZ` line, else to `zone`. Never raises for what a file holds."""
    try:
        source = inspect(content, limits or Limits())
    except FileFault as fault:
        return Parsed(fingerprint(content, limits or Limits()), problems=[fault.problem], refused=True)
    parsed = Parsed(source.sha256, source.size_bytes, source.encoding)
    reading = _Reading(layout, parsed, limits or Limits())
    with source.open_text() as text:
        try:
            records = Records(text)
            parsed.zone = records.zone or zone
            reading.read(iter(records))
        except FileFault as fault:
            parsed.problems.append(fault.problem)
            parsed.refused = True
        except UnicodeDecodeError:
            parsed.problems.append(Problem("bad_encoding", "the text is neither UTF-8 nor GBK"))
            parsed.refused = True
    parsed.problems.sort(key=lambda problem: (problem.line or 0, problem.severity))
    if reading.unreported:
        parsed.problems.append(Problem("more_problems", f"{reading.unreported:,} further problems"))
    return parsed


@dataclass(slots=True)
class _Reading:
    """One file being read."""

    layout: Layout
    parsed: Parsed
    limits: Limits
    header: list[str] = field(default_factory=list)
    header_line: int = 1
    places: dict[str, int] = field(default_factory=dict)
    columns: dict[str, list[Any]] = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)
    bad: set[int] = field(default_factory=set)
    cut: set[int] = field(default_factory=set)
    ambiguous: set[tuple[int, str]] = field(default_factory=set)
    unreported: int = 0
    trailer: tuple[int, list[str]] | None = None
    total: Decimal = Decimal(0)

    def read(self, records: Iterator[tuple[int, list[str]]]) -> None:
        self._read_header(records)
        if self.parsed.refused:
            return
        self.columns = {name: [] for name in self.places}
        pending: list[tuple[int, list[str]]] = []
        for record in records:
            if self.trailer:
                self._file_error("after_trailer", "a line follows the trailer", record[0])
                break
            if self.layout.trailer and record[1][0].strip() == _TRAILER:
                self.trailer = record
                continue
            line, fields = record
            if len(fields) != len(self.header) or type(fields) is not list:
                fields = self._fit(len(self.lines) + len(pending), line, fields)
            pending.append((line, fields))
            if len(pending) >= _CHUNK:
                self._read_rows(pending)
                pending = []
        self._read_rows(pending)
        self._finish()

    def _read_header(self, records: Iterator[tuple[int, list[str]]]) -> None:
        first = next(records, None)
        if first is None:
            raise FileFault("no_header", "the file is empty: there is no header", 1)
        self.header_line, fields = first
        if isinstance(fields, BrokenRecord):
            raise FileFault("bad_quoting", "the CSV quoting of the header is broken", self.header_line)
        if len(fields) > self.limits.columns:
            raise FileFault("too_many_columns", f"{len(fields)} columns", self.header_line)
        if len(fields) == 1 and len(self.layout.columns) > 1 and any(sign in fields[0] for sign in ";\t|"):
            raise FileFault("wrong_separator", "the columns must be parted by commas", self.header_line)
        self.header = [name.strip().lower() for name in fields]
        for name, times in Counter(self.header).items():
            if times > 1 and name:
                self._file_error("doubled_column", f"column {shown(name)} stands {times} times", self.header_line, name)
        for place, name in enumerate(self.header):
            if name in self.layout:
                self.places.setdefault(name, place)
            elif name or any(self.header[place:]):
                message = f"column {shown(name)} is unknown and ignored"
                self._add(Problem("unknown_column", message, "warning", line=self.header_line, field=name[:60] or None))
        self._check_presence()

    def _check_presence(self) -> None:
        for column in self.layout.columns:
            if column.must_be_in_header and column.name not in self.places:
                self._file_error("missing_column", f"column {column.name} is missing", self.header_line, column.name)
        for group in self.layout.one_of:
            if not any(name in self.places for name in group):
                message = f"one of the columns {', '.join(group)} must be there"
                self._file_error("missing_column", message, self.header_line, group[0])

    def _read_rows(self, records: list[tuple[int, list[str]]]) -> None:
        """Append a chunk of records to the columns."""
        if not records:
            return
        start = len(self.lines)
        self.lines.extend(line for line, _ in records)
        by_place = list(zip(*(fields for _, fields in records), strict=True))
        if self.layout.trailer:
            self._sum_up(by_place)
        for name, place in self.places.items():
            self._read_values(self.layout.column(name), by_place[place], start)

    def _fit(self, place: int, line: int, record: list[str]) -> list[str]:
        """A record of the wrong width: an error, unless only empty fields are over."""
        width = len(self.header)
        if isinstance(record, BrokenRecord):
            self.cut.add(place)
            self._row_error(place, Problem("bad_quoting", "the CSV quoting of the line is broken", line=line))
            return [""] * width
        if len(record) < width or any(record[width:]):
            message = f"{len(record)} fields where the header has {width}"
            self.cut.add(place)
            self._row_error(place, Problem("wrong_field_count", message, line=line))
        return [*record[:width], *[""] * (width - len(record))]

    def _read_values(self, column: Column, texts: tuple[str, ...], start: int) -> None:
        values, faults = read_column(column, texts, self.parsed.zone or ZoneInfo("UTC"))
        self.columns[column.name].extend(values)
        for place, fault in faults.items():
            self._add_fault(start + place, column.name, fault)

    def _add_fault(self, place: int, name: str, fault: Fault) -> None:
        if place in self.cut:
            return
        problem = Problem(fault.code, fault.message, fault.severity, line=self.lines[place], field=name)
        if fault.code == "ambiguous_time":
            self.ambiguous.add((place, name))
        if fault.severity == "error":
            self._row_error(place, problem)
        else:
            self._add(problem)

    def _sum_up(self, by_place: list[tuple[str, ...]]) -> None:
        assert self.layout.trailer is not None
        place = self.places[self.layout.trailer.total_column]
        self.total += sum((money(text) or Decimal(0) for text in by_place[place]), Decimal(0))

    def _finish(self) -> None:
        count = len(self.lines)
        self.parsed.good = np.ones(count, bool)
        defaults = {column.name: column.default for column in self.layout.columns}
        self.parsed.rows = Rows(self.columns, self.lines, defaults)
        if self.layout.trailer:
            self.parsed.amount_total = self.total
            self._check_trailer(count)
        self._check_groups()
        self._check_rows()
        self._check_keys()
        self.parsed.good[list(self.bad)] = False

    def _check_trailer(self, count: int) -> None:
        if self.trailer is None:
            self._file_error("missing_trailer", f"the last line must be {_TRAILER},rows,total")
            return
        line, fields = self.trailer
        told = [text.strip() for text in fields[1:]]
        rows = int(told[0]) if told and told[0].isdecimal() and told[0].isascii() else None
        total = money(told[1]) if len(told) > 1 else None
        if rows is None or total is None or any(told[2:]):
            self._file_error("bad_trailer", f"the trailer must be {_TRAILER},rows,total", line)
            return
        if rows != count:
            self._file_error("bad_trailer", f"the trailer says {rows} rows, the file holds {count}", line, "rows")
        if total != self.total:
            self._file_error("bad_trailer", f"the trailer says {total}, the amounts sum to {self.total}", line, "total")

    def _check_groups(self) -> None:
        for group in self.layout.one_of:
            columns = [self.columns[name] for name in group if name in self.columns]
            for place, values in enumerate(zip(*columns, strict=True)):
                if place not in self.bad and all(value is None for value in values):
                    message = f"one of {', '.join(group)} must be filled"
                    problem = Problem("missing_value", message, line=self.lines[place], field=group[0])
                    self._row_error(place, problem)

    def _check_keys(self) -> None:
        """A second row of the same key is an error: which of the two was meant, nobody knows."""
        if not self.layout.key or not self.lines:
            return
        columns = [self.columns.get(name) or repeat(None) for name in self.layout.key]
        hashes = np.fromiter(map(hash, zip(*columns, strict=False)), np.int64, len(self.lines))
        _, counts = np.unique(hashes, return_counts=True)
        if (counts == 1).all():
            return
        order = np.argsort(hashes, kind="stable")
        same = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
        suspects = sorted({int(place) for spot in same for place in (order[spot], order[spot + 1])})
        first: dict[tuple[Any, ...], int] = {}
        needed = self.columns.get(self.layout.key_needs or "")
        for place in suspects:
            if place in self.bad or (self.layout.key_needs and (needed is None or needed[place] is None)):
                continue
            seen = first.setdefault(self._key(place), place)
            if seen != place and self._meant_later(place):
                seen = first.setdefault(self._key(place), place)
            if seen == place:
                continue
            if self.layout.doubles_pass and self._same(seen, place):
                message = f"the same row stands on line {self.lines[seen]}"
                self._add(Problem("doubled_row", message, "warning", line=self.lines[place]))
            else:
                message = f"the same {', '.join(self.layout.key)} stands on line {self.lines[seen]}"
                problem = Problem("doubled_key", message, line=self.lines[place], field=self.layout.key[-1])
                self._row_error(place, problem)

    def _key(self, place: int) -> tuple[Any, ...]:
        return tuple(self.columns[name][place] if name in self.columns else None for name in self.layout.key)

    def _same(self, one: int, other: int) -> bool:
        return all(values[one] == values[other] for values in self.columns.values())

    def _meant_later(self, place: int) -> bool:
        """Whether the row's time occurs twice where clocks go back; then it is the second time, and is set so."""
        for name in self.layout.key:
            if self.layout.column(name).may_repeat and (place, name) in self.ambiguous:
                local = self.columns[name][place].astimezone(self.parsed.zone)
                self.columns[name][place] = local.replace(fold=1).astimezone(UTC)
                return True
        return False

    def _check_rows(self) -> None:
        check = self.layout.row_check
        if check is None:
            return
        for place, row in enumerate(self.parsed.rows):
            if place in self.bad:
                continue
            for problem in check(row, row.line):
                placed = replace(problem, line=row.line)
                if problem.severity == "error":
                    self._row_error(place, placed)
                else:
                    self._add(placed)

    def _row_error(self, place: int, problem: Problem) -> None:
        self.bad.add(place)
        self._add(problem)

    def _file_error(self, code: str, message: str, line: int | None = None, name: str | None = None) -> None:
        self.parsed.refused = True
        self._add(Problem(code, message, line=line, field=name))

    def _add(self, problem: Problem) -> None:
        if len(self.parsed.problems) < self.limits.problems:
            self.parsed.problems.append(problem)
        else:
            self.unreported += 1
