"""Usage points by where they hang on the network, within the viewer's territory."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, select, true
from sqlalchemy.orm import Session

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.db import among, chunked
from cis_power.customers.models import (
    CustomerAgreement,
    SupplyConnection,
    UsagePoint,
    UsagePointDistrict,
    UsagePointTerms,
)
from cis_power.customers.search import Subject
from cis_power.customers.validity import valid_at
from cis_power.network.models import EquipmentState
from cis_power.network.version_cache import kept

ORDINARY = "ordinary"
_KEPT_SECONDS = 900


@dataclass(frozen=True, slots=True)
class HangingPoint:
    """A usage point on an element. `id` is a surrogate key for other reads; `phases` a mask, 0: all there are."""

    id: int
    usage_point: str
    phases: int
    role: str
    service_priority: str


def usage_points_on(session: Session, viewer: Viewer, elements: Collection[int], now: datetime) -> list[HangingPoint]:
    """Usage points connected to some elements now, by code."""
    viewer.require("network:path:read")
    link, terms = SupplyConnection, UsagePointTerms
    rows: dict[int, HangingPoint] = {}
    for part in chunked(elements, 5_000):
        query = (
            select(UsagePoint.id, UsagePoint.code, link.phases, link.role, terms.service_priority)
            .join(UsagePoint, UsagePoint.id == link.usage_point_id)
            .outerjoin(
                terms, and_(terms.usage_point_id == UsagePoint.id, valid_at(terms.began_at, terms.ended_at, now))
            )
            .where(among(session, link.element_id, part), _holds(now), _inside(viewer, now))
            .order_by(link.role.desc())
        )
        for key, code, phases, role, priority in session.execute(query):
            rows[key] = HangingPoint(key, code, phases, role, priority or ORDINARY)
    return sorted(rows.values(), key=lambda row: row.usage_point)


def subjects_of(session: Session, points: Collection[int], now: datetime) -> list[Subject]:
    """Who is supplied at usage points: accounts with an agreement now, and points that nobody has one for."""
    agreement = CustomerAgreement
    accounts: dict[int, set[int]] = {}
    for part in chunked(points, 5_000):
        query = select(agreement.usage_point_id, agreement.account_id).where(
            among(session, agreement.usage_point_id, part),
            agreement.superseded_at.is_(None),
            valid_at(agreement.began_at, agreement.ended_at, now),
        )
        for point, account in session.execute(query):
            accounts.setdefault(point, set()).add(account)
    found: dict[Subject, None] = {}
    for point in points:
        for account in sorted(accounts.get(point, ())):
            found[Subject(account, None)] = None
        if point not in accounts:
            found[Subject(None, point)] = None
    return list(found)


Group = tuple[int | None, int | None]  # keys of feeder and substation


def usage_points_by_feeder(session: Session, viewer: Viewer, version_id: int, now: datetime) -> dict[Group, int]:
    """How many usage points hang on each feeder by their main connection.

    Counted anew when connections or districts were added, and every quarter of an hour.
    """
    viewer.require("network:model:read")
    newest = session.execute(select(
        select(func.max(SupplyConnection.id)).scalar_subquery(),
        select(func.max(UsagePointDistrict.id)).scalar_subquery(),
    )).one()  # fmt: skip
    key = ("by_feeder", version_id, viewer.districts, tuple(newest), int(now.timestamp()) // _KEPT_SECONDS)
    return kept(session, key, lambda: count_by_feeder(session, viewer, version_id, now))


def count_by_feeder(
    session: Session, viewer: Viewer, version_id: int, now: datetime, only: Any = None
) -> dict[Group, int]:
    """Usage points by feeder and substation of what they hang on: a transformer, or what ends at their node.

    `only`: a select of keys of the usage points to be counted.
    """
    link, state = SupplyConnection, EquipmentState
    common = [state.version_id == version_id, link.role == "main", _holds(now), _inside(viewer, now)]
    if only is not None:
        common.append(link.usage_point_id.in_(only))
    closed = and_(state.version_id == version_id, ~state.normal_open)
    ends_there = exists().where(closed, state.to_node_id == link.element_id).correlate(link)
    ways = (
        (state.element_id == link.element_id, state.leg == 0),
        (state.to_node_id == link.element_id, ~state.normal_open),
        (state.from_node_id == link.element_id, and_(~state.normal_open, ~ends_there)),
    )
    found: dict[Group, int] = {}
    for on, condition in ways:
        query = (
            select(state.feeder_id, state.substation_id, func.count(link.usage_point_id.distinct()))
            .join(state, on)
            .where(condition, *common)
            .group_by(state.feeder_id, state.substation_id)
        )
        for feeder, substation, count in session.execute(query):
            found[feeder, substation] = found.get((feeder, substation), 0) + count
    return found


def _holds(now: datetime) -> ColumnElement[bool]:
    link = SupplyConnection
    return and_(link.superseded_at.is_(None), valid_at(link.began_at, link.ended_at, now))


def _inside(viewer: Viewer, now: datetime) -> ColumnElement[bool]:
    if viewer.districts is None:
        return true()
    district = UsagePointDistrict
    return exists().where(
        district.usage_point_id == SupplyConnection.usage_point_id,
        valid_at(district.began_at, district.ended_at, now),
        in_territory(viewer, district.district_id),
    )
