"""Checking a stored version again, with what hangs on it by now."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.errors import Problem
from cis_power.network.attachments import attachments
from cis_power.network.checks import check
from cis_power.network.model import Branch, Equipment, Load, NetworkModel, Node, Source
from cis_power.network.models import Element, EquipmentState, LoadState, NodeState
from cis_power.network.reads import require_version


@dataclass(frozen=True, slots=True)
class CheckedVersion:
    """A version and everything that is to be said about it."""

    version: int
    problems: tuple[Problem, ...]
    counts: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        listed = [problem.as_dict() for problem in self.problems]
        return {"version": self.version, "counts": self.counts, "problems": listed}


def check_active(session: Session, viewer: Viewer, now: datetime) -> CheckedVersion:
    """Check the version that holds now; transformers without usage points are named once there are usage points."""
    viewer.require("network:model:read")
    version = require_version(session, now)
    model = stored_model(session, version.id)
    hung: set[int] = set()
    for attachment in attachments():
        hung |= attachment.loaded_elements(session, now)
    supplied = _supplied_nodes(session, version.id, hung) if hung else None
    return CheckedVersion(version.number, check(model, supplied), model.counts())


def stored_model(session: Session, version_id: int) -> NetworkModel:
    """A stored version as the plain model it came from."""
    codes = dict(session.execute(select(Element.id, Element.code)).all())
    nodes = session.scalars(select(NodeState).where(NodeState.version_id == version_id)).all()
    loads = session.scalars(select(LoadState).where(LoadState.version_id == version_id)).all()
    return NetworkModel(
        nodes=tuple(Node(codes[row.element_id], row.x, row.y, row.nominal_v) for row in nodes),
        equipment=_equipment(session, version_id, codes),
        sources=tuple(Source(codes[row.element_id], row.source_phases) for row in nodes if row.source_phases),
        loads=tuple(
            Load(row.code, codes[row.node_id], row.phases, row.rated_kva, row.nominal_v, row.customers) for row in loads
        ),
    )


def _equipment(session: Session, version_id: int, codes: dict[int, str]) -> tuple[Equipment, ...]:
    query = select(EquipmentState).where(EquipmentState.version_id == version_id)
    made: dict[int, Equipment] = {}
    for row in session.scalars(query.order_by(EquipmentState.element_id, EquipmentState.leg)):
        start, end = codes[row.from_node_id], codes[row.to_node_id]
        if row.leg:
            item = made[row.element_id]
            made[row.element_id] = replace(item, further=(*item.further, Branch(start, end, row.phases)))
            continue
        made[row.element_id] = Equipment(
            code=codes[row.element_id],
            kind=row.kind,
            from_node=start,
            to_node=end,
            phases=row.phases,
            open_phases=row.open_phases,
            telemetered=row.telemetered,
            rated_kva=row.rated_kva,
            feeder=codes[row.feeder_id] if row.feeder_id else None,
            substation=codes[row.substation_id] if row.substation_id else None,
            district=row.district_code,
            name=row.name,
            owner=row.owner,
        )
    return tuple(made.values())


def _supplied_nodes(session: Session, version_id: int, elements: set[int]) -> set[str]:
    """Codes of the nodes where elements supply: nodes themselves, transformers at their secondary."""
    nodes = session.execute(
        select(NodeState.element_id, Element.code)
        .join(Element, Element.id == NodeState.element_id)
        .where(NodeState.version_id == version_id)
    )
    transformers = session.execute(
        select(EquipmentState.element_id, Element.code)
        .join(Element, Element.id == EquipmentState.to_node_id)
        .where(EquipmentState.version_id == version_id, EquipmentState.kind == "transformer", EquipmentState.leg == 0)
    )
    return {code for key, code in (*nodes, *transformers) if key in elements}
