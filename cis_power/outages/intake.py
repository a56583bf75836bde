"""Storing entries of the intake, once each, and reading them back in order."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from cis_power.core.db import bulk_upsert, chunked
from cis_power.core.quality import Quality
from cis_power.outages.entries import Entry
from cis_power.outages.models import IntakeEntry

ENGINE_KINDS = ("signal", "switch", "transfer", "tag", "set", "release", "confirmation")
_TIED = ("source", "source_key")


def record_entries(session: Session, entries: Sequence[Entry], now: datetime) -> int:
    """Store entries; one that is there already (same source and key) stays as it is. Answers how many are new."""
    if not entries:
        return 0
    before = _count(session)
    bulk_upsert(
        session,
        IntakeEntry.__table__,  # type: ignore[arg-type]
        {
            "kind": [entry.kind for entry in entries],
            "occurred_at": [entry.occurred_at for entry in entries],
            "earliest_at": [entry.earliest_at for entry in entries],
            "latest_at": [entry.latest_at for entry in entries],
            "source_rank": [entry.rank for entry in entries],
            "source": [entry.source for entry in entries],
            "source_key": [entry.source_key for entry in entries],
            "step_key": [entry.step_key for entry in entries],
            "element_id": [entry.element_id for entry in entries],
            "usage_point_id": [entry.usage_point_id for entry in entries],
            "value": [entry.value for entry in entries],
            "phases": [entry.phases or None for entry in entries],
            "quality": [int(entry.quality) for entry in entries],
            "payload": [dict(entry.payload) for entry in entries],
            "recorded_by": [entry.recorded_by for entry in entries],
            "recorded_at": [now] * len(entries),
        },
        key=_TIED,
        update=(),
    )
    return _count(session) - before


def _count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(IntakeEntry)) or 0


def pending(session: Session) -> list[IntakeEntry]:
    """Entries that are not applied yet."""
    return list(session.scalars(select(IntakeEntry).where(IntakeEntry.applied_at.is_(None))))


def applied(session: Session, after: datetime | None, through: datetime | None = None) -> list[Entry]:
    """Applied entries that count, of instants later than `after` (`None`: all) and up to `through`."""
    query = select(IntakeEntry).where(
        IntakeEntry.applied_at.is_not(None), IntakeEntry.withdrawn_by_id.is_(None), IntakeEntry.kind.in_(ENGINE_KINDS)
    )
    if after is not None:
        query = query.where(IntakeEntry.occurred_at > after)
    if through is not None:
        query = query.where(IntakeEntry.occurred_at <= through)
    return [entry_of(row) for row in session.scalars(query)]


def entry_of(row: IntakeEntry) -> Entry:
    """The pure entry of a stored row."""
    return Entry(
        row.kind, row.occurred_at, row.source, row.source_key, row.step_key, row.element_id, row.usage_point_id,
        row.value, row.phases or 0, Quality(row.quality), row.earliest_at, row.latest_at, row.payload, row.recorded_by,
        row.id,
    )  # fmt: skip


def mark_applied(session: Session, ids: Iterable[int], now: datetime) -> None:
    for part in chunked(ids, 5_000):
        session.execute(update(IntakeEntry).where(IntakeEntry.id.in_(part)).values(applied_at=now))
