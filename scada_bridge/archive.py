"""Reading an archive of the DMS: a table of any database that SQLAlchemy speaks to, or a folder of CSV files."""

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import DateTime, Integer, MetaData, Numeric, Table, create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from cis_power.core.config import SourceSettings
from cis_power.core.db import chunked
from cis_power.core.errors import ConfigError, Unavailable
from cis_power.core.layouts.source import FileFault, Limits, Records, inspect
from cis_power.core.quality import Quality
from cis_power.core.time import ensure_utc, parse_instant

# What we call a column, and what an archive may call it without being asked; the first is our own name.
OURS: Mapping[str, tuple[str, ...]] = {
    "point_id": ("point_id", "point", "tag"),
    "measured_at": ("measured_at", "at", "time", "timestamp", "ts"),
    "value": ("value", "val"),
    "quality": ("quality", "q"),
}
_OURS_OF = {name: ours for ours, names in OURS.items() for name in names}
_NUMBER = re.compile(r"\d+(\.\d+)?")
_DEFAULT_TABLE = "history"
_PART_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class ArchiveRow:
    """One value of an archive. `quality` is ours."""

    point_id: str
    at: datetime
    value: float | None
    quality: Quality


def read_archive(archive: SourceSettings, since: datetime, zone: tzinfo) -> Iterator[tuple[list[ArchiveRow], int]]:
    """Rows from `since` on in parts that fit into memory, and how many of each part could not be read.

    Naive times are local to `zone`. Raises Unavailable when the archive does not answer, ConfigError when it has no
    such columns.
    """
    unknown = sorted(set(archive.columns) - set(_OURS_OF))
    if unknown:
        raise ConfigError(f"columns of an archive are {', '.join(OURS)}; there is no {', '.join(unknown)}")
    lines = _of_folder(archive, zone) if archive.url.startswith("file://") else _of_table(archive, since, zone)
    for part in chunked(lines, _PART_ROWS):
        rows = [_row(line, zone) for line in part]
        yield [row for row in rows if row is not None and row.at >= since], rows.count(None)


def _named(archive: SourceSettings, there: Collection[str], where: str) -> dict[str, str | None]:
    """Our column → theirs (None: there is none). Raises ConfigError for one that is needed or was named."""
    given = {_OURS_OF[name]: theirs for name, theirs in archive.columns.items()}
    names: dict[str, str | None] = {}
    for ours, known in OURS.items():
        wanted = (given[ours],) if ours in given else known
        names[ours] = next((name for name in wanted if name in there), None)
        if names[ours] is None and (ours in given or ours != "quality"):
            raise ConfigError(f"the archive's {where} has no column {wanted[0]}")
    return names


def _of_table(archive: SourceSettings, since: datetime, zone: tzinfo) -> Iterator[tuple[Any, ...]]:
    engine = create_engine(archive.url.removeprefix("archive+"))
    try:
        with engine.connect() as connection:
            table = Table(archive.table or _DEFAULT_TABLE, MetaData(), autoload_with=connection)
            names = _named(archive, table.c.keys(), f"table {table.name}")
            columns = [table.c[theirs] for theirs in names.values() if theirs is not None]
            query = select(*columns).order_by(columns[1]).execution_options(yield_per=10_000)
            at = table.c[str(names["measured_at"])]
            if isinstance(at.type, DateTime):
                query = query.where(at >= (since if at.type.timezone else since.astimezone(zone).replace(tzinfo=None)))
            elif isinstance(at.type, Numeric | Integer):  # seconds; were they milliseconds, all of them are later
                query = query.where(at >= since.timestamp())
            for row in connection.execute(query):
                yield tuple(row)
    except SQLAlchemyError as error:
        words = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise Unavailable(f"the archive does not answer: {words}") from error
    finally:
        engine.dispose()


def _of_folder(archive: SourceSettings, zone: tzinfo) -> Iterator[tuple[Any, ...]]:
    """Lines of CSV files in the manners of our layouts: UTF-8 or GBK, a `#TZ=` line, a header."""
    parts = urlsplit(archive.url)
    folder = Path(unquote(parts.netloc + parts.path))
    if not folder.is_dir():
        raise Unavailable(f"the archive folder {folder} is not there")
    for file in sorted(folder.glob(archive.table or "*.csv")):
        try:
            yield from _of_file(archive, file, zone)
        except (FileFault, UnicodeDecodeError) as fault:
            raise Unavailable(f"the archive's file {file.name} cannot be read: {fault}") from fault


def _of_file(archive: SourceSettings, file: Path, zone: tzinfo) -> Iterator[tuple[Any, ...]]:
    with inspect(file, Limits()).open_text() as text:
        records = Records(text)
        lines = iter(records)
        header = next(lines, (1, []))[1]
        names = _named(archive, header, f"file {file.name}")
        places = [header.index(theirs) for theirs in names.values() if theirs is not None]
        for _, fields in lines:
            if len(fields) != len(header):
                yield (None, None, None)
                continue
            point_id, at, *others = (fields[place] for place in places)
            yield (point_id, _in_zone(at, records.zone or zone), *others)


def _in_zone(text: str, zone: tzinfo) -> datetime | None:
    try:
        return _instant(float(text) if _NUMBER.fullmatch(text) else text, zone)
    except ValueError:
        return None


def _row(line: tuple[Any, ...], zone: tzinfo) -> ArchiveRow | None:
    point_id, at, value, *rest = line
    try:
        number = None if value in (None, "") else float(value)
        moment = _instant(at, zone)
    except (TypeError, ValueError):
        return None
    if point_id in (None, "") or moment is None:
        return None
    if number is not None and not math.isfinite(number):
        number = None
    quality = _quality(rest[0] if rest else None)
    if quality is None:
        return None
    return ArchiveRow(str(point_id), moment, number, Quality.MISSING if number is None else quality)


def _instant(value: Any, zone: tzinfo) -> datetime | None:
    """An instant of a driver's datetime, ISO text, or seconds (or milliseconds) since 1970."""
    if isinstance(value, datetime):
        return ensure_utc(value if value.tzinfo else value.replace(tzinfo=zone))
    if isinstance(value, int | float):
        seconds = value / 1000 if abs(value) > 1e11 else value
        return datetime.fromtimestamp(seconds, tz=ZoneInfo("UTC"))
    return parse_instant(str(value), zone) if value else None


def _quality(word: Any) -> Quality | None:
    """Our quality of an archive's word or number; absent: GOOD; anything unknown: None."""
    if word in (None, ""):
        return Quality.GOOD
    text = str(word).strip().upper()
    if text.isdigit():
        return Quality(int(text)) if int(text) <= Quality.MISSING else None
    return Quality.__members__.get(text)
