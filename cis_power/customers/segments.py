"""Segments of customers, for those who may see them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.customers.models import Segment, SegmentMember


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One segment; `customers` is told only to those who see the whole utility."""

    code: str
    title: str
    definition: str
    evaluated_at: datetime | None
    customers: int | None


def list_segments(session: Session, viewer: Viewer, *, limit: int = 100) -> list[SegmentRow]:
    """Segments by code, with how many customers are in each."""
    viewer.require("customers:segment:read")
    counts: dict[int, int] = {}
    if viewer.districts is None:
        counts = dict(
            session.execute(select(SegmentMember.segment_id, func.count()).group_by(SegmentMember.segment_id)).all()
        )
    return [
        SegmentRow(
            row.code, row.name, row.definition, row.evaluated_at,
            counts.get(row.id, 0) if viewer.districts is None else None,
        )
        for row in session.scalars(select(Segment).order_by(Segment.code).limit(limit))
    ]  # fmt: skip
