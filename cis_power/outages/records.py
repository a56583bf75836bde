"""What a reader of outages gets: frozen records in the words of the contract."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from cis_power.core.time import iso


def _iso(moment: datetime | None, zone: tzinfo) -> str | None:
    return None if moment is None else iso(moment, zone)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of what an answer rests on. `kind`: signal, switching, call, meter or plan."""

    kind: str
    at: datetime
    detail: str
    quality: str

    def as_dict(self, zone: tzinfo = UTC) -> dict[str, Any]:
        return {"kind": self.kind, "at": iso(self.at, zone), "detail": self.detail, "quality": self.quality}


@dataclass(frozen=True, slots=True)
class Estimate:
    """A window in which supply is expected back, and who says so."""

    earliest: datetime | None
    latest: datetime
    source: str

    def as_dict(self, zone: tzinfo = UTC) -> dict[str, Any]:
        return {"earliest": _iso(self.earliest, zone), "latest": iso(self.latest, zone), "source": self.source}


@dataclass(frozen=True, slots=True)
class OutageRecord:
    """An outage. Counts are of usage points in the viewer's territory; those named `total` are of the whole utility.

    `calls` and `hazards` (calls that tell of danger) are about usage points of the territory. `changed_at`: when the
    latest of what is known of it became known; `recorded_at`: when it itself did.
    """

    id: str
    kind: str
    sub_kind: str | None
    status: str
    began_at: datetime
    began_earliest: datetime | None
    began_latest: datetime | None
    restored_at: datetime | None
    device: str | None
    feeder: str | None
    customers_affected: int
    customers_out: int
    customers_partial: int
    customers_affected_total: int
    customers_out_total: int
    priority_customers_out: int
    probability: float | None
    estimated_restoration: Estimate | None
    evidence: tuple[Evidence, ...]
    cause: str | None
    responsibility: str | None
    review_state: str
    transformers_out: int
    calls: int
    hazards: int
    changed_at: datetime
    recorded_at: datetime

    def as_dict(self, zone: tzinfo = UTC) -> dict[str, Any]:
        estimate = self.estimated_restoration
        return {
            "id": self.id, "kind": self.kind, "sub_kind": self.sub_kind, "status": self.status,
            "began_at": iso(self.began_at, zone), "began_earliest": _iso(self.began_earliest, zone),
            "began_latest": _iso(self.began_latest, zone), "restored_at": _iso(self.restored_at, zone),
            "device": self.device, "feeder": self.feeder, "customers_affected": self.customers_affected,
            "customers_out": self.customers_out, "customers_partial": self.customers_partial,
            "customers_affected_total": self.customers_affected_total,
            "customers_out_total": self.customers_out_total,
            "priority_customers_out": self.priority_customers_out, "probability": self.probability,
            "estimated_restoration": None if estimate is None else estimate.as_dict(zone),
            "evidence": [piece.as_dict(zone) for piece in self.evidence], "cause": self.cause,
            "responsibility": self.responsibility, "review_state": self.review_state,
            "transformers_out": self.transformers_out, "calls": self.calls, "hazards": self.hazards,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class OutageCustomer:
    """A usage point's membership in an outage; `restored_at` is its end."""

    account_no: str | None
    usage_point: str
    began_at: datetime
    restored_at: datetime | None
    service_priority: str
    phases_out: str
    district: str | None
    name: str | None
    phone: str | None
    address: str | None

    def as_dict(self, zone: tzinfo = UTC) -> dict[str, Any]:
        return {
            "account_no": self.account_no, "usage_point": self.usage_point, "began_at": iso(self.began_at, zone),
            "restored_at": _iso(self.restored_at, zone), "service_priority": self.service_priority,
            "phases_out": self.phases_out, "district": self.district, "name": self.name, "phone": self.phone,
            "address": self.address,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class OutageDetail:
    """An outage with its transformers (codes of those it put out) and all its evidence in order."""

    outage: OutageRecord
    transformers: tuple[str, ...]

    def as_dict(self, zone: tzinfo = UTC) -> dict[str, Any]:
        return self.outage.as_dict(zone) | {"transformers": list(self.transformers)}


@dataclass(frozen=True, slots=True)
class SupplyPoint:
    """Whether a usage point is in supply, and why that is thought.

    `energized`: full, partial, none or unknown; `sources_lost`: how many of its connections are dead; `reason`: outage,
    planned, disconnected, none or unknown.
    """

    usage_point: str
    energized: str
    phases_out: str
    sources_lost: int
    since: datetime | None
    outage_id: str | None
    reason: str
    cause: str | None
    estimated_restoration: Estimate | None
    evidence: tuple[Evidence, ...]
    service_priority: str

    def as_dict(self, zone: tzinfo = UTC) -> dict[str, Any]:
        estimate = self.estimated_restoration
        return {
            "usage_point": self.usage_point, "energized": self.energized, "phases_out": self.phases_out,
            "sources_lost": self.sources_lost, "since": _iso(self.since, zone), "outage_id": self.outage_id,
            "reason": self.reason, "cause": self.cause,
            "estimated_restoration": None if estimate is None else estimate.as_dict(zone),
            "evidence": [piece.as_dict(zone) for piece in self.evidence], "service_priority": self.service_priority,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class SupplyAnswer:
    """The supply answer of one account, as of an instant."""

    account_no: str | None
    as_of: datetime
    usage_points: tuple[SupplyPoint, ...]

    def as_dict(self, zone: tzinfo = UTC) -> dict[str, Any]:
        return {
            "account_no": self.account_no, "as_of": iso(self.as_of, zone),
            "usage_points": [point.as_dict(zone) for point in self.usage_points],
        }  # fmt: skip
