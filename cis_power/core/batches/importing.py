"""Posting a file exactly once: in chunks, each in one transaction with the ledger's progress.

Killed anywhere, the same call goes on behind the last chunk; several processes with the same file take chunks in turn.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from sqlalchemy.orm import Session

from cis_power.core.batches.ledger import (
    POSTED,
    POSTING,
    REFUSED,
    BatchResult,
    add_problems,
    begin_again,
    hold_batch,
    keep_rejects,
    open_batch,
    problems_of,
    rejects_of,
)
from cis_power.core.batches.mending import MendedRows
from cis_power.core.batches.posting import ACCEPTED, REJECTED, UNCHANGED, Outcome, Poster, Posting
from cis_power.core.columns import Values, amount, cents
from cis_power.core.config import Settings
from cis_power.core.db import Database
from cis_power.core.errors import CisError, Problem
from cis_power.core.layouts import Layout, Limits, Parsed, parse
from cis_power.core.layouts.arrays import ArrayRows, read_arrays
from cis_power.core.layouts.raw import RawRows
from cis_power.core.models import Batch

_FIRST_CHUNK = 500
_SMALLEST_CHUNK = 100
_LARGEST_CHUNK = {"sqlite": 50_000, "postgresql": 100_000}
_CHUNK_ALONE = 400_000
_CHUNK_SECONDS = {"sqlite": 0.4, "postgresql": 1.0}


@dataclass(frozen=True, slots=True)
class Import:
    """A file to post. `source` is the system that owns its content.

    `alone`: nobody else uses the database, so rows go in large transactions without gaps for others to write in.

    `on_open` is called with the batch in the transaction that opens it, before anything is posted: raising refuses the
    import. `after_chunk` is told (rows done, rows).
    """

    layout: Layout
    content: bytes | Path
    who: str
    now: datetime
    file_name: str | None = None
    source: str = "business"
    format: str = "csv"
    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], datetime] | None = None
    on_open: Callable[[Session, Batch], None] | None = None
    after_chunk: Callable[[int, int], None] | None = None
    alone: bool = False


class KeptText(Protocol):
    """Where the text of rows that are rejected is read again."""

    def fetch(self, lines: Iterable[int]) -> dict[int, dict[str, str]]: ...


def import_file(database: Database, settings: Settings, task: Import) -> BatchResult:
    """Check a file whole and post it. The same content again changes nothing and answers the first batch's number."""
    parsed = parse(task.layout, task.content, settings.zone, task.limits)
    with RawRows(task.content, parsed.sha256, parsed.encoding) as raw:
        return post_parsed(database, settings, task, parsed, raw)


def import_arrays(database: Database, settings: Settings, task: Import, columns: Mapping[str, Values]) -> BatchResult:
    """Check rows given as columns and post them: a batch of their own, exactly once, as the same rows of a file.

    The same content again changes nothing and answers the first batch's number. `task.content` counts for nothing.
    """
    parsed = read_arrays(task.layout, columns)
    return post_parsed(database, settings, task, parsed, ArrayRows(task.layout, parsed.rows))


def post_parsed(database: Database, settings: Settings, task: Import, parsed: Parsed, raw: KeptText) -> BatchResult:
    """Post what was read, whatever format it had."""
    poster = load_poster(task.layout)
    with database.transaction() as session:
        batch = open_batch(session, _fresh(task, parsed))
        if task.on_open:
            task.on_open(session, batch)
        if batch.status not in (POSTING, REFUSED):
            return BatchResult(batch.id, len(parsed.rows), 0, 0, len(parsed.rows))
        if parsed.refused:
            return _refuse(batch, parsed, task.now)
        if batch.status == REFUSED:
            begin_again(batch, len(parsed.rows), _control(parsed), task.now)
        posting = Posting(batch.id, task.who, task.now, settings.zone, settings.region, task.source, parsed.good_rows)
        earlier = [] if batch.rows_done == 0 else _earlier_problems(session, batch, parsed)
    run = _Run(database, task, parsed, poster, posting, raw, problems=[*parsed.problems, *earlier])
    return run.to_the_end()


def load_poster(layout: Layout) -> Poster:
    """The function that posts rows of a layout. Raises CisError where rows are posted by a command of their own."""
    if layout.poster is None:
        raise CisError(f"{layout.name} has a command of its own")
    module, _, name = layout.poster.partition(":")
    poster: Poster = getattr(import_module(module), name)
    return poster


def _fresh(task: Import, parsed: Parsed) -> Batch:
    return Batch(
        direction="in",
        kind=task.layout.name,
        format=task.format,
        source=task.source,
        file_name=task.file_name,
        content_hash=parsed.sha256,
        status=REFUSED if parsed.refused else POSTING,
        rows=len(parsed.rows),
        accepted=0,
        rejected=0,
        unchanged=0,
        rows_done=0,
        problems=[],
        control=_control(parsed),
        begun_by=task.who,
        begun_at=task.now,
    )


def _control(parsed: Parsed) -> dict[str, Any]:
    """The zone of the file's naive times; control totals: amounts of the file, and of what became of its rows."""
    zone = {"zone": parsed.zone.key} if parsed.zone else {}
    if parsed.amount_total is None:
        return zone
    return {**zone, "total": str(parsed.amount_total), "accepted": "0", "rejected": "0", "unchanged": "0"}


