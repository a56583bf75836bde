"""Where a viewer may look: one criterion for lists, single rows, counts, figures, reports and exports.

A read puts `in_territory(viewer, column)` into its own `Select`. A single row is read by the same `Select` with one
more condition, so that a foreign row and a missing row are the same absence.
"""

from sqlalchemy import ColumnElement, false, true
from sqlalchemy.orm import InstrumentedAttribute

from cis_power.access.viewer import Viewer

DistrictColumn = InstrumentedAttribute[int] | InstrumentedAttribute[int | None] | ColumnElement[int]


def in_territory(viewer: Viewer, district_id: DistrictColumn) -> ColumnElement[bool]:
    """Return the criterion "this row's district is in the viewer's territory"; a row without a district is outside."""
    if viewer.districts is None:
        return true()
    if not viewer.districts:
        return false()
    return district_id.in_(sorted(viewer.districts))
