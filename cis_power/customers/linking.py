"""Which element of the network a connection names: a transformer (its secondary) or else a node."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from cis_power.core.db import chunked
from cis_power.customers.models import SupplyConnection
from cis_power.network.models import Element, EquipmentState

_CHUNK = 10_000


def supply_elements(session: Session, codes: Iterable[str]) -> dict[str, int]:
    """Keys of the elements that connections may name, by the owner's id; unknown ones are left out."""
    is_transformer = exists().where(EquipmentState.element_id == Element.id, EquipmentState.kind == "transformer")
    found: dict[str, int] = {}
    for part in chunked(sorted(set(codes)), _CHUNK):
        named = Element.code.in_(part)
        nodes = select(Element.code, Element.id).where(Element.kind == "node", named)
        transformers = select(Element.code, Element.id).where(Element.kind == "equipment", named, is_transformer)
        found.update(session.execute(nodes).all())
        found.update(session.execute(transformers).all())
    return found


def link_connections(session: Session, now: datetime) -> int:
    """Link connections that named something unknown when they came and the network knows now; answers how many.

    What was known before stays: each such row is superseded by one that is linked.
    """
    query = select(SupplyConnection).where(
        SupplyConnection.element_id.is_(None),
        SupplyConnection.transformer.is_not(None),
        SupplyConnection.superseded_at.is_(None),
    )
    waiting = session.scalars(query).all()
    elements = supply_elements(session, (row.transformer for row in waiting if row.transformer))
    linked = 0
    for row in waiting:
        element_id = elements.get(row.transformer or "")
        if element_id is not None:
            row.superseded_at = now
            session.add(linked_copy(row, element_id, now))
            linked += 1
    return linked


def linked_copy(row: SupplyConnection, element_id: int, now: datetime) -> SupplyConnection:
    """The same connection, known from `now` on to hang on an element."""
    return SupplyConnection(
        usage_point_id=row.usage_point_id,
        element_id=element_id,
        transformer=row.transformer,
        role=row.role,
        transfer=row.transfer,
        phases=row.phases,
        began_at=row.began_at,
        ended_at=row.ended_at,
        recorded_at=now,
        source=row.source,
    )
