"""Which usage points an export may name: those in the viewer's districts at some time of the period."""

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from billing_bridge.outbound.months import Period
from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.customers.models import UsagePointDistrict


def visible(viewer: Viewer, usage_point_id: InstrumentedAttribute[int], period: Period) -> ColumnElement[bool]:
    """The criterion for a row of a usage point; the districts that hold at the period's end decide."""
    if viewer.districts is None:
        return true()
    row = UsagePointDistrict
    return usage_point_id.in_(
        select(row.usage_point_id).where(
            in_territory(viewer, row.district_id),
            or_(row.began_at.is_(None), row.began_at < period.to_at),
            or_(row.ended_at.is_(None), row.ended_at >= period.to_at),
        )
    )
