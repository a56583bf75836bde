"""What the network is and was: versions, elements, the compiled topology. Everything takes who asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.batches.ledger import POSTED
from cis_power.core.errors import NotFound
from cis_power.core.models import Batch
from cis_power.network.model import KINDS
from cis_power.network.models import Element, EquipmentState, NetworkActivation, NetworkVersion, NodeState
from cis_power.network.topology import Topology, compile_topology


@dataclass(frozen=True, slots=True)
class HeldVersion:
    """A version and the instant from which it holds (None: ever)."""

    id: int
    number: int
    valid_from: datetime | None


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One line of the list of versions. `active`: it holds now."""

    number: int
    format: str
    batch: int | None
    counts: dict[str, int]
    warnings: int
    recorded_at: datetime
    valid_from: datetime | None
    activated_at: datetime | None
    activated_by: str | None
    active: bool


@dataclass(frozen=True, slots=True)
class Device:
    """An element of equipment in one version."""

    element_id: int
    code: str
    kind: str
    name: str | None
    from_node: str
    to_node: str
    phases: int
    normal_open: bool
    telemetered: bool
    feeder: str | None
    substation: str | None
    district: str | None
    rated_kva: float | None
    owner: str


def timeline(session: Session) -> list[HeldVersion]:
    """Which version holds from when, rising: the first usually from ever. What was overridden is left out."""
    rows = session.execute(
        select(NetworkVersion.id, NetworkVersion.number, NetworkActivation.valid_from)
        .join(NetworkVersion, NetworkVersion.id == NetworkActivation.version_id)
        .where(NetworkActivation.superseded_at.is_(None))
        .order_by(NetworkActivation.id)
    )
    held = [HeldVersion(key, number, valid_from) for key, number, valid_from in rows]
    return sorted(held, key=lambda version: (version.valid_from is not None, version.valid_from))


def version_at(session: Session, at: datetime) -> HeldVersion | None:
    """The version that holds at an instant."""
    held = [version for version in timeline(session) if version.valid_from is None or version.valid_from <= at]
    return held[-1] if held else None


def require_version(session: Session, at: datetime) -> HeldVersion:
    """The version that holds at an instant; NotFound where none does."""
    version = version_at(session, at)
    if version is None:
        raise NotFound("there is no active network: run `cis-power network import`")
    return version


def list_versions(session: Session, viewer: Viewer, now: datetime) -> list[VersionRow]:
    """All versions, newest first; one that an import is still writing is not among them."""
    viewer.require("network:model:read")
    held = version_at(session, now)
    whole = select(Batch.id).where(Batch.status == POSTED)
    query = select(NetworkVersion).where(NetworkVersion.batch_id.in_(whole))
    rows = session.scalars(query.order_by(NetworkVersion.number.desc()))
    return [
        VersionRow(
            number=row.number,
            format=row.format,
            batch=row.batch_id,
            counts=row.counts,
            warnings=len(row.problems),
            recorded_at=row.recorded_at,
            valid_from=row.valid_from,
            activated_at=row.activated_at,
            activated_by=row.activated_by,
            active=held is not None and held.id == row.id,
        )
        for row in rows
    ]


def load_topology(session: Session, version_id: int) -> Topology:
    """A version, compiled. Versions never change: callers may keep it."""
    nodes = session.execute(
        select(NodeState.element_id, NodeState.source_phases)
        .where(NodeState.version_id == version_id)
        .order_by(NodeState.element_id)
    ).all()
    edges = session.execute(
        select(
            EquipmentState.element_id,
            EquipmentState.from_node_id,
            EquipmentState.to_node_id,
            EquipmentState.phases,
            EquipmentState.open_phases,
            EquipmentState.kind,
        )
        .where(EquipmentState.version_id == version_id)
        .order_by(EquipmentState.element_id, EquipmentState.leg)
    ).all()
    node_columns = np.array([tuple(row) for row in nodes], np.int64).reshape(-1, 2)
    place = {kind: number for number, kind in enumerate(KINDS)}
    edge_columns = np.array([(*row[:5], place[row[5]]) for row in edges], np.int64).reshape(-1, 6)
    return compile_topology(
        node_element=node_columns[:, 0],
        source_phases=node_columns[:, 1].astype(np.uint8),
        edge_from=np.searchsorted(node_columns[:, 0], edge_columns[:, 1]),
        edge_to=np.searchsorted(node_columns[:, 0], edge_columns[:, 2]),
        edge_phases=edge_columns[:, 3].astype(np.uint8),
        edge_normal=edge_columns[:, 4].astype(np.uint8),
        edge_element=edge_columns[:, 0],
        edge_kind=edge_columns[:, 5].astype(np.uint8),
        transformer_kind=place["transformer"],
    )


