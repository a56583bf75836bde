"""Substations with the heads of their feeders; transformers with what hangs on their low side; territory."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from cis_power.access.models import District
from cis_power.access.trail import AuditTrail
from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.db import Database
from cis_power.core.errors import Forbidden, NotFound
from cis_power.network.checks import check
from cis_power.network.importing import NetworkFile, import_network
from cis_power.network.model import Equipment, NetworkModel, Node, Source
from cis_power.network.models import Element, SwitchPosition
from cis_power.network.substation_reads import by_substation, feeder_heads, require_substation, substation_equipment
from cis_power.network.transformer_reads import find_transformer, list_transformers, matching, supplied_elements, way_up

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
SYSTEM = system_viewer("test")


def part(feeder: str, district: str) -> list[Equipment]:
    """A feeder of breaker, second breaker, transformer, and two boxes one behind the other."""
    tail = {"feeder": feeder, "substation": "SS", "district": district}
    return [
        Equipment(f"{feeder}-CB", "breaker", "BUS", f"{feeder}-A", **tail),
        Equipment(f"{feeder}-AB", "breaker", f"{feeder}-A", f"{feeder}-B", **tail),
        Equipment(f"{feeder}-T", "transformer", f"{feeder}-B", f"{feeder}-L", rated_kva=400, name="台区",
                  owner="customer", **tail),
        Equipment(f"{feeder}-X1", "line", f"{feeder}-L", f"{feeder}-M", **tail),
        Equipment(f"{feeder}-X2", "line", f"{feeder}-N", f"{feeder}-M", **tail),
    ]  # fmt: skip


MODEL = NetworkModel(
    nodes=(
        Node("GRID", nominal_v=110000), Node("BUS", nominal_v=10000),
        *(Node(f"{feeder}-{name}", nominal_v=10000) for feeder in ("F1", "F2") for name in "AB"),
        *(Node(f"{feeder}-{name}", nominal_v=400) for feeder in ("F1", "F2") for name in "LMN"),
    ),
    equipment=(
        Equipment("MT", "transformer", "GRID", "BUS", rated_kva=40000, substation="SS", district="D1"),
        *part("F1", "D1"),
        *part("F2", "D2"),
    ),
    sources=(Source("GRID"),),
)  # fmt: skip


@pytest.fixture
def network(database: Database, tmp_path: Path) -> Database:
    with database.transaction() as session:
        session.add_all([District(code="D1", name="one"), District(code="D2", name="two")])
    file = NetworkFile("csv", "network", "hash", MODEL, check(MODEL))
    import_network(database, SYSTEM, AuditTrail(tmp_path), NOON, file)
    return database


def of_district(session, code: str) -> Viewer:
    key = session.scalars(select(District.id).where(District.code == code)).one()
    return Viewer("own", "engineer", frozenset({key}))


def test_a_feeder_begins_at_the_breaker_that_nothing_of_it_feeds(network):
    with network.transaction() as session:
        key = session.scalars(select(Element.id).where(Element.code == "F2-CB")).one()
        session.add(SwitchPosition(element_id=key, open_phases=7, origin="switch", began_at=NOON, recorded_at=NOON))
    with network.reading() as session:
        _, heads = feeder_heads(session, SYSTEM, LATER)
        assert [(head.feeder, head.breaker, head.position, head.substation) for head in heads] == [
            ("F1", "F1-CB", "closed", "SS"), ("F2", "F2-CB", "open", "SS"),
        ]  # fmt: skip
        assert list(by_substation(heads)) == ["SS"]
        assert feeder_heads(session, SYSTEM, LATER, "TT")[1] == []


def test_a_substation_has_equipment_of_its_own(network):
    with network.reading() as session:
        version, heads = feeder_heads(session, SYSTEM, LATER)
        own = substation_equipment(session, SYSTEM, version.id, "SS")
        assert [(item.device, item.kind, item.position) for item in own] == [("MT", "transformer", "closed")]
        require_substation(heads, [], "SS")
        with pytest.raises(NotFound):
            require_substation([], [], "SS")


def test_low_voltage_behind_a_transformer_is_found_whichever_way_a_line_was_drawn(network):
    with network.reading() as session:
        version, found = find_transformer(session, SYSTEM, "F1-T", LATER)
        codes = dict(session.execute(select(Element.id, Element.code)).all())
        elements = supplied_elements(session, version.id, found)
        assert sorted(codes[key] for key in elements) == ["F1-L", "F1-M", "F1-N", "F1-T"]
        _, main = find_transformer(session, SYSTEM, "MT", LATER)
        assert [codes[key] for key in supplied_elements(session, version.id, main)] == ["MT", "BUS"]
        assert (found.rated_kva, found.low_v, found.owner, found.phases) == (400, 400, "customer", "ABC")
        assert [step.device for step in way_up(session, SYSTEM, version.id, found)] == ["F1-AB", "F1-CB", "MT"]


def test_transformers_are_found_by_what_is_asked(network):
    with network.reading() as session:
        _, rows = list_transformers(session, SYSTEM, LATER)
        assert [row.transformer for row in rows] == ["F1-T", "F2-T", "MT"]
        assert [row.transformer for row in matching(rows, feeder="F2")] == ["F2-T"]
        assert [row.transformer for row in matching(rows, owner="customer", text="台")] == ["F1-T", "F2-T"]
        assert [row.transformer for row in matching(rows, text="mt", substation="SS", feeder=None)] == ["MT"]


def test_everything_is_of_the_territory(network):
    with network.reading() as session:
        west = of_district(session, "D2")
        version, heads = feeder_heads(session, west, LATER)
        assert [head.feeder for head in heads] == ["F2"]
        assert substation_equipment(session, west, version.id, "SS") == []
        assert [row.transformer for row in list_transformers(session, west, LATER)[1]] == ["F2-T"]
        _, own = find_transformer(session, west, "F2-T", LATER)
        assert [step.device for step in way_up(session, west, version.id, own)] == ["F2-AB", "F2-CB"]
        with pytest.raises(NotFound) as foreign:
            find_transformer(session, west, "F1-T", LATER)
        with pytest.raises(NotFound) as missing:
            find_transformer(session, west, "F9-T", LATER)
        assert str(foreign.value).replace("F1", "F9") == str(missing.value)
        clerk = Viewer("clerk", "billing", None)
        for read in (feeder_heads, list_transformers):
            with pytest.raises(Forbidden):
                read(session, clerk, LATER)
