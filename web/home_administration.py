"""Cards of the start page for the three administrators: the installation, people and keys, the audit trail."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from cis_power.access.reads import AuditRow, actor_names, list_audit
from cis_power.access.security_reads import Security, security
from cis_power.access.viewer import Viewer
from cis_power.core.errors import Problem
from cis_power.core.jobs.states import JobState, job_states
from cis_power.telemetry.rows import SourceRow
from cis_power.telemetry.source_reads import list_sources
from web.shell import shell

_SILENT_AFTER = timedelta(minutes=2)
_LITTLE_FREE = 0.1
_MANY_BATCHES = 100
_GIB = 1024**3
_FEW = 8


@dataclass(frozen=True, slots=True)
class Health:
    """Disk of the run folder (GiB, to a tenth), batches that wait in the spool, size of an embedded database."""

    disk_free_gib: float
    disk_total_gib: float
    spool_batches: int | None
    database: str
    database_gib: float | None

    @property
    def disk_is_low(self) -> bool:
        return self.disk_free_gib < self.disk_total_gib * _LITTLE_FREE

    @property
    def spool_is_long(self) -> bool:
        return (self.spool_batches or 0) > _MANY_BATCHES


@dataclass(frozen=True, slots=True)
class Jobs:
    """The latest run of each job, those that failed or fell silent first; `silent` names the latter."""

    rows: Sequence[JobState]
    silent: frozenset[str]
    failed: int


@dataclass(frozen=True, slots=True)
class Chain:
    """The state of the audit trail: how many entries there are, and what is wrong with the last ones."""

    entries: int
    problems: Sequence[Problem]


@dataclass(frozen=True, slots=True)
class Acts:
    """Entries of the audit, with what to call those who acted."""

    rows: Sequence[AuditRow]
    names: Mapping[str, str]


def health(session: Session, viewer: Viewer, now: datetime) -> Health:
    settings = shell().settings
    folder = next(path for path in (settings.run_dir, *settings.run_dir.parents) if path.exists())
    disk = shutil.disk_usage(folder)
    url = shell().database.url
    file = Path(str(url.database)) if shell().database.dialect == "sqlite" else None
    return Health(
        round(disk.free / _GIB, 1),
        round(disk.total / _GIB, 1),
        _spool_batches(settings.run_dir / "spool"),
        shell().database.dialect,
        round(file.stat().st_size / _GIB, 2) if file is not None and file.exists() else None,
    )


def _spool_batches(folder: Path) -> int | None:
    """Batches of the spool that were not loaded and taken away yet; None where there is no spool."""
    if not folder.is_dir():
        return None
    return sum(1 for path in folder.iterdir() if path.suffix == ".batch")


def jobs(session: Session, viewer: Viewer, now: datetime) -> Jobs:
    rows = job_states(session)
    silent = frozenset(row.job for row in rows if row.status == "running" and row.heartbeat_at < now - _SILENT_AFTER)
    rows.sort(key=lambda row: (row.status != "failed" and row.job not in silent, row.job))
    return Jobs(rows, silent, sum(row.status == "failed" for row in rows))


def sources(session: Session, viewer: Viewer, now: datetime) -> Sequence[SourceRow]:
    return sorted(list_sources(session, viewer), key=lambda row: (row.state == "up", row.name))


def people(session: Session, viewer: Viewer, now: datetime) -> Security:
    return security(session, viewer, now)


def chain(session: Session, viewer: Viewer, now: datetime) -> Chain:
    entries, problems = shell().trail.verify_tail(session)
    return Chain(entries, problems)


def unmaskings(session: Session, viewer: Viewer, now: datetime) -> Acts:
    return _acts(session, list_audit(session, viewer, action="customers:personal:unmask", limit=_FEW))


def refusals(session: Session, viewer: Viewer, now: datetime) -> Acts:
    return _acts(session, list_audit(session, viewer, action="access:view:open", limit=_FEW))


def _acts(session: Session, rows: Sequence[AuditRow]) -> Acts:
    return Acts(rows, actor_names(session, {row.actor for row in rows}))


MAKERS: dict[str, tuple[str, Any]] = {
    "health": ("system:health:read", health),
    "jobs": ("system:job:read", jobs),
    "sources": ("system:source:read", sources),
    "people": ("access:user:read", people),
    "chain": ("access:audit:read", chain),
    "unmaskings": ("access:audit:read", unmaskings),
    "refusals": ("access:audit:read", refusals),
}
