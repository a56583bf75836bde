"""Posting readings: rows of a file, or arrays, into interval history and register readings. Never commits."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.core.columns import Coded, aware, combined, instants, numbers
from cis_power.core.db import Base, among, bulk_upsert, chunked
from cis_power.core.quality import Quality
from cis_power.metering.channels import ChannelRow, Located, locate_channels
from cis_power.metering.models import RegisterReading
from cis_power.metering.readings import QUALITY_OF_WORD, Posted, ReadingColumns, ReadingProblem
from cis_power.metering.units import Unit, find_unit
from cis_power.series.packing import Rule, epoch_seconds
from cis_power.series.reads import read_series
from cis_power.series.writes import ensure_series, put_values

SERIES_OWNER = "channel"
LONGEST_INTERVAL_SECONDS = 366 * 86_400
_KEYS_A_QUERY = 5_000


def post_readings(session: Session, given: ReadingColumns, *, batch_id: int | None = None) -> Posted:
    """Post readings; a channel that its meter does not have yet is made from the unit and the interval.

    A value replaces one of equal or worse quality; a missing one replaces nothing.
    """
    located = locate_channels(session, given)
    problems = list(located.problems)
    rows = _checked(given, located, problems)
    changed = np.zeros(len(given), np.bool_)
    registers = np.isnan(rows.seconds)
    if registers.any():
        changed[_post_registers(session, rows.taken(registers), batch_id)] = True
    for seconds in np.unique(rows.seconds[~registers]).tolist():
        changed[_post_intervals(session, rows.taken(rows.seconds == seconds), int(seconds), batch_id)] = True
    unchanged = np.zeros(len(given), np.bool_)
    unchanged[rows.index] = True
    unchanged &= ~changed
    ordered = tuple(sorted(problems, key=lambda problem: problem.index))
    return Posted(tuple(np.flatnonzero(changed).tolist()), tuple(np.flatnonzero(unchanged).tolist()), ordered)


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
class _Rows:
    """Readings that can be posted: their index among those given, and values in their channels' units.

    `at` is datetime64[us]; `seconds` is NaN where the channel is a register.
    """

    index: NDArray[np.int64]
    channel: NDArray[np.int64]
    at: NDArray[np.datetime64]
    seconds: NDArray[np.float64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]
    word: Coded

    def taken(self, which: NDArray[Any]) -> "_Rows":
        """The chosen rows, by mask or by index."""
        if which.dtype == np.bool_ and which.all():
            return self
        parts = {field.name: getattr(self, field.name)[which] for field in fields(self) if field.name != "word"}
        return _Rows(**parts, word=Coded(self.word.codes[which], self.word.values))


def _checked(given: ReadingColumns, located: Located, problems: list[ReadingProblem]) -> _Rows:
    """Rows without those that are kept out of their channel. What speaks for that is asked once a sort of reading."""
    index = np.flatnonzero(located.place >= 0)
    place, seconds = located.place[index], given.seconds[index]
    units, words = given.unit.codes[index].astype(np.int64), given.quality.codes[index].astype(np.int64)
    factor = np.ones(len(index))
    if len(index):
        lengths = np.where(np.isnan(seconds), -1, seconds).astype(np.int64)
        sorts, first, sort_of_row = np.unique(
            combined([place, units, words, lengths]), return_index=True, return_inverse=True
        )
        good, factors = np.ones(len(sorts), np.bool_), np.ones(len(sorts))
        for sort, row in enumerate(first.tolist()):
            channel = located.channels[place[row]]
            length = None if lengths[row] < 0 else int(lengths[row])
            text = given.unit.values[units[row]]
            unit = find_unit(text) if text else None
            wrong = _wrong(channel, text, unit, length, given.quality.values[words[row]])
            if wrong is not None:
                good[sort] = False
                rows = index[sort_of_row == sort].tolist()
                problems.extend(ReadingProblem(place, *wrong) for place in rows)
            elif unit is not None:
                factors[sort] = unit.factor * (length or 0) / 3600.0 if unit.per_hour else unit.factor
        kept, factor = good[sort_of_row], factors[sort_of_row]
        index, place, seconds, words, factor = index[kept], place[kept], seconds[kept], words[kept], factor[kept]
    return _rows(given, located, index, place, np.where(_registers(located)[place], np.nan, seconds), factor)


def _registers(located: Located) -> NDArray[np.bool_]:
    return np.array([channel.kind == "register" for channel in located.channels], np.bool_)


def _rows(
    given: ReadingColumns,
    located: Located,
    index: NDArray[np.int64],
    place: NDArray[np.int64],
    seconds: NDArray[np.float64],
    factor: NDArray[np.float64],
) -> _Rows:
    word = Coded(given.quality.codes[index], given.quality.values)
    quality = word.looked_up({name: int(code) for name, code in QUALITY_OF_WORD.items()}).astype(np.uint8)
    value = given.value[index]
    quality = np.where(np.isnan(value), Quality.MISSING, quality).astype(np.uint8)
    value = np.where(quality == Quality.MISSING, np.nan, value * factor)
    channel = np.array([channel.id for channel in located.channels], np.int64)[place]
    return _Rows(index, channel, given.began_at[index], seconds, value, quality, word)


Wrong = tuple[str, str, str]  # code, field, message


def _wrong(channel: ChannelRow, text: str | None, unit: Unit | None, seconds: int | None, quality: str) -> Wrong | None:
    """What keeps a reading of a unit, length and quality out of its channel."""
    if text and (found := _wrong_unit(channel, text, unit, seconds)):
        return found
    if seconds is None and channel.kind == "interval":
        return "no_interval", "seconds", f"channel {channel.code} has intervals: their length is needed"
    shortest = 0 if channel.kind == "register" else 1  # a register is read at an instant
    if seconds is not None and not shortest <= seconds <= LONGEST_INTERVAL_SECONDS:
        return "wrong_interval", "seconds", f"an interval of {seconds} s: from {shortest} s to 366 days"
    if quality not in QUALITY_OF_WORD:
        return "unknown_quality", "quality", f"quality {quality!r}: one of {', '.join(QUALITY_OF_WORD)}"
    return None


def _wrong_unit(channel: ChannelRow, text: str, unit: Unit | None, seconds: int | None) -> Wrong | None:
    if unit is None:
        return "unknown_unit", "unit", f"unit {text!r} is not known"
    if unit.kept_in.lower() != channel.unit.lower():
        message = f"{text} is not a unit of channel {channel.code}, which is kept in {channel.unit}"
        return "wrong_unit", "unit", message
    if unit.per_hour and (seconds is None or channel.kind == "register"):
        return "wrong_unit", "unit", f"{text} needs an interval; channel {channel.code} is a register"
    return None


def _post_intervals(session: Session, rows: _Rows, seconds: int, batch_id: int | None) -> NDArray[np.int64]:
    began = epoch_seconds(rows.at)
    keys = ensure_series(session, SERIES_OWNER, np.unique(rows.channel), step_seconds=seconds, wide=True)
    series = keys[np.searchsorted(np.unique(rows.channel), rows.channel)]
    held = _held_intervals(session, keys, began, seconds)
    changed = _changes(held, series, began, rows.value, rows.quality)
    put_values(session, series, began, rows.value, rows.quality, step_seconds=seconds, rule=Rule.BETTER)
    _keep_words(session, rows.taken(changed), seconds, batch_id)
    return rows.index[changed]


@dataclass(frozen=True, slots=True)
class _Held:
    """What is there: keys (series or channel), instants, values and qualities."""

    key: NDArray[np.int64]
    at: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]

    def of(
        self, keys: NDArray[np.int64], at: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.uint8]]:
        """Whether there is a value at each place, the value and its quality."""
        if not len(self.at):
            return np.zeros(len(at), np.bool_), np.full(len(at), np.nan), np.zeros(len(at), np.uint8)
        whole = combined([np.append(keys, self.key), np.append(at, self.at)])
        given, there = whole[: len(at)], whole[len(at) :]
        order = np.argsort(there, kind="stable")
        place = order[np.minimum(np.searchsorted(there[order], given), len(there) - 1)]
        return there[place] == given, self.value[place], self.quality[place]


def _held_intervals(session: Session, keys: NDArray[np.int64], began: NDArray[np.int64], seconds: int) -> _Held:
    from_at = datetime.fromtimestamp(int(began.min()), UTC)
    to_at = datetime.fromtimestamp(int(began.max()), UTC) + timedelta(seconds=1)
    history = read_series(session, keys, from_at, to_at)
    history = history.taken(history.step_seconds == seconds)
    return _Held(history.series_id, epoch_seconds(history.at), history.value.astype(np.float64), history.quality)


def _changes(
    held: _Held,
    keys: NDArray[np.int64],
    at: NDArray[np.int64],
    values: NDArray[np.float64],
    quality: NDArray[np.uint8],
) -> NDArray[np.int64]:
    """Places whose value is new, or differs from what is held and is of no worse quality."""
    there, value, code = held.of(keys, at)
    same = (value == values) & (code == quality)
    changed = ~there | ((quality <= code) & ~same)
    if not _doubled(keys, at):
        return np.flatnonzero(changed)
    known: dict[tuple[int, int], tuple[float, int]] = {}  # of instants that are given more than once
    given = zip(keys.tolist(), at.tolist(), values.tolist(), quality.tolist(), strict=True)
    for place, (key, instant, number, word) in enumerate(given):
        old = known.get((key, instant), (float(value[place]), int(code[place])) if there[place] else None)
        changed[place] = old is None or (word <= old[1] and old != (number, word))
        if changed[place] and word != Quality.MISSING:
            known[key, instant] = (number, word)
    return np.flatnonzero(changed)


def _doubled(keys: NDArray[np.int64], at: NDArray[np.int64]) -> bool:
    """Whether an instant of a channel is given more than once."""
    whole = combined([keys, at])
    return not bool((whole[1:] > whole[:-1]).all()) and len(np.unique(whole)) < len(whole)


def _keep_words(session: Session, rows: _Rows, seconds: int, batch_id: int | None) -> None:
    """Keep the source's word for every run of values that were not measured."""
    told = rows.taken(rows.word.holds(lambda word: word != "measured"))
    if not len(told.index):
        return
    order = np.lexsort((told.at, told.channel))
    channel, began, word = told.channel[order], told.at[order], told.word.codes[order]
    ended = began + np.timedelta64(seconds, "s")
    begins = np.append(True, (channel[1:] != channel[:-1]) | (word[1:] != word[:-1]) | (began[1:] != ended[:-1]))
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(begins)) - 1
    columns = {
        "channel_id": channel[first],
        "began_at": began[first],
        "ended_at": ended[last],
        "reason": Coded(word[first], told.word.values),
        "batch_id": Coded.same(batch_id, len(first)),
    }
    table = Base.metadata.tables["reading_span"]
    bulk_upsert(session, table, columns, key=("channel_id", "began_at", "ended_at"))