def _refuse(batch: Batch, parsed: Parsed, now: datetime) -> BatchResult:
    batch.status, batch.rows, batch.rejected, batch.finished_at = REFUSED, len(parsed.rows), len(parsed.rows), now
    batch.problems = []
    add_problems(batch, parsed.problems)
    return BatchResult(batch.id, batch.rows, 0, batch.rows, 0, parsed.problems, refused=True)


def _earlier_problems(session: Session, batch: Batch, parsed: Parsed) -> list[Problem]:
    """What the chunks posted before a kill had to say, beyond what reading the file says again."""
    known = {problem.line for problem in parsed.problems}
    kept = [problem for reject in rejects_of(session, batch.id) for problem in problems_of(reject.problems)]
    return [problem for problem in kept if problem.line not in known]


@dataclass(slots=True)
class _Run:
    """One process posting one batch."""

    database: Database
    task: Import
    parsed: Parsed
    poster: Poster
    posting: Posting
    raw: KeptText
    problems: list[Problem]
    size: int = _FIRST_CHUNK
    mended: MendedRows | None = None

    def to_the_end(self) -> BatchResult:
        self.size = _CHUNK_ALONE if self.task.alone else self.task.layout.chunk_rows or _FIRST_CHUNK
        while True:
            began = time.perf_counter()
            with self.database.transaction() as session:
                result, done = self._chunk(session)
            if self.task.after_chunk:
                self.task.after_chunk(done, len(self.parsed.rows))
            if result is not None:
                return result
            if not self.task.alone:
                self._adapt(time.perf_counter() - began)

    def _adapt(self, elapsed: float) -> None:
        """Let the next chunk take about the time one transaction may take."""
        if self.task.layout.chunk_rows:
            return
        dialect = self.database.dialect
        factor = _CHUNK_SECONDS[dialect] / max(elapsed, 0.001)
        self.size = int(min(max(self.size * min(max(factor, 0.5), 2.0), _SMALLEST_CHUNK), _LARGEST_CHUNK[dialect]))

    def _chunk(self, session: Session) -> tuple[BatchResult | None, int]:
        """Post the next rows; (the result once all are done, rows done)."""
        batch = hold_batch(session, self.posting.batch_id or 0)
        rows = len(self.parsed.rows)
        if batch.status != POSTING:
            return BatchResult(batch.id, rows, 0, 0, rows), rows
        start, stop = batch.rows_done, min(batch.rows_done + self.size, rows)
        if stop > start:
            self._post(session, batch, start, stop)
        batch.rows_done = stop
        if stop < rows:
            return None, stop
        batch.status = POSTED
        batch.finished_at = self.task.clock() if self.task.clock else self.task.now
        self.problems.sort(key=lambda problem: (problem.line or 0, problem.severity))
        result = BatchResult(batch.id, rows, batch.accepted, batch.rejected, batch.unchanged, self.problems)
        return result, stop

    def _post(self, session: Session, batch: Batch, start: int, stop: int) -> None:
        good = self.parsed.good[start:stop]
        rows = self.parsed.rows.slice(start, stop)
        outcome = self.poster(session, rows.take(good), self.posting)
        if self.mended is None:
            self.mended = MendedRows(session, self.task.layout, self.posting.zone)
        self.mended.mark(session, outcome, batch.id)
        accepted, unchanged = outcome.count(ACCEPTED), outcome.count(UNCHANGED)
        batch.accepted += accepted
        batch.unchanged += unchanged
        batch.rejected += len(rows) - accepted - unchanged
        bad_lines = {int(rows.lines[place]) for place in np.flatnonzero(~good).tolist()}
        parse_problems = [problem for problem in self.parsed.problems if problem.line in bad_lines] if bad_lines else []
        add_problems(batch, sorted([*parse_problems, *outcome.problems], key=lambda problem: problem.line or 0))
        self.problems.extend(outcome.problems)
        self._reject(session, batch, outcome, bad_lines, parse_problems)

    def _reject(
        self, session: Session, batch: Batch, outcome: Outcome, bad_lines: set[int], parse_problems: list[Problem]
    ) -> None:
        places = np.flatnonzero(outcome.states == REJECTED).tolist()
        lines = bad_lines | {int(outcome.rows.lines[place]) for place in places}
        contents = self.raw.fetch(lines)
        keep_rejects(session, batch.id, contents, [*parse_problems, *outcome.problems])
        if self.task.layout.trailer:
            self._add_amounts(batch, outcome)

    def _add_amounts(self, batch: Batch, outcome: Outcome) -> None:
        """Keep the control totals: what is not accepted or unchanged was rejected, unreadable amounts as nothing."""
        assert self.task.layout.trailer is not None
        amounts = cents(outcome.rows.column(self.task.layout.trailer.total_column))
        control = dict(batch.control)
        for name, state in (("accepted", ACCEPTED), ("unchanged", UNCHANGED)):
            if (outcome.states == state).any():
                control[name] = str(Decimal(control[name]) + amount(int(amounts[outcome.states == state].sum())))
        rest = Decimal(control["total"]) - Decimal(control["accepted"]) - Decimal(control["unchanged"])
        control["rejected"] = str(rest)
        batch.control = control
