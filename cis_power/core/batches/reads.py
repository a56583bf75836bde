"""What people see of batches."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.core.batches.ledger import find_batch, problems_of, rejects_of
from cis_power.core.errors import Problem
from cis_power.core.models import Batch
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


def batches(session: Session, *, limit: int, kind: str | None = None, before: int | None = None) -> list[BatchRow]:
    """The newest batches; `before` is a batch number behind which to go on."""
    query = select(Batch).order_by(Batch.id.desc()).limit(limit)
    if kind is not None:
        query = query.where(Batch.kind == kind)
    if before is not None:
        query = query.where(Batch.id < before)
    return [_row(batch) for batch in session.scalars(query)]


def batch_details(session: Session, number: int) -> BatchDetails:
    """One batch, its problems and rejects. Raises NotFound."""
    batch = find_batch(session, number)
    rejects = [
        RejectRow(reject.line, reject.state, reject.content, reject.problems, reject.reentered_batch_id)
        for reject in rejects_of(session, number)
    ]
    return BatchDetails(_row(batch), problems_of(batch.problems), rejects)


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
