"""Roll-ups of the interruption ledger by local day, for pages that cannot read the ledger at every look."""

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from cis_power.core.db import Base


class ReliabilityDay(Base):
    """Interruptions that began on a local day, by district of the usage point and feeder of the device.

    Counted by a job from the ledger, as the report `reliability` counts: sustained ones only, whole durations.
    """

    __tablename__ = "reliability_day"
    __table_args__ = (Index("ix_reliability_day_day", "day_on", "district_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    day_on: Mapped[date] = mapped_column(Date)
    district_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"))
    feeder_id: Mapped[int | None] = mapped_column(ForeignKey("element.id"))
    planned: Mapped[bool]
    interruptions: Mapped[int] = mapped_column(comment="customer interruptions")
    customer_minutes: Mapped[float] = mapped_column(comment="min; of those that are over")


class ServedDay(Base):
    """How many usage points were served on a local day, by district; counted by a job."""

    __tablename__ = "served_day"
    __table_args__ = (Index("ix_served_day_day", "day_on", "district_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    day_on: Mapped[date] = mapped_column(Date)
    district_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"))
    usage_points: Mapped[int]


class ReliabilityMonth(Base):
    """A local month whose days are rolled up, and up to when what was known is in them."""

    __tablename__ = "reliability_month"

    month_on: Mapped[date] = mapped_column(Date, primary_key=True, comment="first local day")
    counted_at: Mapped[datetime]
    newest_id: Mapped[int] = mapped_column(comment="newest row of the ledger that was there; 0: none")
