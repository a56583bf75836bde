"""Energy of usage points out of the readings of the meters that stood there."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

import numpy as np
from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.db import among, chunked
from cis_power.core.quality import Quality
from cis_power.core.time import day_bounds
from cis_power.customers.models import UsagePoint, UsagePointDistrict
from cis_power.metering.intervals import (
    NO_INTERVALS,
    Intervals,
    between_reads,
    clipped_evenly,
    finest,
    in_order,
    known,
)
from cis_power.metering.models import Channel, MeterInstallation, ReadingSpan, RegisterReading
from cis_power.metering.units import ENERGY_UNIT, UNITS
from cis_power.metering.writes import SERIES_OWNER
from cis_power.series.packing import epoch_seconds
from cis_power.series.reads import History, read_series, series_of

_KEYS_A_QUERY = 5_000
_EVER, _NEVER = -(2**62), 2**62


@dataclass(frozen=True, slots=True)
class InstalledChannel:
    """A channel at a usage point in [from_s, to_s) (epoch seconds), with its multiplier."""

    usage_point_id: int
    channel_id: int
    kind: str
    multiplier: float
    from_s: int
    to_s: int


@dataclass(frozen=True, slots=True)
class UsageDay:
    """Energy of a local day (or month): what is known, and the share of it that is good.

    `energy_kwh` None: nothing is known. `good_share` is good time over the time of the day.
    """

    began_on: date
    energy_kwh: float | None
    peak_kw: float | None
    peak_at: datetime | None
    good_share: float


@dataclass(frozen=True, slots=True)
class LoadValue:
    """One interval for a chart: its beginning, length, mean power and quality, and the source's word for it."""

    at: datetime
    seconds: int
    load_kw: float
    quality: Quality
    reason: str | None


def measures_energy() -> ColumnElement[bool]:
    """Whether a channel measures energy, as its owner says it (energy, active_energy, kWh …), and no power."""
    words = [word for word, unit in UNITS.items() if unit.kept_in == ENERGY_UNIT and not unit.per_hour]
    quantity = func.lower(Channel.quantity)
    return and_(Channel.unit == ENERGY_UNIT, or_(quantity.contains("energy"), quantity.in_(words)))


def installed_channels(
    session: Session, usage_points: Iterable[int], *, direction: str = "import"
) -> list[InstalledChannel]:
    """The channels that measure energy in a direction at usage points, with all their installations.

    A meter may tell its demand beside its energy: a power counts only where a usage point has no energy channel.
    """
    install = MeterInstallation
    found = []
    for part in chunked(usage_points, _KEYS_A_QUERY):
        query = (
            select(
                install.usage_point_id,
                Channel.id,
                Channel.kind,
                measures_energy().label("energy"),
                install.multiplier,
                install.began_at,
                install.ended_at,
            )
            .join(Channel, Channel.meter_id == install.meter_id)
            .where(
                install.usage_point_id.in_(part),
                Channel.unit == ENERGY_UNIT,
                Channel.direction == direction,
                (install.channel_id.is_(None)) | (install.channel_id == Channel.id),
            )
            .order_by(install.usage_point_id, install.id)
        )
        rows = session.execute(query).all()
        with_energy = {row.usage_point_id for row in rows if row.energy}
        for point, channel, kind, energy, multiplier, began_at, ended_at in rows:
            if point in with_energy and not energy:
                continue
            begin = _EVER if began_at is None else int(began_at.timestamp())
            end = _NEVER if ended_at is None else int(ended_at.timestamp())
            found.append(InstalledChannel(point, channel, kind, multiplier, begin, end))
    return found


def standing_meters(
    session: Session, usage_points: Iterable[int], *, direction: str = "import"
) -> list[tuple[int, int, int]]:
    """(usage point, from, to) of meters of which energy readings can be expected, in epoch seconds.

    A meter of which no channel is known yet is one of them; one that measures other things only is not.
    """
    install = MeterInstallation
    channel = exists().where(Channel.meter_id == install.meter_id)
    energy = channel.where(Channel.unit == ENERGY_UNIT, Channel.direction == direction)
    found = []
    for part in chunked(usage_points, _KEYS_A_QUERY):
        query = select(install.usage_point_id, install.began_at, install.ended_at).where(
            install.usage_point_id.in_(part), or_(~channel, energy)
        )
        for point, began_at, ended_at in session.execute(query):
            begin = _EVER if began_at is None else int(began_at.timestamp())
            found.append((point, begin, _NEVER if ended_at is None else int(ended_at.timestamp())))
    return found


