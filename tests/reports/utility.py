"""A small utility written straight into the tables, for reports to read."""

from datetime import UTC, datetime

import numpy as np

from cis_power.access.models import District
from cis_power.customers.models import (
    SupplyConnection,
    UsagePoint,
    UsagePointDistrict,
    UsagePointStatus,
    UsagePointTerms,
)
from cis_power.network.models import Element, EquipmentState, NetworkActivation, NetworkVersion, NodeState
from cis_power.outages.models import Interruption, Outage
from cis_power.series.writes import ensure_series, put_values
from cis_power.telemetry.models import Point, Source

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
        defaults = {"kind": "unplanned", "source": "import", "recorded_at": LONG_AGO}
        self.session.add(
            Interruption(
                outage_id=self.outages[outage],
                usage_point_id=self.points[point] if point else None,
                began_at=began_at,
                restored_at=restored_at,
                **(defaults | fields),
            )
        )

    def network(self):
        """A source, breaker BR of feeder F1 and substation SUB, and behind it transformers T1 (district N) and T2."""
        version = self._add(NetworkVersion(number=1, format="csv", content_hash="", recorded_at=LONG_AGO))
        self._add(NetworkActivation(version_id=version, activated_at=LONG_AGO, activated_by="test"))
        for node in ("SRC", "BUS", "SEC1", "SEC2"):
            self.session.add(
                NodeState(
                    version_id=version, element_id=self.element(node, "node"), source_phases=7 if node == "SRC" else 0
                )
            )
        feeder, substation = self.element("F1", "feeder"), self.element("SUB", "substation")
        for device, begin, end in (("BR", "SRC", "BUS"), ("T1", "BUS", "SEC1"), ("T2", "BUS", "SEC2")):
            self.session.add(
                EquipmentState(
                    version_id=version,
                    element_id=self.element(device),
                    kind="breaker" if device == "BR" else "transformer",
                    from_node_id=self.element(begin, "node"),
                    to_node_id=self.element(end, "node"),
                    normal_open=False,
                    telemetered=True,
                    phases=7,
                    feeder_id=None if device == "T2" else feeder,
                    substation_id=substation if device == "BR" else None,
                    district_id=self.districts["N"] if device == "T1" else None,
                )
            )
        self.session.flush()

    def analog(self, code, device, unit, minutes):
        """A point with a value a minute from 2026-03-01 on."""
        source = self.session.query(Source).first() or Source(name="dms")
        self.session.add(source)
        self.session.flush()
        point = self._add(
            Point(
                point_id=code,
                source_id=source.id,
                device_id=1,
                table="holding",
                address="0",
                datatype="float32",
                unit=unit,
                kind="analog",
                element_id=self.element(device),
                poll_seconds=60,
            )
        )
        (series,) = ensure_series(self.session, "point", [point], step_seconds=60, wide=False).tolist()
        begin = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
        put_values(self.session, series, begin + np.arange(len(minutes)) * 60, minutes, step_seconds=60)
