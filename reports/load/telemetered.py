"""Telemetered load beside the readings: what the field's own measurements say."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.quality import Quality
from cis_power.network.models import EquipmentState
from cis_power.network.reads import version_at
from cis_power.series.reads import History, read_series, series_of
from cis_power.telemetry.models import Point
from reports.load.grouping import element_codes
from reports.load.summing import Period
from reports.model import Table, Value, table
from reports.scope import Scope

_POWER_KW = {"w": 0.001, "kw": 1.0, "mw": 1000.0}
_LOAD_UNITS = (*_POWER_KW, "a", "ka")
SERIES_OWNER = "point"

COLUMNS = (
    ("id", ""), ("point_id", ""), ("quantity", ""), ("unit", ""), ("mean", ""), ("minimum", ""), ("peak", ""),
    ("peak_at", ""), ("energy_kwh", "kWh"), ("load_factor", "fraction"), ("good_share", "fraction"),
)  # fmt: skip


def telemetered_table(session: Session, viewer: Viewer, scope: Scope, by: str, period: Period) -> Table:
    """Power and current points on equipment, by transformer, feeder or substation; each in its own unit."""
    rows: list[tuple[Value, ...]] = []
    if by in ("transformer", "feeder", "substation"):
        chosen = _points(session, viewer, scope, by, period.to_at)
        names = element_codes(session, {group for group, _ in chosen})
        series = series_of(session, SERIES_OWNER, [point.id for _, point in chosen])
        history = read_series(session, list(series.values()), period.from_at, period.to_at)
        for group, point in chosen:
            low, high = np.searchsorted(history.series_id, [series.get(point.id, -1), series.get(point.id, -1) + 1])
            part = history.taken(np.arange(low, high))
            rows.append((names[group], point.point_id, point.quantity, point.unit, *_figures(point, part, period)))
    return table("telemetered", "Telemetered load", COLUMNS, sorted(rows, key=lambda row: (str(row[0]), str(row[1]))))


def _points(session: Session, viewer: Viewer, scope: Scope, by: str, at: datetime) -> list[tuple[int, Point]]:
    """Points with the element of their group, in the network of that time and in scope."""
    version = version_at(session, at)
    state = EquipmentState
    query = (
        select(Point, state.element_id, state.kind, state.feeder_id, state.substation_id, state.district_id)
        .join(state, state.element_id == Point.element_id)
        .where(
            state.version_id == (version.id if version else None),
            state.leg == 0,
            Point.kind == "analog",
            Point.retired_at.is_(None),
            in_territory(viewer, state.district_id),
        )
        .order_by(Point.point_id)
    )
    found = []
    for point, element_id, kind, feeder_id, substation_id, district_id in session.execute(query):
        own = element_id if kind == "transformer" else None
        group = {"transformer": own, "feeder": feeder_id, "substation": substation_id}[by]
        if group is not None and scope.sees(district_id) and (point.unit or "").lower() in _LOAD_UNITS:
            found.append((group, point))
    return found


def _figures(point: Point, history: History, period: Period) -> Iterator[Value]:
    """Mean, minimum, peak and its instant in the point's unit, energy and load factor of powers, good share."""
    begin, _, until = period.seconds
    usable = np.isin(history.quality, (Quality.GOOD, Quality.SUBSTITUTED)) & ~np.isnan(history.value)
    value, seconds = history.value[usable], history.step_seconds[usable]
    expected = max(until - begin, int(seconds.sum()))
    good = float(history.step_seconds[usable & (history.quality == Quality.GOOD)].sum())
    if not len(value):
        yield from (None, None, None, None, None, None, good / expected if expected else None)
        return
    top = int(np.abs(value).argmax())
    factor = _POWER_KW.get((point.unit or "").lower())
    mean, peak = float(np.average(value, weights=seconds)), float(value[top])
    yield mean
    yield float(value.min())
    yield peak
    yield history.at[usable][top].astype("datetime64[s]").item().replace(tzinfo=UTC)
    yield None if factor is None else float((value * seconds).sum()) * factor / 3600.0
    yield None if factor is None or not peak else mean / peak
    yield good / expected if expected else None
