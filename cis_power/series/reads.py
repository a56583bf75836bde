"""Reading interval history: chunks and tail joined into arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, bindparam, cast, false, literal_column, null, or_, select, union_all
from sqlalchemy.orm import Session

from cis_power.core.db import among, chunked
from cis_power.core.quality import Quality
from cis_power.series.models import Series, SeriesChunk, SeriesTail
from cis_power.series.packing import DAY_SECONDS, MONTH_STEP_SECONDS, as_instants, earliest_first_at, on_grid, unpack

_KEYS_A_QUERY = 5_000


@dataclass(frozen=True, slots=True)
class History:
    """Values of one or several series, ordered by series, instant and step; slots without a value are left out.

    `at` is the beginning of the interval (or the slot of the poll grid) in UTC, `step_seconds` its length.
    """

    series_id: NDArray[np.int64]
    at: NDArray[Any]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]
    step_seconds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.at)

    def taken(self, which: NDArray[Any]) -> "History":
        """The chosen values, by mask or by index."""
        return History(
            self.series_id[which], self.at[which], self.value[which], self.quality[which], self.step_seconds[which]
        )


def read_series(
    session: Session, series_ids: int | Sequence[int] | NDArray[np.int64], from_at: datetime, to_at: datetime
) -> History:
    """Values that begin in [from_at, to_at), of any step, from chunks and tail; a slot of both shows the tail's value.

    A value that is kept although it is bad has its quality; a NaN with quality STALE, SUSPECT or BAD is a read that was
    tried and failed.
    """
    keys = [int(series_ids)] if isinstance(series_ids, int | np.integer) else [int(key) for key in series_ids]
    begin, end = _bound(from_at), _bound(to_at)
    pieces = []
    for part in chunked(sorted(set(keys)), _KEYS_A_QUERY):
        chunks, tail = _rows(session, part, begin, end)
        pieces.append(_from_chunks(chunks, begin, end))
        pieces.append(_from_tail(session, tail, part, begin, end))
    return _joined(pieces)


def series_of(session: Session, owner_kind: str, owner_ids: Sequence[int], name: str = "value") -> dict[int, int]:
    """Owner key → series key, for the owners that have a series."""
    found: dict[int, int] = {}
    for part in chunked(dict.fromkeys(owner_ids), _KEYS_A_QUERY):
        rows = session.execute(
            select(Series.owner_id, Series.id).where(
                Series.owner_kind == owner_kind, Series.name == name, among(session, Series.owner_id, part)
            )
        )
        found.update({row.owner_id: row.id for row in rows})
    return found


# One statement for chunks and tail: a read is one round trip.
_IN_RANGE = (
    SeriesChunk.first_at_seconds >= bindparam("month_before"),
    SeriesChunk.first_at_seconds < bindparam("end"),
    or_(
        SeriesChunk.first_at_seconds > bindparam("day_before"),
        SeriesChunk.step_seconds >= literal_column(str(MONTH_STEP_SECONDS)),
    ),
)
_CHUNKS = select(
    SeriesChunk.series_id.label("key"),
    SeriesChunk.first_at_seconds.label("first"),
    SeriesChunk.step_seconds.label("step"),
    Series.wide.label("wide"),
    SeriesChunk.values.label("packed"),
    SeriesChunk.quality.label("quality"),
    null().label("ids"),
    null().label("at_ms"),
).join(Series, Series.id == SeriesChunk.series_id)
_TAIL = select(
    SeriesTail.id,
    cast(null(), BigInteger),
    cast(null(), BigInteger),
    false(),
    SeriesTail.values,
    SeriesTail.quality,
    SeriesTail.series_ids,
    SeriesTail.at_ms,
).where(
    SeriesTail.to_at_seconds >= bindparam("begin"),
    SeriesTail.from_at_seconds < bindparam("tail_end"),
    SeriesTail.low_series_id <= bindparam("high"),
    SeriesTail.high_series_id >= bindparam("low"),
)
_ONE_SERIES: Any = union_all(_CHUNKS.where(SeriesChunk.series_id == bindparam("low"), *_IN_RANGE), _TAIL)


def _rows(session: Session, keys: list[int], begin: int, end: int) -> tuple[list[Any], list[Any]]:
    """Rows of chunks and of the tail, each in the order of its keys."""
    bounds = {
        "begin": begin,
        "end": end,
        "month_before": earliest_first_at(begin),
        "day_before": begin - DAY_SECONDS,
        "tail_end": end + DAY_SECONDS,
        "low": keys[0],
        "high": keys[-1],
    }
    statement: Any = _ONE_SERIES
    if len(keys) > 1:
        statement = union_all(_CHUNKS.where(among(session, SeriesChunk.series_id, keys), *_IN_RANGE), _TAIL)
    rows = session.execute(statement, bounds).all()
    chunks = [row for row in rows if row.ids is None]
    tail = [row for row in rows if row.ids is not None]
    return sorted(chunks, key=itemgetter(0, 1, 2)), sorted(tail, key=itemgetter(0))


def _bound(instant: datetime) -> int:
    """Whole seconds, rounded up: values begin on whole seconds."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} has no offset: instants must be aware")
    return int(-(-instant.timestamp() // 1))


def _from_chunks(rows: list[Any], begin: int, end: int) -> History:
    found: list[tuple[int, int, NDArray[np.int64], NDArray[np.floating], NDArray[np.uint8]]] = []
    for series_id, first, step, wide, values, quality, *_ in rows:
        numbers, codes = unpack((values, quality), wide=wide)
        low, high = max(0, -((first - begin) // step)), min(len(numbers), -((first - end) // step))
        if low < high:
            at = np.arange(first + low * step, first + high * step, step)
            found.append((series_id, step, at, numbers[low:high], codes[low:high]))
    if not found:
        return _EMPTY
    series, steps, at, numbers, codes = zip(*found, strict=True)
    counts = [len(part) for part in at]
    history = History(
        series_id=np.repeat(np.array(series, np.int64), counts),
        at=np.concatenate(at),
        value=np.concatenate(numbers).astype(np.float64),
        quality=np.concatenate(codes),
        step_seconds=np.repeat(np.array(steps, np.int64), counts),
    )
    there = history.quality != Quality.MISSING
    return history if there.all() else history.taken(there)


def _from_tail(session: Session, rows: list[Any], keys: list[int], begin: int, end: int) -> History:
    """Live values on the grid of their series, in the order in which they were measured."""
    wanted = np.array(keys, np.int64)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.uint8]]] = []
    for *_, values, quality, ids, at_ms in rows:
        held = np.frombuffer(ids, "<i8")
        mine = np.flatnonzero(np.isin(held, wanted))
        if mine.size:
            codes = np.frombuffer(quality, np.uint8)[mine]
            found.append((held[mine], np.frombuffer(at_ms, "<i8")[mine], np.frombuffer(values, "<f8")[mine], codes))
    if not found:
        return _EMPTY
    series, measured, numbers, codes = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((measured, series))
    series, seconds = series[order], measured[order] // 1000
    steps = step_of(session, series)
    at = np.empty_like(seconds)
    for step in np.unique(steps).tolist():
        at[steps == step] = on_grid(seconds[steps == step], step)
    history = History(series, at, numbers[order], codes[order], steps)
    return history.taken((at >= begin) & (at < end) & (history.quality != Quality.MISSING))


def step_of(session: Session, series_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """The live grid of each series, in seconds."""
    keys, place = np.unique(series_ids, return_inverse=True)
    found: dict[int, int] = {}
    for part in chunked(keys.tolist(), _KEYS_A_QUERY):
        rows = session.execute(select(Series.id, Series.step_seconds).where(among(session, Series.id, part)))
        found.update({row[0]: row[1] for row in rows})
    return np.array([found[key] for key in keys.tolist()], np.int64)[place]


def _joined(pieces: list[History]) -> History:
    """One history out of pieces; where two hold the same slot, a number wins over none, then the later one."""
    pieces = [piece for piece in pieces if len(piece)]
    if len(pieces) < 2:
        whole = pieces[0] if pieces else _EMPTY
    else:
        names = ("series_id", "at", "value", "quality", "step_seconds")
        whole = History(*(np.concatenate([getattr(piece, name) for piece in pieces]) for name in names))
    if not _rising(whole):
        order = np.lexsort((~np.isnan(whole.value), whole.step_seconds, whole.at, whole.series_id))
        keys = (whole.series_id[order], whole.at[order], whole.step_seconds[order])
        last = np.append(np.logical_or.reduce([key[1:] != key[:-1] for key in keys]), True)
        whole = whole.taken(order[last])
    return History(whole.series_id, as_instants(whole.at), whole.value, whole.quality, whole.step_seconds)


def _rising(history: History) -> bool:
    """Whether the instants of each series rise strictly, series after series: the usual case, without sorting."""
    later = history.at[1:] > history.at[:-1]
    next_series = history.series_id[1:] > history.series_id[:-1]
    same_series = history.series_id[1:] == history.series_id[:-1]
    return bool((next_series | (same_series & later)).all())


_EMPTY = History(
    np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint8), np.empty(0, np.int64)
)
