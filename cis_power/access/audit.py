"""The audit chain, pure: each entry's hash covers the entry and the hash before it.

Whoever can rewrite the whole table could also hash it anew; therefore the newest number and hash are kept a second time
outside the database, as the anchor (`trail.py`).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from cis_power.core.errors import Problem
from cis_power.core.time import iso

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did or was refused to do; persons are named by surrogate ids only."""

    actor: str
    role: str
    action: str
    object_kind: str | None = None
    object_id: str | None = None
    outcome: str = "done"
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Anchor:
    """The newest entry as known outside the database."""

    number: int
    entry_hash: str


class Entry(Protocol):
    """A row of the chain."""

    id: Any
    occurred_at: Any
    actor: Any
    role: Any
    action: Any
    object_kind: Any
    object_id: Any
    outcome: Any
    detail: Any
    previous_hash: Any
    entry_hash: Any


def chain_hash(number: int, occurred_at: datetime, act: Act, previous_hash: str) -> str:
    """Return the SHA-256, hexadecimal, over an act in its place of the chain."""
    parts = [
        number,
        iso(occurred_at),
        act.actor,
        act.role,
        act.action,
        act.object_kind,
        act.object_id,
        act.outcome,
        dict(act.detail),
        previous_hash,
    ]
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def check_chain(entries: Iterable[Entry], anchor: Anchor | None, after: Entry | None = None) -> Iterator[Problem]:
    """Yield everything that is wrong with a chain: entries in the order of their numbers, all or those `after` one.

    Finds changed, deleted, inserted and reordered entries by the chain; a cut tail, what was appended after a cut, and
    an old copy of the whole database by the anchor. Entries newer than the anchor are no problem: a process may die
    between the two.
    """
    number, previous_hash = (0, GENESIS) if after is None else (after.id, after.entry_hash)
    anchored: str | None = None
    for entry in entries:
        yield from _check_entry(entry, number + 1, previous_hash)
        number, previous_hash = entry.id, entry.entry_hash
        if anchor is not None and number == anchor.number:
            anchored = previous_hash
    if anchor is None:
        if number:
            yield Problem("anchor_missing", f"{number} entries, but nothing outside the database vouches for them")
    elif anchored is None:
        message = f"the newest entry is {number}, but entry {anchor.number} is known to have been written"
        yield Problem("tail_missing", message, line=anchor.number)
    elif anchored != anchor.entry_hash:
        message = f"entry {anchor.number} is not the one that was written: the tail was cut and continued"
        yield Problem("anchor_differs", message, line=anchor.number)


def _check_entry(entry: Entry, expected: int, previous_hash: str) -> Iterator[Problem]:
    if entry.id != expected:
        yield Problem("entry_missing", f"entry {expected} is missing, {entry.id} follows", line=expected)
    act = Act(
        entry.actor, entry.role, entry.action, entry.object_kind, entry.object_id, entry.outcome, entry.detail or {}
    )
    if entry.entry_hash != chain_hash(entry.id, entry.occurred_at, act, entry.previous_hash):
        yield Problem("entry_changed", f"entry {entry.id} was changed after it was written", line=entry.id)
    elif entry.previous_hash != previous_hash:
        yield Problem("chain_broken", f"entry {entry.id} does not follow the one before it", line=entry.id)
