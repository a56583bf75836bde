"""Which usage points a report is about: the viewer's territory, narrowed to the districts asked for."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.access.reads import district_ids, districts_below
from cis_power.access.viewer import Viewer
from cis_power.core.errors import InvalidInput, Problem
from cis_power.customers.models import (
    SupplyConnection,
    UsagePoint,
    UsagePointDistrict,
    UsagePointStatus,
    UsagePointTerms,
)
from cis_power.network.low_voltage import transformers_of
from cis_power.network.reads import version_at
from reports.windows import Windows, always, joined, windows


@dataclass(frozen=True, slots=True)
class Scope:
    """`districts`: keys of the districts looked at; None is the whole utility, with what has no district.

    `of_whole`: the viewer may see the whole utility, and be told of what could not be placed in any district.
    """

    districts: frozenset[int] | None
    of_whole: bool

    def sees(self, district_id: int | None) -> bool:
        """Whether something of a district belongs to the report."""
        return self.districts is None or district_id in self.districts


def read_scope(session: Session, viewer: Viewer, codes: Sequence[str]) -> Scope:
    """The scope of a viewer who asks for districts by code; each stands for all that lies below it.

    Raises InvalidInput for a code that is unknown or foreign to the viewer: the words are the same.
    """
    if not codes:
        return Scope(viewer.districts, viewer.districts is None)
    asked: set[int] = set()
    foreign: list[Problem] = []
    for code in codes:
        found = _known(session, code)
        if not found or (viewer.districts is not None and not found <= viewer.districts):
            foreign.append(Problem("unknown_district", f"there is no district {code}", field="district"))
        asked |= found
    if foreign:
        raise InvalidInput("unknown district: " + "; ".join(problem.message for problem in foreign), foreign)
    below = districts_below(session, asked)
    return Scope(below if viewer.districts is None else below & viewer.districts, viewer.districts is None)


def _known(session: Session, code: str) -> frozenset[int]:
    try:
        return district_ids(session, [code])
    except InvalidInput:
        return frozenset()


def territory(session: Session, scope: Scope) -> Windows:
    """Windows of the usage points in scope; the group is the district, -1 without one."""
    of = UsagePointDistrict
    query = select(of.usage_point_id, of.district_id, of.began_at, of.ended_at)
    if scope.districts is not None:
        return windows(session.execute(query.where(of.district_id.in_(sorted(scope.districts)))))
    placed = windows(session.execute(query))
    known = np.array(session.scalars(select(UsagePoint.id).order_by(UsagePoint.id)).all(), np.int64)
    without = always(np.setdiff1d(known, placed.member), -1)
    return _together(placed, without)


def served(session: Session, within: Windows) -> Windows:
    """When the usage points of `within` were served (active); one without any status always was."""
    status = UsagePointStatus
    query = select(status.usage_point_id, status.id, status.began_at, status.ended_at, status.status)
    rows = session.execute(query.where(status.superseded_at.is_(None))).all()
    told = np.array([row[0] for row in rows], np.int64)
    active = windows((row[0], 0, row[2], row[3]) for row in rows if row[4] == "active")
    untold = always(np.setdiff1d(np.unique(within.member), told))
    return joined(within, _together(active, untold))


def rated_kva(session: Session) -> Windows:
    """Rated kVA of usage points, from/to, as amounts; NaN where it is not known."""
    terms = UsagePointTerms
    query = select(terms.usage_point_id, terms.id, terms.began_at, terms.ended_at, terms.rated_kva)
    rows = session.execute(query).all()
    return windows(((row[0], row[1], row[2], row[3]) for row in rows), [row[4] for row in rows])


def main_supply(session: Session, usage_points: Collection[int] | None = None) -> Windows:
    """Windows of usage points at the element of their main connection: a transformer or a node of the network."""
    of = SupplyConnection
    query = select(of.usage_point_id, of.element_id, of.began_at, of.ended_at).where(
        of.superseded_at.is_(None), of.role == "main", of.element_id.is_not(None)
    )
    if usage_points is not None:
        query = query.where(of.usage_point_id.in_(sorted(usage_points)))
    return windows(session.execute(query))


def at_their_transformers(session: Session, supply: Windows, at: datetime) -> Windows:
    """Windows of `main_supply` with low-voltage nodes replaced by the transformer that feeds them at an instant."""
    version = version_at(session, at)
    if version is None or not len(supply.group):
        return supply
    elements = np.unique(supply.group)
    found = transformers_of(session, version.id, elements.tolist())
    behind = np.array([found.get(element, element) for element in elements.tolist()], np.int64)
    group = behind[np.searchsorted(elements, supply.group)]
    return Windows(supply.member, group, supply.from_s, supply.to_s, supply.amount)


def _together(first: Windows, second: Windows) -> Windows:
    names = ("member", "group", "from_s", "to_s", "amount")
    return Windows(*(np.concatenate([getattr(first, name), getattr(second, name)]) for name in names))
