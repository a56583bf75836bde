"""Importing a network: read and checked whole, kept in chunks that nobody sees, then put in force in one step.

Killed anywhere, the same import goes on with the version it began; another import of other content is not hindered.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cis_power.access.trail import AuditTrail
from cis_power.access.viewer import Viewer
from cis_power.core.batches.ledger import (
    KEPT_PROBLEMS,
    POSTED,
    POSTING,
    REFUSED,
    add_problems,
    begin_again,
    hold_batch,
    open_batch,
)
from cis_power.core.db import Database
from cis_power.core.db.serial import one_at_a_time
from cis_power.core.errors import Problem
from cis_power.core.models import Batch
from cis_power.network.model import NetworkModel
from cis_power.network.models import NetworkVersion
from cis_power.network.reads import version_at
from cis_power.network.storing import (
    known_districts,
    known_elements,
    make_districts,
    named_elements,
    store_elements,
    stores,
)
from cis_power.network.writes import KIND, put_in_force


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """What was read: where from, as which format, with what content, and what the checks say."""

    format: str
    name: str
    content_hash: str
    model: NetworkModel
    problems: Sequence[Problem]

    @property
    def refused(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)


@dataclass(frozen=True, slots=True)
class NetworkResult:
    """What an import came to: all rows accepted, all rejected, or all unchanged."""

    batch: int | None
    version: int | None
    rows: int
    accepted: int
    rejected: int
    unchanged: int
    problems: Sequence[Problem]
    counts: Mapping[str, int]
    active: bool

    @property
    def ok(self) -> bool:
        return not any(problem.severity == "error" for problem in self.problems)

    def as_dict(self) -> dict[str, Any]:
        """The contract's JSON object with counts by kind."""
        return {
            "batch": self.batch,
            "version": self.version,
            "active": self.active,
            "rows": self.rows,
            "accepted": self.accepted,
            "rejected": self.rejected,
            "unchanged": self.unchanged,
            "counts": dict(self.counts),
            "problems": [problem.as_dict() for problem in self.problems],
        }


def tried(file: NetworkFile) -> NetworkResult:
    """What an import would come to, with nothing written."""
    rows = file.model.rows
    accepted = 0 if file.refused else rows
    return NetworkResult(None, None, rows, accepted, rows - accepted, 0, file.problems, file.model.counts(), False)


@dataclass(frozen=True, slots=True)
class _Opened:
    """An import that is under way."""

    batch_id: int
    version_id: int
    problems: Sequence[Problem]


def import_network(
    database: Database,
    viewer: Viewer,
    trail: AuditTrail,
    now: datetime,
    file: NetworkFile,
    *,
    activate: bool = True,
    valid_from: datetime | None = None,
    clock: Callable[[], datetime] | None = None,
    after_chunk: Callable[[], None] = lambda: None,
) -> NetworkResult:
    """Keep a network as a version, and put it in force unless told not to.

    The first version holds from ever, later ones from `now`, each unless `valid_from` says otherwise. The same content
    again changes nothing. A network with errors leaves only its batch behind. `clock` tells the time at the end, from
    which a version holds when storing it took long. `after_chunk` is called between the transactions.
    """
    viewer.require("network:model:write")
    with database.transaction() as session:
        opened = _open(session, viewer, trail, now, file, valid_from)
    if isinstance(opened, NetworkResult):
        return opened
    with database.reading() as session:
        known = known_elements(session)
    for store in store_elements([pair for pair in named_elements(file.model) if pair not in known]):
        after_chunk()
        with database.transaction() as session:
            store(session)
    with database.reading() as session:
        elements, districts = known_elements(session), known_districts(session)
    for store in stores(opened.version_id, file.model, elements, districts):
        after_chunk()
        with database.transaction() as session:
            store(session)
    after_chunk()
    with database.transaction() as session:
        return _finish(session, viewer, trail, clock() if clock else now, file, opened, activate)


