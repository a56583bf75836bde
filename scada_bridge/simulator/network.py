"""The normal positions of the network's devices: all that the simulator reads from the store."""

from sqlalchemy import select

from cis_power.core.db import Database
from cis_power.core.time import utc_now
from cis_power.network.models import Element, EquipmentState
from cis_power.network.reads import version_at


def normal_positions(database: Database) -> dict[str, bool]:
    """Device → whether it is normally open, in the network that holds now; empty without a network."""
    with database.reading() as session:
        version = version_at(session, utc_now())
        if version is None:
            return {}
        query = (
            select(Element.code, EquipmentState.normal_open)
            .join(Element, Element.id == EquipmentState.element_id)
            .where(EquipmentState.version_id == version.id)
        )
        return dict(session.execute(query).all())
