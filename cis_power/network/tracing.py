"""Traces for people: what hangs on a device, and the way from a place up to its source."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.phases import format_phases
from cis_power.network.attachments import Hanging, attachments
from cis_power.network.model import SWITCHING_KINDS
from cis_power.network.models import SwitchPosition
from cis_power.network.reads import (
    Device,
    devices,
    element_codes,
    find_device,
    load_topology,
    path_devices,
    require_version,
)
from cis_power.network.topology import Index, Mask, Topology


@dataclass(frozen=True, slots=True)
class DeviceTrace:
    """What hangs on one device alone, in the present positions of all the others.

    `nodes`, `devices`, `transformers`, `usage_points`: codes of what loses a phase when it opens (or gets one when it
    closes). `upstream`: the way to the source in the normal state, nearest first. `open_points`: normally open devices
    by which it could be fed otherwise.
    """

    device: Device
    version: int
    open_phases: int
    energized_phases: int
    upstream: Sequence[str]
    nodes: Sequence[str]
    devices: Sequence[str]
    transformers: Sequence[str]
    open_points: Sequence[str]
    usage_points: Sequence[str]

    def as_dict(self) -> dict[str, Any]:
        device = self.device
        opened = self.open_phases & device.phases
        return {
            "device": device.code,
            "kind": device.kind,
            "name": device.name,
            "version": self.version,
            "state": "open" if opened == device.phases else "partly_open" if opened else "closed",
            "normal_open": device.normal_open,
            "phases": format_phases(device.phases),
            "open_phases": format_phases(opened),
            "energized_phases": format_phases(self.energized_phases),
            "from_node": device.from_node,
            "to_node": device.to_node,
            "feeder": device.feeder,
            "substation": device.substation,
            "district": device.district,
            "upstream": list(self.upstream),
            "open_points": list(self.open_points),
            "nodes": list(self.nodes),
            "devices": list(self.devices),
            "transformers": list(self.transformers),
            "usage_points": list(self.usage_points),
            "counts": {name: len(getattr(self, name)) for name in ("nodes", "devices", "transformers", "usage_points")},
        }


def present_open_masks(session: Session, topology: Topology, at: datetime) -> Mask:
    """Open phases of each edge as known now about an instant; the normal state where no event says otherwise."""
    rows = session.execute(
        select(SwitchPosition.element_id, SwitchPosition.open_phases)
        .where(SwitchPosition.superseded_at.is_(None), SwitchPosition.began_at <= at)
        .where(or_(SwitchPosition.ended_at.is_(None), SwitchPosition.ended_at > at))
    )
    masks = topology.edge_normal.copy()
    for element, open_phases in rows:
        edges = topology.edges_of(element)
        masks[edges] = topology.edge_phases[edges] & open_phases
    return masks


def trace_device(session: Session, viewer: Viewer, word: str, now: datetime) -> DeviceTrace:
    """Trace the device a person names, in the version that holds now."""
    version = require_version(session, now)
    device = find_device(session, viewer, version.id, word)
    topology = load_topology(session, version.id)
    masks = present_open_masks(session, topology, now)
    edges = topology.edges_of(device.element_id)
    lost, live = _hanging_nodes(topology, masks, edges)
    numbers = np.flatnonzero(lost)
    inside = (lost[topology.edge_from] > 0) & (lost[topology.edge_to] > 0)
    border = (lost[topology.edge_from] > 0) ^ (lost[topology.edge_to] > 0)
    border &= (topology.edge_normal > 0) & (topology.edge_element != device.element_id)
    within = devices(session, viewer, version.id, _elements(topology, inside, device.element_id))
    ties = devices(session, viewer, version.id, _elements(topology, border, device.element_id))
    ways = devices(session, viewer, version.id, _upstream(topology, edges))
    transformers = [item for item in within if item.kind == "transformer"]
    if device.kind == "transformer":
        transformers.insert(0, device)
    codes = element_codes(session, topology.node_element[numbers].tolist())
    return DeviceTrace(
        device=device,
        version=version.number,
        open_phases=int(np.bitwise_or.reduce(masks[edges])),
        energized_phases=int(np.bitwise_or.reduce(live[topology.edge_to[edges]] | live[topology.edge_from[edges]])),
        upstream=[item.code for item in ways],
        nodes=[codes[key] for key in topology.node_element[numbers].tolist()],
        devices=[item.code for item in within if item.kind in SWITCHING_KINDS],
        transformers=[item.code for item in transformers],
        open_points=[item.code for item in ties],
        usage_points=[item.code for item in _usage_points(session, viewer, topology, lost, now)],
    )


def _hanging_nodes(topology: Topology, masks: Mask, edges: Index) -> tuple[Mask, Mask]:
    """Phases of each node that are live only while these edges are closed, and what is live now."""
    closed, opened = masks.copy(), masks.copy()
    closed[edges] = 0
    opened[edges] = topology.edge_phases[edges]
    return topology.energized(closed) & ~topology.energized(opened), topology.energized(masks)


def _elements(topology: Topology, edges: np.ndarray, but: int) -> list[int]:
    keys = np.unique(topology.edge_element[edges])
    return [int(key) for key in keys if key != but]


def _upstream(topology: Topology, edges: Index) -> list[int]:
    """Elements between a device and its source in the normal state, nearest first."""
    start, end = int(topology.edge_from[edges[0]]), int(topology.edge_to[edges[0]])
    node = end if topology.parent[start] == end else start
    return list(dict.fromkeys(topology.edge_element[topology.path_up(node)].tolist()))


def _usage_points(session: Session, viewer: Viewer, topology: Topology, lost: Mask, at: datetime) -> list[Hanging]:
    """What hangs on nodes and transformers that lose a phase it takes."""
    located = topology.locate(topology.transformers)
    dark = topology.transformers[(located >= 0) & (lost[located] > 0)]
    elements = np.concatenate([topology.node_element[np.flatnonzero(lost)], dark])
    found = [
        hanging
        for attachment in attachments()
        for hanging in attachment.hanging(session, viewer, elements.tolist(), at)
    ]
    if not found:
        return []
    at_nodes = topology.locate(np.array([hanging.element_id for hanging in found], np.int64))
    wanted = np.array([hanging.phases or 7 for hanging in found], np.uint8)
    takes = (lost[at_nodes] & wanted) > 0
    return sorted((hanging for hanging, hit in zip(found, takes, strict=True) if hit), key=lambda item: item.code)


def supply_path(session: Session, viewer: Viewer, element_id: int, at: datetime) -> list[Device]:
    """Devices from where an element supplies up to the source, in the normal state; none where it is not known."""
    version = require_version(session, at)
    topology = load_topology(session, version.id)
    node = int(topology.locate(np.array([element_id]))[0])
    path = topology.edge_element[topology.path_up(node)].tolist() if node >= 0 else []
    return path_devices(session, viewer, version.id, list(dict.fromkeys(path)))
