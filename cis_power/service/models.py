"""Tables of service: the contact log, requests, feedback, notices."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cis_power.core.db import Base


class Contact(Base):
    """One contact with a customer through any channel; permanent."""

    __tablename__ = "contact"
    __table_args__ = (Index("ix_contact_customer", "customer_id", "occurred_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    usage_point_id: Mapped[int | None] = mapped_column(ForeignKey("usage_point.id"))
    channel: Mapped[str] = mapped_column(comment="phone | ivr | mail | web | counter | field | social")
    direction: Mapped[str] = mapped_column(comment="in | out")
    kind: Mapped[str] = mapped_column(
        default="other", comment="trouble | enquiry | request | complaint | suggestion | notice | visit | other"
    )
    subject: Mapped[str]
    text: Mapped[str | None]
    occurred_at: Mapped[datetime]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]


class ServiceRequest(Base):
    """Work for somebody: a request, complaint, suggestion or order, with a deadline."""

    __tablename__ = "service_request"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str] = mapped_column(comment="request | complaint | suggestion | order | repair")
    category: Mapped[str | None]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True)
    usage_point_id: Mapped[int | None] = mapped_column(ForeignKey("usage_point.id"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    assigned_to: Mapped[str | None]
    state: Mapped[str] = mapped_column(comment="open | assigned | solved | confirmed | closed")
    text: Mapped[str]
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class Feedback(Base):
    """A rating or opinion, of us or of a competitor."""

    __tablename__ = "feedback"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("service_request.id"))
    about: Mapped[str] = mapped_column(comment="us | competitor")
    rating: Mapped[int | None] = mapped_column(comment="1 worst to 5 best")
    category: Mapped[str | None]
    text: Mapped[str | None]
    given_at: Mapped[datetime]


class Notice(Base):
    """Something a customer is to be told, and what became of it."""

    __tablename__ = "notice"
    __table_args__ = (UniqueConstraint("kind", "subject_key", "usage_point_id", "channel"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(comment="planned | temporary | disconnection | restoration | …")
    subject_key: Mapped[str] = mapped_column(comment="what it is about, e.g. an outage's code")
    usage_point_id: Mapped[int] = mapped_column(ForeignKey("usage_point.id"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    channel: Mapped[str]
    text: Mapped[str]
    due_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
