"""What happened in an outage, in order: evidence, calls, restoration in steps, what was expected when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from cis_power.access.reads import actor_names
from cis_power.access.viewer import Viewer
from cis_power.core.quality import Quality
from cis_power.outages.belonging import belonging, inside
from cis_power.outages.heirs import families
from cis_power.outages.knowledge import Moment
from cis_power.outages.models import OutageState, RestorationEstimate, TroubleCall
from cis_power.outages.reads import find_state
from cis_power.outages.records import OutageRecord

MOST_CALLS = 50
MOST_STEPS = 60


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of an outage's time line.

    `kind`: signal, switching, call, meter or plan as evidence has them; `restored` for usage points that came back,
    `expected` for an estimate, `changed` for an act on the outage itself. `number`: usage points that came back.
    """

    at: datetime
    kind: str
    detail: str
    quality: str = Quality.GOOD.name
    number: int | None = None
    earliest: datetime | None = None
    latest: datetime | None = None
    hazard: bool = False


@dataclass(frozen=True, slots=True)
class Timeline:
    """The lines in order; `more_calls` calls besides those shown."""

    rows: tuple[Happening, ...]
    more_calls: int


def outage_timeline(
    session: Session, viewer: Viewer, outage: OutageRecord, now: datetime, *, at: datetime | None = None,
    as_of: datetime | None = None,
) -> Timeline:  # fmt: skip
    """The time line of an outage that `read_outage` gave this viewer. Raises NotFound as that does."""
    viewer.require("outages:outage:read")
    moment = Moment.of(now, at, as_of)
    state = find_state(session, viewer, outage.id, moment)
    evidence = [Happening(piece.at, piece.kind, piece.detail, piece.quality) for piece in outage.evidence]
    calls, more = _calls(session, viewer, state.outage_id, moment)
    rows = [
        *evidence, *calls, *_steps(session, viewer, state.outage_id, moment), *_estimates(session, state, moment),
        *_acts(session, state, moment),
    ]  # fmt: skip
    return Timeline(tuple(sorted(rows, key=lambda row: row.at)), more)


def _calls(session: Session, viewer: Viewer, outage: int, moment: Moment) -> tuple[list[Happening], int]:
    """Calls about usage points of the territory, those that tell of danger before others."""
    call, family = TroubleCall, families(session, [outage])
    own = (call.outage_id.in_(family), call.received_at <= moment.known_at, inside(viewer, call.usage_point_id, moment))
    query = select(call).where(*own).order_by(call.hazard.desc(), call.received_at.desc()).limit(MOST_CALLS)
    rows = session.scalars(query).all()
    total = session.scalar(select(func.count()).select_from(call).where(*own)) or 0
    found = [
        Happening(
            row.received_at, "call", " ".join(filter(None, ("call", row.code, row.trouble_code))), hazard=row.hazard
        )
        for row in rows
    ]
    return found, total - len(rows)


def _steps(session: Session, viewer: Viewer, outage: int, moment: Moment) -> list[Happening]:
    """How many usage points came back, or passed on to another outage, at each instant."""
    rows = belonging(moment)
    unnamed = func.sum(case((rows.c.usage_point_id.is_(None), rows.c.customers), else_=0))
    number: Any = func.count(rows.c.usage_point_id.distinct()) + func.coalesce(unnamed, 0)
    query = (
        select(rows.c.ended_at, number)
        .where(rows.c.outage_id == outage, rows.c.ended_at.is_not(None), rows.c.ended_at <= moment.about)
        .group_by(rows.c.ended_at)
        .order_by(rows.c.ended_at)
        .limit(MOST_STEPS)
    )
    if viewer.districts is not None:
        query = query.where(rows.c.usage_point_id.is_not(None), inside(viewer, rows.c.usage_point_id, moment))
    return [Happening(ended_at, "restored", "", number=int(count)) for ended_at, count in session.execute(query)]


def _estimates(session: Session, state: OutageState, moment: Moment) -> list[Happening]:
    row = RestorationEstimate
    query = select(row).where(
        row.outage_id.in_(families(session, [state.outage_id])), row.recorded_at <= moment.known_at
    )
    return [
        Happening(one.recorded_at, "expected", one.source, earliest=one.earliest_at, latest=one.latest_at)
        for one in session.scalars(query.order_by(row.recorded_at))
    ]


def _acts(session: Session, state: OutageState, moment: Moment) -> list[Happening]:
    """What people did to the outage itself, with their reasons."""
    row = OutageState
    query = select(row).where(
        row.outage_id == state.outage_id, row.recorded_at <= moment.known_at, row.reason.is_not(None)
    )
    found = session.scalars(query.order_by(row.recorded_at)).all()
    names = actor_names(session, {one.recorded_by for one in found})
    return [Happening(one.recorded_at, "changed", f"{one.reason} ({names[one.recorded_by]})") for one in found]
