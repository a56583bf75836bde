"""Feeders as the present network has them: the list, and the equipment of one with positions and coordinates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, aliased

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.db import among, chunked
from cis_power.core.phases import format_phases
from cis_power.network.feeder_plan import FeederPlan, PlanDevice, feeder_plan
from cis_power.network.models import Element, EquipmentState, SwitchPosition
from cis_power.network.reads import version_at
from cis_power.network.version_cache import kept


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
    key = ("feeders", version.id, viewer.districts)
    return list(kept(session, key, lambda: _feeders(session, viewer, version.id)))


def _feeders(session: Session, viewer: Viewer, version_id: int) -> list[FeederRow]:
    feeder, substation = aliased(Element), aliased(Element)
    is_transformer = case((EquipmentState.kind == "transformer", 1), else_=0)
    kva = case((EquipmentState.kind == "transformer", EquipmentState.rated_kva), else_=0.0)
    rows = session.execute(
        select(feeder.code, func.min(substation.code), func.count(), func.sum(is_transformer), func.sum(kva))
        .select_from(EquipmentState)
        .join(feeder, feeder.id == EquipmentState.feeder_id)
        .outerjoin(substation, substation.id == EquipmentState.substation_id)
        .where(EquipmentState.version_id == version_id, EquipmentState.leg == 0)
        .where(in_territory(viewer, EquipmentState.district_id))
        .group_by(feeder.code)
        .order_by(feeder.code)
    )
    return [FeederRow(*row) for row in rows]


def feeder_devices(session: Session, viewer: Viewer, feeder: str, now: datetime) -> Sequence[FeederDevice]:
    """Equipment of one feeder in the viewer's territory. Raises NotFound, for a foreign feeder too."""
    return read_feeder(session, viewer, feeder, now).devices


@dataclass(frozen=True, slots=True)
class FeederNow:
    """A feeder as it stands: what is fixed, its devices with their positions, and the open points of its neighbours."""

    plan: FeederPlan
    devices: tuple[FeederDevice, ...]
    ties: tuple[FeederDevice, ...]


def read_feeder(session: Session, viewer: Viewer, feeder: str, now: datetime) -> FeederNow:
    """One feeder in the viewer's territory. Raises NotFound, for a foreign one too."""
    viewer.require("network:model:read")
    version = version_at(session, now)
    plan = feeder_plan(session, viewer, None if version is None else version.id, feeder)
    everything = (*plan.devices, *plan.ties)
    positions = _positions(session, [device.element_id for device in everything])
    return FeederNow(
        plan=plan,
        devices=tuple(_device(device, positions) for device in plan.devices),
        ties=tuple(_device(device, positions) for device in plan.ties),
    )


def _positions(session: Session, elements: Sequence[int]) -> dict[int, int]:
    """Element → its open phases now, where a position was recorded."""
    found: dict[int, int] = {}
    for part in chunked(elements, 5_000):
        query = (
            select(SwitchPosition.element_id, SwitchPosition.open_phases)
            .where(among(session, SwitchPosition.element_id, part))
            .where(SwitchPosition.ended_at.is_(None), SwitchPosition.superseded_at.is_(None))
            .order_by(SwitchPosition.began_at)
        )
        found.update(dict(session.execute(query).all()))
    return found


def _device(device: PlanDevice, positions: dict[int, int]) -> FeederDevice:
    opened = positions.get(device.element_id, device.open_phases) & device.phases
    return FeederDevice(
        device=device.device,
        kind=device.kind,
        device_name=device.name,
        from_node=device.from_node,
        to_node=device.to_node,
        phases=format_phases(device.phases),
        normal_open=device.normal_open,
        open_phases=format_phases(opened) if opened else "",
        position="closed" if not opened else "open" if opened == device.phases else "partly_open",
        telemetered=device.telemetered,
        rated_kva=device.rated_kva,
        district=device.district,
        owner=device.owner,
        from_xy=device.from_xy,
        to_xy=device.to_xy,
    )
