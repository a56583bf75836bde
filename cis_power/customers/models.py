"""Who: parties, contacts, accounts. Tables that say where are in `models_place.py`, money in `models_money.py`."""

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cis_power.core.db import Base
from cis_power.customers.models_money import (
    AccountBalance,
    Bill,
    MoneyClass,
    MoneyCount,
    MoneyMonth,
    Payment,
    Tariff,
)
from cis_power.customers.models_place import (
    CustomerAgreement,
    LifeSupport,
    Place,
    ServiceLocation,
    SupplyConnection,
    UsagePoint,
    UsagePointDistrict,
    UsagePointStatus,
    UsagePointTerms,
)
from cis_power.customers.models_search import SearchPosting, SearchRow

__all__ = [
    "AccountBalance", "Bill", "ContactPerson", "ContactPoint", "Customer", "CustomerAccount", "CustomerAgreement",
    "DuplicateCandidate", "LifeSupport", "MoneyClass", "MoneyCount", "MoneyMonth", "Payment", "Place", "SearchPosting",
    "SearchRow", "Segment", "SegmentMember", "ServiceLocation", "SupplyConnection", "Tariff", "UsagePoint",
    "UsagePointDistrict", "UsagePointStatus", "UsagePointTerms",
]  # fmt: skip


class Customer(Base):
    """A party: a person or an organisation."""

    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_no: Mapped[str] = mapped_column(unique=True)
    party_kind: Mapped[str] = mapped_column(default="person", comment="person | organisation")
    kind: Mapped[str] = mapped_column(comment="residential | commercial | industrial | agricultural | public")
    name: Mapped[str]
    language: Mapped[str | None] = mapped_column(comment="en, zh_CN, …")
    vip: Mapped[bool] = mapped_column(default=False)
    special_need: Mapped[str | None]
    consent_marketing: Mapped[bool] = mapped_column(default=False)
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    blocked_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    legal_hold: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str | None] = mapped_column(comment="system that owns the record")
    created_at: Mapped[datetime]


class ContactPerson(Base):
    """A person to talk to at a customer."""

    __tablename__ = "contact_person"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    name: Mapped[str]
    company: Mapped[str | None]
    position: Mapped[str | None]
    valid_from: Mapped[datetime | None]
    valid_to: Mapped[datetime | None]


class ContactPoint(Base):
    """A phone number or e-mail address of a customer or of a contact person."""

    __tablename__ = "contact_point"
    __table_args__ = (Index("ix_contact_point_normal", "kind", "normal"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    contact_person_id: Mapped[int | None] = mapped_column(ForeignKey("contact_person.id"))
    kind: Mapped[str] = mapped_column(comment="phone | email")
    text: Mapped[str] = mapped_column(comment="as given")
    normal: Mapped[str | None] = mapped_column(comment="E.164, or the address in lower case; empty: unreadable")
    preferred: Mapped[bool] = mapped_column(default=True)
    valid_from: Mapped[datetime | None]
    valid_to: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]


class CustomerAccount(Base):
    """Who pays."""

    __tablename__ = "customer_account"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_no: Mapped[str] = mapped_column(unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    status: Mapped[str] = mapped_column(default="active", comment="active | disconnected | closed")
    credit_status: Mapped[str | None]
    opened_at: Mapped[datetime | None] = mapped_column(comment="empty: ever")
    closed_at: Mapped[datetime | None]


class Segment(Base):
    """A class of customers by a definition that can be read."""

    __tablename__ = "segment"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    definition: Mapped[str]
    evaluated_at: Mapped[datetime | None]


class SegmentMember(Base):
    """A customer in a segment, and why."""

    __tablename__ = "segment_member"

    segment_id: Mapped[int] = mapped_column(ForeignKey("segment.id"), primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), primary_key=True)
    explanation: Mapped[str]
    since_on: Mapped[date] = mapped_column(Date)


class DuplicateCandidate(Base):
    """Two customers that may be one."""

    __tablename__ = "duplicate_candidate"
    __table_args__ = (UniqueConstraint("customer_id", "other_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    other_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    score: Mapped[float] = mapped_column(comment="0 to 1")
    evidence: Mapped[str]
    state: Mapped[str] = mapped_column(default="open", comment="open | merged | distinct")
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
