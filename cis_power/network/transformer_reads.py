"""Transformers: the list, one of them, what hangs on its low side, and the way up to its source."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from cis_power.access.viewer import Viewer
from cis_power.core.db import among
from cis_power.core.errors import NotFound
from cis_power.core.phases import format_phases
from cis_power.network.feeder_plan import LOW_VOLTAGE_V, feeder_plan
from cis_power.network.feeder_tree import parents
from cis_power.network.models import Element, EquipmentState, NodeState
from cis_power.network.reads import HeldVersion, version_at
from cis_power.network.version_cache import kept

_MOST_STEPS = 50


@dataclass(frozen=True, slots=True)
class Transformer:
    """A transformer of a version. `element_id` and `district_id` are surrogate keys, `low_v` the voltage behind it."""

    element_id: int
    transformer: str
    device_name: str | None
    feeder: str | None
    substation: str | None
    district: str | None
    district_id: int | None
    rated_kva: float | None
    low_v: float | None
    phases: str
    owner: str
    node: str
    low_node_id: int


@dataclass(frozen=True, slots=True)
class Step:
    """A device on the way up to the source."""

    device: str
    kind: str
    device_name: str | None
    normal_open: bool


def list_transformers(session: Session, viewer: Viewer, now: datetime) -> tuple[HeldVersion | None, list[Transformer]]:
    """The version that holds now and its transformers in the viewer's territory, by code."""
    viewer.require("network:model:read")
    version = version_at(session, now)
    if version is None:
        return None, []
    everything = kept(session, ("transformers", version.id), lambda: _read(session, version.id))
    return version, [row for row in everything if viewer.sees_district(row.district_id)]


def find_transformer(session: Session, viewer: Viewer, code: str, now: datetime) -> tuple[HeldVersion, Transformer]:
    """One transformer. Raises NotFound, for a foreign one too."""
    viewer.require("network:model:read")
    version = version_at(session, now)
    if version is not None:
        found = next((row for row in _read(session, version.id, code) if viewer.sees_district(row.district_id)), None)
        if found is not None:
            return version, found
    raise NotFound(f"no transformer {code!r}")


def _read(session: Session, version_id: int, code: str | None = None) -> tuple[Transformer, ...]:
    own, feeder, substation, node, low = (aliased(Element) for _ in range(5))
    state, low_state = EquipmentState, aliased(NodeState)
    query = (
        select(state.element_id, own.code, state.name, feeder.code, substation.code, state.district_code,
               state.district_id, state.rated_kva, low_state.nominal_v, state.phases, state.owner, node.code, low.id)
        .join(own, own.id == state.element_id)
        .join(node, node.id == state.from_node_id)
        .join(low, low.id == state.to_node_id)
        .outerjoin(feeder, feeder.id == state.feeder_id)
        .outerjoin(substation, substation.id == state.substation_id)
        .outerjoin(low_state, (low_state.version_id == version_id) & (low_state.element_id == state.to_node_id))
        .where(state.version_id == version_id, state.leg == 0, state.kind == "transformer")
        .order_by(own.code)
    )  # fmt: skip
    if code is not None:
        query = query.where(own.code == code)
    rows: Sequence[Any] = session.execute(query).all()
    return tuple(_transformer(*row) for row in rows)


def _transformer(*columns: Any) -> Transformer:
    names = [field.name for field in fields(Transformer)]
    return Transformer(**dict(zip(names, columns, strict=True)) | {"phases": format_phases(columns[9])})


def supplied_elements(session: Session, version_id: int, transformer: Transformer) -> list[int]:
    """Elements by which a usage point hangs on a transformer: itself, and the low-voltage nodes behind it."""
    if transformer.low_v is None or transformer.low_v > LOW_VOLTAGE_V:
        return [transformer.element_id, transformer.low_node_id]
    state = EquipmentState
    lows = select(state.to_node_id).where(state.version_id == version_id, state.element_id == transformer.element_id)
    seen: set[int] = set(session.scalars(lows))
    fresh = set(seen)
    while fresh:
        reached: set[int] = set()
        for near, far in ((state.from_node_id, state.to_node_id), (state.to_node_id, state.from_node_id)):
            query = select(far).where(
                state.version_id == version_id, among(session, near, sorted(fresh)), ~state.normal_open,
                state.kind != "transformer",
            )  # fmt: skip
            reached.update(session.scalars(query))
        fresh = reached - seen
        seen |= fresh
    return [transformer.element_id, *sorted(seen)]


def way_up(session: Session, viewer: Viewer, version_id: int, transformer: Transformer) -> list[Step]:
    """Devices other than lines between a transformer and its source in the normal state, nearest first; those of the
    viewer's territory.
    """
    steps: list[Step] = []
    node = transformer.node
    if transformer.feeder is not None:
        plan = feeder_plan(session, viewer, version_id, transformer.feeder)
        above = kept(session, ("parents", version_id, plan.feeder, viewer.districts),
                     lambda: parents(plan.branches, plan.roots))  # fmt: skip
        devices = {item.device: item for item in plan.devices}
        while node in above:
            node, names = above[node]
            steps += [_step(devices[name]) for name in names[:1] if devices[name].kind != "line"]
    steps += _above_feeder(session, viewer, version_id, node)
    return steps


def _step(item: Any) -> Step:
    return Step(item.device, item.kind, item.name, item.normal_open)


def _above_feeder(session: Session, viewer: Viewer, version_id: int, node: str) -> list[Step]:
    """From the bus that feeds a feeder to the source: what ends at a node, step by step."""
    state, own, near = EquipmentState, aliased(Element), aliased(Element)
    key = session.scalar(select(Element.id).where(Element.kind == "node", Element.code == node))
    steps: list[Step] = []
    seen: set[int | None] = set()
    while key is not None and key not in seen and len(seen) < _MOST_STEPS:
        seen.add(key)
        query = (
            select(own.code, state.kind, state.name, state.from_node_id, state.district_id)
            .join(own, own.id == state.element_id)
            .join(near, near.id == state.from_node_id)
            .where(state.version_id == version_id, state.to_node_id == key, ~state.normal_open)
            .order_by(own.code)
            .limit(1)
        )
        row = session.execute(query).first()
        key = None if row is None else row.from_node_id
        if row is not None and row.kind != "line" and viewer.sees_district(row.district_id):
            steps.append(Step(row.code, row.kind, row.name, normal_open=False))
    return steps


def matching(rows: Sequence[Transformer], **wanted: str | None) -> list[Transformer]:
    """Those whose fields are as wanted; `text` is part of the code or the name, whatever its case."""
    text = (wanted.pop("text", None) or "").lower()
    chosen = {name: value for name, value in wanted.items() if value is not None}
    return [
        row
        for row in rows
        if all(getattr(row, name) == value for name, value in chosen.items())
        and (not text or text in row.transformer.lower() or text in (row.device_name or "").lower())
    ]
