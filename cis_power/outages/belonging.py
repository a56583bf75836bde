"""Who belongs to which outage, as SQL: members of the engine's outages, and the rows of imported history."""

from typing import Any

from sqlalchemy import ColumnElement, Subquery, and_, case, exists, func, literal, or_, select, true, union_all
from sqlalchemy.orm import Session, aliased

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.db import chunked
from cis_power.core.phases import ALL_PHASES
from cis_power.customers.models import LifeSupport, UsagePointDistrict, UsagePointTerms
from cis_power.network.models import EquipmentState
from cis_power.outages.knowledge import Moment
from cis_power.outages.models import Interruption, OutageMember, OutageState

ORDINARY = "ordinary"
LIFE_SUPPORT = "life_support"
# Lists name these first, in this order.
PRIORITIES = (LIFE_SUPPORT, "special", "critical", "first", "second", "temporary", ORDINARY)


def belonging(moment: Moment) -> Subquery:
    """Rows of membership as known: outage_id, usage_point_id, customers, fully_out, phases_out, began_at, ended_at."""
    member, ledger = OutageMember, Interruption
    members = select(
        member.outage_id, member.usage_point_id, literal(1).label("customers"), member.fully_out, member.phases_out,
        member.began_at, member.ended_at,
    ).where(moment.known(member))  # fmt: skip
    imported = select(
        ledger.outage_id, ledger.usage_point_id, ledger.customers, (ledger.phases == ALL_PHASES).label("fully_out"),
        ledger.phases, ledger.began_at, ledger.restored_at,
    ).where(moment.known(ledger), ledger.source != "engine")  # fmt: skip
    return union_all(members, imported).subquery("belonging")


def inside(viewer: Viewer, usage_point: Any, moment: Moment) -> ColumnElement[bool]:
    """Whether a usage point lies in the viewer's territory at the instant."""
    if viewer.districts is None:
        return true()
    district = aliased(UsagePointDistrict)
    return exists().where(
        district.usage_point_id == usage_point, moment.valid(district.began_at, district.ended_at),
        in_territory(viewer, district.district_id),
    )  # fmt: skip


def visible(viewer: Viewer, moment: Moment) -> ColumnElement[bool]:
    """Whether an outage state may be seen: a member in the territory, or its device."""
    if viewer.districts is None:
        return true()
    member, row = aliased(OutageMember), aliased(Interruption)
    own = select(EquipmentState.element_id).where(in_territory(viewer, EquipmentState.district_id))
    return or_(
        OutageState.device_id.in_(own),
        exists().where(member.outage_id == OutageState.outage_id, moment.known(member),
                       inside(viewer, member.usage_point_id, moment)),
        exists().where(row.outage_id == OutageState.outage_id, moment.known(row), row.source != "engine",
                       inside(viewer, row.usage_point_id, moment)),
    )  # fmt: skip


def is_priority(usage_point: Any, moment: Moment) -> ColumnElement[bool]:
    """Whether somebody there must be served first at the instant."""
    terms, patient = aliased(UsagePointTerms), aliased(LifeSupport)
    day = moment.about.date()
    return or_(
        exists().where(
            terms.usage_point_id == usage_point, moment.valid(terms.began_at, terms.ended_at),
            terms.service_priority != ORDINARY,
        ),
        exists().where(
            patient.usage_point_id == usage_point, or_(patient.began_on.is_(None), patient.began_on <= day),
            or_(patient.ended_on.is_(None), patient.ended_on > day),
            or_(patient.expires_on.is_(None), patient.expires_on > day),
        ),
    )  # fmt: skip


def counts(session: Session, viewer: Viewer | None, outages: list[int], moment: Moment) -> dict[int, dict[str, int]]:
    """Numbers of usage points of each outage: affected until the instant, out and partly out at it, with priority.

    `viewer` `None`: of the whole utility.
    """
    found: dict[int, dict[str, int]] = {}
    for part in chunked(outages, 2_000):
        rows = belonging(moment)
        point, unnamed = rows.c.usage_point_id, rows.c.usage_point_id.is_(None)
        holds = moment.holding(rows.c.began_at, rows.c.ended_at)

        def number(condition: ColumnElement[bool], rows: Subquery = rows) -> ColumnElement[int]:
            named = func.count(case((condition, rows.c.usage_point_id)).distinct())
            others = func.sum(case((and_(condition, rows.c.usage_point_id.is_(None)), rows.c.customers), else_=0))
            return named + func.coalesce(others, 0)

        columns = {
            "affected": number(true()), "out": number(and_(holds, rows.c.fully_out)),
            "partial": number(and_(holds, ~rows.c.fully_out)),
            "priority": func.count(case((and_(holds, is_priority(point, moment)), point)).distinct()),
        }  # fmt: skip
        query = (
            select(rows.c.outage_id, *(column.label(name) for name, column in columns.items()))
            .where(rows.c.outage_id.in_(part), rows.c.began_at <= moment.about)
            .group_by(rows.c.outage_id)
        )
        if viewer is not None and viewer.districts is not None:
            query = query.where(and_(~unnamed, inside(viewer, point, moment)))
        for row in session.execute(query):
            found[row.outage_id] = {name: int(getattr(row, name) or 0) for name in columns}
    return found
