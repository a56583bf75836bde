"""Posting readings: rows of a file, or arrays, into interval history and register readings. Never commits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.core.db import Base, bulk_upsert, chunked
from cis_power.core.quality import Quality
from cis_power.metering.channels import ChannelRow, locate_channels
from cis_power.metering.models import RegisterReading
from cis_power.metering.readings import QUALITY_OF_WORD, Posted, Reading, ReadingProblem
from cis_power.metering.units import Unit, factors, find_unit
from cis_power.series.packing import Rule, epoch_seconds
from cis_power.series.reads import read_series
from cis_power.series.writes import ensure_series, put_values

SERIES_OWNER = "channel"
LONGEST_INTERVAL_SECONDS = 366 * 86_400
_KEYS_A_QUERY = 5_000
Held = dict[tuple[int, int], tuple[float, int]]  # (series or channel, epoch seconds) → value, quality


def post_readings(session: Session, readings: Sequence[Reading], *, batch_id: int | None = None) -> Posted:
    """Post readings; a channel that its meter does not have yet is made from the unit and the interval.

    A value replaces one of equal or worse quality; a missing one replaces nothing.
    """
    located = locate_channels(session, readings)
    problems = list(located.problems)
    rows = list(_checked(readings, located.channels, problems))
    groups: dict[int | None, list[_Row]] = {}
    for row in rows:
        groups.setdefault(None if row.channel.kind == "register" else row.reading.seconds, []).append(row)
    changed: set[int] = set()
    for seconds, group in groups.items():
        if seconds is None:
            changed.update(_post_registers(session, group, batch_id))
        else:
            changed.update(_post_intervals(session, group, seconds, batch_id))
    unchanged = tuple(row.index for row in rows if row.index not in changed)
    return Posted(tuple(sorted(changed)), unchanged, tuple(sorted(problems, key=lambda problem: problem.index)))


def put_intervals(
    session: Session,
    channel_ids: Sequence[int] | NDArray[np.int64],
    began_at: NDArray[Any],
    values: NDArray[np.floating],
    quality: NDArray[np.uint8] | None = None,
    *,
    seconds: int,
) -> None:
    """Post interval values as arrays of one length, in the channels' own units: the fast way for large histories.

    `channel_ids` names the channel of each value, `began_at` is datetime64 (UTC) or epoch seconds, `seconds` the length
    of every interval. The packed rows that result equal those of `post_readings`.
    """
    owners, place = np.unique(np.asarray(channel_ids, np.int64), return_inverse=True)
    keys = ensure_series(session, SERIES_OWNER, owners, step_seconds=seconds, wide=True)
    put_values(session, keys[place], began_at, values, quality, step_seconds=seconds, rule=Rule.BETTER)


@dataclass(frozen=True, slots=True)
class _Row:
    index: int
    channel: ChannelRow
    unit: Unit | None
    reading: Reading


def _checked(
    readings: Sequence[Reading], channels: dict[int, ChannelRow], problems: list[ReadingProblem]
) -> Iterator[_Row]:
    for index, channel in channels.items():
        reading = readings[index]
        unit = find_unit(reading.unit) if reading.unit else None
        found = _wrong(reading, channel, unit)
        if found is None:
            yield _Row(index, channel, unit, reading)
        else:
            problems.append(ReadingProblem(index, *found))


Wrong = tuple[str, str, str]  # code, field, message


def _wrong(reading: Reading, channel: ChannelRow, unit: Unit | None) -> Wrong | None:
    """What keeps a reading out of its channel."""
    if reading.unit and (found := _wrong_unit(reading, channel, unit)):
        return found
    if reading.seconds is None and channel.kind == "interval":
        return "no_interval", "seconds", f"channel {channel.code} has intervals: their length is needed"
    shortest = 0 if channel.kind == "register" else 1  # a register is read at an instant
    if reading.seconds is not None and not shortest <= reading.seconds <= LONGEST_INTERVAL_SECONDS:
        return "wrong_interval", "seconds", f"an interval of {reading.seconds} s: from {shortest} s to 366 days"
    if reading.quality not in QUALITY_OF_WORD:
        return "unknown_quality", "quality", f"quality {reading.quality!r}: one of {', '.join(QUALITY_OF_WORD)}"
    return None


def _wrong_unit(reading: Reading, channel: ChannelRow, unit: Unit | None) -> Wrong | None:
    if unit is None:
        return "unknown_unit", "unit", f"unit {reading.unit!r} is not known"
    if unit.kept_in.lower() != channel.unit.lower():
        message = f"{reading.unit} is not a unit of channel {channel.code}, which is kept in {channel.unit}"
        return "wrong_unit", "unit", message
    if unit.per_hour and (reading.seconds is None or channel.kind == "register"):
        return "wrong_unit", "unit", f"{reading.unit} needs an interval; channel {channel.code} is a register"
    return None


def _numbers(rows: Sequence[_Row], seconds: int) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Values in their channels' units, and qualities."""
    values = np.array([np.nan if row.reading.value is None else row.reading.value for row in rows], np.float64)
    units = [row.unit or Unit("", row.channel.unit, 1.0) for row in rows]
    words = np.array([QUALITY_OF_WORD[row.reading.quality] for row in rows], np.uint8)
    quality = np.where(np.isnan(values), Quality.MISSING, words).astype(np.uint8)
    values = np.where(quality == Quality.MISSING, np.nan, values)
    return values * factors(units, np.full(len(rows), seconds, np.int64)), quality


