"""From the text of a column to its values; pure. Each distinct text is read once, numbers in one sweep."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from cis_power.core.errors import Severity
from cis_power.core.layouts.declaration import Column, Kind
from cis_power.core.phases import parse_phases
from cis_power.core.time import day_bounds, parse_instant

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_ONLY_NUMBERS = re.compile(r"[0-9+\-.eE\n]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029\ud800-\udfff]")
_CONTROL_OR_BREAK = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")
_FLAGS = {"true": True, "yes": True, "y": True, "t": True, "1": True}
_FLAGS |= {"false": False, "no": False, "n": False, "f": False, "0": False}
_YEARS = range(1900, 2101)
_CACHE_LIMIT = 100_000
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong (or remarkable) with one text."""

    code: str
    message: str
    severity: Severity = "error"


class Refused(Exception):
    """A text that its column does not take."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(code, message)


def shown(text: str) -> str:
    """The text as an error message may show it: short, and on one line."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def read_value(column: Column, text: str, zone: tzinfo) -> tuple[Any, Fault | None]:
    """(value, fault) of one field: empty → the column's default, or an error where the column is required."""
    text = text.strip()
    if not text:
        if column.required:
            return None, Fault("missing_value", f"{column.name} must not be empty")
        return column.default, None
    try:
        value = _READERS[column.kind](column, text, zone)
    except Refused as refusal:
        return None, refusal.fault
    if column.kind is Kind.INSTANT and _occurs_twice(text, value, zone):
        message = f"{shown(text)} occurs twice in {zone} when clocks go back; the first is taken"
        return value, Fault("ambiguous_time", message, "warning")
    return value, None


def read_column(column: Column, texts: Sequence[str], zone: tzinfo) -> tuple[list[Any], dict[int, Fault]]:
    """Values of a column and the faults by position."""
    if column.kind is Kind.NUMBER:
        values = _sweep_of_numbers(column, texts)
        if values is not None:
            return values, {}
    known: dict[str, tuple[Any, Fault | None]] = {}
    values, faults = [], {}
    for position, text in enumerate(texts):
        found = known.get(text)
        if found is None:
            if len(known) >= _CACHE_LIMIT:
                known.clear()
            found = known[text] = read_value(column, text, zone)
        values.append(found[0])
        if found[1] is not None:
            faults[position] = found[1]
    return values, faults


def _sweep_of_numbers(column: Column, texts: Sequence[str]) -> list[Any] | None:
    """All values at once where every text is a plain number in bounds, else None."""
    if not _ONLY_NUMBERS.fullmatch("\n".join(texts)):
        return None
    try:
        values = [float(text) for text in texts]
    except ValueError:
        return None
    if not values:
        return values
    lowest, highest = min(values), max(values)
    if not (math.isfinite(lowest) and math.isfinite(highest)):
        return None
    if column.minimum is not None and lowest < column.minimum:
        return None
    return None if column.maximum is not None and highest > column.maximum else values


def _identifier(column: Column, text: str, _zone: tzinfo) -> str:
    if _CONTROL_OR_BREAK.search(text):
        raise Refused("control_character", f"{shown(text)} holds a control character")
    return _fitting(column, text)


def _text(column: Column, text: str, _zone: tzinfo) -> str:
    if _CONTROL.search(text):
        raise Refused("control_character", f"{shown(text)} holds a control character")
    return _fitting(column, text)


def _fitting(column: Column, text: str) -> str:
    if len(text) > column.max_length:
        raise Refused("too_long", f"{len(text)} characters, at most {column.max_length} are allowed")
    return text


def _choice(column: Column, text: str, _zone: tzinfo) -> str:
    value = text.lower()
    if value not in column.choices:
        raise Refused("unknown_choice", f"{shown(text)} is none of {', '.join(column.choices)}")
    return value


def _flag(_column: Column, text: str, _zone: tzinfo) -> bool:
    value = _FLAGS.get(text.lower())
    if value is None:
        raise Refused("bad_flag", f"{shown(text)} is neither true nor false")
    return value


def _integer(column: Column, text: str, _zone: tzinfo) -> int:
    if not _INTEGER.fullmatch(text):
        raise Refused("bad_number", f"{shown(text)} is not a whole number")
    value = int(text)
    check_bounds(column, value)
    return value


def _number(column: Column, text: str, _zone: tzinfo) -> float:
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise Refused("bad_number", f"{shown(text)} is not a finite number")
    value = float(text)
    check_bounds(column, value)
    return value


def _money(column: Column, text: str, _zone: tzinfo) -> Decimal:
    value = money(text)
    if value is None:
        raise Refused("bad_amount", f"{shown(text)} is not an amount")
    if value != value.quantize(Decimal("0.01")):
        raise Refused("bad_amount", f"{shown(text)} is finer than a cent")
    check_bounds(column, float(value))
    return value.quantize(Decimal("0.01"))


def money(text: str) -> Decimal | None:
    """The amount in a text, as exact as it stands there; None where it is unreadable or absurd."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value) < Decimal("1e13") and abs(value.as_tuple().exponent) < 30 else None  # type: ignore[arg-type]


def check_bounds(column: Column, value: float) -> None:
    if column.minimum is not None and value < column.minimum:
        raise Refused("out_of_range", f"{value:g} is below {column.minimum:g}")
    if column.maximum is not None and value > column.maximum:
        raise Refused("out_of_range", f"{value:g} is above {column.maximum:g}")


def _phases(_column: Column, text: str, _zone: tzinfo) -> int:
    try:
        return parse_phases(text)
    except ValueError as error:
        raise Refused("bad_phases", str(error)[: _SHOWN * 2]) from None


def _date(_column: Column, text: str, _zone: tzinfo) -> date:
    try:
        value = date.fromisoformat(text) if _DATE.fullmatch(text) else datetime.fromisoformat(text).date()
    except ValueError:
        raise Refused("bad_date", f"{shown(text)} is not an ISO 8601 date") from None
    if value.year not in _YEARS:
        raise Refused("bad_date", f"{shown(text)} is out of range")
    return value


def _instant(_column: Column, text: str, zone: tzinfo) -> datetime:
    try:
        value = day_bounds(date.fromisoformat(text), zone)[0] if _DATE.fullmatch(text) else parse_instant(text, zone)
    except (ValueError, OverflowError) as error:
        reason = str(error) if "clocks skip" in str(error) else f"{shown(text)} is not an ISO 8601 time"
        raise Refused("bad_time", reason) from None
    if value.year not in _YEARS:
        raise Refused("bad_time", f"{shown(text)} is out of range")
    return value


def _occurs_twice(text: str, value: datetime, zone: tzinfo) -> bool:
    """Whether a local time written without offset is one of an hour that clocks repeat."""
    if zone is UTC or _DATE.fullmatch(text) or datetime.fromisoformat(text).tzinfo is not None:
        return False
    local = value.astimezone(zone)
    return local.utcoffset() != local.replace(fold=1).utcoffset()


_READERS: dict[Kind, Callable[[Column, str, tzinfo], Any]] = {
    Kind.IDENTIFIER: _identifier,
    Kind.TEXT: _text,
    Kind.CHOICE: _choice,
    Kind.FLAG: _flag,
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.MONEY: _money,
    Kind.DATE: _date,
    Kind.INSTANT: _instant,
    Kind.PHASES: _phases,
}
