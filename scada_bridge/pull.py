"""History pull: what an archive of the DMS holds fills what polling missed, and never replaces anything better."""

import csv
import logging
import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import DateTime, MetaData, Table, create_engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cis_power.core.config import Settings, SourceSettings
from cis_power.core.db import Database, bulk_upsert
from cis_power.core.errors import ConfigError, Unavailable
from cis_power.core.locks import ProcessLock
from cis_power.core.quality import Quality
from cis_power.core.time import ensure_utc, parse_instant, utc_now
from cis_power.series.packing import Rule
from cis_power.series.writes import fold, put_values
from cis_power.telemetry import gaps, samples
from cis_power.telemetry.models import Point, PullWatermark, Source
from cis_power.telemetry.samples import Found, KnownPoint, PointDirectory, series_step
from cis_power.telemetry.writes import ensure_sources
from scada_bridge.loader import LOCK

OURS = ("point_id", "measured_at", "value", "quality")
_DEFAULT_TABLE = "history"
_OVERLAP = timedelta(hours=1)
_FIRST_PULL = timedelta(days=400)
_CHUNK_ROWS = 200_000
_ARCHIVE_STEP = timedelta(minutes=15)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ArchiveRow:
    """One value of an archive. `quality` is ours."""

    point_id: str
    at: datetime
    value: float | None
    quality: Quality


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull brought."""

    archive: str
    rows: int
    unknown: int
    unreadable: int
    events: int
    gaps_filled: int
    pulled_to: str | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def archives(settings: Settings) -> dict[str, SourceSettings]:
    """The configured archives by name."""
    return {name: source for name, source in settings.sources.items() if source.url.startswith(("archive+", "file://"))}


def pull_archive(database: Database, settings: Settings, name: str) -> Pulled:
    """Pull what is new in an archive, in one transaction. Raises Unavailable when it does not answer.

    Each pull begins an hour before the last one's end, for what the archive got late.
    """
    archive = settings.sources[name]
    zone = ZoneInfo(archive.timezone or settings.timezone)
    now = utc_now()
    lock = ProcessLock(database, LOCK)
    try:
        if not lock.acquire(60):
            raise Unavailable("another process is still loading")
        with database.reading() as session:
            since = _watermark(session, name, archive.serves) or now - _FIRST_PULL
        rows, unreadable = _read(archive, since - _OVERLAP, zone)
        with database.transaction() as session:
            return _store(session, name, archive.serves, rows, unreadable, now)
    finally:
        lock.close()


def _watermark(session: Session, name: str, serves: tuple[str, ...]) -> datetime | None:
    """Up to where every source served was pulled; None when one never was."""
    query = (
        select(func.min(PullWatermark.pulled_to_at), func.count())
        .join(Source, Source.id == PullWatermark.source_id)
        .where(PullWatermark.archive == name, Source.name.in_(serves))
    )
    earliest, count = session.execute(query).one()
    return earliest if count == len(set(serves)) else None


def _read(archive: SourceSettings, since: datetime, zone: tzinfo) -> tuple[list[ArchiveRow], int]:
    unknown = sorted(set(archive.columns) - set(OURS))
    if unknown:
        raise ConfigError(f"columns of an archive are {', '.join(OURS)}; there is no {', '.join(unknown)}")
    names = {ours: archive.columns.get(ours, ours) for ours in OURS}
    found, unreadable = [], 0
    lines = _of_folder(archive, names) if archive.url.startswith("file://") else _of_table(archive, names, since, zone)
    for line in lines:
        row = _row(line, zone)
        if row is None:
            unreadable += 1
        elif row.at >= since:
            found.append(row)
    return found, unreadable


def _of_table(
    archive: SourceSettings, names: Mapping[str, str], since: datetime, zone: tzinfo
) -> Iterator[tuple[Any, ...]]:
    engine = create_engine(archive.url.removeprefix("archive+"))
    try:
        with engine.connect() as connection:
            table = Table(archive.table or _DEFAULT_TABLE, MetaData(), autoload_with=connection)
            missing = [name for ours, name in names.items() if name not in table.c and ours != "quality"]
            if missing:
                raise ConfigError(f"the archive's table {table.name} has no column {', '.join(missing)}")
            columns = [table.c[names[ours]] for ours in OURS if names[ours] in table.c]
            query = select(*columns).execution_options(yield_per=_CHUNK_ROWS)
            at = table.c[names["measured_at"]]
            if isinstance(at.type, DateTime):
                query = query.where(at >= (since if at.type.timezone else since.astimezone(zone).replace(tzinfo=None)))
            for row in connection.execute(query):
                yield tuple(row)
    except SQLAlchemyError as error:
        words = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise Unavailable(f"the archive does not answer: {words}") from error
    finally:
        engine.dispose()


def _of_folder(archive: SourceSettings, names: Mapping[str, str]) -> Iterator[tuple[Any, ...]]:
    parts = urlsplit(archive.url)
    folder = Path(unquote(parts.netloc + parts.path))
    if not folder.is_dir():
        raise Unavailable(f"the archive folder {folder} is not there")
    for file in sorted(folder.glob(archive.table or "*.csv")):
        with file.open(encoding="utf-8-sig", newline="") as stream:
            for line in csv.DictReader(stream):
                yield tuple(line.get(names[ours]) for ours in OURS)


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


def _store(
    session: Session,
    name: str,
    serves: tuple[str, ...],
    rows: list[ArchiveRow],
    unreadable: int,
    now: datetime,
) -> Pulled:
    sources = ensure_sources(session, serves)
    directory = PointDirectory()
    known = directory.points(session, {row.point_id for row in rows})
    own = set(sources.values())
    fitting = [(known[row.point_id], row) for row in rows if row.point_id in known and row.at <= now]
    fitting = [(point, row) for point, row in fitting if point.source_id in own]
    _fill_history(session, directory, fitting)
    events = samples.put_events(session, _changes(session, fitting), now)
    _offer_latest(session, fitting, now)
    reached = max((row.at for _, row in fitting), default=None)
    filled = 0
    if reached is not None:
        times: dict[int, list[datetime]] = {}
        for point, row in fitting:
            times.setdefault(point.key, []).append(row.at)
        of_source = {point.key: point.source_id for point, _ in fitting}
        filled = gaps.fill_gaps(session, times, of_source, _slack(session, own), name, now)
        _advance(session, name, own, reached, now)
    if unreadable:
        _log.warning("archive %s: %d rows cannot be read", name, unreadable)
    return Pulled(
        name,
        len(fitting),
        len(rows) - len(fitting),
        unreadable,
        events,
        filled,
        None if reached is None else reached.isoformat(),
    )


def _slack(session: Session, own: set[int]) -> timedelta:
    """A gap ends with the poll that found its end; archives keep values every few minutes at the most."""
    longest = session.scalar(select(func.max(Point.poll_seconds)).where(Point.source_id.in_(own))) or 0.0
    return max(timedelta(seconds=longest), _ARCHIVE_STEP)


def _fill_history(session: Session, directory: PointDirectory, fitting: list[tuple[KnownPoint, ArchiveRow]]) -> None:
    """Fill packed history; live values are packed first, so that better ones are seen."""
    kept = [(point, row) for point, row in fitting if point.kind != "discrete"]
    if not kept:
        return
    while fold(session, max(row.at for _, row in kept) + timedelta(days=1)):
        pass
    for step in sorted({series_step(point.poll_seconds) for point, _ in kept}):
        part = [(point, row) for point, row in kept if series_step(point.poll_seconds) == step]
        put_values(
            session,
            directory.series(session, [point for point, _ in part]),
            [row.at for _, row in part],
            np.array([np.nan if row.value is None else row.value for _, row in part]),
            np.array([row.quality for _, row in part], np.uint8),
            step_seconds=step,
            rule=Rule.FILL,
            polled=True,
        )


def _changes(session: Session, fitting: list[tuple[KnownPoint, ArchiveRow]]) -> list[Found]:
    """Changes among an archive's signals: good ones that differ from what was known at their time."""
    by_point: dict[int, list[tuple[KnownPoint, ArchiveRow]]] = {}
    for point, row in fitting:
        if point.kind == "discrete" and row.value is not None and row.quality <= Quality.SUBSTITUTED:
            by_point.setdefault(point.key, []).append((point, row))
    found = []
    for key, rows in by_point.items():
        rows.sort(key=lambda pair: pair[1].at)
        known = samples.states_between(session, key, rows[0][1].at, rows[-1][1].at)
        for point, row in rows:
            place = bisect_right(known, row.at, key=lambda state: state[0])
            before = known[place - 1] if place else (None, None)
            if before[0] is None or before[1] != row.value:
                found.append(Found(point, row.value, row.quality, "archive", row.at, before[1], before[0], False, 0))
                known.insert(place, (row.at, row.value))
    return found


def _offer_latest(session: Session, fitting: list[tuple[KnownPoint, ArchiveRow]], now: datetime) -> None:
    """The archive's newest value of a point may be newer than the last poll."""
    newest: dict[int, tuple[KnownPoint, ArchiveRow]] = {}
    for point, row in fitting:
        if row.value is not None and (point.key not in newest or row.at > newest[point.key][1].at):
            newest[point.key] = (point, row)
    offered = [
        samples.Sample(point, row.value, round(row.at.timestamp() * 1000), row.quality, "archive", True)
        for point, row in newest.values()
    ]
    samples.put_latest(session, offered, 0, now, now)


def _advance(session: Session, name: str, own: set[int], reached: datetime, now: datetime) -> None:
    keys = sorted(own)
    bulk_upsert(
        session,
        PullWatermark.__table__,  # type: ignore[arg-type]
        {
            "archive": [name] * len(keys),
            "source_id": keys,
            "pulled_to_at": [reached] * len(keys),
            "pulled_at": [now] * len(keys),
        },
        key=("archive", "source_id"),
    )
