"""Feeders out of the database: what is fixed in a version, ties and their neighbours, positions, territory."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cis_power.access.models import District
from cis_power.access.trail import AuditTrail
from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.db import Database
from cis_power.core.errors import Forbidden, NotFound
from cis_power.network.checks import check
from cis_power.network.feeder_reads import FeederNow, list_feeders, read_feeder
from cis_power.network.importing import NetworkFile, import_network
from cis_power.network.model import Branch, Equipment, NetworkModel, Node, Source
from cis_power.network.models import SwitchPosition

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SYSTEM = system_viewer("test")


def part(feeder: str, district: str) -> list[Equipment]:
    tail = {"feeder": feeder, "substation": "SS", "district": district}
    return [
        Equipment(f"{feeder}-CB", "breaker", "BUS", f"{feeder}-A", telemetered=True, **tail),
        Equipment(f"{feeder}-L", "line", f"{feeder}-A", f"{feeder}-B", **tail),
        Equipment(f"{feeder}-T", "transformer", f"{feeder}-B", f"{feeder}-LV", rated_kva=400,
                  further=(Branch(f"{feeder}-B", f"{feeder}-LW"),), **tail),
        Equipment(f"{feeder}-X", "line", f"{feeder}-LV", f"{feeder}-BOX", **tail),
    ]  # fmt: skip


MODEL = NetworkModel(
    nodes=(
        Node("BUS", 0, 0, 10000),
        *(Node(f"{feeder}-{name}", place, 1, 10000) for feeder in ("F1", "F2") for place, name in enumerate("AB")),
        *(Node(f"{feeder}-{name}", None, None, 400) for feeder in ("F1", "F2") for name in ("LV", "LW", "BOX")),
    ),
    equipment=(
        *part("F1", "D1"),
        *part("F2", "D2"),
        Equipment("TIE", "switch", "F1-B", "F2-B", open_phases=7, feeder="F1", substation="SS", district="D1"),
    ),
    sources=(Source("BUS"),),
)


@pytest.fixture
def network(database: Database, tmp_path: Path) -> Database:
    with database.transaction() as session:
        session.add_all([District(code="D1", name="one"), District(code="D2", name="two")])
    file = NetworkFile("csv", "network", "hash", MODEL, check(MODEL))
    import_network(database, SYSTEM, AuditTrail(tmp_path), NOON, file)
    return database


@pytest.fixture
def read(network: Database) -> Callable[..., FeederNow]:
    def run(feeder: str, viewer: Viewer = SYSTEM) -> FeederNow:
        with network.reading() as session:
            return read_feeder(session, viewer, feeder, NOON + timedelta(hours=1))

    return run


def test_a_feeder_knows_its_root_its_low_side_and_every_leg(read):
    plan = read("F1").plan
    assert [item.device for item in plan.devices] == ["F1-CB", "F1-L", "F1-T", "F1-X", "TIE"]
    assert plan.roots[0] == "BUS"
    assert plan.low == {"F1-LV", "F1-LW", "F1-BOX"}
    assert {branch.end for branch in plan.branches if branch.device == "F1-T"} == {"F1-LV", "F1-LW"}
    assert plan.own_nodes == {"BUS", "F1-A", "F1-B", "F1-LV", "F1-BOX"}
    assert plan.substation == "SS"


def test_a_tie_stands_on_both_its_feeders_and_names_the_other(read):
    own, other = read("F1").plan, read("F2").plan
    assert (own.neighbours, [item.device for item in own.ties]) == ({"TIE": "F2"}, [])
    assert (other.neighbours, [item.device for item in other.ties]) == ({"TIE": "F1"}, ["TIE"])


def test_positions_are_those_of_now_and_what_is_fixed_is_read_once(read, network):
    before = read("F1")
    key = {item.device: item.element_id for item in before.plan.devices}["F1-CB"]
    with network.transaction() as session:
        session.add(SwitchPosition(element_id=key, open_phases=7, origin="switch", began_at=NOON, recorded_at=NOON))
    after = read("F1")
    assert after.plan is before.plan
    assert [item.position for item in before.devices if item.device == "F1-CB"] == ["closed"]
    assert [item.position for item in after.devices if item.device == "F1-CB"] == ["open"]


def test_a_viewer_sees_feeders_of_his_territory_and_no_foreign_neighbour(read, network):
    with network.reading() as session:
        districts = {row.code: row.id for row in session.query(District)}
        own = Viewer("own", "engineer", frozenset({districts["D2"]}))
        assert [row.feeder for row in list_feeders(session, own, NOON + timedelta(hours=1))] == ["F2"]
    assert read("F2", own).plan.ties == ()
    with pytest.raises(NotFound) as foreign:
        read("F1", own)
    with pytest.raises(NotFound) as missing:
        read("F9", own)
    assert str(foreign.value).replace("F1", "F9") == str(missing.value)
    with pytest.raises(Forbidden):
        read("F1", Viewer("clerk", "billing", None))
    western = Viewer("west", "engineer", frozenset({districts["D1"]}))
    assert read("F1", western).plan.neighbours == {}
