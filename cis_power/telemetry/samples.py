"""Taking in what polls and archives brought: latest values, signal events, history. Nothing here commits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from cis_power.core.db import bulk_upsert, chunked
from cis_power.core.quality import Quality
from cis_power.series.writes import append_tail, ensure_series
from cis_power.telemetry.models import LatestValue, Point, SignalEvent
from cis_power.telemetry.quality import series_step
from cis_power.telemetry.reads import SERIES_OWNER

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WIDE_DATATYPES = ("int64", "uint64", "float64")
_FLOAT32_MOST = float(np.finfo(np.float32).max)
_LOWEST = float("-inf")
Rank = tuple[int, int, int, float]


@dataclass(frozen=True, slots=True)
class KnownPoint:
    """What taking in needs to know of a point."""

    key: int
    kind: str
    source_id: int
    poll_seconds: float
    datatype: str = "float32"

    @property
    def wide(self) -> bool:
        """Whether its history needs float64."""
        return self.kind == "accumulator" or self.datatype in _WIDE_DATATYPES


@dataclass(frozen=True, slots=True)
class Sample:
    """One point as one poll told of it. Times in ms since 1970; `measured_ms` None: never measured.

    `read`: the poll read it; otherwise value and time are of an earlier one.
    """

    point: KnownPoint
    value: float | None
    measured_ms: int | None
    quality: int
    reason: str | None
    read: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A signal found with another value or quality at `at`; `derived`: seen against the store, told by no batch."""

    point: KnownPoint
    value: float | None
    quality: int
    reason: str | None
    at: datetime
    previous_value: float | None
    earliest_at: datetime | None
    uncertain: bool
    sequence: int
    derived: bool = False


@dataclass
class PointDirectory:
    """Points by the owner's id, and their series; kept between batches, made anew when `forget` is called."""

    _points: dict[str, KnownPoint] = field(default_factory=dict)
    _series: dict[int, int] = field(default_factory=dict)

    def forget(self) -> None:
        """Read everything anew next time."""
        self._points.clear()
        self._series.clear()

    def points(self, session: Session, names: Iterable[str]) -> Mapping[str, KnownPoint]:
        """The known ones among `names`."""
        wanted = [name for name in names if name not in self._points]
        for part in chunked(wanted, 5_000):
            query = select(Point.point_id, Point.id, Point.kind, Point.source_id, Point.poll_seconds, Point.datatype)
            rows = session.execute(query.where(Point.point_id.in_(part)))
            for name, key, kind, source, poll_seconds, datatype in rows:
                self._points[name] = KnownPoint(key, kind, source, poll_seconds, datatype)
        return self._points

    def series(self, session: Session, points: Sequence[KnownPoint]) -> NDArray[np.int64]:
        """Series of the points, made where there is none."""
        missing = [point for point in points if point.key not in self._series]
        if missing:
            found = ensure_series(
                session,
                SERIES_OWNER,
                [point.key for point in missing],
                step_seconds=[series_step(point.poll_seconds) for point in missing],
                wide=[point.wide for point in missing],
            )
            self._series.update(zip((point.key for point in missing), found.tolist(), strict=True))
        return np.array([self._series[point.key] for point in points], np.int64)


