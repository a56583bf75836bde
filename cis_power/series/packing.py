"""Packed interval history: many values of one series in one row.

A *chunk* is a UTC day, or a UTC month for steps of `MONTH_STEP_SECONDS` and more. A *packed row* holds the slots of one
series, chunk and step: `values` (little-endian float32 or float64, NaN where there is none) and `quality` (one byte a
slot, `cis_power.core.quality.Quality`; None: GOOD where there is a value, MISSING where there is none). Slot `i` stands
for the instant `first_at + i * step`. `first_at` lies less than one step after the chunk's beginning and is the key of
the row beside series and step, so that intervals that begin off the UTC grid (local days) keep their exact beginning.
Both blobs end with the last slot that was ever given.

Instants are int64 epoch seconds here; `epoch_seconds` and `as_instants` convert.
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis_power.core.quality import Quality

DAY_SECONDS = 86_400
MONTH_STEP_SECONDS = 1_800
_LONGEST_MONTH_SECONDS = 31 * DAY_SECONDS

Seconds = NDArray[np.int64]
Values = NDArray[np.float64]
Qualities = NDArray[np.uint8]
Key = tuple[int, int]  # series, first_at
Blobs = tuple[bytes, bytes | None]  # values, quality


class Rule(IntEnum):
    """Which value stays when a slot is given twice; a number always wins over none (missing, or a read that failed).

    LAST: the one given last. BETTER: the one of better quality, of equal ones the last. FILL: the one of better
    quality, of equal ones the first, so that what is there is only replaced by something strictly better.
    """

    LAST = 0
    BETTER = 1
    FILL = 2


@dataclass(frozen=True, slots=True)
class PackedRows:
    """Rows ready for storage, all of one step, ordered by series and `first_at`."""

    series_ids: NDArray[np.int64]
    first_at: Seconds
    step_seconds: int
    values: list[bytes]
    quality: list[bytes | None]


def epoch_seconds(instants: Iterable[datetime] | NDArray[Any]) -> Seconds:
    """Epoch seconds, rounded down, of aware datetimes or of a datetime64 array (UTC); integers pass as they are."""
    if isinstance(instants, np.ndarray):
        if instants.dtype.kind == "M":
            return instants.astype("datetime64[s]").astype(np.int64)
        if instants.dtype.kind in "iu":
            return instants.astype(np.int64, copy=False)
        raise TypeError(f"instants as {instants.dtype}: give datetime64 (UTC) or whole epoch seconds")
    return np.array([_seconds(instant) for instant in instants], np.int64)


def as_instants(seconds: Seconds) -> NDArray[np.datetime64]:
    """Epoch seconds as datetime64[s] in UTC."""
    return seconds.astype("datetime64[s]")


def chunk_starts(at: Seconds, step_seconds: int) -> Seconds:
    """Beginning of the chunk of each instant: its UTC day, or its UTC month for long steps."""
    if step_seconds < MONTH_STEP_SECONDS:
        return at - at % DAY_SECONDS
    return at.astype("datetime64[s]").astype("datetime64[M]").astype("datetime64[s]").astype(np.int64)


def earliest_first_at(from_at: int) -> int:
    """Rows with an earlier `first_at` than this hold nothing at or after `from_at`: a chunk is at most a month long."""
    return from_at - _LONGEST_MONTH_SECONDS


def on_grid(at: Seconds, step_seconds: int) -> Seconds:
    """Each instant moved down to the grid of its chunk: the slot that a polled value belongs to."""
    starts = chunk_starts(at, step_seconds)
    return starts + (at - starts) // step_seconds * step_seconds


def replaces(
    rule: Rule, new: tuple[NDArray[np.floating], Qualities], old: tuple[NDArray[np.floating], Qualities]
) -> NDArray[np.bool_]:
    """Whether a value given later replaces the one that is there, for arrays of (values, qualities)."""
    new_number, old_number = ~np.isnan(new[0]), ~np.isnan(old[0])
    if rule is Rule.LAST:
        wins: NDArray[np.bool_] = (new[1] != Quality.MISSING) | (old[1] == Quality.MISSING)
    elif rule is Rule.BETTER:
        wins = new[1] <= old[1]
    else:
        wins = new[1] < old[1]
    taken: NDArray[np.bool_] = np.where(new_number == old_number, wins, new_number)
    return taken


def pack(
    series_ids: NDArray[np.int64],
    at: Seconds,
    values: NDArray[np.floating],
    quality: Qualities | None,
    *,
    step_seconds: int,
    wide: bool,
    rule: Rule = Rule.LAST,
    stored: Mapping[Key, Blobs] | None = None,
) -> PackedRows:
    """Packed rows of values given in any order, merged into the rows `stored` that have the same key.

    All arrays have one length; `quality` None means all good. A NaN is a missing value unless its quality says STALE,
    SUSPECT or BAD. `wide` chooses float64, else float32. Only rows that are given something are answered.
    """
    if step_seconds < 1:
        raise ValueError(f"step of {step_seconds} s: at least one second")
    lengths = {len(series_ids), len(at), len(values), len(values if quality is None else quality)}
    if len(lengths) != 1:
        raise ValueError(f"arrays differ in length: {sorted(lengths)}")
    if len(at) == 0:
        return PackedRows(np.empty(0, np.int64), np.empty(0, np.int64), step_seconds, [], [])
    given = _ordered(series_ids, at, *_consistent(values, quality), step_seconds=step_seconds, rule=rule)
    starts = np.flatnonzero(given.begins_row)
    ends = np.append(starts[1:], len(given.slot)) - 1
    old = stored or {}
    keys = list(zip(given.series[starts].tolist(), given.first[starts].tolist(), strict=True))
    number = np.dtype(np.float64 if wide else np.float32).newbyteorder("<")
    lengths_now = given.slot[ends] + 1
    before = [old.get(key) for key in keys]
    for row, blobs in enumerate(before):
        if blobs is not None:
            lengths_now[row] = max(lengths_now[row], len(blobs[0]) // number.itemsize)
    offsets = np.concatenate([[0], np.cumsum(lengths_now)])
    flat = np.full(offsets[-1], np.nan, number)
    flat_quality = np.full(offsets[-1], Quality.MISSING, np.uint8)
    for row, blobs in enumerate(before):
        if blobs is not None:
            held, held_quality = unpack(blobs, wide=wide)
            flat[offsets[row] : offsets[row] + len(held)] = held
            flat_quality[offsets[row] : offsets[row] + len(held)] = held_quality
    place = np.repeat(offsets[:-1], ends - starts + 1) + given.slot
    if any(blobs is not None for blobs in before):
        taken = replaces(rule, (given.values, given.quality), (flat[place], flat_quality[place]))
        flat[place[taken]] = given.values[taken]
        flat_quality[place[taken]] = given.quality[taken]
    else:
        flat[place] = given.values
        flat_quality[place] = given.quality
    return PackedRows(
        series_ids=given.series[starts],
        first_at=given.first[starts],
        step_seconds=step_seconds,
        values=_slices(flat, offsets),
        quality=_quality_slices(flat, flat_quality, offsets),
    )


def unpack(blobs: Blobs, *, wide: bool) -> tuple[NDArray[np.floating], Qualities]:
    """Values and qualities of all slots of one packed row."""
    values = np.frombuffer(blobs[0], "<f8" if wide else "<f4")
    if blobs[1] is not None:
        return values, np.frombuffer(blobs[1], np.uint8)
    return values, _plain(values)


@dataclass(frozen=True, slots=True)
class _Given:
    """Given values in the order of storage, each slot once."""

    series: NDArray[np.int64]
    first: Seconds
    slot: NDArray[np.int64]
    values: Values
    quality: Qualities
    begins_row: NDArray[np.bool_]


def _seconds(instant: datetime) -> int:
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} has no offset: instants must be aware")
    return int(instant.timestamp() // 1)


def _consistent(values: NDArray[np.floating], quality: Qualities | None) -> tuple[Values, Qualities]:
    """Values and qualities that agree on what is missing."""
    numbers = np.asarray(values, np.float64)
    if quality is None:
        return numbers, _plain(numbers)
    quality = np.asarray(quality, np.uint8)
    if quality.size and quality.max() > Quality.MISSING:
        raise ValueError(f"quality {quality.max()} is not known")
    codes = np.where(np.isnan(numbers) & (quality <= Quality.SUBSTITUTED), Quality.MISSING, quality).astype(np.uint8)
    return np.where(codes == Quality.MISSING, np.nan, numbers).astype(np.float64), codes


def _ordered(
    series: NDArray[np.int64], at: Seconds, values: Values, quality: Qualities, *, step_seconds: int, rule: Rule
) -> _Given:
    """Sort by series, row and slot; of a slot given more than once keep the value that the rule chooses."""
    starts = chunk_starts(at, step_seconds)
    slot, phase = np.divmod(at - starts, step_seconds)
    first = starts + phase
    series = np.asarray(series, np.int64)
    if not _sorted(series, first, slot):
        order = np.lexsort((slot, first, series))  # stable: what was given last stays last among equals
        series, first, slot = series[order], first[order], slot[order]
        values, quality = values[order], quality[order]
    begins_row = np.append(True, (series[1:] != series[:-1]) | (first[1:] != first[:-1]))
    begins_slot = begins_row | np.append(True, slot[1:] != slot[:-1])
    if begins_slot.all():
        return _Given(series, first, slot, values, quality, begins_row)
    kept = _chosen(np.cumsum(begins_slot), values, quality, rule)
    return _Given(series[kept], first[kept], slot[kept], values[kept], quality[kept], begins_row[begins_slot])


def _sorted(series: NDArray[np.int64], first: Seconds, slot: NDArray[np.int64]) -> bool:
    same_series = series[1:] == series[:-1]
    same_first = first[1:] == first[:-1]
    rising = slot[1:] >= slot[:-1]
    in_order = (series[1:] > series[:-1]) | (same_series & ((first[1:] > first[:-1]) | (same_first & rising)))
    return bool(in_order.all())


def _chosen(group: NDArray[np.int64], values: Values, quality: Qualities, rule: Rule) -> NDArray[np.int64]:
    """Index of the chosen value of each group of equal slots; groups are in order."""
    arrival = np.arange(len(group))
    rank = -(quality == Quality.MISSING).astype(np.int64) if rule is Rule.LAST else -quality.astype(np.int64)
    tie = -arrival if rule is Rule.FILL else arrival
    order = np.lexsort((tie, rank, ~np.isnan(values), group))
    chosen: NDArray[np.int64] = order[np.append(group[order][1:] != group[order][:-1], True)]
    return chosen


def _plain(values: NDArray[np.floating]) -> Qualities:
    """The quality that a row without a quality blob means."""
    return np.where(np.isnan(values), Quality.MISSING, Quality.GOOD).astype(np.uint8)


def _slices(flat: NDArray[Any], offsets: NDArray[np.int64]) -> list[bytes]:
    whole = flat.tobytes()
    return [whole[begin:end] for begin, end in itertools.pairwise((offsets * flat.itemsize).tolist())]


def _quality_slices(flat: NDArray[np.floating], quality: Qualities, offsets: NDArray[np.int64]) -> list[bytes | None]:
    told = np.add.reduceat((quality != _plain(flat)).astype(np.int64), offsets[:-1]) > 0
    return [blob if tell else None for blob, tell in zip(_slices(quality, offsets), told.tolist(), strict=True)]
