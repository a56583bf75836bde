"""The contract's own format: a folder with nodes.csv, equipment.csv and sources.csv."""

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cis_power.core.errors import Problem, Severity
from cis_power.core.phases import ALL_PHASES, parse_phases
from cis_power.network.importers.text import read_text
from cis_power.network.model import OWNERS, Equipment, NetworkModel, Node, Place, Source

TRUE_WORDS = frozenset({"1", "true", "yes", "y", "t", "open", "是"})
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
FALSE_WORDS = frozenset({"0", "false", "no", "n", "f", "closed", "否", ""})


@dataclass(frozen=True, slots=True)
class Layout:
    """Columns of one file: without a `required` one nothing can be read, without a `usual` one a warning is due."""

    file: str
    required: tuple[str, ...]
    usual: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


NODES = Layout("nodes.csv", ("node",), ("x", "y", "nominal_v"))
EQUIPMENT = Layout(
    "equipment.csv",
    ("device", "kind", "from_node", "to_node", "normal_open"),
    ("telemetered", "phases", "rated_kva", "feeder", "substation", "district", "name"),
    ("owner",),
)
SOURCES = Layout("sources.csv", ("node",))


@dataclass(slots=True)
class Row:
    """One record and the physical line it begins on; its readers note what is wrong and go on."""

    file: str
    line: int
    values: Mapping[str, str]
    problems: list[Problem] = field(repr=False)

    @property
    def place(self) -> Place:
        return Place(self.file, self.line)

    def note(self, code: str, message: str, field_name: str, severity: Severity = "error") -> None:
        self.problems.append(Problem(code, message, severity, self.file, self.line, field_name))

    def text(self, name: str) -> str | None:
        return self.values.get(name) or None

    def code(self, name: str) -> str:
        value = self.values.get(name, "")
        if not value:
            self.note("missing_value", f"{name} is empty", name)
        return value

    def number(self, name: str) -> float | None:
        text = self.text(name)
        if text is None:
            return None
        value = float(text) if NUMBER.fullmatch(text) else math.inf
        if not math.isfinite(value):
            self.note("bad_number", f"{text!r} is not a number", name)
            return None
        return value

    def amount(self, name: str) -> float | None:
        value = self.number(name)
        if value is not None and value < 0:
            self.note("bad_number", f"{value:g} is below zero", name)
            return None
        return value

    def flag(self, name: str) -> bool:
        text = self.values.get(name, "").casefold()
        if text not in TRUE_WORDS and text not in FALSE_WORDS:
            self.note("bad_flag", f"{text!r} is neither true nor false", name)
        return text in TRUE_WORDS

    def phases(self, name: str) -> int:
        text = self.values.get(name, "")
        try:
            return parse_phases(text) or ALL_PHASES
        except ValueError as error:
            self.note("bad_phases", str(error), name)
            return ALL_PHASES


def read_folder(folder: Path) -> NetworkModel:
    """The network in a folder, with every problem of its three files."""
    problems: list[Problem] = []
    if not folder.is_dir():
        return NetworkModel(problems=(Problem("unreadable", f"{folder} is not a folder", file=str(folder)),))
    nodes = tuple(
        Node(row.code("node"), row.number("x"), row.number("y"), row.amount("nominal_v"), row.place)
        for row in _rows(folder, NODES, problems)
    )
    equipment = tuple(_equipment(row) for row in _rows(folder, EQUIPMENT, problems))
    sources = tuple(Source(row.code("node"), place=row.place) for row in _rows(folder, SOURCES, problems))
    files = tuple(folder / layout.file for layout in (NODES, EQUIPMENT, SOURCES))
    return NetworkModel(nodes, equipment, sources, problems=tuple(problems), files=files)


def _equipment(row: Row) -> Equipment:
    phases = row.phases("phases")
    owner = row.text("owner")
    if owner is not None and owner.casefold() not in OWNERS:
        row.note("unknown_owner", f"{owner!r} is none of {', '.join(OWNERS)}", "owner", "warning")
        owner = None
    return Equipment(
        code=row.code("device"),
        kind=row.code("kind").casefold(),
        from_node=row.code("from_node"),
        to_node=row.code("to_node"),
        phases=phases,
        open_phases=phases if row.flag("normal_open") else 0,
        telemetered=row.flag("telemetered"),
        rated_kva=row.amount("rated_kva"),
        feeder=row.text("feeder"),
        substation=row.text("substation"),
        district=row.text("district"),
        name=row.text("name"),
        owner=owner.casefold() if owner else None,
        place=row.place,
    )


def _rows(folder: Path, layout: Layout, problems: list[Problem]) -> Iterator[Row]:
    source = read_text(folder / layout.file, layout.file)
    if source.problem is not None:
        problems.append(source.problem)
        return
    reader = csv.reader(io.StringIO(source.text, newline=""), strict=True)
    header: list[str] | None = None
    begins = 1
    try:
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            values = [cell.strip() for cell in cells]
            if not any(values) or (header is None and values[0].startswith("#")):
                continue
            if header is None:
                header = [value.casefold() for value in values]
                if not _header_fits(header, layout, line, problems):
                    return
                continue
            while len(values) > len(header) and not values[-1]:
                values.pop()
            if len(values) != len(header):
                message = f"{len(values)} values where the header has {len(header)}"
                problems.append(Problem("cut_line", message, file=layout.file, line=line))
                continue
            yield Row(layout.file, line, dict(zip(header, values, strict=True)), problems)
    except csv.Error as error:
        problems.append(Problem("unreadable", f"not readable as CSV: {error}", file=layout.file, line=begins))
        return
    if header is None:
        problems.append(Problem("no_header", "the file has no header row", file=layout.file, line=1))


def _header_fits(header: list[str], layout: Layout, line: int, problems: list[Problem]) -> bool:
    def note(code: str, message: str, column: str, severity: Severity) -> None:
        problems.append(Problem(code, message, severity, layout.file, line, column))

    known = {*layout.required, *layout.usual, *layout.optional}
    missing = [column for column in layout.required if column not in header]
    doubled = sorted({column for column in header if column in known and header.count(column) > 1})
    for column in missing:
        note("missing_column", f"the header has no column {column}", column, "error")
    for column in doubled:
        note("doubled_column", f"the header has column {column} more than once", column, "error")
    for column in layout.usual:
        if column not in header:
            note("missing_column", f"the header has no column {column}; it is taken as empty", column, "warning")
    for column in header:
        if column not in known:
            note("unknown_column", f"column {column!r} is not used", column, "warning")
    return not missing and not doubled
