"""Which element of the network a connection names: a transformer (its secondary) or else a node."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, exists, select, update
from sqlalchemy.orm import Session

from cis_power.core.db import among, bulk_insert, chunked
from cis_power.customers.models import SupplyConnection
from cis_power.network.models import Element, EquipmentState

_CHUNK = 10_000
_COPIED = ("usage_point_id", "transformer", "role", "transfer", "phases", "began_at", "ended_at", "source")


def supply_elements(session: Session, codes: Iterable[str]) -> dict[str, int]:
    """Keys of the elements that connections may name, by the owner's id; unknown ones are left out."""
    is_transformer = exists().where(EquipmentState.element_id == Element.id, EquipmentState.kind == "transformer")
    found: dict[str, int] = {}
    for part in chunked(sorted(set(codes)), _CHUNK):
        named = among(session, Element.code, part)
        nodes = select(Element.code, Element.id).where(Element.kind == "node", named)
        transformers = select(Element.code, Element.id).where(Element.kind == "equipment", named, is_transformer)
        found.update(session.execute(nodes).all())
        found.update(session.execute(transformers).all())
    return found


def link_connections(session: Session, now: datetime) -> int:
    """Link connections that named something unknown when they came and the network knows now; answers how many.

    What was known before stays: each such row is superseded by one that is linked.
    """
    row = SupplyConnection
    copied = [getattr(row, name) for name in _COPIED]
    query = select(row.id, *copied).where(
        row.element_id.is_(None), row.transformer.is_not(None), row.superseded_at.is_(None)
    )
    waiting = session.execute(query).all()
    elements = supply_elements(session, (item.transformer for item in waiting))
    linked = [item for item in waiting if item.transformer in elements]
    for part in chunked((item.id for item in linked), _CHUNK):
        session.execute(update(row).where(row.id.in_(part)).values(superseded_at=now))
    columns: dict[str, list[Any]] = {name: [getattr(item, name) for item in linked] for name in _COPIED}
    columns["element_id"] = [elements[item.transformer] for item in linked]
    columns["recorded_at"] = [now] * len(linked)
    bulk_insert(session, cast(Table, row.__table__), columns)
    return len(linked)
