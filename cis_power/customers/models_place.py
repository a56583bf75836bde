"""Where: places, service locations, usage points, what supplies them and who answers for them."""

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from cis_power.core.db import Base


class Place(Base):
    """A compound, building or other named place; places form a tree."""

    __tablename__ = "place"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str | None] = mapped_column(comment="compound | building | …")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("place.id"))


class ServiceLocation(Base):
    """An address where supply is taken."""

    __tablename__ = "service_location"

    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str | None]
    place_id: Mapped[int | None] = mapped_column(ForeignKey("place.id"), index=True)
    x: Mapped[float | None] = mapped_column(comment="the network model's coordinate")
    y: Mapped[float | None] = mapped_column(comment="the network model's coordinate")


class UsagePoint(Base):
    """Where supply is taken; belongs to no network version and never vanishes."""

    __tablename__ = "usage_point"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True, comment="the owner's id")
    service_location_id: Mapped[int | None] = mapped_column(ForeignKey("service_location.id"), index=True)
    metering: Mapped[str] = mapped_column(default="metered", comment="metered | unmetered | bulk")
    created_at: Mapped[datetime]


class UsagePointStatus(Base):
    """Whether a usage point is served, from/to; empty `began_at` means ever."""

    __tablename__ = "usage_point_status"
    __table_args__ = (Index("ix_usage_point_status_usage_point", "usage_point_id", "began_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    usage_point_id: Mapped[int] = mapped_column(ForeignKey("usage_point.id"))
    status: Mapped[str] = mapped_column(comment="active | disconnected | closed | vacant")
    began_at: Mapped[datetime | None] = mapped_column(comment="empty: ever")
    ended_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]


class UsagePointTerms(Base):
    """What is agreed for a usage point, from/to."""

    __tablename__ = "usage_point_terms"
    __table_args__ = (Index("ix_usage_point_terms_usage_point", "usage_point_id", "began_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    usage_point_id: Mapped[int] = mapped_column(ForeignKey("usage_point.id"))
    began_at: Mapped[datetime | None] = mapped_column(comment="empty: ever")
    ended_at: Mapped[datetime | None]
    rated_kva: Mapped[float | None] = mapped_column(comment="kVA; contract capacity")
    operating_kva: Mapped[float | None] = mapped_column(comment="kVA; capacity in operation")
    nominal_v: Mapped[float | None] = mapped_column(comment="V; nominal service voltage")
    service_priority: Mapped[str] = mapped_column(
        default="ordinary", comment="special | first | second | temporary | critical | life_support | ordinary"
    )
    own_emergency_supply: Mapped[bool] = mapped_column(default=False)
    tolerable_minutes: Mapped[float | None] = mapped_column(comment="min; interruption that can be borne")
    generation_kw: Mapped[float | None] = mapped_column(comment="kW; own generation")
    may_island: Mapped[bool] = mapped_column(default=False)
    tariff_category: Mapped[str | None]
    industry_code: Mapped[str | None]


class UsagePointDistrict(Base):
    """The district of a usage point, from/to: its territory by date."""

    __tablename__ = "usage_point_district"
    __table_args__ = (
        Index("ix_usage_point_district_usage_point", "usage_point_id", "began_at"),
        Index("ix_usage_point_district_district", "district_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    usage_point_id: Mapped[int] = mapped_column(ForeignKey("usage_point.id"))
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"))
    began_at: Mapped[datetime | None] = mapped_column(comment="empty: ever")
    ended_at: Mapped[datetime | None]


class CustomerAgreement(Base):
    """Customer and account at a usage point from/to, as owner, tenant, or landlord as fallback."""

    __tablename__ = "customer_agreement"
    __table_args__ = (
        Index("ix_customer_agreement_usage_point", "usage_point_id", "began_at"),
        Index("ix_customer_agreement_account", "account_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("customer_account.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    usage_point_id: Mapped[int] = mapped_column(ForeignKey("usage_point.id"))
    party: Mapped[str] = mapped_column(default="owner", comment="owner | tenant | landlord")
    began_at: Mapped[datetime | None] = mapped_column(comment="empty: ever")
    ended_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]


class SupplyConnection(Base):
    """What supplies a usage point. "Moved on a date" ends a row; "was always wrong" supersedes it."""

    __tablename__ = "supply_connection"
    __table_args__ = (
        Index("ix_supply_connection_usage_point", "usage_point_id"),
        Index("ix_supply_connection_element", "element_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    usage_point_id: Mapped[int] = mapped_column(ForeignKey("usage_point.id"))
    element_id: Mapped[int | None] = mapped_column(
        ForeignKey("element.id"), comment="transformer (its secondary) or node; empty: unknown to the network"
    )
    transformer: Mapped[str | None] = mapped_column(comment="as given, known or not")
    role: Mapped[str] = mapped_column(default="main", comment="main | standby")
    transfer: Mapped[str] = mapped_column(default="auto", comment="auto | manual")
    phases: Mapped[int] = mapped_column(default=0, comment="mask: A 1, B 2, C 4; 0: all there are")
    began_at: Mapped[datetime | None] = mapped_column(comment="empty: ever")
    ended_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]
    source: Mapped[str | None]


class LifeSupport(Base):
    """A person at a place who depends on supply, for a time, with confirmation and expiry."""

    __tablename__ = "life_support"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    usage_point_id: Mapped[int] = mapped_column(ForeignKey("usage_point.id"), index=True)
    began_on: Mapped[date | None] = mapped_column(Date, comment="empty: ever")
    ended_on: Mapped[date | None] = mapped_column(Date)
    confirmed_at: Mapped[datetime | None]
    expires_on: Mapped[date | None] = mapped_column(Date)
