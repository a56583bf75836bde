"""Switches that do not stand as in the normal state, by territory."""

import pytest
from sqlalchemy import select, update

from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.db import Database
from cis_power.core.errors import Forbidden
from cis_power.network.abnormal_reads import abnormal_switches
from cis_power.network.models import Element, EquipmentState, SwitchPosition
from tests.outages.stored import put_feeders
from tests.outages.worlds import at

ALL = system_viewer("test")


def stand(session, device: str, open_phases: int, minute: int, **more) -> None:
    element = session.scalar(select(Element.id).where(Element.kind == "equipment", Element.code == device))
    session.add(SwitchPosition(element_id=element, open_phases=open_phases, origin="switch", began_at=at(minute),
                               recorded_at=at(minute), **more))  # fmt: skip


def test_what_differs_from_the_normal_state(database: Database) -> None:
    put_feeders(database)
    now = at(600)
    with database.transaction() as session:
        assert abnormal_switches(session, ALL, now).number == 0
        stand(session, "A", 7, 10)
        stand(session, "T", 0, 20)  # normally open
        stand(session, "B", 0, 30)  # as it should be
        stand(session, "C", 7, 40, ended_at=at(50))  # over
        stand(session, "D", 7, 40, superseded_at=at(50))  # was never so
    with database.reading() as session:
        found = abnormal_switches(session, ALL, now)
        assert [(row.device, row.position, row.normal_open, row.feeder) for row in found.rows] == [
            ("T", "closed", True, "F"), ("A", "open", False, "F"),
        ]  # fmt: skip
        assert (found.number, len(abnormal_switches(session, ALL, now, limit=1).rows)) == (2, 1)
        with pytest.raises(Forbidden):
            abnormal_switches(session, Viewer("a", "agent", None), now)
        assert abnormal_switches(session, Viewer("d", "dispatcher", frozenset({1})), now).number == 0
    with database.transaction() as session:
        session.execute(update(SwitchPosition).where(SwitchPosition.open_phases == 7).values(open_phases=1))
    with database.reading() as session:
        assert [row.position for row in abnormal_switches(session, ALL, now).rows] == ["closed", "partly_open"]
        version = session.scalar(select(EquipmentState.version_id))
        assert version is not None
