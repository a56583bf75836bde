"""Rejects that re-enter as they are, once what they lacked is there."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from cis_power.core.batches.importing import load_poster
from cis_power.core.batches.ledger import POSTED, BatchResult, add_problems, find_batch, hold_batch, rejects_of
from cis_power.core.batches.posting import ACCEPTED, REJECTED, UNCHANGED, Outcome, Poster, Posting
from cis_power.core.config import Settings
from cis_power.core.db import Database
from cis_power.core.errors import Problem
from cis_power.core.layouts import Layout, Row, Rows
from cis_power.core.layouts.values import read_value
from cis_power.core.models import Batch, BatchReject

_CHUNK = 500


def reenter(
    database: Database,
    settings: Settings,
    layout: Layout,
    number: int,
    *,
    who: str,
    now: datetime,
    on_open: Callable[[Session, Batch], None] | None = None,
) -> BatchResult:
    """Post the open rejects of a batch again, as a batch of their own. Those still wrong stay where they are.

    Each transaction posts some rejects, closes them and counts them, so that a kill loses and doubles nothing.
    """
    poster = load_poster(layout)
    with database.transaction() as session:
        origin = hold_batch(session, find_batch(session, number).id)
        waiting = [reject.id for reject in rejects_of(session, origin.id, state="open")]
        batch = _fresh(origin, len(waiting), who, now)
        session.add(batch)
        session.flush()
        if on_open:
            on_open(session, batch)
        batch_id, source = batch.id, origin.source or "business"
    zone = ZoneInfo(origin.control.get("zone", settings.timezone))
    posting = Posting(batch_id, who, now, settings.zone, settings.region, source)
    problems: list[Problem] = []
    for start in range(0, len(waiting), _CHUNK):
        with database.transaction() as session:
            batch = hold_batch(session, batch_id)
            part = _Part(session, layout, poster, posting, zone)
            problems.extend(part.post(batch, number, waiting[start : start + _CHUNK]))
    with database.transaction() as session:
        batch = hold_batch(session, batch_id)
        batch.finished_at = now
        add_problems(batch, problems)
        return BatchResult(batch_id, batch.rows, batch.accepted, batch.rejected, batch.unchanged, problems)


def _fresh(origin: Batch, rows: int, who: str, now: datetime) -> Batch:
    name = f"rejects of batch {origin.id}"
    return Batch(
        direction="in",
        kind=origin.kind,
        format=origin.format,
        source=origin.source,
        file_name=name,
        content_hash=hashlib.sha256(f"{name} at {now.isoformat()}".encode()).hexdigest(),
        status=POSTED,
        rows=rows,
        accepted=0,
        rejected=0,
        unchanged=0,
        rows_done=0,
        problems=[],
        control={"rejects_of": origin.id},
        begun_by=who,
        begun_at=now,
    )


class _Part:
    """Some rejects posted in one transaction."""

    def __init__(self, session: Session, layout: Layout, poster: Poster, posting: Posting, zone: ZoneInfo) -> None:
        self._session, self._layout, self._poster, self._posting, self._zone = session, layout, poster, posting, zone

    def post(self, batch: Batch, origin: int, ids: list[int]) -> list[Problem]:
        """Post what can be; answers what is still wrong, and keeps that with each reject."""
        waiting = [reject for reject in rejects_of(self._session, origin, state="open") if reject.id in set(ids)]
        readable: list[tuple[BatchReject, Row]] = []
        problems: list[Problem] = []
        for reject in waiting:
            row, faults = self._read(reject)
            if any(fault.severity == "error" for fault in faults):
                problems.extend(faults)
                batch.rejected += 1
            else:
                readable.append((reject, row))
        outcome = self._poster(self._session, _as_rows([row for _, row in readable], self._layout), self._posting)
        self._close(batch, [reject for reject, _ in readable], outcome)
        batch.rows_done += len(waiting)
        return [*problems, *outcome.problems]

    def _read(self, reject: BatchReject) -> tuple[Row, list[Problem]]:
        content: dict[str, str] = reject.content
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        if set(content) & {"+", "?"}:
            problems.append(Problem("wrong_field_count", "the row must be mended in a file", line=reject.line))
        for column in self._layout.columns:
            values[column.name], fault = read_value(column, content.get(column.name, ""), self._zone)
            if fault:
                problems.append(Problem(fault.code, fault.message, fault.severity, line=reject.line, field=column.name))
        row = Row(values, reject.line)
        for group in self._layout.one_of:
            if all(row[name] is None for name in group):
                message = f"one of {', '.join(group)} must be filled"
                problems.append(Problem("missing_value", message, line=reject.line, field=group[0]))
        if self._layout.row_check and not problems:
            problems.extend(self._layout.row_check(row, row.line))
        return row, problems

    def _close(self, batch: Batch, rejects: list[BatchReject], outcome: Outcome) -> None:
        for reject, state in zip(rejects, outcome.states.tolist(), strict=True):
            if state == REJECTED:
                reject.problems = [item.as_dict() for item in outcome.problems if item.line == reject.line]
                continue
            reject.state, reject.reentered_batch_id = "reentered", batch.id
        batch.accepted += outcome.count(ACCEPTED)
        batch.unchanged += outcome.count(UNCHANGED)
        batch.rejected += outcome.count(REJECTED)


def _as_rows(rows: list[Row], layout: Layout) -> Rows:
    columns = {column.name: [row[column.name] for row in rows] for column in layout.columns}
    return Rows(columns, [row.line for row in rows])
