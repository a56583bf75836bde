"""Substations and the heads of their feeders."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.db import among
from cis_power.core.errors import NotFound
from cis_power.network.models import Element, EquipmentState, SwitchPosition
from cis_power.network.reads import HeldVersion, version_at
from cis_power.network.version_cache import kept


@dataclass(frozen=True, slots=True)
class FeederHead:
    """The breaker by which a feeder is fed. Surrogate keys are for other reads; `position` as FeederDevice has it."""

    feeder_id: int
    feeder: str
    substation_id: int | None
    substation: str | None
    element_id: int | None
    breaker: str | None
    position: str | None


@dataclass(frozen=True, slots=True)
class OwnEquipment:
    """Equipment of a substation that belongs to no feeder."""

    element_id: int
    device: str
    kind: str
    device_name: str | None
    position: str
    normal_open: bool
    rated_kva: float | None


def feeder_heads(
    session: Session, viewer: Viewer, now: datetime, substation: str | None = None
) -> tuple[HeldVersion | None, list[FeederHead]]:
    """Every feeder of the viewer's territory by name, with its head: a closed breaker that nothing of it feeds."""
    viewer.require("network:model:read")
    version = version_at(session, now)
    if version is None:
        return None, []
    fixed = kept(session, ("feeder_heads", version.id, viewer.districts), lambda: _heads(session, viewer, version.id))
    mine = [row for row in fixed if substation is None or row[0].substation == substation]
    opened = _open_phases(session, [head.element_id for head, _, _ in mine if head.element_id is not None])
    found = []
    for head, phases, normally_open in mine:
        if head.element_id is None:
            found.append(head)
        else:
            mask = opened.get(head.element_id, normally_open) & phases
            found.append(replace(head, position=_position(mask, phases)))
    return version, found


def _heads(session: Session, viewer: Viewer, version_id: int) -> list[tuple[FeederHead, int, int]]:
    """Heads without their positions, with the phases of each and those that are open in the normal state."""
    feeder, station, own = (aliased(Element) for _ in range(3))
    state, above = EquipmentState, aliased(EquipmentState)
    scope = [state.version_id == version_id, state.leg == 0, in_territory(viewer, state.district_id)]
    listed = (
        select(feeder.id, feeder.code, func.min(station.id), func.min(station.code))
        .select_from(state)
        .join(feeder, feeder.id == state.feeder_id)
        .outerjoin(station, station.id == state.substation_id)
        .where(*scope)
        .group_by(feeder.id, feeder.code)
        .order_by(feeder.code)
    )
    fed = exists().where(
        above.version_id == version_id, above.to_node_id == state.from_node_id, above.feeder_id == state.feeder_id,
        ~above.normal_open, above.element_id != state.element_id,
    )  # fmt: skip
    breakers = (
        select(state.feeder_id, state.element_id, own.code, state.phases, state.open_phases)
        .join(own, own.id == state.element_id)
        .where(*scope, state.kind == "breaker", ~state.normal_open, ~fed)
        .order_by(own.code.desc())
    )
    heads = {row.feeder_id: row for row in session.execute(breakers)}  # of several the first by name stays
    found = []
    for key, code, station_id, station_code in session.execute(listed):
        row = heads.get(key)
        head = FeederHead(
            feeder_id=key,
            feeder=code,
            substation_id=station_id,
            substation=station_code,
            element_id=None if row is None else row.element_id,
            breaker=None if row is None else row.code,
            position=None,
        )
        found.append((head, 0, 0) if row is None else (head, row.phases, row.open_phases))
    return found


def substation_equipment(session: Session, viewer: Viewer, version_id: int, substation: str) -> list[OwnEquipment]:
    """Equipment of a substation in the viewer's territory that belongs to no feeder, lines left out, by code."""
    viewer.require("network:model:read")
    own, station, state = aliased(Element), aliased(Element), EquipmentState
    rows = session.execute(
        select(state.element_id, own.code, state.kind, state.name, state.phases, state.open_phases, state.rated_kva)
        .join(own, own.id == state.element_id)
        .join(station, station.id == state.substation_id)
        .where(state.version_id == version_id, state.leg == 0, state.feeder_id.is_(None), station.code == substation)
        .where(state.kind != "line", in_territory(viewer, state.district_id))
        .order_by(own.code)
    ).all()
    opened = _open_phases(session, [row.element_id for row in rows])
    return [
        OwnEquipment(
            element_id=row.element_id,
            device=row.code,
            kind=row.kind,
            device_name=row.name,
            position=_position(opened.get(row.element_id, row.open_phases) & row.phases, row.phases),
            normal_open=row.open_phases & row.phases == row.phases,
            rated_kva=row.rated_kva,
        )
        for row in rows
    ]


def require_substation(heads: Collection[FeederHead], equipment: Collection[OwnEquipment], substation: str) -> None:
    """Raise NotFound where the viewer sees nothing of a substation."""
    if not heads and not equipment:
        raise NotFound(f"no substation {substation!r}")


def by_substation(heads: Collection[FeederHead]) -> dict[str, list[FeederHead]]:
    """Feeders by their substation, by name; those of none are left out."""
    found: dict[str, list[FeederHead]] = defaultdict(list)
    for head in heads:
        if head.substation is not None:
            found[head.substation].append(head)
    return dict(sorted(found.items()))


def _open_phases(session: Session, elements: Collection[int]) -> dict[int, int]:
    row = SwitchPosition
    query = (
        select(row.element_id, row.open_phases)
        .where(among(session, row.element_id, elements), row.superseded_at.is_(None), row.ended_at.is_(None))
        .order_by(row.began_at)
    )
    return dict(session.execute(query).all())


def _position(opened: int, phases: int) -> str:
    return "closed" if not opened else "open" if opened == phases else "partly_open"