def find_element(session: Session, word: str, kinds: Sequence[str] = ("equipment", "node")) -> int | None:
    """Key of the element a person means: its code, else without regard to case, else `class.code` as OpenDSS writes.

    Of several kinds the one named first wins; None where nothing or more than one thing fits.
    """
    for text, exact in ((word, True), (word, False), (word.partition(".")[2], False)):
        if not text:
            continue
        fits = Element.code == text if exact else func.lower(Element.code) == text.lower()
        rows = session.execute(select(Element.kind, Element.id).where(fits, Element.kind.in_(kinds))).all()
        for kind in kinds:
            found = [key for row_kind, key in rows if row_kind == kind]
            if len(found) == 1:
                return found[0]
    return None


def find_device(session: Session, viewer: Viewer, version_id: int, word: str) -> Device:
    """The equipment a person means, in one version; unknown and foreign ones are the same NotFound."""
    key = find_element(session, word, ("equipment",))
    found = devices(session, viewer, version_id, [key]) if key is not None else []
    if not found:
        raise NotFound(f"there is no device {word!r} in the network")
    return found[0]


def devices(session: Session, viewer: Viewer, version_id: int, elements: Sequence[int]) -> list[Device]:
    """Equipment of one version within the viewer's territory, in the order of `elements`."""
    viewer.require("network:model:read")
    return _listed(session, viewer, version_id, elements)


def path_devices(session: Session, viewer: Viewer, version_id: int, elements: Sequence[int]) -> list[Device]:
    """The same for those who may see the way of supply of a place."""
    viewer.require("network:path:read")
    return _listed(session, viewer, version_id, elements)


def _listed(session: Session, viewer: Viewer, version_id: int, elements: Sequence[int]) -> list[Device]:
    rows: dict[int, Device] = {}
    for start in range(0, len(elements), 5_000):
        part = [int(key) for key in elements[start : start + 5_000]]
        rows.update({device.element_id: device for device in _devices(session, viewer, version_id, part)})
    return [rows[key] for key in elements if key in rows]


def _devices(session: Session, viewer: Viewer, version_id: int, elements: Sequence[int]) -> list[Device]:
    own, start, end, feeder, substation = (Element.__table__.alias(name) for name in ("o", "f", "t", "fd", "ss"))
    state = EquipmentState
    query = (
        select(state, own.c.code, start.c.code, end.c.code, feeder.c.code, substation.c.code)
        .join(own, own.c.id == state.element_id)
        .join(start, start.c.id == state.from_node_id)
        .join(end, end.c.id == state.to_node_id)
        .outerjoin(feeder, feeder.c.id == state.feeder_id)
        .outerjoin(substation, substation.c.id == state.substation_id)
        .where(state.version_id == version_id, state.leg == 0, state.element_id.in_(elements))
        .where(in_territory(viewer, state.district_id))
    )
    return [
        Device(
            element_id=row.element_id,
            code=code,
            kind=row.kind,
            name=row.name,
            from_node=from_node,
            to_node=to_node,
            phases=row.phases,
            normal_open=row.normal_open,
            telemetered=row.telemetered,
            feeder=feeder_code,
            substation=substation_code,
            district=row.district_code,
            rated_kva=row.rated_kva,
            owner=row.owner,
        )
        for row, code, from_node, to_node, feeder_code, substation_code in session.execute(query)
    ]


def element_codes(session: Session, elements: Sequence[int]) -> dict[int, str]:
    """Codes by key."""
    found: dict[int, str] = {}
    for start in range(0, len(elements), 5_000):
        part = [int(key) for key in elements[start : start + 5_000]]
        found.update(session.execute(select(Element.id, Element.code).where(Element.id.in_(part))).all())
    return found
