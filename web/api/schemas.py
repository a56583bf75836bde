"""What the API answers, as models: they describe it in OpenAPI, and tests hold the answers against them.

More fields may come; absent knowledge is null; times are ISO 8601 with offset; counts of customers count usage points.
"""

from datetime import date, datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Item = TypeVar("Item")


class Answer(BaseModel):
    """The base of answers: further fields are welcome."""

    model_config = ConfigDict(extra="allow")


class Many(Answer, Generic[Item]):
    """A page of a list."""

    items: list[Item]
    next: str | None = Field(description="cursor of the next page")


class Problem(Answer):
    """An error, by RFC 9457."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str | None
    problems: list[dict[str, Any]] | None = None


class CustomerLine(Answer):
    """A line of the list of customers."""

    account_no: str | None = Field(description="null: nobody has an agreement for this usage point")
    name: str | None
    kind: str | None
    status: str | None
    phone: str | None
    address: str | None
    district: str | None
    usage_point: str | None
    usage_points: list[str]
    transformer: str | None
    service_priority: str
    vip: bool


class CustomerUsagePoint(Answer):
    """A usage point of an account."""

    usage_point: str
    address: str | None
    district: str | None
    status: str | None
    service_priority: str
    rated_kva: float | None
    nominal_v: float | None


class MeterLine(Answer):
    """A channel of a meter at a usage point."""

    meter_no: str
    usage_point: str
    channel: str | None
    multiplier: float


class Customer(Answer):
    """An account with its customer and usage points."""

    account_no: str
    status: str
    customer_no: str
    name: str
    kind: str
    vip: bool
    phones: list[str]
    emails: list[str]
    usage_points: list[CustomerUsagePoint]
    meters: list[MeterLine]


class Estimate(Answer):
    """A window in which supply is expected back."""

    earliest: AwareDatetime | None
    latest: AwareDatetime | None
    source: str


class Evidence(Answer):
    """What an answer rests on."""

    kind: Literal["signal", "switching", "call", "meter", "plan"]
    at: AwareDatetime
    detail: str
    quality: str | None


class SupplyPoint(Answer):
    """Whether a usage point is in supply, since when, by what, and how we know."""

    usage_point: str
    energized: Literal["full", "partial", "none", "unknown"]
    phases_out: str | None
    sources_lost: int | None
    since: AwareDatetime | None
    outage_id: str | None
    reason: Literal["outage", "planned", "disconnected", "none", "unknown"]
    cause: str | None
    estimated_restoration: Estimate | None
    evidence: list[Evidence]
    service_priority: str


class Supply(Answer):
    """The supply answer of an account."""

    account_no: str
    as_of: AwareDatetime
    usage_points: list[SupplyPoint]


class Outage(Answer):
    """An outage; the totals are those of the whole outage, the other counts those within the reader's territory."""

    id: str
    kind: Literal["planned", "unplanned"]
    sub_kind: str | None
    status: Literal["predicted", "confirmed", "partially_restored", "restored", "cancelled"]
    began_at: AwareDatetime
    began_earliest: AwareDatetime | None
    began_latest: AwareDatetime | None
    restored_at: AwareDatetime | None
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
    evidence: list[Evidence]


class OutageCustomer(Answer):
    """A usage point's membership in an outage."""

    account_no: str | None
    usage_point: str
    began_at: AwareDatetime
    restored_at: AwareDatetime | None


class Call(Answer):
    """A trouble call as it was taken, with what is known at once."""

    id: str


class CtiEvent(Answer):
    """An event of the telephone system as it was kept."""

    event: Literal["newCall", "answer", "hangup"]


class Point(Answer):
    """A telemetered point now."""

    point_id: str
    value: float | None
    unit: str | None
    quality: Literal["GOOD", "SUBSTITUTED", "STALE", "SUSPECT", "BAD", "MISSING"]
    reason: str | None
    measured_at: AwareDatetime | None
    received_at: AwareDatetime | None
    age_seconds: float | None


class History(Answer):
    """Values of a point: instant, value, quality."""

    point_id: str
    unit: str | None
    rows: list[tuple[datetime, float | None, str]]


class ReportTable(Answer):
    """A table of a report."""

    columns: list[dict[str, Any]]
    rows: list[dict[str, Any]]


class Report(Answer):
    """A report; every figure carries its share of good data."""

    name: str
    parameters: dict[str, Any]
    generated_at: AwareDatetime | date
    tables: dict[str, ReportTable]
    notes: list[Any]
    data_quality: dict[str, Any]
