"""A small utility written straight into the tables, for reports to read."""

from datetime import UTC, datetime

from cis_power.access.models import District
from cis_power.customers.models import (
    SupplyConnection,
    UsagePoint,
    UsagePointDistrict,
    UsagePointStatus,
    UsagePointTerms,
)
from cis_power.network.models import Element
from cis_power.outages.models import Interruption, Outage

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Utility:
    """Adds rows; everything has a name that a test gives, and the key is found by it."""

    def __init__(self, session):
        self.session = session
        self.districts = {}
        self.points = {}
        self.elements = {}
        self.outages = {}

    def _add(self, row):
        self.session.add(row)
        self.session.flush()
        return row.id

    def district(self, code, parent=None):
        self.districts[code] = self._add(
            District(code=code, name=code, parent_id=self.districts[parent] if parent else None)
        )

    def element(self, code, kind="equipment"):
        if code not in self.elements:
            self.elements[code] = self._add(Element(kind=kind, code=code))
        return self.elements[code]

    def point(self, code, district=None, rated_kva=None, transformer=None, connected_at=None, closed_at=None):
        key = self.points[code] = self._add(UsagePoint(code=code, created_at=LONG_AGO))
        if district:
            self.session.add(UsagePointDistrict(usage_point_id=key, district_id=self.districts[district]))
        if rated_kva is not None:
            self.session.add(UsagePointTerms(usage_point_id=key, rated_kva=rated_kva))
        if connected_at or closed_at:
            self.session.add(
                UsagePointStatus(
                    usage_point_id=key,
                    status="active",
                    began_at=connected_at,
                    ended_at=closed_at,
                    recorded_at=LONG_AGO,
                )
            )
        if transformer:
            self.connect(code, transformer)
        return key

    def connect(self, code, transformer, began_at=None, ended_at=None):
        self.session.add(
            SupplyConnection(
                usage_point_id=self.points[code],
                element_id=self.element(transformer),
                transformer=transformer,
                began_at=began_at,
                ended_at=ended_at,
                recorded_at=LONG_AGO,
            )
        )

    def interruption(self, outage, point=None, *, began_at, restored_at=None, **fields):
        if outage not in self.outages:
            self.outages[outage] = self._add(Outage(code=outage, imported=True, created_at=LONG_AGO))
        defaults = {"kind": "unplanned", "recorded_at": LONG_AGO}
        self.session.add(
            Interruption(
                outage_id=self.outages[outage],
                usage_point_id=self.points[point] if point else None,
                began_at=began_at,
                restored_at=restored_at,
                **(defaults | fields),
            )
        )
