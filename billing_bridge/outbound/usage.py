"""Monthly energy of usage points by meter and channel, from the readings."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from billing_bridge.outbound.accounts import accounts_at
from billing_bridge.outbound.months import Month, Period
from billing_bridge.outbound.territory import visible
from cis_power.access.viewer import Viewer
from cis_power.core.db import chunked
from cis_power.core.quality import Quality
from cis_power.customers.models import UsagePoint
from cis_power.metering.models import Channel, Meter, MeterInstallation, RegisterReading
from cis_power.metering.reads import measures_energy
from cis_power.metering.writes import SERIES_OWNER
from cis_power.series.reads import read_series, series_of

COLUMNS = (
    "usage_point", "account_no", "meter_no", "channel", "direction", "month", "energy_kwh", "peak_kw", "peak_at",
    "intervals", "expected_intervals", "good_share",
)  # fmt: skip
_CHANNELS_AT_ONCE = 500
_SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")


@dataclass(frozen=True, slots=True)
class _Source:
    """A channel at a usage point for a time."""

    usage_point_id: int
    usage_point: str
    meter_no: str
    channel_id: int
    channel: str
    direction: str
    kind: str
    multiplier: float
    began_at: datetime | None
    ended_at: datetime | None

    def within(self, month: Month) -> tuple[datetime, datetime]:
        begin = month.from_at if self.began_at is None else max(self.began_at, month.from_at)
        end = month.to_at if self.ended_at is None else min(self.ended_at, month.to_at)
        return begin, end


def rows(session: Session, viewer: Viewer, period: Period, now: datetime) -> list[tuple[Any, ...]]:
    """A row a usage point, channel and month with any reading: energy that began in the month, times the multiplier.

    Register channels give the difference of the readings in the month, and no peak.
    """
    found: list[tuple[Any, ...]] = []
    sources = _sources(session, viewer, period)
    months = period.months()
    for part in chunked(sources, _CHANNELS_AT_ONCE):
        for month in months:
            accounts = accounts_at(session, (item.usage_point_id for item in part), month.from_at, month.to_at)
            figures = [*_intervals(session, part, month), *_registers(session, part, month)]
            for source, values in figures:
                head = (source.usage_point, accounts.get(source.usage_point_id), source.meter_no, source.channel)
                found.append((*head, source.direction, month.name, *values))
    return sorted(found, key=lambda row: (row[0], row[2], row[3], row[5]))


def _sources(session: Session, viewer: Viewer, period: Period) -> list[_Source]:
    install = MeterInstallation
    query = (
        select(
            UsagePoint.id,
            UsagePoint.code,
            Meter.meter_no,
            Channel.id,
            Channel.code,
            Channel.direction,
            Channel.kind,
            install.multiplier,
            install.began_at,
            install.ended_at,
        )
        .join(install, install.usage_point_id == UsagePoint.id)
        .join(Meter, Meter.id == install.meter_id)
        .join(Channel, Channel.meter_id == Meter.id)
        .where(
            or_(install.channel_id.is_(None), install.channel_id == Channel.id),
            measures_energy(),
            or_(install.began_at.is_(None), install.began_at < period.to_at),
            or_(install.ended_at.is_(None), install.ended_at > period.from_at),
            visible(viewer, UsagePoint.id, period),
        )
        .order_by(Channel.id, install.id)
    )
    return [_Source(*tuple(row)) for row in session.execute(query)]


def _intervals(session: Session, sources: list[_Source], month: Month) -> Iterator[tuple[_Source, tuple[Any, ...]]]:
    mine = [source for source in sources if source.kind == "interval"]
    series = series_of(session, SERIES_OWNER, [source.channel_id for source in mine])
    history = read_series(session, sorted(series.values()), month.from_at, month.to_at) if series else None
    if history is None:
        return
    at = history.at.astype("datetime64[s]").astype(np.int64)
    for source in mine:
        begin, end = source.within(month)
        key = series.get(source.channel_id, -1)
        keep = slice(*(int(np.searchsorted(history.series_id, key, side)) for side in _SIDES))
        here = (at[keep] >= begin.timestamp()) & (at[keep] < end.timestamp())
        if here.any():
            steps, values = history.step_seconds[keep][here], history.value[keep][here] * source.multiplier
            yield source, _figures(at[keep][here], values, history.quality[keep][here], steps, (begin, end))


def _figures(
    at: NDArray[np.int64],
    energy_kwh: NDArray[np.float64],
    quality: NDArray[np.uint8],
    steps: NDArray[np.int64],
    bounds: tuple[datetime, datetime],
) -> tuple[Any, ...]:
    usable = (quality <= Quality.SUBSTITUTED) & np.isfinite(energy_kwh)
    expected = int((bounds[1] - bounds[0]).total_seconds() // int(np.median(steps)))
    if not usable.any():
        return (None, None, None, 0, expected, 0.0)
    power_kw = np.where(usable, energy_kwh * 3600.0 / steps, -np.inf)
    peak = int(power_kw.argmax())
    good = int(((quality == Quality.GOOD) & usable).sum())
    return (
        float(energy_kwh[usable].sum()),
        float(power_kw[peak]),
        datetime.fromtimestamp(int(at[peak]), UTC),
        int(usable.sum()),
        expected,
        good / expected if expected else 0.0,
    )


def _registers(session: Session, sources: list[_Source], month: Month) -> Iterator[tuple[_Source, tuple[Any, ...]]]:
    mine = {source.channel_id: source for source in sources if source.kind == "register"}
    query = (
        select(RegisterReading.channel_id, RegisterReading.read_at, RegisterReading.value, RegisterReading.quality)
        .where(
            RegisterReading.channel_id.in_(mine),
            RegisterReading.read_at >= month.from_at,
            RegisterReading.read_at <= month.to_at,
            RegisterReading.value.is_not(None),
        )
        .order_by(RegisterReading.channel_id, RegisterReading.read_at)
    )
    readings: dict[int, list[tuple[datetime, float, int]]] = {}
    for channel_id, read_at, value, quality in session.execute(query):
        assert value is not None
        readings.setdefault(channel_id, []).append((read_at, value, quality))
    for channel_id, found in readings.items():
        source = mine[channel_id]
        begin, end = source.within(month)
        inside = [item for item in found if begin <= item[0] <= end]
        if len(inside) >= 2:
            good = sum(quality == Quality.GOOD for _, _, quality in inside) / len(inside)
            energy = (inside[-1][1] - inside[0][1]) * source.multiplier
            yield source, (energy, None, None, len(inside), len(inside), good)
