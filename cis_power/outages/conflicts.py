"""Stores contradictions for people to decide; one that later evidence settles is settled by the engine."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.core.db import chunked
from cis_power.outages.entries import instant
from cis_power.outages.ledger import Writing
from cis_power.outages.models import EntryConflict, IntakeEntry
from cis_power.outages.state import ConflictFact

ENGINE = "engine"


def write_conflicts(writing: Writing, facts: Sequence[ConflictFact], contradicting: set[int]) -> None:
    """Bring the stored conflicts to what the engine found; what a person decided stays decided.

    A replay knows all conflicts of the replayed time: those that it did not meet again never were, and those that are
    `contradicting` in the end are open, whatever had settled them before.
    """
    final = {fact.entry: fact for fact in facts}
    rows = _rows(writing.session, list(final))
    for entry, fact in final.items():
        row = rows.get(entry)
        if row is None:
            row = EntryConflict(entry_id=entry, reason=fact.reason, found_at=writing.now)
            writing.session.add(row)
        if row.decided_by in (None, ENGINE):
            _settle(writing, row, fact if fact.ended else None)
            row.reason = row.reason if fact.ended else fact.reason
    if writing.replayed_from is not None:
        for row in _rows(writing.session, sorted(contradicting)).values():
            if row.decided_by == ENGINE:
                _settle(writing, row, None)
        query = (
            select(EntryConflict)
            .join(IntakeEntry, IntakeEntry.id == EntryConflict.entry_id)
            .where(IntakeEntry.occurred_at >= writing.replayed_from, EntryConflict.decided_at.is_(None))
        )
        for row in writing.session.scalars(query):
            if row.entry_id not in final:
                _settle(writing, row, ConflictFact(row.entry_id, "an entry that came later explains it", 0, ended=True))


def _settle(writing: Writing, row: EntryConflict, by: ConflictFact | None) -> None:
    row.decided_at = None if by is None else writing.now if by.at == 0 else instant(by.at)
    row.decided_by = None if by is None else ENGINE
    row.decision = None if by is None else by.reason


def _rows(session: Session, entries: list[int]) -> dict[int, EntryConflict]:
    found: dict[int, EntryConflict] = {}
    for part in chunked(entries, 5_000):
        rows = session.scalars(select(EntryConflict).where(EntryConflict.entry_id.in_(part)))
        found |= {row.entry_id: row for row in rows}
    return found
