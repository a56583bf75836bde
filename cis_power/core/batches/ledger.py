"""The batch ledger: what was exchanged, how far it got, and which rows wait for repair. Nothing here commits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.core.db import bulk_insert
from cis_power.core.db.serial import one_at_a_time
from cis_power.core.errors import NotFound, Problem
from cis_power.core.models import Batch, BatchReject

POSTING, POSTED, REFUSED, DELIVERED = "posting", "posted", "refused", "delivered"
KEPT_PROBLEMS = 1_000
_PROBLEM_FIELDS = tuple(Problem.__slots__)


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What an import came to. rows = accepted + rejected + unchanged."""

    batch: int
    rows: int
    accepted: int
    rejected: int
    unchanged: int
    problems: Sequence[Problem] = field(default_factory=tuple)
    refused: bool = False

    @property
    def ok(self) -> bool:
        return not self.refused and self.rejected == 0

    def as_dict(self) -> dict[str, Any]:
        """The contract's JSON object."""
        keys = ("line", "field", "code", "severity", "message")
        problems = [{key: getattr(problem, key) for key in keys} for problem in self.problems]
        counts = {"rows": self.rows, "accepted": self.accepted, "rejected": self.rejected, "unchanged": self.unchanged}
        return {"batch": self.batch, **counts, "problems": problems}


def open_batch(session: Session, fresh: Batch) -> Batch:
    """The batch of this kind and content: the one that is there already, else `fresh`, added."""
    one_at_a_time(session, "batch")
    found = session.scalar(
        select(Batch).where(Batch.kind == fresh.kind, Batch.content_hash == fresh.content_hash).with_for_update()
    )
    if found is not None:
        return found
    session.add(fresh)
    session.flush()
    return fresh


def hold_batch(session: Session, batch_id: int) -> Batch:
    """The batch as it stands now. Posting is done by one transaction at a time; others wait until this one ends."""
    one_at_a_time(session, "posting")
    query = select(Batch).where(Batch.id == batch_id).with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one()


def begin_again(batch: Batch, rows: int, control: Mapping[str, Any], now: datetime) -> None:
    """Make a refused batch ready to be posted: its content did not change, but what it was checked against did."""
    batch.status, batch.begun_at, batch.finished_at = POSTING, now, None
    batch.rows, batch.rows_done, batch.accepted, batch.rejected, batch.unchanged = rows, 0, 0, 0, 0
    batch.problems, batch.control = [], dict(control)


def add_problems(batch: Batch, problems: Iterable[Problem]) -> None:
    """Keep the first thousand problems with the batch."""
    room = KEPT_PROBLEMS - len(batch.problems)
    added = [problem.as_dict() for problem, _ in zip(problems, range(max(room, 0)), strict=False)]
    if added:
        batch.problems = [*batch.problems, *added]


def keep_rejects(
    session: Session, batch_id: int, contents: Mapping[int, Mapping[str, str]], problems: Iterable[Problem]
) -> None:
    """Keep rejected rows, by line, with what is wrong with each."""
    by_line: dict[int, list[dict[str, Any]]] = {line: [] for line in contents}
    for problem in problems:
        if problem.line in by_line:
            by_line[problem.line].append({name: getattr(problem, name) for name in _PROBLEM_FIELDS})
    lines = sorted(by_line)
    bulk_insert(
        session,
        BatchReject.__table__,  # type: ignore[arg-type]
        {
            "batch_id": [batch_id] * len(lines),
            "line": lines,
            "content": [dict(contents[line]) for line in lines],
            "problems": [by_line[line] for line in lines],
            "state": ["open"] * len(lines),
        },
    )


def find_batch(session: Session, number: int) -> Batch:
    """The batch people call by this number. Raises NotFound."""
    batch = session.get(Batch, number)
    if batch is None:
        raise NotFound(f"no batch {number}")
    return batch


def rejects_of(
    session: Session, batch_id: int, *, state: str | None = None, limit: int | None = None
) -> Sequence[BatchReject]:
    """Kept rows of a batch in the order of their lines."""
    query = select(BatchReject).where(BatchReject.batch_id == batch_id).order_by(BatchReject.line).limit(limit)
    if state is not None:
        query = query.where(BatchReject.state == state)
    return session.scalars(query).all()


def problems_of(items: Iterable[Mapping[str, Any]]) -> list[Problem]:
    """Problems as they were kept."""
    return [Problem(**item) for item in items]