def _open(
    session: Session,
    viewer: Viewer,
    trail: AuditTrail,
    now: datetime,
    file: NetworkFile,
    valid_from: datetime | None,
) -> NetworkResult | _Opened:
    rows = file.model.rows
    batch = open_batch(session, _fresh_batch(file, viewer, now))
    if batch.status == POSTED:
        return _unchanged(session, batch, file, now)
    if batch.status == REFUSED:
        begin_again(batch, rows, {}, now)
    if file.refused:
        batch.status, batch.rejected, batch.finished_at = REFUSED, rows, now
        add_problems(batch, file.problems)
        detail = {"batch": batch.id, "format": file.format}
        trail.append(session, viewer, "network:model:import", now, outcome="refused", detail=detail)
        return NetworkResult(batch.id, None, rows, 0, rows, 0, file.problems, file.model.counts(), False)
    problems = [*file.problems, *make_districts(session, file.model)]
    return _Opened(batch.id, _version_id(session, file, batch.id, valid_from, now), problems)


def _fresh_batch(file: NetworkFile, viewer: Viewer, now: datetime) -> Batch:
    return Batch(
        direction="in",
        kind=KIND,
        format=file.format,
        source="network",
        file_name=file.name,
        content_hash=file.content_hash,
        status=POSTING,
        rows=file.model.rows,
        problems=[],
        control={},
        begun_by=viewer.actor,
        begun_at=now,
    )


def _version_id(session: Session, file: NetworkFile, batch_id: int, valid_from: datetime | None, now: datetime) -> int:
    """The version that an import which was killed began, else a new one. Until its batch is posted it is not listed."""
    version = session.scalar(select(NetworkVersion).where(NetworkVersion.batch_id == batch_id))
    if version is None:
        one_at_a_time(session, KIND)
        newest = session.scalar(select(func.max(NetworkVersion.number))) or 0
        version = NetworkVersion(
            number=newest + 1, format=file.format, content_hash=file.content_hash, batch_id=batch_id
        )
        session.add(version)
    version.valid_from, version.recorded_at = valid_from, now
    version.counts = file.model.counts()
    version.problems = [problem.as_dict() for problem in file.problems[:KEPT_PROBLEMS]]
    session.flush()
    return version.id


def _finish(
    session: Session,
    viewer: Viewer,
    trail: AuditTrail,
    now: datetime,
    file: NetworkFile,
    opened: _Opened,
    activate: bool,
) -> NetworkResult:
    """Let the version be seen; another process with the same content may have done so first."""
    batch = hold_batch(session, opened.batch_id)
    if batch.status == POSTED:
        return _unchanged(session, batch, file, now)
    rows, version = file.model.rows, session.get_one(NetworkVersion, opened.version_id)
    batch.status, batch.accepted, batch.rows_done, batch.finished_at = POSTED, rows, rows, now
    add_problems(batch, opened.problems)
    detail = {"batch": batch.id, "format": file.format}
    place: dict[str, Any] = {"object_kind": "network_version", "object_id": version.number}
    trail.append(session, viewer, "network:model:import", now, **place, detail=detail)
    if activate:
        put_in_force(session, viewer, trail, version, now)
    held = _holds(session, version.number, now)
    return NetworkResult(batch.id, version.number, rows, rows, 0, 0, opened.problems, file.model.counts(), held)


def _unchanged(session: Session, batch: Batch, file: NetworkFile, now: datetime) -> NetworkResult:
    number = session.scalar(select(NetworkVersion.number).where(NetworkVersion.batch_id == batch.id))
    rows, held = file.model.rows, _holds(session, number, now)
    return NetworkResult(batch.id, number, rows, 0, 0, rows, (), file.model.counts(), held)


def _holds(session: Session, number: int | None, now: datetime) -> bool:
    held = version_at(session, now)
    return held is not None and held.number == number