def instant(milliseconds: int) -> datetime:
    """The instant of milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def rank(measured_ms: int | None, sequence: int, quality: int, value: float | None) -> Rank:
    """Which of two values of a point stays: newer, else later told, else of worse quality, else larger."""
    return (
        -1 if measured_ms is None else measured_ms,
        sequence,
        quality,
        _LOWEST if value is None else value,
    )


def put_latest(
    session: Session, samples: Sequence[Sample], sequence: int, checked_at: datetime, received_at: datetime
) -> int:
    """Replace latest values by samples that outrank them; answers how many. The order of batches does not matter."""
    before: dict[int, tuple[Rank, datetime]] = {}
    latest = LatestValue
    for part in chunked((sample.point.key for sample in samples), 5_000):
        query = select(
            latest.point_id, latest.measured_at, latest.sequence, latest.quality, latest.value, latest.checked_at
        ).where(latest.point_id.in_(part))
        for key, measured_at, number, quality, value, checked in session.execute(query):
            milliseconds = None if measured_at is None else (measured_at - _EPOCH) // timedelta(milliseconds=1)
            before[key] = rank(milliseconds, number, quality, value), checked
    winners = []
    for sample in samples:
        own = rank(sample.measured_ms, sequence, sample.quality, sample.value)
        known = before.get(sample.point.key)
        if known is None or own > known[0]:
            winners.append((sample, checked_at if known is None else max(checked_at, known[1])))
    bulk_upsert(
        session,
        LatestValue.__table__,  # type: ignore[arg-type]
        {
            "point_id": [sample.point.key for sample, _ in winners],
            "value": [sample.value for sample, _ in winners],
            "quality": [sample.quality for sample, _ in winners],
            "reason": [sample.reason for sample, _ in winners],
            "measured_at": [None if s.measured_ms is None else instant(s.measured_ms) for s, _ in winners],
            "received_at": [received_at] * len(winners),
            "sequence": [sequence] * len(winners),
            "checked_at": [checked for _, checked in winners],
        },
        key=("point_id",),
    )
    return len(winners)


def put_history(session: Session, directory: PointDirectory, samples: Sequence[Sample], polled_ms: int) -> None:
    """Append what a poll brought of analog points and accumulators to the tail; a failed read is kept as such."""
    kept = [sample for sample in samples if sample.point.kind != "discrete"]
    if not kept:
        return
    values = np.array([np.nan if s.value is None or not s.read else s.value for s in kept], np.float64)
    quality = np.array([sample.quality for sample in kept], np.uint8)
    # What no float32 can hold would be read back as infinite.
    lost = (np.abs(values) > _FLOAT32_MOST) & ~np.array([sample.point.wide for sample in kept])
    append_tail(
        session,
        directory.series(session, [sample.point for sample in kept]),
        np.full(len(kept), polled_ms, np.int64),
        np.where(lost, np.nan, values),
        np.where(lost, Quality.BAD, quality).astype(np.uint8),
    )


def put_events(session: Session, found: Sequence[Found], received_at: datetime) -> int:
    """Store signal events once each; answers how many are new. The order of batches does not matter.

    A derived event behind a new one that says the same goes: now the true moment is known.
    """
    known = _with_events(session, {event.point.key for event in found})
    new = []
    for event in sorted(found, key=lambda event: (event.at, event.point.key)):
        if event.point.key in known and not _makes_room(session, event):
            continue
        new.append(event)
    if new:
        session.execute(insert(SignalEvent), [_event_row(event, received_at) for event in new])
    return len(new)


def _with_events(session: Session, keys: set[int]) -> set[int]:
    known: set[int] = set()
    for part in chunked(sorted(keys), 5_000):
        query = select(SignalEvent.point_id).where(SignalEvent.point_id.in_(part)).distinct()
        known.update(session.scalars(query))
    return known


def _makes_room(session: Session, event: Found) -> bool:
    """Whether the event is new; derived events that it makes superfluous are deleted."""
    own = SignalEvent.point_id == event.point.key
    there = session.scalars(select(SignalEvent).where(own, SignalEvent.occurred_at == event.at).limit(1)).first()
    if there is not None:
        if event.derived or not there.derived:
            return False
        session.execute(delete(SignalEvent).where(SignalEvent.id == there.id))
    behind = select(SignalEvent).where(own, SignalEvent.occurred_at > event.at)
    after = session.scalars(behind.order_by(SignalEvent.occurred_at, SignalEvent.id).limit(1)).first()
    if after is not None and after.derived and (after.value, after.quality) == (event.value, event.quality):
        session.execute(delete(SignalEvent).where(SignalEvent.id == after.id))
    return True


def _event_row(event: Found, received_at: datetime) -> dict[str, Any]:
    return {
        "point_id": event.point.key,
        "value": event.value,
        "previous_value": event.previous_value,
        "quality": event.quality,
        "reason": event.reason,
        "occurred_at": event.at,
        "earliest_at": event.earliest_at,
        "latest_at": event.at,
        "time_uncertain": event.uncertain,
        "derived": event.derived,
        "received_at": received_at,
        "sequence": event.sequence,
    }


def states_at(session: Session, keys: Sequence[int], at: datetime) -> dict[int, tuple[float | None, int, datetime]]:
    """What the last event up to `at` said of each point: (value, quality, its time)."""
    found = {}
    for key in keys:
        query = (
            select(SignalEvent.value, SignalEvent.quality, SignalEvent.occurred_at)
            .where(SignalEvent.point_id == key, SignalEvent.occurred_at <= at)
            .order_by(SignalEvent.occurred_at.desc(), SignalEvent.id.desc())
            .limit(1)
        )
        row = session.execute(query).first()
        if row is not None:
            found[key] = (row[0], row[1], row[2])
    return found


def states_between(
    session: Session, key: int, from_at: datetime, to_at: datetime
) -> list[tuple[datetime, float | None]]:
    """(time, value) of a point's events: the last one up to `from_at`, and all behind it up to `to_at`."""
    first = states_at(session, [key], from_at).get(key)
    query = (
        select(SignalEvent.occurred_at, SignalEvent.value)
        .where(SignalEvent.point_id == key, SignalEvent.occurred_at > from_at, SignalEvent.occurred_at <= to_at)
        .order_by(SignalEvent.occurred_at, SignalEvent.id)
    )
    behind = [(at, value) for at, value in session.execute(query)]
    return ([] if first is None else [(first[2], first[0])]) + behind
