"""Switches that do not stand as in the normal state."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.phases import ALL_PHASES
from cis_power.network.models import Element, EquipmentState, SwitchPosition
from cis_power.network.reads import version_at


@dataclass(frozen=True, slots=True)
class AbnormalSwitch:
    """A device that stands otherwise than normally; `position`: open, closed or partly_open."""

    device: str
    kind: str
    feeder: str | None
    position: str
    normal_open: bool
    since: datetime
    origin: str


@dataclass(frozen=True, slots=True)
class AbnormalSwitches:
    """How many there are in the territory, and the latest of them."""

    number: int
    rows: tuple[AbnormalSwitch, ...]


def abnormal_switches(session: Session, viewer: Viewer, now: datetime, *, limit: int = 10) -> AbnormalSwitches:
    """Devices of the viewer's territory whose position differs from the network's normal state."""
    viewer.require("network:model:read")
    version = version_at(session, now)
    if version is None:
        return AbnormalSwitches(0, ())
    position, state, feeder = SwitchPosition, EquipmentState, aliased(Element)
    query = (
        select(position, state.kind, state.normal_open, Element.code, feeder.code)
        .join(state, state.element_id == position.element_id)
        .join(Element, Element.id == position.element_id)
        .outerjoin(feeder, feeder.id == state.feeder_id)
        .where(position.ended_at.is_(None), position.superseded_at.is_(None))
        .where(state.version_id == version.id, state.leg == 0, position.open_phases != state.open_phases)
        .where(in_territory(viewer, state.district_id))
    )
    rows = session.execute(query.order_by(position.began_at.desc(), Element.code)).all()
    return AbnormalSwitches(
        len(rows),
        tuple(
            AbnormalSwitch(code, kind, line, _word(row.open_phases), normal_open, row.began_at, row.origin)
            for row, kind, normal_open, code, line in rows[:limit]
        ),
    )


def _word(open_phases: int) -> str:
    if not open_phases:
        return "closed"
    return "open" if open_phases == ALL_PHASES else "partly_open"
