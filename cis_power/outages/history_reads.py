"""The interruptions of some usage points out of the ledger, and which transformers are out, for pages."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.db import chunked
from cis_power.customers.models import UsagePoint, UsagePointDistrict
from cis_power.customers.search import valid_at
from cis_power.network.models import Element
from cis_power.outages.models import Interruption, Outage, OutageTransformer
from cis_power.outages.reads import MAY_READ


@dataclass(frozen=True, slots=True)
class InterruptionRow:
    """One interruption of one usage point; `restored_at` None: it goes on."""

    outage_id: str
    usage_point: str
    began_at: datetime
    restored_at: datetime | None
    minutes: float | None
    kind: str
    cause: str | None
    device: str | None


def interruptions_of(
    session: Session, viewer: Viewer, usage_point_ids: Sequence[int], now: datetime, *, limit: int = 50
) -> list[InterruptionRow]:
    """The latest interruptions of usage points in the viewer's territory, newest first."""
    viewer.require("outages:minutes:read")
    row, district = Interruption, UsagePointDistrict
    query = (
        select(row, Outage.code, UsagePoint.code)
        .join(Outage, Outage.id == row.outage_id)
        .join(UsagePoint, UsagePoint.id == row.usage_point_id)
        .where(row.usage_point_id.in_(usage_point_ids), row.superseded_at.is_(None))
        .order_by(row.began_at.desc(), row.id.desc())
        .limit(limit)
    )
    if viewer.districts is not None:
        query = query.where(
            exists().where(
                district.usage_point_id == row.usage_point_id,
                valid_at(district.began_at, district.ended_at, now),
                in_territory(viewer, district.district_id),
            )
        )
    return [
        InterruptionRow(
            outage_id=outage,
            usage_point=usage_point,
            began_at=found.began_at,
            restored_at=found.restored_at,
            minutes=_minutes(found.began_at, found.restored_at),
            kind=found.kind,
            cause=found.cause_code,
            device=found.device_code,
        )
        for found, outage, usage_point in session.execute(query)
    ]


def transformers_out(session: Session, viewer: Viewer, codes: Collection[str]) -> frozenset[str]:
    """Which of these transformers are without supply now, for callers that found them in the viewer's territory."""
    if not viewer.may_any(MAY_READ):
        viewer.require(MAY_READ[0])
    row = OutageTransformer
    found: set[str] = set()
    for part in chunked(codes, 5_000):
        query = (
            select(Element.code)
            .join(row, row.element_id == Element.id)
            .where(Element.code.in_(part), row.superseded_at.is_(None), row.ended_at.is_(None))
        )
        found.update(session.scalars(query))
    return frozenset(found)


def _minutes(began_at: datetime, restored_at: datetime | None) -> float | None:
    return None if restored_at is None else (restored_at - began_at).total_seconds() / 60
