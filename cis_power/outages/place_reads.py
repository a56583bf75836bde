"""Outages by where they are: usage points out now by feeder, and the outages that some usage points suffered."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.db import among
from cis_power.customers.hanging_reads import Group, count_by_feeder
from cis_power.outages.belonging import inside
from cis_power.outages.knowledge import Moment
from cis_power.outages.models import Interruption, Outage, OutageMember, OutageState
from cis_power.outages.reads import CANCELLED, MAY_READ


@dataclass(frozen=True, slots=True)
class PlaceOutage:
    """An outage as some usage points suffered it; `restored_at` None: it goes on for one of them."""

    outage_id: str
    kind: str
    cause: str | None
    device: str | None
    began_at: datetime
    restored_at: datetime | None
    usage_points: int
    minutes: float | None


def members_out() -> Any:
    """A select of the keys of usage points that open outages hold out now, fully or in part."""
    member, state = OutageMember, OutageState
    return (
        select(member.usage_point_id)
        .join(state, state.outage_id == member.outage_id)
        .where(state.superseded_at.is_(None), state.restored_at.is_(None), state.status != CANCELLED)
        .where(member.superseded_at.is_(None), member.ended_at.is_(None))
    )


def out_by_feeder(session: Session, viewer: Viewer, version_id: int, now: datetime) -> dict[Group, int]:
    """How many usage points of the territory are out or partly out now, by feeder and substation they hang on."""
    _require(viewer)
    return count_by_feeder(session, viewer, version_id, now, members_out())


def points_out(session: Session, viewer: Viewer, points: Collection[int], now: datetime) -> frozenset[int]:
    """Which of these usage points are out or partly out now, within the territory."""
    _require(viewer)
    member = OutageMember.usage_point_id
    query = members_out().where(among(session, member, points), inside(viewer, member, Moment.of(now)))
    return frozenset(session.scalars(query))


def outages_at(
    session: Session, viewer: Viewer, points: Collection[int], from_at: datetime, now: datetime, *, limit: int = 100
) -> list[PlaceOutage]:
    """Outages of these usage points that began since `from_at`, the latest first, out of the ledger."""
    viewer.require("outages:minutes:read")
    row = Interruption
    open_rows = func.sum(case((row.restored_at.is_(None), 1), else_=0))
    query = (
        select(Outage.code, func.min(row.kind), func.min(row.cause_code), func.min(row.device_code),
               func.min(row.began_at), func.max(row.restored_at), func.count(row.usage_point_id.distinct()), open_rows)
        .join(Outage, Outage.id == row.outage_id)
        .where(among(session, row.usage_point_id, points), row.superseded_at.is_(None), row.began_at >= from_at)
        .where(inside(viewer, row.usage_point_id, Moment.of(now)))
        .group_by(row.outage_id, Outage.code)
        .order_by(func.min(row.began_at).desc(), Outage.code)
        .limit(limit)
    )  # fmt: skip
    found = []
    for code, kind, cause, device, began_at, restored_at, count, still_open in session.execute(query):
        ended = None if still_open else restored_at
        minutes = None if ended is None else (ended - began_at).total_seconds() / 60
        found.append(PlaceOutage(code, kind, cause, device, began_at, ended, count, minutes))
    return found


def _require(viewer: Viewer) -> None:
    if not viewer.may_any(MAY_READ):
        viewer.require(MAY_READ[0])