def _post_registers(session: Session, rows: _Rows, batch_id: int | None) -> NDArray[np.int64]:
    held = _held_registers(session, rows)
    changed = _changes(held, rows.channel, rows.at.astype(np.int64), rows.value, rows.quality)
    kept = rows.taken(changed)
    kept = kept.taken(kept.quality != Quality.MISSING)
    table = Base.metadata.tables["register_reading"]
    bulk_upsert(session, table, {
        "channel_id": kept.channel,
        "read_at": kept.at,
        "value": kept.value,
        "quality": kept.quality.astype(np.int64),
        "reason": Coded(kept.word.codes, [None if word == "measured" else word for word in kept.word.values]),
        "batch_id": Coded.same(batch_id, len(kept.index)),
    }, key=("channel_id", "read_at"))  # fmt: skip
    return kept.index


def _held_registers(session: Session, rows: _Rows) -> _Held:
    reading = RegisterReading
    first, last = aware(rows.at.min()), aware(rows.at.max())
    found: list[Any] = []
    for part in chunked(np.unique(rows.channel).tolist(), _KEYS_A_QUERY):
        query = select(reading.channel_id, reading.read_at, reading.value, reading.quality).where(
            among(session, reading.channel_id, part), reading.read_at >= first, reading.read_at <= last
        )
        found.extend(session.execute(query))
    channel, at, value, quality = zip(*found, strict=True) if found else ((), (), (), ())
    return _Held(
        np.array(channel, np.int64), instants(at).astype(np.int64), numbers(value), np.array(quality, np.uint8)
    )
