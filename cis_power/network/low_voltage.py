"""The low-voltage network behind a transformer: what hangs on its boxes and poles is the transformer's own."""

from collections.abc import Collection, Iterable

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from cis_power.core.db import chunked
from cis_power.network.models import EquipmentState, NodeState
from cis_power.network.reads import load_topology

MOST_V = 1_000.0  # IEC 60038: low voltage ends here
_TRANSFORMER = "transformer"
_CHUNK = 5_000


def low_voltage_behind(session: Session, version_id: int, transformer: int) -> set[int]:
    """Nodes (elements) of low voltage that hang on a transformer in the normal state; none behind other elements."""
    low = aliased(NodeState)
    first = (
        select(EquipmentState.to_node_id)
        .join(low, (low.version_id == version_id) & (low.element_id == EquipmentState.to_node_id))
        .where(EquipmentState.version_id == version_id, EquipmentState.element_id == transformer)
        .where(EquipmentState.kind == _TRANSFORMER, low.nominal_v <= MOST_V)
    )
    found = set(session.scalars(first))
    frontier = set(found)
    while frontier:
        frontier = _neighbours(session, version_id, frontier) - found
        found |= frontier
    return found


def _neighbours(session: Session, version_id: int, nodes: Collection[int]) -> set[int]:
    """Nodes of low voltage joined to some nodes by what conducts in the normal state and is no transformer."""
    row, low = EquipmentState, aliased(NodeState)
    found: set[int] = set()
    for part in chunked(sorted(nodes), _CHUNK):
        for here, there in ((row.from_node_id, row.to_node_id), (row.to_node_id, row.from_node_id)):
            query = (
                select(there)
                .join(low, (low.version_id == version_id) & (low.element_id == there))
                .where(row.version_id == version_id, here.in_(part), row.kind != _TRANSFORMER)
                .where(row.normal_open.is_(False), low.nominal_v <= MOST_V)
            )
            found.update(session.scalars(query))
    return found


def transformers_of(session: Session, version_id: int, elements: Iterable[int]) -> dict[int, int]:
    """Element where supply is taken → the transformer it belongs to: itself, or what feeds its low-voltage node.

    Nodes of another or of unknown voltage belong to none and are left out.
    """
    wanted = sorted(set(elements))
    transformers = select(EquipmentState.element_id).where(EquipmentState.version_id == version_id)
    keys = np.array(sorted(set(session.scalars(transformers.where(EquipmentState.kind == _TRANSFORMER)))), np.int64)
    found = {key: key for key in np.intersect1d(wanted, keys).tolist()}
    low: list[int] = []
    for part in chunked([key for key in wanted if key not in found], _CHUNK):
        query = select(NodeState.element_id).where(NodeState.version_id == version_id, NodeState.element_id.in_(part))
        low.extend(session.scalars(query.where(NodeState.nominal_v <= MOST_V)))
    if not low:
        return found
    topology = load_topology(session, version_id)
    element_above = np.where(topology.parent_edge >= 0, topology.edge_element[topology.parent_edge], -1)
    is_transformer = np.isin(element_above, keys)
    asked = np.array(sorted(low), np.int64)
    at = topology.locate(asked)
    while (going := (at >= 0) & ~is_transformer[at]).any():
        at[going] = topology.parent[at[going]]
    reached = at >= 0
    return found | dict(zip(asked[reached].tolist(), element_above[at[reached]].tolist(), strict=True))
