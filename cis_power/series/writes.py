"""Writing interval history. Nothing here commits."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from cis_power.core.db import Base, among, bulk_upsert, chunked
from cis_power.core.db.serial import one_at_a_time
from cis_power.series.models import Series, SeriesChunk, SeriesTail
from cis_power.series.packing import Blobs, Key, PackedRows, Rule, chunk_starts, epoch_seconds, on_grid, pack
from cis_power.series.reads import series_of, step_of

_KEYS_A_QUERY = 5_000
_VALUES_A_FOLD = 2_000_000
_MERGING = "series"

Instants = Iterable[datetime] | NDArray[Any]


def ensure_series(
    session: Session,
    owner_kind: str,
    owner_ids: Sequence[int] | NDArray[np.int64],
    *,
    step_seconds: int | Sequence[int],
    wide: bool | Sequence[bool],
    name: str = "value",
) -> NDArray[np.int64]:
    """Keys of the series of each owner, in the order given; those that are not there yet are made.

    `step_seconds` is the grid of live values (whole seconds; one for all or one an owner) and follows what is given:
    values already packed keep the step they have. `wide` (float64, for metering and accumulators) is fixed by the first
    call.
    """
    owners = [int(owner) for owner in owner_ids]
    steps = [step_seconds] * len(owners) if isinstance(step_seconds, int) else [int(step) for step in step_seconds]
    widths = [wide] * len(owners) if isinstance(wide, bool) else [bool(width) for width in wide]
    if any(step < 1 for step in steps):
        raise ValueError("a step is at least one second")
    bulk_upsert(
        session,
        Base.metadata.tables["series"],
        {
            "owner_kind": [owner_kind] * len(owners),
            "owner_id": owners,
            "name": [name] * len(owners),
            "step_seconds": steps,
            "wide": widths,
        },
        key=("owner_kind", "owner_id", "name"),
        update=("step_seconds",),
    )
    found = series_of(session, owner_kind, owners, name)
    return np.array([found[owner] for owner in owners], np.int64)


def put_values(
    session: Session,
    series_ids: int | Sequence[int] | NDArray[np.int64],
    at: Instants,
    values: Sequence[float] | NDArray[np.floating],
    quality: Sequence[int] | NDArray[np.uint8] | None = None,
    *,
    step_seconds: int,
    rule: Rule = Rule.LAST,
    polled: bool = False,
) -> int:
    """Pack values into chunks; answers how many chunk rows were written.

    Arrays of one length in any order, `series_ids` may be one key for all. `at` is the beginning of each interval:
    datetime64 (UTC), whole epoch seconds or aware datetimes. `step_seconds` is the length of every interval given here.
    `polled` moves each instant down to the step's grid (telemetry); otherwise it is kept exactly (metering). NaN is
    missing; `quality` None is all good. The same values again change nothing.
    """
    one_at_a_time(session, _MERGING)  # two merges of one row would each lose what the other adds
    at_seconds = epoch_seconds(at)
    ids = np.broadcast_to(np.asarray(series_ids, np.int64), at_seconds.shape)
    numbers = np.asarray(values, np.float64)
    codes = None if quality is None else np.asarray(quality, np.uint8)
    widths = _widths(session, np.unique(ids))
    if polled:
        at_seconds = on_grid(at_seconds, step_seconds)
    written = 0
    wide_mask = np.isin(ids, [key for key, width in widths.items() if width])
    for wide in (False, True):
        mask = wide_mask if wide else ~wide_mask
        if not mask.any():
            continue
        part = slice(None) if mask.all() else mask
        own_ids, own_at = ids[part], at_seconds[part]
        rows = pack(
            own_ids,
            own_at,
            numbers[part],
            None if codes is None else codes[part],
            step_seconds=step_seconds,
            wide=wide,
            rule=rule,
            stored=_stored(session, own_ids, own_at, step_seconds),
        )
        written += _save(session, rows)
    return written


def append_tail(
    session: Session,
    series_ids: Sequence[int] | NDArray[np.int64],
    at_ms: NDArray[np.int64] | Sequence[int],
    values: Sequence[float] | NDArray[np.floating],
    quality: Sequence[int] | NDArray[np.uint8],
) -> None:
    """Keep one batch of live values as one row of the tail; reads see them at once, `fold` packs them later.

    `at_ms` is whole epoch milliseconds. The caller knows whether the batch was loaded before; nothing is checked here.
    """
    ids = np.asarray(series_ids, np.int64)
    if not ids.size:
        return
    at = np.asarray(at_ms, np.int64)
    order = np.lexsort((at, ids))
    ids, at = ids[order], at[order]
    session.execute(
        insert(SeriesTail).values(
            from_at_seconds=int(at.min() // 1000),
            to_at_seconds=int(at.max() // 1000),
            low_series_id=int(ids[0]),
            high_series_id=int(ids[-1]),
            series_ids=ids.astype("<i8").tobytes(),
            at_ms=at.astype("<i8").tobytes(),
            values=np.asarray(values, np.float64)[order].astype("<f8").tobytes(),
            quality=np.asarray(quality, np.uint8)[order].tobytes(),
        )
    )


def fold(session: Session, before: datetime) -> int:
    """Pack tail rows that end before an instant into chunks and take them out of the tail; answers how many values.

    One transaction does at most about two million values: call again, each time in a transaction of its own, until it
    answers 0. Killed before the commit, nothing has changed. Within a slot the value measured last wins.
    """
    one_at_a_time(session, _MERGING)
    limit = int(before.timestamp())
    batches: list[SeriesTail] = []
    count = 0
    query = select(SeriesTail).where(SeriesTail.to_at_seconds < limit).order_by(SeriesTail.id)
    for row in session.scalars(query.execution_options(yield_per=200)):
        batches.append(row)
        count += len(row.quality)
        if count >= _VALUES_A_FOLD:
            break
    if not batches:
        return 0
    ids = np.concatenate([np.frombuffer(row.series_ids, "<i8") for row in batches])
    at_ms = np.concatenate([np.frombuffer(row.at_ms, "<i8") for row in batches])
    values = np.concatenate([np.frombuffer(row.values, "<f8") for row in batches])
    quality = np.concatenate([np.frombuffer(row.quality, np.uint8) for row in batches])
    order = np.lexsort((at_ms, ids))
    step_of_value = step_of(session, ids[order])
    for step in np.unique(step_of_value).tolist():
        part = order[step_of_value == step]
        put_values(session, ids[part], at_ms[part] // 1000, values[part], quality[part], step_seconds=step, polled=True)
    for keys in chunked((row.id for row in batches), _KEYS_A_QUERY):
        session.execute(delete(SeriesTail).where(among(session, SeriesTail.id, keys)))
    return count


def _widths(session: Session, ids: NDArray[np.int64]) -> Mapping[int, bool]:
    found: dict[int, bool] = {}
    for part in chunked(ids.tolist(), _KEYS_A_QUERY):
        rows = session.execute(select(Series.id, Series.wide).where(among(session, Series.id, part)))
        found.update({row[0]: row[1] for row in rows})
    if len(found) != len(ids):
        unknown = sorted(set(ids.tolist()) - found.keys())
        raise ValueError(f"no such series: {unknown[:5]}")
    return found


def _stored(session: Session, ids: NDArray[np.int64], at: NDArray[np.int64], step_seconds: int) -> dict[Key, Blobs]:
    """Packed rows that the given values may have to be merged into."""
    if not at.size:
        return {}
    earliest = int(chunk_starts(at.min(keepdims=True), step_seconds)[0])
    chunk = SeriesChunk
    found: dict[Key, Blobs] = {}
    for part in chunked(np.unique(ids).tolist(), _KEYS_A_QUERY):
        rows = session.execute(
            select(chunk.series_id, chunk.first_at_seconds, chunk.values, chunk.quality).where(
                among(session, chunk.series_id, part),
                chunk.first_at_seconds >= earliest,
                chunk.first_at_seconds <= int(at.max()),
                chunk.step_seconds == step_seconds,
            )
        )
        found.update({(series_id, first): (values, quality) for series_id, first, values, quality in rows})
    return found


def _save(session: Session, rows: PackedRows) -> int:
    columns: dict[str, Any] = {
        "series_id": rows.series_ids,
        "first_at_seconds": rows.first_at,
        "step_seconds": [rows.step_seconds] * len(rows.values),
        "values": rows.values,
        "quality": rows.quality,
    }
    return bulk_upsert(
        session, Base.metadata.tables["series_chunk"], columns, key=("series_id", "first_at_seconds", "step_seconds")
    )
