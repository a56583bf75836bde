"""What people see of batches."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cis_power.core.batches.ledger import find_batch, problems_of, rejects_of
from cis_power.core.errors import Problem
from cis_power.core.models import Batch, BatchReject
from cis_power.core.time import iso


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One batch of the list."""

    batch: int
    direction: str
    kind: str
    format: str
    source: str | None
    file_name: str | None
    status: str
    rows: int
    accepted: int
    rejected: int
    unchanged: int
    control: dict[str, Any]
    sha256: str
    begun_by: str
    begun_at: datetime
    finished_at: datetime | None

    def as_dict(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in BatchRow.__slots__}
        values["begun_at"] = iso(self.begun_at)
        values["finished_at"] = None if self.finished_at is None else iso(self.finished_at)
        return values


@dataclass(frozen=True, slots=True)
class RejectRow:
    """One kept row."""

    line: int
    state: str
    content: dict[str, str]
    problems: Sequence[dict[str, Any]]
    reentered_batch: int | None

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in RejectRow.__slots__}


@dataclass(frozen=True, slots=True)
class BatchDetails:
    """A batch with everything that was kept of it."""

    batch: BatchRow
    problems: Sequence[Problem] = field(default_factory=tuple)
    rejects: Sequence[RejectRow] = field(default_factory=tuple)

    def as_dict(self) -> dict[str, Any]:
        keys = ("line", "field", "code", "severity", "message")
        problems = [{key: getattr(problem, key) for key in keys} for problem in self.problems]
        return {**self.batch.as_dict(), "problems": problems, "rejects": [reject.as_dict() for reject in self.rejects]}


@dataclass(frozen=True, slots=True)
class KeptRow:
    """One kept row of the list of rejects; `reject` is its key, `codes` says what is wrong with it."""

    reject: int
    batch: int
    kind: str
    line: int
    state: str
    codes: tuple[str, ...]
    messages: tuple[str, ...]
    content: dict[str, str]
    reentered_batch: int | None


@dataclass(frozen=True, slots=True)
class OpenRejects:
    """How many rows of a layout wait for repair, and in how many batches."""

    kind: str
    rows: int
    batches: int


def batches(
    session: Session, *, limit: int, kind: str | None = None, before: int | None = None, status: str | None = None,
    direction: str | None = None,
) -> list[BatchRow]:  # fmt: skip
    """The newest batches; `before` is a batch number behind which to go on."""
    query = select(Batch).order_by(Batch.id.desc()).limit(limit)
    for column, value in ((Batch.kind, kind), (Batch.status, status), (Batch.direction, direction)):
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(Batch.id < before)
    return [_row(batch) for batch in session.scalars(query)]


def open_rejects(session: Session) -> list[OpenRejects]:
    """Rows that wait for repair, by layout, most first."""
    query = (
        select(Batch.kind, func.count(), func.count(BatchReject.batch_id.distinct()))
        .join(Batch, Batch.id == BatchReject.batch_id)
        .where(BatchReject.state == "open")
        .group_by(Batch.kind)
        .order_by(func.count().desc(), Batch.kind)
    )
    return [OpenRejects(*row) for row in session.execute(query)]


def count_open_rejects(session: Session, batch: int) -> int:
    """How many rows of a batch wait for repair."""
    query = select(func.count()).where(BatchReject.batch_id == batch, BatchReject.state == "open")
    return session.scalar(query) or 0


def list_rejects(
    session: Session, *, limit: int, batch: int | None = None, kind: str | None = None, state: str | None = None,
    before: int | None = None,
) -> list[KeptRow]:  # fmt: skip
    """Kept rows, the newest first; `before` is a key behind which to go on."""
    query = (
        select(BatchReject, Batch.kind)
        .join(Batch, Batch.id == BatchReject.batch_id)
        .order_by(BatchReject.id.desc())
        .limit(limit)
    )
    for column, value in ((BatchReject.batch_id, batch), (Batch.kind, kind), (BatchReject.state, state)):
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(BatchReject.id < before)
    return [
        KeptRow(
            row.id, row.batch_id, layout, row.line, row.state, _told(row.problems, "code"),
            _told(row.problems, "message"), row.content, row.reentered_batch_id,
        )
        for row, layout in session.execute(query)
    ]  # fmt: skip


def _told(problems: Sequence[dict[str, Any]], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(problem[name]) for problem in problems))


def batch_details(session: Session, number: int, *, limit: int | None = None) -> BatchDetails:
    """One batch, its problems and rejects, at most `limit` of each. Raises NotFound."""
    batch = find_batch(session, number)
    rejects = [
        RejectRow(reject.line, reject.state, reject.content, reject.problems, reject.reentered_batch_id)
        for reject in rejects_of(session, number, limit=limit)
    ]
    return BatchDetails(_row(batch), problems_of(batch.problems[:limit]), rejects)


def _row(batch: Batch) -> BatchRow:
    return BatchRow(
        batch.id,
        batch.direction,
        batch.kind,
        batch.format,
        batch.source,
        batch.file_name,
        batch.status,
        batch.rows,
        batch.accepted,
        batch.rejected,
        batch.unchanged,
        batch.control,
        batch.content_hash,
        batch.begun_by,
        batch.begun_at,
        batch.finished_at,
    )
