"""History pull: what an archive of the DMS holds fills what polling missed, and never replaces anything better."""

import logging
from bisect import bisect_right
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cis_power.core.columns import Coded
from cis_power.core.config import Settings, SourceSettings
from cis_power.core.db import Database, bulk_upsert
from cis_power.core.errors import Unavailable
from cis_power.core.locks import ProcessLock
from cis_power.core.quality import Quality
from cis_power.core.time import iso, utc_now
from cis_power.telemetry import gaps, samples
from cis_power.telemetry.models import Point, PullWatermark, Source
from cis_power.telemetry.samples import Found, KnownPoint, PointDirectory
from cis_power.telemetry.writes import ensure_sources
from scada_bridge.archive import ArchiveRow, read_archive
from scada_bridge.history import fill_history
from scada_bridge.loader import LOCK

_OVERLAP = timedelta(hours=1)
_FIRST_PULL = timedelta(days=400)
_ARCHIVE_STEP = timedelta(minutes=15)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull brought. `reached`: the latest value."""

    archive: str
    rows: int = 0
    unknown: int = 0
    unreadable: int = 0
    events: int = 0
    gaps_filled: int = 0
    reached: datetime | None = None

    def plus(self, other: "Pulled") -> "Pulled":
        """Both together."""
        times = [moment for moment in (self.reached, other.reached) if moment is not None]
        return Pulled(
            self.archive,
            self.rows + other.rows,
            self.unknown + other.unknown,
            self.unreadable + other.unreadable,
            self.events + other.events,
            self.gaps_filled + other.gaps_filled,
            max(times, default=None),
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"reached": None if self.reached is None else iso(self.reached)}


def archives(settings: Settings) -> dict[str, SourceSettings]:
    """The configured archives by name."""
    return {name: source for name, source in settings.sources.items() if source.url.startswith(("archive+", "file://"))}


def pull_archive(database: Database, settings: Settings, name: str) -> Pulled:
    """Pull what is new in an archive, a transaction a part. Raises Unavailable when it does not answer.

    Each pull begins an hour before the last one's end, for what the archive got late. Killed between, the next one
    begins where this one did.
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
        total = Pulled(name)
        for rows, unreadable in read_archive(archive, since - _OVERLAP, zone):
            with database.transaction() as session:
                total = total.plus(_store(session, name, archive, rows, unreadable, now))
        if total.reached is not None:
            with database.transaction() as session:
                _advance(session, name, archive.serves, total.reached, now)
        if total.unreadable:
            _log.warning("archive %s: %d rows cannot be read", name, total.unreadable)
        return total
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


def _store(
    session: Session,
    name: str,
    archive: SourceSettings,
    rows: list[ArchiveRow],
    unreadable: int,
    now: datetime,
) -> Pulled:
    sources = ensure_sources(session, archive.serves)
    directory = PointDirectory()
    known = directory.points(session, {row.point_id for row in rows})
    own = set(sources.values())
    fitting = [(known[row.point_id], row) for row in rows if row.point_id in known and row.at <= now]
    fitting = [(point, row) for point, row in fitting if point.source_id in own]
    _fill_history(session, directory, fitting, archive.step_seconds)
    events = samples.put_events(session, _changes(session, fitting), now)
    _offer_latest(session, fitting, now)
    reached = max((row.at for _, row in fitting), default=None)
    filled = 0
    if fitting:
        times: dict[int, list[datetime]] = {}
        for point, row in fitting:
            times.setdefault(point.key, []).append(row.at)
        of_source = {point.key: point.source_id for point, _ in fitting}
        filled = gaps.fill_gaps(session, times, of_source, _slack(session, own), name, now)
    return Pulled(name, len(fitting), len(rows) - len(fitting), unreadable, events, filled, reached)


def _slack(session: Session, own: set[int]) -> timedelta:
    """A gap ends with the poll that found its end; archives keep values every few minutes at the most."""
    longest = session.scalar(select(func.max(Point.poll_seconds)).where(Point.source_id.in_(own))) or 0.0
    return max(timedelta(seconds=longest), _ARCHIVE_STEP)


def _fill_history(
    session: Session,
    directory: PointDirectory,
    fitting: list[tuple[KnownPoint, ArchiveRow]],
    step_seconds: int | None,
) -> None:
    kept = [(point, row) for point, row in fitting if point.kind != "discrete"]
    if not kept:
        return
    at = np.array([int(row.at.timestamp()) for _, row in kept], np.int64)
    values = np.array([np.nan if row.value is None else row.value for _, row in kept])
    quality = np.array([row.quality for _, row in kept], np.uint8)
    fill_history(session, directory, Coded.of([point for point, _ in kept]), at, values, quality, step_seconds)


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


def _advance(session: Session, name: str, serves: tuple[str, ...], reached: datetime, now: datetime) -> None:
    keys = sorted(ensure_sources(session, serves).values())
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
