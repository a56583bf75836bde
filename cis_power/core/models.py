"""Tables of the core: batches with their rejects, job runs, report runs, code tables, and the history of changes."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cis_power.core.db import Base


class Batch(Base):
    """One file or message exchanged with another system, inbound or outbound; `id` is the number people quote."""

    __tablename__ = "batch"
    __table_args__ = (UniqueConstraint("kind", "content_hash"), Index("ix_batch_kind_begun", "kind", "begun_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    direction: Mapped[str] = mapped_column(comment="in | out")
    kind: Mapped[str] = mapped_column(comment="layout, e.g. customers")
    format: Mapped[str] = mapped_column(comment="csv, nem12, …")
    source: Mapped[str | None] = mapped_column(comment="system that owns the content")
    file_name: Mapped[str | None]
    content_hash: Mapped[str] = mapped_column(comment="SHA-256 of the content, hexadecimal")
    status: Mapped[str] = mapped_column(comment="posting | posted | refused | reentered | delivered")
    rows: Mapped[int] = mapped_column(default=0)
    accepted: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    rows_done: Mapped[int] = mapped_column(default=0, comment="rows decided; a killed import goes on behind them")
    problems: Mapped[list[Any]] = mapped_column(default=list, comment="problems as data; the first 1,000")
    control: Mapped[dict[str, Any]] = mapped_column(default=dict, comment="control totals of the file and as posted")
    begun_by: Mapped[str]
    begun_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class BatchReject(Base):
    """One row that could not be posted, kept until it re-enters or is withdrawn."""

    __tablename__ = "batch_reject"
    __table_args__ = (UniqueConstraint("batch_id", "line"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batch.id"))
    line: Mapped[int] = mapped_column(comment="physical line in the file; the first is 1")
    content: Mapped[dict[str, Any]] = mapped_column(comment="the row as it came: column → text")
    problems: Mapped[list[Any]]
    state: Mapped[str] = mapped_column(default="open", comment="open | reentered | withdrawn")
    reentered_batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))


class JobRun(Base):
    """One run of a job for one period; continuous jobs keep one row."""

    __tablename__ = "job_run"
    __table_args__ = (UniqueConstraint("job", "period"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    job: Mapped[str]
    period: Mapped[str] = mapped_column(comment="instant the run is for; 'always' if continuous")
    status: Mapped[str] = mapped_column(comment="running | done | failed")
    attempts: Mapped[int] = mapped_column(default=1)
    skipped: Mapped[int] = mapped_column(default=0, comment="times it was due while still running")
    progress: Mapped[float | None] = mapped_column(comment="share done, 0 to 1")
    message: Mapped[str | None]
    process: Mapped[str | None] = mapped_column(comment="host:pid")
    begun_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class ReportRun(Base):
    """One archived report, frozen as it was made."""

    __tablename__ = "report_run"
    __table_args__ = (UniqueConstraint("report", "parameters_hash", "period"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    report: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    parameters_hash: Mapped[str]
    period: Mapped[str]
    viewer: Mapped[str]
    generated_at: Mapped[datetime]
    content: Mapped[dict[str, Any]] = mapped_column(comment="the report as JSON")
    content_hash: Mapped[str] = mapped_column(comment="SHA-256, hexadecimal")
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("report_run.id"))


class Code(Base):
    """An entry of a configurable code table: causes, trouble codes, industries, tariffs' categories."""

    __tablename__ = "code"
    __table_args__ = (UniqueConstraint("kind", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    code: Mapped[str]
    label_en: Mapped[str]
    label_zh: Mapped[str]
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    active: Mapped[bool] = mapped_column(default=True)


class ChangeEntry(Base):
    """One field of one record changed: by whom, when, from what, to what (A8)."""

    __tablename__ = "change_entry"
    __table_args__ = (Index("ix_change_entry_record", "entity", "entity_id", "changed_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    entity: Mapped[str] = mapped_column(comment="table of the record")
    entity_id: Mapped[int]
    field: Mapped[str]
    old_value: Mapped[str | None]
    new_value: Mapped[str | None]
    changed_by: Mapped[str]
    changed_at: Mapped[datetime]
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))
    reason: Mapped[str | None]


class FieldOwner(Base):
    """Which system owns a field; without a row the first system that gives it owns it."""

    __tablename__ = "field_owner"
    __table_args__ = (UniqueConstraint("entity", "field"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    entity: Mapped[str]
    field: Mapped[str]
    system: Mapped[str]


class FieldConflict(Base):
    """Another system's value for a field it does not own: kept, not written over."""

    __tablename__ = "field_conflict"
    __table_args__ = (UniqueConstraint("entity", "entity_id", "field", "system"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    entity: Mapped[str]
    entity_id: Mapped[int]
    field: Mapped[str]
    system: Mapped[str]
    value: Mapped[str | None]
    received_at: Mapped[datetime]
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))
    state: Mapped[str] = mapped_column(default="open", comment="open | taken | dismissed")
