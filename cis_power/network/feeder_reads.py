"""Feeders as the present network has them: the list, and the equipment of one with positions and coordinates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, case, func, select
from sqlalchemy.orm import Session, aliased

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.errors import NotFound
from cis_power.core.phases import format_phases
from cis_power.network.models import Element, EquipmentState, NodeState, SwitchPosition
from cis_power.network.reads import version_at


@dataclass(frozen=True, slots=True)
class FeederRow:
    """One feeder, counted within the viewer's territory. `rated_kva` is the sum of its transformers."""

    feeder: str
    substation: str | None
    devices: int
    transformers: int
    rated_kva: float | None


@dataclass(frozen=True, slots=True)
class FeederDevice:
    """Equipment of a feeder; `open_phases` are those that stand open now; coordinates are the model's own."""

    device: str
    kind: str
    device_name: str | None
    from_node: str
    to_node: str
    phases: str
    normal_open: bool
    open_phases: str
    position: str
    telemetered: bool
    rated_kva: float | None
    district: str | None
    owner: str
    from_xy: tuple[float, float] | None
    to_xy: tuple[float, float] | None


def list_feeders(session: Session, viewer: Viewer, now: datetime) -> list[FeederRow]:
    """Feeders with equipment in the viewer's territory, by name."""
    viewer.require("network:model:read")
    version = version_at(session, now)
    if version is None:
        return []
    feeder, substation = aliased(Element), aliased(Element)
    is_transformer = case((EquipmentState.kind == "transformer", 1), else_=0)
    kva = case((EquipmentState.kind == "transformer", EquipmentState.rated_kva), else_=0.0)
    rows = session.execute(
        select(feeder.code, func.min(substation.code), func.count(), func.sum(is_transformer), func.sum(kva))
        .select_from(EquipmentState)
        .join(feeder, feeder.id == EquipmentState.feeder_id)
        .outerjoin(substation, substation.id == EquipmentState.substation_id)
        .where(EquipmentState.version_id == version.id, EquipmentState.leg == 0)
        .where(in_territory(viewer, EquipmentState.district_id))
        .group_by(feeder.code)
        .order_by(feeder.code)
    )
    return [FeederRow(*row) for row in rows]


def feeder_devices(session: Session, viewer: Viewer, feeder: str, now: datetime) -> Sequence[FeederDevice]:
    """Equipment of one feeder in the viewer's territory. Raises NotFound, for a foreign feeder too."""
    viewer.require("network:model:read")
    version = version_at(session, now)
    line, own, start, end = aliased(Element), aliased(Element), aliased(Element), aliased(Element)
    from_state, to_state = aliased(NodeState), aliased(NodeState)
    state = EquipmentState
    rows = session.execute(
        select(state, own.code, start.code, end.code, from_state.x, from_state.y, to_state.x, to_state.y)
        .join(line, line.id == state.feeder_id)
        .join(own, own.id == state.element_id)
        .join(start, start.id == state.from_node_id)
        .join(end, end.id == state.to_node_id)
        .outerjoin(from_state, _node(from_state, state.from_node_id))
        .outerjoin(to_state, _node(to_state, state.to_node_id))
        .where(line.kind == "feeder", line.code == feeder)
        .where(state.version_id == (version.id if version else None), state.leg == 0)
        .where(in_territory(viewer, state.district_id))
        .order_by(own.code)
    ).all()
    if not rows:
        raise NotFound(f"no feeder {feeder!r}")
    positions = _positions(session, [row[0].element_id for row in rows])
    return [_device(row, positions) for row in rows]


def _node(state: type[NodeState], key: SQLColumnExpression[int]) -> ColumnElement[bool]:
    return and_(state.version_id == EquipmentState.version_id, state.element_id == key)


def _positions(session: Session, elements: Sequence[int]) -> dict[int, int]:
    """Element → its open phases now, where a position was recorded."""
    found: dict[int, int] = {}
    for begin in range(0, len(elements), 5_000):
        part = elements[begin : begin + 5_000]
        query = (
            select(SwitchPosition.element_id, SwitchPosition.open_phases)
            .where(SwitchPosition.element_id.in_(part))
            .where(SwitchPosition.ended_at.is_(None), SwitchPosition.superseded_at.is_(None))
            .order_by(SwitchPosition.began_at)
        )
        found.update(dict(session.execute(query).all()))
    return found


def _device(row: Any, positions: dict[int, int]) -> FeederDevice:
    state, code, from_node, to_node, from_x, from_y, to_x, to_y = row
    opened = positions.get(state.element_id, state.open_phases) & state.phases
    return FeederDevice(
        device=code,
        kind=state.kind,
        device_name=state.name,
        from_node=from_node,
        to_node=to_node,
        phases=format_phases(state.phases),
        normal_open=state.normal_open,
        open_phases=format_phases(opened) if opened else "",
        position="closed" if not opened else "open" if opened == state.phases else "partly_open",
        telemetered=state.telemetered,
        rated_kva=state.rated_kva,
        district=state.district_code,
        owner=state.owner,
        from_xy=None if from_x is None or from_y is None else (from_x, from_y),
        to_xy=None if to_x is None or to_y is None else (to_x, to_y),
    )
