"""What a reader of customers gets: frozen records. Personal fields bear the names that the masking rules know."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Agreement:
    """Who answers for a usage point from/to; `account_no` is the account that pays."""

    account_no: str
    customer_no: str
    name: str
    party: str
    began_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Connection:
    """What supplies a usage point."""

    transformer: str | None
    linked: bool
    role: str
    transfer: str
    phases: str
    began_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class LifeSupportNote:
    """A person at this place depends on supply."""

    began_on: date | None
    ended_on: date | None
    expires_on: date | None
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class UsagePointRecord:
    """A usage point as it is now, with all that was agreed and connected there."""

    id: int
    usage_point: str
    address: str | None
    place_name: str | None
    district: str | None
    status: str | None
    metering: str
    service_priority: str
    rated_kva: float | None
    nominal_v: float | None
    generation_kw: float | None
    own_emergency_supply: bool
    tariff_category: str | None
    industry_code: str | None
    held: bool
    inside: bool
    agreements: tuple[Agreement, ...]
    connections: tuple[Connection, ...]
    life_support: tuple[LifeSupportNote, ...]


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """A person to talk to at a customer."""

    contact_name: str
    company: str | None
    position: str | None
    phones: tuple[str, ...]
    emails: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """A customer's page: who pays, how to reach him, and where supply is taken.

    `id` and `customer_id` are surrogate keys for other reads and the audit; they are never shown. `inside`: a usage
    point that it holds now (that it ever held, if it holds none) lies in the viewer's territory.
    """

    id: int
    customer_id: int
    account_no: str
    status: str
    credit_status: str | None
    opened_at: datetime | None
    closed_at: datetime | None
    customer_no: str
    name: str
    kind: str
    party_kind: str
    vip: bool
    language: str | None
    special_need: str | None
    phones: tuple[str, ...]
    emails: tuple[str, ...]
    contacts: tuple[ContactRecord, ...]
    usage_points: tuple[UsagePointRecord, ...]
    inside: bool


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """One line of a list of customers; `account_no` is None for a usage point that nobody has an agreement for."""

    account_no: str | None
    name: str | None
    kind: str | None
    status: str | None
    phone: str | None
    address: str | None
    district: str | None
    usage_point: str | None
    usage_points: tuple[str, ...]
    transformer: str | None
    service_priority: str
    vip: bool
