"""Tables of the billing bridge: what was delivered to whom, exactly once."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cis_power.core.db import Base


class Delivery(Base):
    """One outbound file: its number in the sequence of its kind, period and totals."""

    __tablename__ = "delivery"
    __table_args__ = (UniqueConstraint("kind", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id"), unique=True)
    kind: Mapped[str]
    number: Mapped[int] = mapped_column(comment="1, 2, 3 … a kind")
    began_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    totals: Mapped[dict[str, Any]]
    delivered_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
