"""Writing and verifying the audit trail: the chain in the database, its anchor in a file of `run_dir`."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from cis_power.access.audit import GENESIS, Act, Anchor, chain_hash, check_chain
from cis_power.access.models import AuditEntry
from cis_power.access.viewer import Viewer
from cis_power.core.db.serial import one_at_a_time
from cis_power.core.errors import Problem, Unavailable

_ANCHOR_FILE = "audit.anchor"
_PENDING = "audit_anchor"


class AuditTrail:
    """The audit trail of one installation; `run_dir` keeps the anchor."""

    def __init__(self, run_dir: Path) -> None:
        self._file = run_dir / _ANCHOR_FILE

    def append(
        self,
        session: Session,
        viewer: Viewer,
        action: str,
        now: datetime,
        *,
        object_kind: str | None = None,
        object_id: int | str | None = None,
        outcome: str = "done",
        detail: dict[str, Any] | None = None,
    ) -> None:
        """Append an act inside the caller's transaction, so that the act and its record stand or fall together.

        Raises Unavailable when the anchor cannot be written: then the act is refused.
        """
        act = Act(
            viewer.actor,
            viewer.role,
            action,
            object_kind,
            None if object_id is None else str(object_id),
            outcome,
            detail or {},
        )
        session.flush()
        one_at_a_time(session, "audit")
        anchor = self._read_anchor()
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).first()
        number, previous_hash = (last.id + 1, last.entry_hash) if last else (1, GENESIS)
        entry_hash = chain_hash(number, now, act, previous_hash)
        session.add(
            AuditEntry(
                id=number,
                occurred_at=now,
                actor=act.actor,
                role=act.role,
                action=act.action,
                object_kind=act.object_kind,
                object_id=act.object_id,
                outcome=act.outcome,
                detail=dict(act.detail),
                previous_hash=previous_hash,
                entry_hash=entry_hash,
            )
        )
        session.flush()
        if _descends(session, anchor, last):
            self._raise_after_commit(session, Anchor(number, entry_hash))

    def verify(self, session: Session) -> tuple[int, list[Problem]]:
        """Return the number of entries and everything that is wrong with the trail: nothing when it is whole."""
        anchor = self._read_anchor()  # before the rows: what is appended meanwhile is then newer, never missing
        count = session.scalar(select(func.count()).select_from(AuditEntry)) or 0
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=5000))
        return count, list(check_chain(rows, anchor))

    def verify_tail(self, session: Session, last: int = 200) -> tuple[int, list[Problem]]:
        """Return the newest entry's number and what is wrong with the last entries and the anchor, quickly.

        The whole trail is verified by `verify`; this finds a cut tail, an old copy, and changes among the last entries.
        """
        anchor = self._read_anchor()
        newest = session.scalar(select(func.max(AuditEntry.id))) or 0
        first = max(min(newest - last, anchor.number - 1 if anchor else newest), 0)
        before = session.get(AuditEntry, first) if first else None
        rows = session.scalars(select(AuditEntry).where(AuditEntry.id > first).order_by(AuditEntry.id))
        return newest, list(check_chain(rows, anchor, after=before))

    def anchor_anew(self, session: Session, viewer: Viewer, now: datetime, *, reason: str) -> None:
        """Take the present chain as the true one, after a restore; the act is its newest entry."""
        anchor = self._read_anchor()
        detail = {"reason": reason, "former_number": anchor.number if anchor else None}
        self.append(session, viewer, "access:audit:anchor", now, detail=detail)
        newest = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
        with self._locked() as file:
            os.ftruncate(file, 0)
        self._raise_after_commit(session, Anchor(newest.id, newest.entry_hash))

    def _raise_after_commit(self, session: Session, anchor: Anchor) -> None:
        if _PENDING not in session.info:
            event.listen(session, "after_commit", self._write_pending)
            event.listen(session, "after_rollback", lambda session: session.info.pop(_PENDING, None))
        session.info[_PENDING] = anchor

    def _write_pending(self, session: Session) -> None:
        anchor = session.info.pop(_PENDING, None)
        if anchor is None:
            return
        with self._locked() as file:
            known = _parse(os.pread(file, 200, 0))
            if known is None or known.number < anchor.number:
                os.pwrite(file, f"{anchor.number:020d} {anchor.entry_hash}\n".encode(), 0)

    def _read_anchor(self) -> Anchor | None:
        with self._locked() as file:
            return _parse(os.pread(file, 200, 0))

    @contextmanager
    def _locked(self) -> Iterator[int]:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Unavailable(f"the audit cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)


def _descends(session: Session, anchor: Anchor | None, last: AuditEntry | None) -> bool:
    """Say whether the chain still holds the anchored entry; if not, the anchor stays as proof of what was lost."""
    if anchor is None or last is None:
        return anchor is None and last is None
    if anchor.number == last.id:
        return anchor.entry_hash == last.entry_hash
    return anchor.entry_hash == session.scalar(select(AuditEntry.entry_hash).where(AuditEntry.id == anchor.number))


def _parse(line: bytes) -> Anchor | None:
    number, _, entry_hash = line.decode("ascii", "replace").strip().partition(" ")
    return Anchor(int(number), entry_hash) if number.isdigit() else None
