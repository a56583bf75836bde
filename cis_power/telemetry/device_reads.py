"""What telemetry says of equipment: positions and how sure they are, and measured values. For callers that found the
equipment in the viewer's territory."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.db import among, chunked
from cis_power.core.quality import Quality
from cis_power.network.models import EquipmentState
from cis_power.telemetry.measured import UNITS, Measured, loading_percent
from cis_power.telemetry.models import LatestValue, Point
from cis_power.telemetry.quality import Shown, shown, stale_after
from cis_power.telemetry.reads import PERMISSION, held_points

POSITION = "position"


@dataclass(frozen=True, slots=True)
class PositionSignal:
    """The signal of a device's position as of now. `decides`: its quality is good enough to be believed."""

    point_id: str
    value: float | None
    quality: Quality
    reason: str | None
    measured_at: datetime | None
    age_seconds: float | None

    @property
    def decides(self) -> bool:
        return self.quality.decides and self.value in (0.0, 1.0)


def position_signals(
    session: Session, viewer: Viewer, elements: Collection[int], now: datetime, stale_after_seconds: float | None = None
) -> dict[int, PositionSignal]:
    """The position signal of each element that has one; of several the best."""
    viewer.require(PERMISSION)
    wanted = (Point.kind == "discrete", Point.quantity == POSITION)
    found: dict[int, PositionSignal] = {}
    for point, value in _values(session, elements, wanted, now, stale_after_seconds):
        known = found.get(point.element_id)
        if known is None or value.quality < known.quality:
            found[point.element_id] = PositionSignal(
                point.point_id, value.value, value.quality, value.reason, value.measured_at, value.age_seconds
            )
    return found


def measured_values(
    session: Session, viewer: Viewer, elements: Collection[int], now: datetime, stale_after_seconds: float | None = None
) -> dict[int, list[Measured]]:
    """Currents, voltages and powers measured on each element, by point."""
    viewer.require(PERMISSION)
    found: dict[int, list[Measured]] = defaultdict(list)
    for point, value in _values(session, elements, (Point.kind == "analog",), now, stale_after_seconds):
        what, factor = UNITS.get((point.unit or "").lower(), (point.quantity or "", 1.0))
        found[point.element_id].append(
            Measured(
                element_id=point.element_id,
                point_id=point.point_id,
                what=what,
                value=None if value.value is None else value.value * factor,
                shown=value.value,
                unit=point.unit,
                quantity=point.quantity,
                quality=value.quality,
                reason=value.reason,
                measured_at=value.measured_at,
                age_seconds=value.age_seconds,
            )
        )
    return found


def rough_loading(
    session: Session, viewer: Viewer, version_id: int, ratings: Mapping[int, tuple[float | None, float | None]]
) -> dict[int, float]:
    """Loading in per cent of many transformers by their latest values that are not bad, whatever their age: to choose
    and to order by. `ratings`: element → rated kVA and voltage of the low side.
    """
    viewer.require(PERMISSION)
    state = EquipmentState
    query = (
        select(Point.element_id, Point.unit, LatestValue.value)
        .join(LatestValue, LatestValue.point_id == Point.id)
        .join(state, (state.element_id == Point.element_id) & (state.version_id == version_id) & (state.leg == 0))
        .where(state.kind == "transformer", in_territory(viewer, state.district_id))
        .where(Point.kind == "analog", Point.retired_at.is_(None), LatestValue.value.is_not(None))
        .where(LatestValue.quality < int(Quality.BAD))
        .order_by(LatestValue.quality.desc())
    )
    values: dict[int, dict[str, float]] = defaultdict(dict)
    rows: Sequence[Any] = session.execute(query).all()
    for element, unit, value in rows:
        what, factor = UNITS.get((unit or "").lower(), ("", 1.0))
        if element in ratings:
            values[element][what] = value * factor
    found = {}
    for element, numbers in values.items():
        kva, kw, kvar, amperes = (numbers.get(what) for what in _LOADS)
        percent, _ = loading_percent(kva, kw, kvar, amperes, *ratings[element])
        if percent is not None:
            found[element] = percent
    return found


_LOADS = ("apparent_kva", "power_kw", "reactive_kvar", "current_a")


def _values(
    session: Session, elements: Collection[int], wanted: tuple[Any, ...], now: datetime, limit: float | None
) -> list[tuple[Any, Shown]]:
    """Points on elements with their latest value as everybody sees it now."""
    columns = (
        Point.id, Point.element_id, Point.point_id, Point.unit, Point.quantity, Point.poll_seconds, LatestValue.value,
        LatestValue.quality, LatestValue.reason, LatestValue.measured_at,
    )  # fmt: skip
    rows: list[Any] = []
    for part in chunked(elements, 5_000):
        query = (
            select(*columns)
            .outerjoin(LatestValue, LatestValue.point_id == Point.id)
            .where(among(session, Point.element_id, part), Point.retired_at.is_(None), *wanted)
            .order_by(Point.point_id)
        )
        rows += session.execute(query).all()
    held = held_points(session, [row.id for row in rows])
    return [
        (row, shown(
            row.value, Quality.MISSING if row.quality is None else row.quality, row.reason, row.measured_at, now=now,
            limit_seconds=stale_after(row.poll_seconds, limit), held=held.get(row.id),
        ))
        for row in rows
    ]  # fmt: skip
