"""Tables of telemetry: points, latest values, signal events, gaps, overrides, what was loaded."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cis_power.core.db import Base


class Source(Base):
    """Where telemetry comes from, and how it stands."""

    __tablename__ = "source"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(default="unknown", comment="unknown | up | down")
    state_reason: Mapped[str | None]
    state_at: Mapped[datetime | None]
    last_good_poll_at: Mapped[datetime | None]
    last_poll_at: Mapped[datetime | None]
    polls: Mapped[int] = mapped_column(default=0)
    polls_failed: Mapped[int] = mapped_column(default=0)


class Point(Base):
    """A measured or signalled quantity, as the point list declares it; retired ones stay for their history."""

    __tablename__ = "point"
    __table_args__ = (Index("ix_point_element", "element_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    point_id: Mapped[str] = mapped_column(unique=True, comment="the owner's id")
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"), index=True)
    device_id: Mapped[int] = mapped_column(comment="Modbus unit")
    table: Mapped[str] = mapped_column(comment="holding | input | coil | discrete")
    address: Mapped[str] = mapped_column(comment="zero-based protocol address, or address.bit")
    datatype: Mapped[str]
    byte_order: Mapped[str] = mapped_column(default="big")
    scale: Mapped[float] = mapped_column(default=1.0)
    offset: Mapped[float] = mapped_column(default=0.0)
    unit: Mapped[str | None]
    kind: Mapped[str] = mapped_column(comment="analog | discrete | accumulator")
    equipment: Mapped[str | None] = mapped_column(comment="as given, known or not")
    element_id: Mapped[int | None] = mapped_column(ForeignKey("element.id"))
    quantity: Mapped[str | None] = mapped_column(comment="position, operations, current, voltage, …")
    normal_state: Mapped[float | None] = mapped_column(comment="expected value, for alarms only")
    min_value: Mapped[float | None] = mapped_column(comment="after scaling, in the point's unit")
    max_value: Mapped[float | None] = mapped_column(comment="after scaling, in the point's unit")
    deadband: Mapped[float | None] = mapped_column(comment="in the point's unit")
    poll_seconds: Mapped[float] = mapped_column(comment="s")
    retired_at: Mapped[datetime | None]


class LatestValue(Base):
    """The newest value of a point; a failed read changes quality and reason only."""

    __tablename__ = "latest_value"

    point_id: Mapped[int] = mapped_column(ForeignKey("point.id"), primary_key=True)
    value: Mapped[float | None] = mapped_column(comment="in the point's unit")
    quality: Mapped[int] = mapped_column(comment="0 good … 5 missing")
    reason: Mapped[str | None]
    measured_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    sequence: Mapped[int] = mapped_column(comment="rises with every sample of the source")
    checked_at: Mapped[datetime] = mapped_column(comment="last attempt to read it")


class SignalEvent(Base):
    """A discrete point was found with a new value or quality."""

    __tablename__ = "signal_event"
    __table_args__ = (
        UniqueConstraint("point_id", "occurred_at", "sequence"),
        Index("ix_signal_event_occurred", "occurred_at"),
        {"sqlite_autoincrement": True},  # the outage engine takes events in by rising id: none is used twice
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    point_id: Mapped[int] = mapped_column(ForeignKey("point.id"))
    value: Mapped[float | None]
    previous_value: Mapped[float | None]
    quality: Mapped[int]
    reason: Mapped[str | None]
    occurred_at: Mapped[datetime] = mapped_column(comment="the finding poll's time unless the source gives one")
    earliest_at: Mapped[datetime | None] = mapped_column(comment="last good poll before it")
    latest_at: Mapped[datetime] = mapped_column(comment="the finding poll")
    time_uncertain: Mapped[bool] = mapped_column(default=False, comment="found changed after a break")
    derived: Mapped[bool] = mapped_column(
        default=False, comment="no batch told of the change: it was seen against an earlier one, as some are missing"
    )
    received_at: Mapped[datetime]
    sequence: Mapped[int]


class Gap(Base):
    """Time for which a source or one of its points gave nothing, and whether history filled it."""

    __tablename__ = "gap"
    __table_args__ = (
        UniqueConstraint("source_id", "point_id", "began_at"),
        Index("ix_gap_open", "source_id", "filled_at"),
        Index("ix_gap_number", "collector", "first_number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int | None] = mapped_column(
        ForeignKey("source.id"), comment="empty: any source of the collector; a missing batch does not say"
    )
    point_id: Mapped[int | None] = mapped_column(ForeignKey("point.id"), comment="empty: all points of the source")
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(comment="no_answer | collector_down | spool_dropped | batch_missing | …")
    values_missing: Mapped[int | None]
    collector: Mapped[str | None] = mapped_column(comment="whose batches are missing or were given up")
    first_number: Mapped[int | None]
    last_number: Mapped[int | None]
    filled_at: Mapped[datetime | None]
    filled_from: Mapped[str | None]


class PointOverride(Base):
    """A value or tag set by hand; it holds until released and wins over signals."""

    __tablename__ = "point_override"
    __table_args__ = (Index("ix_point_override_point", "point_id", "began_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    point_id: Mapped[int] = mapped_column(ForeignKey("point.id"))
    kind: Mapped[str] = mapped_column(comment="set | tag")
    tag: Mapped[str | None]
    value: Mapped[float | None] = mapped_column(comment="in the point's unit")
    began_at: Mapped[datetime]
    begun_by: Mapped[str]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    reason: Mapped[str | None]


class SpoolBatch(Base):
    """A batch of the spool that was loaded, so that it is never loaded twice."""

    __tablename__ = "spool_batch"
    __table_args__ = (UniqueConstraint("collector", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    collector: Mapped[str] = mapped_column(comment="identity of the spool that wrote it")
    number: Mapped[int]
    content_hash: Mapped[str]
    samples: Mapped[int]
    settled: Mapped[bool] = mapped_column(
        default=False, comment="all numbers up to this one are settled: what comes under one of them now is a replay"
    )
    loaded_at: Mapped[datetime]


class PullWatermark(Base):
    """Up to where the history of a source was pulled out of an archive."""

    __tablename__ = "pull_watermark"
    __table_args__ = (UniqueConstraint("archive", "source_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    archive: Mapped[str] = mapped_column(comment="name of the archive source")
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"))
    pulled_to_at: Mapped[datetime]
    pulled_at: Mapped[datetime]
