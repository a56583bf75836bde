"""Tables of trouble calls and of the telephone system's events."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from cis_power.core.db import Base


class TroubleCall(Base):
    """One call: who, where, what; kept whatever comes of it."""

    __tablename__ = "trouble_call"
    __table_args__ = (
        Index("ix_trouble_call_received", "received_at"),
        Index("ix_trouble_call_outage", "outage_id", "received_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True, comment="what interfaces call it; opaque")
    idempotency_key: Mapped[str | None] = mapped_column(unique=True)
    request_hash: Mapped[str | None] = mapped_column(comment="a key used again for another request is refused")
    received_at: Mapped[datetime]
    recorded_by: Mapped[str]
    channel: Mapped[str] = mapped_column(default="phone", comment="phone | ivr | web | …")
    caller_phone: Mapped[str | None] = mapped_column(comment="E.164, else as given")
    account_id: Mapped[int | None] = mapped_column(ForeignKey("customer_account.id"))
    usage_point_id: Mapped[int | None] = mapped_column(ForeignKey("usage_point.id"), index=True)
    element_id: Mapped[int | None] = mapped_column(ForeignKey("element.id"))
    place_id: Mapped[int | None] = mapped_column(ForeignKey("place.id"))
    trouble_code: Mapped[str | None]
    text: Mapped[str | None]
    hazard: Mapped[bool] = mapped_column(default=False)
    outage_id: Mapped[int | None] = mapped_column(ForeignKey("outage.id"))
    joined_call_id: Mapped[int | None] = mapped_column(ForeignKey("trouble_call.id"))


class CallEvent(Base):
    """An event of the telephone system: newCall, answer, hangup."""

    __tablename__ = "call_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    event: Mapped[str]
    call_id: Mapped[str] = mapped_column(index=True)
    caller: Mapped[str | None]
    called: Mapped[str | None]
    direction: Mapped[str | None]
    user: Mapped[str | None]
    queue: Mapped[str | None]
    received_at: Mapped[datetime]
