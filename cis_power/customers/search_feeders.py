"""Feeders of network elements, asked by version and elements alone, so that SQLite goes by their keys."""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.core.db import among, chunked
from cis_power.network.models import EquipmentState

_CHUNK = 10_000


def feeders_of(session: Session, version_id: int, elements: Iterable[int]) -> dict[int, set[int]]:
    """Element → normal feeders in a version: of equipment, and of nodes behind equipment that is normally closed."""
    state = EquipmentState
    found: dict[int, set[int]] = defaultdict(set)
    for part in chunked(sorted(set(elements)), _CHUNK):
        own = select(state.element_id, state.feeder_id).where(state.version_id == version_id)
        for element, feeder in session.execute(own.where(among(session, state.element_id, part))):
            if feeder is not None:
                found[element].add(feeder)
        behind = select(state.to_node_id, state.feeder_id, state.normal_open).where(state.version_id == version_id)
        for element, feeder, normal_open in session.execute(behind.where(among(session, state.to_node_id, part))):
            if feeder is not None and not normal_open:
                found[element].add(feeder)
    return found
