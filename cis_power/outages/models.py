"""Tables of outages: the ordered intake, outages and their members, the interruption ledger, month locks."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cis_power.core.db import Base
from cis_power.outages.models_call import CallEvent, TroubleCall
from cis_power.outages.models_day import ReliabilityDay, ReliabilityMonth, ServedDay
from cis_power.outages.models_engine import EngineCheckpoint, EngineMark

__all__ = [
    "CallEvent", "ConnectionLoss", "EngineCheckpoint", "EngineMark", "EntryConflict", "IntakeEntry", "Interruption",
    "InterruptionPhase", "MonthLock", "Outage", "OutageMember", "OutageState", "OutageTransformer", "ReliabilityDay",
    "ReliabilityMonth", "Restatement", "RestorationEstimate", "ServedDay", "TroubleCall", "UnsuppliedPoint",
]  # fmt: skip


class IntakeEntry(Base):
    """Whatever bears on who is out. Order: (occurred_at, source_rank, source, source_key), never arrival."""

    __tablename__ = "intake_entry"
    __table_args__ = (
        UniqueConstraint("source", "source_key"),
        Index("ix_intake_entry_order", "occurred_at", "source_rank"),
        Index("ix_intake_entry_applied", "applied_at"),
        Index("ix_intake_entry_element", "element_id", "occurred_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(
        comment="signal | switch | transfer | tag | set | release | activation | connection | …"
    )
    occurred_at: Mapped[datetime]
    earliest_at: Mapped[datetime | None]
    latest_at: Mapped[datetime | None]
    source_rank: Mapped[int]
    source: Mapped[str]
    source_key: Mapped[str] = mapped_column(comment="the source's own sequence or key; sorts as text")
    step_key: Mapped[str | None] = mapped_column(comment="entries of one poll of one source share it")
    element_id: Mapped[int | None] = mapped_column(ForeignKey("element.id"))
    usage_point_id: Mapped[int | None] = mapped_column(ForeignKey("usage_point.id"))
    outage_id: Mapped[int | None] = mapped_column(ForeignKey("outage.id"))
    value: Mapped[float | None] = mapped_column(comment="position: 1 closed, 0 open")
    phases: Mapped[int | None] = mapped_column(comment="mask: A 1, B 2, C 4; empty: all")
    quality: Mapped[int] = mapped_column(default=0)
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    withdrawn_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("intake_entry.id"), comment="the entry that takes its place: this one no longer counts"
    )
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]


class EntryConflict(Base):
    """Evidence that contradicts other evidence, for a person to decide."""

    __tablename__ = "entry_conflict"

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("intake_entry.id"), unique=True)
    reason: Mapped[str]
    found_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    decision: Mapped[str | None]


class Outage(Base):
    """The identity of an outage: its opening entry, or its number in imported history."""

    __tablename__ = "outage"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True, comment="what people and interfaces call it; opaque")
    opening_key: Mapped[str | None] = mapped_column(unique=True, comment="key of the opening entry and device")
    imported: Mapped[bool] = mapped_column(default=False)
    heir_id: Mapped[int | None] = mapped_column(
        ForeignKey("outage.id"), index=True, comment="the outage that took its place when more became known"
    )
    frozen: Mapped[bool] = mapped_column(default=False, comment="merged, split or cancelled: the engine leaves it")
    created_at: Mapped[datetime]


class OutageState(Base):
    """What an outage was thought to be, from `recorded_at` until `superseded_at`."""

    __tablename__ = "outage_state"
    __table_args__ = (
        Index("ix_outage_state_outage", "outage_id", "superseded_at"),
        Index("ix_outage_state_open", "superseded_at", "status"),
        Index("ix_outage_state_began", "began_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    outage_id: Mapped[int] = mapped_column(ForeignKey("outage.id"))
    kind: Mapped[str] = mapped_column(comment="planned | unplanned")
    sub_kind: Mapped[str | None] = mapped_column(comment="fault | planned | temporary | rationing | …")
    status: Mapped[str] = mapped_column(comment="predicted | confirmed | partially_restored | restored | cancelled")
    began_at: Mapped[datetime]
    began_earliest_at: Mapped[datetime | None]
    began_latest_at: Mapped[datetime | None]
    restored_at: Mapped[datetime | None]
    device_id: Mapped[int | None] = mapped_column(ForeignKey("element.id"))
    device_code: Mapped[str | None] = mapped_column(comment="as given, known or not")
    feeder_id: Mapped[int | None] = mapped_column(ForeignKey("element.id"))
    open_phases: Mapped[int] = mapped_column(default=7, comment="mask: A 1, B 2, C 4")
    responsibility: Mapped[str | None] = mapped_column(
        comment="distribution | loss_of_supply | rationing | customer | third_party"
    )
    cause_code: Mapped[str | None]
    announced_at: Mapped[datetime | None]
    probability: Mapped[float | None] = mapped_column(comment="0 to 1")
    review_state: Mapped[str] = mapped_column(default="open", comment="open | reviewed | signed")
    recorded_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]
    recorded_by: Mapped[str]
    reason: Mapped[str | None]


class OutageMember(Base):
    """A usage point belongs to an outage from/to; it passes on when the next device keeps it out."""

    __tablename__ = "outage_member"
    __table_args__ = (
        Index("ix_outage_member_outage", "outage_id", "superseded_at"),
        Index("ix_outage_member_usage_point", "usage_point_id", "superseded_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    outage_id: Mapped[int] = mapped_column(ForeignKey("outage.id"))
    usage_point_id: Mapped[int] = mapped_column(ForeignKey("usage_point.id"))
    phases_out: Mapped[int] = mapped_column(comment="mask: A 1, B 2, C 4")
    fully_out: Mapped[bool]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]


class OutageTransformer(Base):
    """A transformer is without supply by an outage, from/to."""

    __tablename__ = "outage_transformer"
    __table_args__ = (
        Index("ix_outage_transformer_outage", "outage_id", "superseded_at"),
        Index("ix_outage_transformer_element", "element_id", "superseded_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    outage_id: Mapped[int] = mapped_column(ForeignKey("outage.id"))
    element_id: Mapped[int] = mapped_column(ForeignKey("element.id"))
    phases_out: Mapped[int] = mapped_column(comment="mask: A 1, B 2, C 4")
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]


class ConnectionLoss(Base):
    """One of several connections of a usage point is dead, from/to; the point itself may be in supply by another."""

    __tablename__ = "connection_loss"
    __table_args__ = (Index("ix_connection_loss_connection", "connection_id", "superseded_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("supply_connection.id"))
    device_id: Mapped[int | None] = mapped_column(ForeignKey("element.id"))
    phases_out: Mapped[int] = mapped_column(comment="mask: A 1, B 2, C 4")
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]


class UnsuppliedPoint(Base):
    """A usage point hangs on a part of the network that no source feeds in the normal state, from/to."""

    __tablename__ = "unsupplied_point"
    __table_args__ = (Index("ix_unsupplied_point_usage_point", "usage_point_id", "superseded_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    usage_point_id: Mapped[int] = mapped_column(ForeignKey("usage_point.id"))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]


class Interruption(Base):
    """One raw interruption of one usage point: the only source of every outage figure.

    From the first loss of a normally supplied phase until all are back. Imported history may stand for `customers`
    usage points that are not named.
    """

    __tablename__ = "interruption"
    __table_args__ = (
        Index("ix_interruption_usage_point", "usage_point_id", "began_at"),
        Index("ix_interruption_began", "began_at", "superseded_at"),
        Index("ix_interruption_outage", "outage_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    outage_id: Mapped[int] = mapped_column(ForeignKey("outage.id"))
    usage_point_id: Mapped[int | None] = mapped_column(ForeignKey("usage_point.id"))
    customers: Mapped[int] = mapped_column(default=1, comment="usage points the row stands for")
    step: Mapped[int] = mapped_column(default=1, comment="restoration step of the outage")
    began_at: Mapped[datetime]
    began_earliest_at: Mapped[datetime | None]
    began_latest_at: Mapped[datetime | None]
    restored_at: Mapped[datetime | None]
    kind: Mapped[str] = mapped_column(comment="planned | unplanned")
    sub_kind: Mapped[str | None]
    responsibility: Mapped[str | None]
    cause_code: Mapped[str | None]
    device_id: Mapped[int | None] = mapped_column(ForeignKey("element.id"))
    device_code: Mapped[str | None] = mapped_column(comment="as given, known or not")
    feeder_id: Mapped[int | None] = mapped_column(ForeignKey("element.id"))
    phases: Mapped[int] = mapped_column(default=7, comment="mask of phases ever out: A 1, B 2, C 4")
    operations: Mapped[int] = mapped_column(default=1, comment="momentary operations the row stands for")
    event_no: Mapped[str | None] = mapped_column(comment="rows of one event share it")
    connected_kva: Mapped[float | None] = mapped_column(comment="kVA")
    source: Mapped[str] = mapped_column(default="engine", comment="engine | import")
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))
    recorded_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]


class InterruptionPhase(Base):
    """A phase of an interruption, from/to."""

    __tablename__ = "interruption_phase"

    id: Mapped[int] = mapped_column(primary_key=True)
    interruption_id: Mapped[int] = mapped_column(ForeignKey("interruption.id"), index=True)
    phases: Mapped[int] = mapped_column(comment="mask: A 1, B 2, C 4")
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class RestorationEstimate(Base):
    """A window in which supply is expected back, with its source; history is kept."""

    __tablename__ = "restoration_estimate"
    __table_args__ = (Index("ix_restoration_estimate_outage", "outage_id", "recorded_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    outage_id: Mapped[int] = mapped_column(ForeignKey("outage.id"))
    earliest_at: Mapped[datetime | None]
    latest_at: Mapped[datetime]
    source: Mapped[str] = mapped_column(comment="crew | dispatcher | plan | learnt")
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class MonthLock(Base):
    """A month of the ledger that is signed off; reopening takes a right and a reason."""

    __tablename__ = "month_lock"

    id: Mapped[int] = mapped_column(primary_key=True)
    month_on: Mapped[date] = mapped_column(Date, comment="first local day", index=True)
    locked_at: Mapped[datetime]
    locked_by: Mapped[str]
    reopened_at: Mapped[datetime | None]
    reopened_by: Mapped[str | None]
    reason: Mapped[str | None]


class Restatement(Base):
    """A change of the ledger inside a locked month, proposed until somebody decides."""

    __tablename__ = "restatement"

    id: Mapped[int] = mapped_column(primary_key=True)
    month_on: Mapped[date] = mapped_column(Date, comment="first local day", index=True)
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("intake_entry.id"))
    change: Mapped[dict[str, Any]]
    proposed_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    state: Mapped[str] = mapped_column(default="proposed", comment="proposed | applied | dismissed")
    reason: Mapped[str | None]