def usage_intervals(
    session: Session,
    usage_points: Sequence[int],
    from_at: datetime,
    to_at: datetime,
    *,
    direction: str = "import",
) -> Intervals:
    """Intervals of usage points that begin in [from_at, to_at), for callers that checked who asks.

    An interval counts where its meter stood when it began. Registers count only where a usage point has no interval
    channel: the time between two reads is one interval, and only its part within the bounds is answered.
    """
    channels = installed_channels(session, usage_points, direction=direction)
    series = series_of(
        session, SERIES_OWNER, [channel.channel_id for channel in channels if channel.kind == "interval"]
    )
    history = read_series(session, list(series.values()), from_at, to_at)
    seconds = history.at.astype(np.int64)
    parts = []
    with_intervals = {channel.usage_point_id for channel in channels if channel.channel_id in series}
    registers = [c for c in channels if c.kind == "register" and c.usage_point_id not in with_intervals]
    for channel in channels:
        if channel.channel_id in series:
            parts.append(_of_channel(history, seconds, series[channel.channel_id], channel))
    parts += _of_registers(session, registers, from_at, to_at)
    whole = in_order([part for part in parts if len(part)])
    return whole.taken(known(whole)) if len(whole) else NO_INTERVALS


def usage_by_day(
    session: Session, viewer: Viewer, usage_point_id: int, first: date, last: date, zone: tzinfo
) -> list[UsageDay]:
    """Energy and peak of each local day from `first` to `last`; nothing for a usage point outside the territory."""
    if not may_see(session, viewer, usage_point_id, day_bounds(last, zone)[0]):
        return []
    days = [first + timedelta(days=count) for count in range((last - first).days + 1)]
    bounds = [day_bounds(day, zone) for day in days]
    return _by_bounds(session, usage_point_id, days, bounds)