def _post_intervals(session: Session, rows: list[_Row], seconds: int, batch_id: int | None) -> list[int]:
    values, quality = _numbers(rows, seconds)
    began = epoch_seconds([row.reading.began_at for row in rows])
    owners = [row.channel.id for row in rows]
    keys = ensure_series(session, SERIES_OWNER, owners, step_seconds=seconds, wide=True)
    held = _held_intervals(session, keys, began, seconds)
    changed = _changes(held, keys, began, values, quality)
    put_values(session, keys, began, values, quality, step_seconds=seconds, rule=Rule.BETTER)
    _keep_words(session, [rows[place] for place in changed], seconds, batch_id)
    return [rows[place].index for place in changed]


def _held_intervals(session: Session, keys: NDArray[np.int64], began: NDArray[np.int64], seconds: int) -> Held:
    from_at = datetime.fromtimestamp(int(began.min()), UTC)
    to_at = datetime.fromtimestamp(int(began.max()), UTC) + timedelta(seconds=1)
    history = read_series(session, np.unique(keys), from_at, to_at)
    history = history.taken(history.step_seconds == seconds)
    places = zip(history.series_id.tolist(), history.at.astype(np.int64).tolist(), strict=True)
    return dict(zip(places, zip(history.value.tolist(), history.quality.tolist(), strict=True), strict=True))


def _changes(
    held: Held,
    keys: NDArray[np.int64],
    at: NDArray[np.int64],
    values: NDArray[np.float64],
    quality: NDArray[np.uint8],
) -> list[int]:
    """Places whose value is new, or differs from what is held and is of no worse quality."""
    changed = []
    given = zip(keys.tolist(), at.tolist(), values.tolist(), quality.tolist(), strict=True)
    for place, (key, instant, value, code) in enumerate(given):
        old = held.get((key, instant))
        if old is None or (code <= old[1] and old != (value, code)):
            changed.append(place)
            if code != Quality.MISSING:
                held[key, instant] = (value, code)
    return changed


def _keep_words(session: Session, rows: Sequence[_Row], seconds: int, batch_id: int | None) -> None:
    """Keep the source's word for every run of values that were not measured."""
    told = [row for row in rows if row.reading.quality != "measured"]
    told.sort(key=lambda row: (row.channel.id, row.reading.began_at))
    spans: list[list[Any]] = []
    for row in told:
        began_at, ended_at = row.reading.began_at, row.reading.began_at + timedelta(seconds=seconds)
        if spans and spans[-1][0] == row.channel.id and spans[-1][2:] == [began_at, row.reading.quality]:
            spans[-1][2] = ended_at
        else:
            spans.append([row.channel.id, began_at, ended_at, row.reading.quality])
    if not spans:
        return
    columns = dict(zip(("channel_id", "began_at", "ended_at", "reason"), zip(*spans, strict=True), strict=True))
    columns["batch_id"] = (batch_id,) * len(spans)
    table = Base.metadata.tables["reading_span"]
    bulk_upsert(session, table, columns, key=("channel_id", "began_at", "ended_at"))


def _post_registers(session: Session, rows: list[_Row], batch_id: int | None) -> list[int]:
    values, quality = _numbers(rows, 0)
    owners = np.array([row.channel.id for row in rows], np.int64)
    read = epoch_seconds([row.reading.began_at for row in rows])
    held = _held_registers(session, rows)
    changed = [place for place in _changes(held, owners, read, values, quality) if quality[place] != Quality.MISSING]
    table = Base.metadata.tables["register_reading"]
    bulk_upsert(session, table, {
        "channel_id": owners[changed],
        "read_at": [rows[place].reading.began_at for place in changed],
        "value": values[changed],
        "quality": quality[changed].astype(np.int64),
        "reason": [_word(rows[place]) for place in changed],
        "batch_id": [batch_id] * len(changed),
    }, key=("channel_id", "read_at"))  # fmt: skip
    return [rows[place].index for place in changed]


def _held_registers(session: Session, rows: list[_Row]) -> Held:
    reading = RegisterReading
    instants = [row.reading.began_at for row in rows]
    held: Held = {}
    for part in chunked({row.channel.id for row in rows}, _KEYS_A_QUERY):
        query = select(reading.channel_id, reading.read_at, reading.value, reading.quality).where(
            reading.channel_id.in_(part), reading.read_at >= min(instants), reading.read_at <= max(instants)
        )
        for found in session.execute(query):
            held[found.channel_id, int(found.read_at.timestamp())] = (found.value, found.quality)
    return held


def _word(row: _Row) -> str | None:
    return None if row.reading.quality == "measured" else row.reading.quality
