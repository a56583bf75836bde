"""Tables of metering: meters, channels, installations, register readings, edits, usage figures."""

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cis_power.core.db import Base


class Meter(Base):
    """A meter; where it stands is told by its installations."""

    __tablename__ = "meter"

    id: Mapped[int] = mapped_column(primary_key=True)
    meter_no: Mapped[str] = mapped_column(unique=True)
    owner: Mapped[str] = mapped_column(default="utility", comment="utility | customer")
    retired_at: Mapped[datetime | None]


class Channel(Base):
    """One quantity that a meter measures: an interval channel has a series, a register has readings."""

    __tablename__ = "channel"
    __table_args__ = (UniqueConstraint("meter_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"))
    code: Mapped[str] = mapped_column(comment="the owner's name of the channel, e.g. 1 or E1")
    quantity: Mapped[str] = mapped_column(default="energy", comment="energy | reactive_energy | demand | voltage | …")
    direction: Mapped[str] = mapped_column(default="import", comment="import | export")
    unit: Mapped[str] = mapped_column(default="kWh")
    kind: Mapped[str] = mapped_column(default="interval", comment="interval | register")


class MeterInstallation(Base):
    """A meter at a usage point from/to, with the multiplier of its instrument transformers."""

    __tablename__ = "meter_installation"
    __table_args__ = (
        Index("ix_meter_installation_usage_point", "usage_point_id", "began_at"),
        Index("ix_meter_installation_meter", "meter_id", "began_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"))
    usage_point_id: Mapped[int] = mapped_column(ForeignKey("usage_point.id"))
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("channel.id"), comment="empty: all channels of the meter")
    multiplier: Mapped[float] = mapped_column(default=1.0, comment="CT ratio × PT ratio")
    began_at: Mapped[datetime | None] = mapped_column(comment="empty: ever")
    ended_at: Mapped[datetime | None]
    start_read: Mapped[float | None] = mapped_column(comment="register at installation, in the channel's unit")
    end_read: Mapped[float | None] = mapped_column(comment="register at removal, in the channel's unit")


class RegisterReading(Base):
    """A reading of a register."""

    __tablename__ = "register_reading"
    __table_args__ = (UniqueConstraint("channel_id", "read_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"))
    read_at: Mapped[datetime]
    value: Mapped[float | None] = mapped_column(comment="in the channel's unit, before the multiplier")
    quality: Mapped[int]
    reason: Mapped[str | None] = mapped_column(comment="the source's word, e.g. estimated")
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))


class ReadingSpan(Base):
    """The source's word for a span of substituted values, e.g. estimated; good spans have no row."""

    __tablename__ = "reading_span"
    __table_args__ = (UniqueConstraint("channel_id", "began_at", "ended_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(comment="estimated | substituted | missing")
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))


class ReadingEdit(Base):
    """A value changed by hand, with the original kept."""

    __tablename__ = "reading_edit"
    __table_args__ = (Index("ix_reading_edit_channel", "channel_id", "began_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"))
    began_at: Mapped[datetime]
    step_seconds: Mapped[int | None] = mapped_column(comment="s; empty: a register reading")
    original_value: Mapped[float | None]
    original_quality: Mapped[int]
    value: Mapped[float | None]
    quality: Mapped[int]
    edited_by: Mapped[str]
    edited_at: Mapped[datetime]
    reason: Mapped[str]


class MonthlyUsage(Base):
    """Energy and demand of a usage point in a local month, as last computed."""

    __tablename__ = "monthly_usage"
    __table_args__ = (UniqueConstraint("usage_point_id", "month_on", "direction"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    usage_point_id: Mapped[int] = mapped_column(ForeignKey("usage_point.id"))
    month_on: Mapped[date] = mapped_column(Date, comment="first local day")
    direction: Mapped[str] = mapped_column(comment="import | export")
    energy_kwh: Mapped[float | None] = mapped_column(comment="kWh")
    peak_kw: Mapped[float | None] = mapped_column(comment="kW")
    peak_at: Mapped[datetime | None]
    good_share: Mapped[float] = mapped_column(comment="share of good intervals, 0 to 1")
    computed_at: Mapped[datetime]
