"""Telemetry at a glance: points by quality, sources in trouble, transformers that carry most."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func, select, true
from sqlalchemy.orm import Session, aliased

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.quality import Quality
from cis_power.network.models import Element, EquipmentState
from cis_power.network.reads import version_at
from cis_power.telemetry.device_reads import measured_values
from cis_power.telemetry.measured import HEAVY_PERCENT, UNITS, Load, load_of
from cis_power.telemetry.models import LatestValue, Point, Source
from cis_power.telemetry.quality import stale_after

PERMISSION = "telemetry:point:read"
_LOOKED_AT = 60  # transformers by active power alone, of which the heaviest are worked out
_LEAST_SHARE = 0.6  # of the rating, in active power: what is loaded by more may be heavily loaded in apparent power


@dataclass(frozen=True, slots=True)
class TroubledSource:
    """A source that does not answer, or of which nothing is known; `points`: those of the viewer's territory."""

    source: str
    state: str
    reason: str | None
    since: datetime | None
    points: int


@dataclass(frozen=True, slots=True)
class LoadedTransformer:
    """A transformer and what it carries."""

    transformer: str
    feeder: str | None
    rated_kva: float
    load: Load


def quality_counts(
    session: Session, viewer: Viewer, now: datetime, stale_after_seconds: float | None = None
) -> dict[str, int]:
    """How many points there are of each quality, by its name; age makes a better one stale, as everywhere."""
    viewer.require(PERMISSION)
    own = (Point.retired_at.is_(None), _own(session, viewer, now))
    steps = session.scalars(select(Point.poll_seconds).where(*own).distinct()).all()
    if not steps:
        return {}
    limits = [
        (Point.poll_seconds == step, now - timedelta(seconds=stale_after(step, stale_after_seconds))) for step in steps
    ]
    old = LatestValue.measured_at < case(*limits, else_=now)
    query = (
        select(LatestValue.quality, old.label("old"), func.count())
        .select_from(Point)
        .outerjoin(LatestValue, LatestValue.point_id == Point.id)
        .where(*own)
        .group_by(LatestValue.quality, old)
    )
    found: Counter[str] = Counter()
    for code, is_old, number in session.execute(query):
        quality = Quality.MISSING if code is None or is_old is None else Quality(code)
        found[(max(quality, Quality.STALE) if is_old else quality).name.lower()] += number
    return dict(found)


def troubled_sources(session: Session, viewer: Viewer, now: datetime) -> list[TroubledSource]:
    """Sources of points of the viewer's territory that do not answer."""
    viewer.require(PERMISSION)
    query = (
        select(Source, func.count())
        .join(Point, Point.source_id == Source.id)
        .where(Source.state != "up", Point.retired_at.is_(None), _own(session, viewer, now))
        .group_by(Source.id)
        .order_by(Source.name)
    )
    return [
        TroubledSource(source.name, source.state, source.state_reason, source.last_good_poll_at, points)
        for source, points in session.execute(query)
    ]


def loaded_transformers(
    session: Session, viewer: Viewer, now: datetime, stale_after_seconds: float | None = None, *, limit: int = 8
) -> list[LoadedTransformer]:
    """Transformers of the territory that are heavily loaded by what is measured on them now, the heaviest first."""
    viewer.require(PERMISSION)
    version = version_at(session, now)
    if version is None:
        return []
    state, feeder = EquipmentState, aliased(Element)
    factors = {unit: factor for unit, (what, factor) in UNITS.items() if what in ("power_kw", "apparent_kva")}
    kilo = LatestValue.value * case(*((func.lower(Point.unit) == unit, factor) for unit, factor in factors.items()))
    share = func.max(kilo / state.rated_kva)
    rows = session.execute(
        select(state.element_id, Element.code, func.min(feeder.code), state.rated_kva, func.min(state.district_id))
        .join(Element, Element.id == state.element_id)
        .join(Point, Point.element_id == state.element_id)
        .join(LatestValue, LatestValue.point_id == Point.id)
        .outerjoin(feeder, feeder.id == state.feeder_id)
        .where(state.version_id == version.id, state.leg == 0, state.kind == "transformer", state.rated_kva > 0)
        .where(Point.kind == "analog", Point.retired_at.is_(None), func.lower(Point.unit).in_(list(factors)))
        .where(in_territory(viewer, state.district_id))
        .group_by(state.element_id, Element.code, state.rated_kva)
        .having(share > _LEAST_SHARE)
        .order_by(share.desc())
        .limit(_LOOKED_AT)
    ).all()
    values = measured_values(session, viewer, [row[0] for row in rows], now, stale_after_seconds)
    found = [
        LoadedTransformer(code, line, rated or 0.0, load_of(values.get(element, []), rated, None))
        for element, code, line, rated, _district in rows
    ]
    heavy = [one for one in found if (one.load.percent or 0.0) >= HEAVY_PERCENT]
    return sorted(heavy, key=lambda one: -(one.load.percent or 0.0))[:limit]


def _own(session: Session, viewer: Viewer, now: datetime) -> ColumnElement[bool]:
    """Points of the viewer's territory: those whose equipment lies in it."""
    if viewer.districts is None:
        return true()
    version = version_at(session, now)
    state = EquipmentState
    own = select(state.element_id).where(
        state.version_id == (version.id if version else None), in_territory(viewer, state.district_id)
    )
    condition: ColumnElement[bool] = Point.element_id.in_(own)
    return condition