def usage_by_month(
    session: Session, viewer: Viewer, usage_point_id: int, months: Sequence[date], zone: tzinfo
) -> list[UsageDay]:
    """Energy and peak of local months, each given by its first day."""
    if not months or not may_see(session, viewer, usage_point_id, day_bounds(months[-1], zone)[0]):
        return []
    following = [date(month.year + month.month // 12, month.month % 12 + 1, 1) for month in months]
    bounds = [(day_bounds(a, zone)[0], day_bounds(b, zone)[0]) for a, b in zip(months, following, strict=True)]
    return _by_bounds(session, usage_point_id, list(months), bounds)


def load_curve(
    session: Session, viewer: Viewer, usage_point_id: int, from_at: datetime, to_at: datetime
) -> list[LoadValue]:
    """Mean power of each interval, for the chart of a customer's page; nothing outside the viewer's territory."""
    if not may_see(session, viewer, usage_point_id, from_at):
        return []
    found = usage_intervals(session, [usage_point_id], from_at, to_at)
    words = _words(session, usage_point_id, from_at, to_at)
    return [
        LoadValue(
            at=_instant(at),
            seconds=seconds,
            load_kw=energy * 3600.0 / seconds,
            quality=Quality(quality),
            reason=_reason(words, at) if quality == Quality.SUBSTITUTED else None,
        )
        for at, seconds, energy, quality in zip(
            found.at.tolist(),
            found.seconds.tolist(),
            found.energy_kwh.tolist(),
            found.quality.tolist(),
            strict=True,
        )
    ]


def may_see(session: Session, viewer: Viewer, usage_point_id: int, at: datetime) -> bool:
    """Whether a usage point is there and lies in the viewer's territory at an instant."""
    of = UsagePointDistrict
    query = select(UsagePoint.id).where(UsagePoint.id == usage_point_id)
    if viewer.districts is not None:
        query = query.join(of, of.usage_point_id == UsagePoint.id).where(
            in_territory(viewer, of.district_id),
            (of.began_at.is_(None)) | (of.began_at <= at),
            (of.ended_at.is_(None)) | (of.ended_at > at),
        )
    return session.execute(query).first() is not None


def _of_channel(history: History, seconds: np.ndarray, series_id: int, channel: InstalledChannel) -> Intervals:
    low, high = np.searchsorted(history.series_id, [series_id, series_id + 1])
    begin, end = np.searchsorted(seconds[low:high], [channel.from_s, channel.to_s]) + low
    at, step = seconds[begin:end], history.step_seconds[begin:end]
    value = history.value[begin:end] * channel.multiplier
    owner = np.full(end - begin, channel.usage_point_id)
    found = Intervals(owner, at, step, value, history.quality[begin:end])
    return found if len(step) == 0 or (step == step[0]).all() else found.taken(finest(at, step))


def _of_registers(
    session: Session, channels: Sequence[InstalledChannel], from_at: datetime, to_at: datetime
) -> list[Intervals]:
    parts = []
    begin, end = int(from_at.timestamp()), int(to_at.timestamp())
    for part in chunked(channels, _KEYS_A_QUERY):
        reads = _reads(session, sorted({channel.channel_id for channel in part}), from_at, to_at)
        for channel in part:
            instants, values, quality = reads.get(channel.channel_id, _NO_READS)
            first, last = np.searchsorted(instants, channel.from_s), np.searchsorted(instants, channel.to_s, "right")
            if last - first > 1:
                there = slice(int(first), int(last))
                at, seconds, amount, worst = between_reads(instants[there], values[there], quality[there])
                owner = np.full(len(at), channel.usage_point_id)
                whole = Intervals(owner, at, seconds, amount * channel.multiplier, worst)
                parts.append(clipped_evenly(whole, begin, end))
    return parts


_Reads = tuple[np.ndarray, np.ndarray, np.ndarray]  # instants (epoch s), values, qualities
_NO_READS: _Reads = (np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint8))


def _reads(session: Session, channels: Sequence[int], from_at: datetime, to_at: datetime) -> dict[int, _Reads]:
    """The reads of registers that tell of [from_at, to_at): those within, the last one before, the first one behind."""
    reading = RegisterReading
    known = among(session, reading.channel_id, channels), reading.value.is_not(None)
    query = select(reading.channel_id, reading.read_at, reading.value, reading.quality)
    rows = list(session.execute(query.where(*known, reading.read_at > from_at, reading.read_at < to_at)))
    for side, there in (
        (func.max(reading.read_at), reading.read_at <= from_at),
        (func.min(reading.read_at), reading.read_at >= to_at),
    ):
        found = select(reading.channel_id, side.label("at")).where(*known, there).group_by(reading.channel_id)
        nearest = found.subquery()
        same = (nearest.c.channel_id == reading.channel_id) & (nearest.c.at == reading.read_at)
        rows += session.execute(query.join(nearest, same))
    if not rows:
        return {}
    channel, read_at, value, quality = zip(*rows, strict=True)
    owner, at = np.array(channel, np.int64), epoch_seconds(read_at)
    order = np.lexsort((at, owner))
    owner, at, values, codes = owner[order], at[order], np.array(value)[order], np.array(quality, np.uint8)[order]
    edges = np.append(np.flatnonzero(np.append(True, owner[1:] != owner[:-1])), len(owner)).tolist()
    return {
        int(owner[low]): (at[low:high], values[low:high], codes[low:high]) for low, high in itertools.pairwise(edges)
    }


def _by_bounds(
    session: Session, usage_point_id: int, names: list[date], bounds: list[tuple[datetime, datetime]]
) -> list[UsageDay]:
    found = usage_intervals(session, [usage_point_id], bounds[0][0], bounds[-1][1])
    edges = np.array([int(begin.timestamp()) for begin, _ in bounds] + [int(bounds[-1][1].timestamp())])
    cuts = np.searchsorted(found.at, edges)
    days = []
    for place, name in enumerate(names):
        part = found.taken(np.arange(cuts[place], cuts[place + 1]))
        length = float(edges[place + 1] - edges[place])
        good = float(part.seconds[part.quality == Quality.GOOD].sum())
        if not len(part):
            days.append(UsageDay(name, None, None, None, 0.0))
            continue
        power = part.energy_kwh * 3600.0 / part.seconds
        top = int(power.argmax())
        energy = float(part.energy_kwh.sum())
        days.append(UsageDay(name, energy, float(power[top]), _instant(int(part.at[top])), min(1.0, good / length)))
    return days


def _words(session: Session, usage_point_id: int, from_at: datetime, to_at: datetime) -> list[tuple[int, int, str]]:
    """Spans of values that were not measured, the latest told first."""
    channels = {channel.channel_id for channel in installed_channels(session, [usage_point_id])}
    span = ReadingSpan
    query = select(span.began_at, span.ended_at, span.reason).where(
        span.channel_id.in_(channels), span.began_at < to_at, span.ended_at > from_at
    )
    rows = session.execute(query.order_by(span.batch_id.desc(), span.id.desc()))
    return [(int(row.began_at.timestamp()), int(row.ended_at.timestamp()), row.reason) for row in rows]


def _reason(words: list[tuple[int, int, str]], at: int) -> str | None:
    return next((word for begin, end, word in words if begin <= at < end), None)


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
