"""Points, their values now and then. Everything takes who asks."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.db import chunked
from cis_power.core.errors import NotFound
from cis_power.core.quality import Quality
from cis_power.network.models import Element, EquipmentState
from cis_power.network.reads import version_at
from cis_power.series.reads import read_series, series_of
from cis_power.telemetry.models import LatestValue, Point, PointOverride, SignalEvent, Source
from cis_power.telemetry.quality import Held, series_step, shown, stale_after
from cis_power.telemetry.rows import PointHistory, PointRow

PERMISSION = "telemetry:point:read"
SERIES_OWNER = "point"


def scoped(viewer: Viewer, query: Any, version_id: int | None) -> Any:
    """Points in the viewer's territory: those whose equipment lies in it."""
    if viewer.districts is None:
        return query
    state = aliased(EquipmentState)
    on = and_(state.element_id == Point.element_id, state.version_id == version_id, state.leg == 0)
    return query.join(state, on).where(in_territory(viewer, state.district_id))


def points_query(session: Session, viewer: Viewer, now: datetime) -> Any:
    """Points with latest value and source, within the viewer's territory, by id."""
    version = version_at(session, now)
    query = (
        select(Point, LatestValue, Source)
        .join(Source, Source.id == Point.source_id)
        .outerjoin(LatestValue, LatestValue.point_id == Point.id)
        .where(Point.retired_at.is_(None))
        .order_by(Point.point_id)
    )
    return scoped(viewer, query, None if version is None else version.id)


def list_points(
    session: Session,
    viewer: Viewer,
    now: datetime,
    *,
    stale_after_seconds: float | None = None,
    source: str | None = None,
    equipment: str | None = None,
    kind: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> list[PointRow]:
    """Points by id, behind `after`; `equipment` is the code of a device, as given in the point list."""
    viewer.require(PERMISSION)
    query = points_query(session, viewer, now)
    if source is not None:
        query = query.where(Source.name == source)
    if equipment is not None:
        known = select(Element.id).where(Element.kind == "equipment", Element.code == equipment)
        query = query.where(or_(Point.equipment == equipment, Point.element_id.in_(known)))
    if kind is not None:
        query = query.where(Point.kind == kind)
    if after is not None:
        query = query.where(Point.point_id > after)
    rows = session.execute(query.limit(limit)).all()
    return shown_rows(session, rows, now, stale_after_seconds)


def find_point(
    session: Session, viewer: Viewer, point_id: str, now: datetime, *, stale_after_seconds: float | None = None
) -> PointRow:
    """One point. Raises NotFound, for a foreign one too."""
    viewer.require(PERMISSION)
    rows = session.execute(points_query(session, viewer, now).where(Point.point_id == point_id)).all()
    if not rows:
        raise NotFound(f"no point {point_id!r}")
    return shown_rows(session, rows, now, stale_after_seconds)[0]


def shown_rows(
    session: Session, rows: Sequence[Any], now: datetime, stale_after_seconds: float | None
) -> list[PointRow]:
    """Rows of `points_query` as everybody sees them now."""
    held = held_points(session, [point.id for point, _, _ in rows])
    return [
        _row(point, latest, source, held.get(point.id), now, stale_after(point.poll_seconds, stale_after_seconds))
        for point, latest, source in rows
    ]


def _row(
    point: Point, latest: LatestValue | None, source: Source, held: Held | None, now: datetime, limit_seconds: float
) -> PointRow:
    value = shown(
        latest.value if latest else None,
        latest.quality if latest else Quality.MISSING,
        latest.reason if latest else None,
        latest.measured_at if latest else None,
        now=now,
        limit_seconds=limit_seconds,
        held=held,
    )
    return PointRow(
        point_id=point.point_id,
        source=source.name,
        device_id=point.device_id,
        table=point.table,
        address=point.address,
        datatype=point.datatype,
        kind=point.kind,
        equipment=point.equipment,
        quantity=point.quantity,
        unit=point.unit,
        normal_state=point.normal_state,
        poll_seconds=point.poll_seconds,
        value=value.value,
        quality=value.quality,
        reason=value.reason,
        measured_at=value.measured_at,
        received_at=latest.received_at if latest else None,
        age_seconds=value.age_seconds,
        held=held,
        source_state=source.state,
    )


def held_points(session: Session, keys: Sequence[int]) -> dict[int, Held]:
    """What is held by hand now, by the point's key."""
    found: dict[int, Held] = {}
    for part in chunked(keys, 5_000):
        query = (
            select(PointOverride)
            .where(PointOverride.point_id.in_(part), PointOverride.ended_at.is_(None))
            .order_by(PointOverride.began_at, PointOverride.id)
        )
        for row in session.scalars(query):
            found[row.point_id] = Held(row.kind, row.value, row.tag, row.began_at, row.begun_by)
    return found


def point_history(
    session: Session, viewer: Viewer, point_id: str, from_at: datetime, to_at: datetime, now: datetime
) -> PointHistory:
    """Values of a point in [from_at, to_at). Raises NotFound, for a foreign one too."""
    viewer.require(PERMISSION)
    query = points_query(session, viewer, now).where(Point.point_id == point_id)
    found = session.execute(query).first()
    if found is None:
        raise NotFound(f"no point {point_id!r}")
    point: Point = found[0]
    if point.kind == "discrete":
        return PointHistory(point_id, point.unit, _changes(session, point.id, from_at, to_at))
    series = series_of(session, SERIES_OWNER, [point.id]).get(point.id)
    if series is None:
        return PointHistory(point_id, point.unit, (), series_step(point.poll_seconds))
    history = read_series(session, series, from_at, to_at)
    at = history.at.astype("datetime64[us]").tolist()
    values = [None if math.isnan(value) else value for value in history.value.tolist()]
    codes = [Quality(code) for code in history.quality.tolist()]
    instants = [moment.replace(tzinfo=from_at.tzinfo) for moment in at]
    rows = list(zip(instants, values, codes, strict=True))
    return PointHistory(point_id, point.unit, rows, series_step(point.poll_seconds))


def _changes(
    session: Session, key: int, from_at: datetime, to_at: datetime
) -> list[tuple[datetime, float | None, Quality]]:
    query = (
        select(SignalEvent.occurred_at, SignalEvent.value, SignalEvent.quality)
        .where(SignalEvent.point_id == key, SignalEvent.occurred_at >= from_at, SignalEvent.occurred_at < to_at)
        .order_by(SignalEvent.occurred_at, SignalEvent.sequence)
    )
    return [(at, value, Quality(code)) for at, value, code in session.execute(query)]
