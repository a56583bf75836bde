"""Putting network versions in: all or nothing, published by saying from when one holds. Nothing here commits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import numpy as np
from sqlalchemy import Table, func, select, update
from sqlalchemy.orm import Session

from cis_power.access.models import District
from cis_power.access.trail import AuditTrail
from cis_power.access.viewer import Viewer
from cis_power.core.batches.ledger import KEPT_PROBLEMS, POSTED, POSTING, REFUSED, open_batch
from cis_power.core.db import Base, bulk_insert, bulk_upsert
from cis_power.core.db.bulk import Columns
from cis_power.core.db.serial import one_at_a_time
from cis_power.core.errors import NotFound, Problem
from cis_power.core.models import Batch
from cis_power.network.attachments import attachments
from cis_power.network.model import NetworkModel
from cis_power.network.models import (
    Element,
    EquipmentState,
    LoadState,
    NetworkActivation,
    NetworkVersion,
    NodeState,
)
from cis_power.network.reads import version_at

KIND = "network"
Elements = Mapping[tuple[str, str], int]  # (kind, code) → key


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


def import_version(
    session: Session,
    viewer: Viewer,
    trail: AuditTrail,
    now: datetime,
    file: NetworkFile,
    *,
    activate: bool = True,
    valid_from: datetime | None = None,
) -> NetworkResult:
    """Keep a network as a version, and put it in force unless told not to.

    The first version holds from ever, later ones from `now`, each unless `valid_from` says otherwise. The same content
    again changes nothing. A network with errors leaves only its batch behind.
    """
    viewer.require("network:model:write")
    rows, counts = file.model.rows, file.model.counts()
    batch = open_batch(session, _fresh_batch(file, viewer, now))
    if batch.status == POSTED:
        number = session.scalar(select(NetworkVersion.number).where(NetworkVersion.batch_id == batch.id))
        return NetworkResult(batch.id, number, rows, 0, 0, rows, (), counts, _holds(session, number, now))
    batch.rows, batch.finished_at = rows, now
    batch.problems = [problem.as_dict() for problem in file.problems[:KEPT_PROBLEMS]]
    detail = {"batch": batch.id, "format": file.format}
    if file.refused:
        batch.status, batch.rejected = REFUSED, rows
        trail.append(session, viewer, "network:model:import", now, outcome="refused", detail=detail)
        return NetworkResult(batch.id, None, rows, 0, rows, 0, file.problems, counts, False)
    batch.status, batch.accepted, batch.rejected = POSTED, rows, 0
    problems = [*file.problems, *_unknown_districts(session, file.model)]
    version = _keep(session, file, batch.id, valid_from, now)
    trail.append(
        session,
        viewer,
        "network:model:import",
        now,
        object_kind="network_version",
        object_id=version.number,
        detail=detail,
    )
    if activate:
        _activate(session, viewer, trail, version, now)
    number = version.number
    return NetworkResult(batch.id, number, rows, rows, 0, 0, problems, counts, _holds(session, number, now))


def activate_version(session: Session, viewer: Viewer, trail: AuditTrail, now: datetime, number: int) -> NetworkVersion:
    """Put a version in force: from the time asked for at its import when it never was in force, else from `now`."""
    viewer.require("network:model:write")
    version = session.scalar(select(NetworkVersion).where(NetworkVersion.number == number))
    if version is None:
        raise NotFound(f"there is no network version {number}")
    _activate(session, viewer, trail, version, now)
    return version


def _fresh_batch(file: NetworkFile, viewer: Viewer, now: datetime) -> Batch:
    return Batch(
        direction="in",
        kind=KIND,
        format=file.format,
        source="network",
        file_name=file.name,
        content_hash=file.content_hash,
        status=POSTING,
        begun_by=viewer.actor,
        begun_at=now,
    )


def _keep(
    session: Session, file: NetworkFile, batch_id: int, valid_from: datetime | None, now: datetime
) -> NetworkVersion:
    one_at_a_time(session, KIND)
    newest = session.scalar(select(func.max(NetworkVersion.number))) or 0
    version = NetworkVersion(
        number=newest + 1,
        format=file.format,
        content_hash=file.content_hash,
        batch_id=batch_id,
        valid_from=valid_from,
        recorded_at=now,
        counts=file.model.counts(),
        problems=[problem.as_dict() for problem in file.problems[:KEPT_PROBLEMS]],
    )
    session.add(version)
    session.flush()
    elements = _elements(session, file.model)
    _insert_nodes(session, version.id, file.model, elements)
    _insert_equipment(session, version.id, file.model, elements)
    _insert_loads(session, version.id, file.model, elements)
    return version


def _elements(session: Session, model: NetworkModel) -> Elements:
    """Keys of everything a model names; what is new gets one."""
    wanted = [("node", node.code) for node in model.nodes]
    wanted += [("equipment", item.code) for item in model.equipment]
    wanted += sorted({("feeder", item.feeder) for item in model.equipment if item.feeder})
    wanted += sorted({("substation", item.substation) for item in model.equipment if item.substation})
    known = _known_elements(session)
    new = [pair for pair in wanted if pair not in known]
    columns: Columns = {"kind": [kind for kind, _ in new], "code": [code for _, code in new]}
    bulk_upsert(session, _table(Element), columns, key=("kind", "code"), update=())
    return _known_elements(session) if new else known


def _known_elements(session: Session) -> dict[tuple[str, str], int]:
    rows = session.execute(select(Element.kind, Element.code, Element.id))
    return {(kind, code): key for kind, code, key in rows}


def _insert_nodes(session: Session, version_id: int, model: NetworkModel, elements: Elements) -> None:
    fed: dict[str, int] = {}
    for source in model.sources:
        fed[source.node] = fed.get(source.node, 0) | source.phases
    nodes = model.nodes
    columns: Columns = {
        "version_id": np.full(len(nodes), version_id),
        "element_id": [elements["node", node.code] for node in nodes],
        "x": [node.x for node in nodes],
        "y": [node.y for node in nodes],
        "nominal_v": [node.nominal_v for node in nodes],
        "is_source": [node.code in fed for node in nodes],
        "source_phases": [fed.get(node.code, 0) for node in nodes],
    }
    bulk_insert(session, _table(NodeState), columns)


def _insert_equipment(session: Session, version_id: int, model: NetworkModel, elements: Elements) -> None:
    legs = [(item, leg, branch) for item in model.equipment for leg, branch in enumerate(item.branches())]
    districts = _districts(session, (item.district for item in model.equipment))
    columns: Columns = {
        "version_id": np.full(len(legs), version_id),
        "element_id": [elements["equipment", item.code] for item, _, _ in legs],
        "leg": [leg for _, leg, _ in legs],
        "kind": [item.kind for item, _, _ in legs],
        "from_node_id": [elements["node", branch.from_node] for _, _, branch in legs],
        "to_node_id": [elements["node", branch.to_node] for _, _, branch in legs],
        "normal_open": [item.normal_open for item, _, _ in legs],
        "open_phases": [branch.phases & item.open_phases for item, _, branch in legs],
        "telemetered": [item.telemetered for item, _, _ in legs],
        "phases": [branch.phases for _, _, branch in legs],
        "rated_kva": [item.rated_kva for item, _, _ in legs],
        "feeder_id": [elements["feeder", item.feeder] if item.feeder else None for item, _, _ in legs],
        "substation_id": [elements["substation", item.substation] if item.substation else None for item, _, _ in legs],
        "district_id": [districts.get(item.district or "") for item, _, _ in legs],
        "district_code": [item.district for item, _, _ in legs],
        "name": [item.name for item, _, _ in legs],
        "owner": [item.owner or "utility" for item, _, _ in legs],
    }
    bulk_insert(session, _table(EquipmentState), columns)


def _insert_loads(session: Session, version_id: int, model: NetworkModel, elements: Elements) -> None:
    loads = model.loads
    columns: Columns = {
        "version_id": np.full(len(loads), version_id),
        "code": [load.code for load in loads],
        "node_id": [elements["node", load.node] for load in loads],
        "phases": [load.phases for load in loads],
        "rated_kva": [load.rated_kva for load in loads],
        "nominal_v": [load.nominal_v for load in loads],
        "customers": [load.customers for load in loads],
    }
    bulk_insert(session, _table(LoadState), columns)


def _table(model: type[Base]) -> Table:
    return cast(Table, model.__table__)


def _districts(session: Session, codes: Iterable[str | None]) -> dict[str, int]:
    """Keys of districts; those that are not known yet are made, to be named by whoever owns them."""
    wanted = {code for code in codes if code}
    known = dict(session.execute(select(District.code, District.id)).all())
    session.add_all(District(code=code, name=code) for code in sorted(wanted - known.keys()))
    session.flush()
    return dict(session.execute(select(District.code, District.id)).all())


def _unknown_districts(session: Session, model: NetworkModel) -> list[Problem]:
    known = set(session.scalars(select(District.code)))
    places = {item.district: item.place for item in reversed(model.equipment) if item.district}
    return [
        Problem("unknown_district", f"district {code!r} was not known", "warning", place.file, place.line, "district")
        for code, place in places.items()
        if code not in known
    ]


def _activate(session: Session, viewer: Viewer, trail: AuditTrail, version: NetworkVersion, now: datetime) -> None:
    """Say from when a version holds. What was said before of that instant and later ones is superseded."""
    one_at_a_time(session, KIND)
    any_before = session.scalar(select(func.count()).select_from(NetworkActivation)) or 0
    asked = version.valid_from if version.activated_at is None else None
    valid_from = asked or (now if any_before else None)
    overridden = NetworkActivation.superseded_at.is_(None)
    if valid_from is not None:
        later = NetworkActivation.valid_from >= valid_from
        session.execute(update(NetworkActivation).where(overridden, later).values(superseded_at=now))
    session.add(
        NetworkActivation(version_id=version.id, valid_from=valid_from, activated_at=now, activated_by=viewer.actor)
    )
    version.valid_from, version.activated_at, version.activated_by = valid_from, now, viewer.actor
    session.flush()
    trail.append(
        session, viewer, "network:model:activate", now, object_kind="network_version", object_id=version.number
    )
    for attachment in attachments():
        attachment.activated(session, version.id, valid_from, now, viewer.actor)


def _holds(session: Session, number: int | None, now: datetime) -> bool:
    held = version_at(session, now)
    return held is not None and held.number == number
