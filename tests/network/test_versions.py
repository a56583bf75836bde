"""Versions: all or nothing, in force from an instant on, elements that last, loads that become usage points."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from cis_power.access.models import District
from cis_power.access.trail import AuditTrail
from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.db import Database
from cis_power.core.errors import Forbidden, NotFound
from cis_power.core.models import Batch
from cis_power.customers.models import SupplyConnection, UsagePoint, UsagePointStatus, UsagePointTerms
from cis_power.network import storing
from cis_power.network.checking import check_active, stored_model
from cis_power.network.checks import check
from cis_power.network.importers.opendss import read_script
from cis_power.network.importing import NetworkFile, NetworkResult, import_network
from cis_power.network.model import Branch, Equipment, Load, NetworkModel, Node, Source
from cis_power.network.models import Element, EquipmentState, NetworkActivation, NetworkVersion, NodeState
from cis_power.network.reads import (
    devices,
    find_element,
    list_versions,
    load_topology,
    timeline,
    version_at,
)
from cis_power.network.tracing import supply_path, trace_device
from cis_power.network.writes import activate_version

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SYSTEM = system_viewer("test")
Importer = Callable[..., NetworkResult]

BASE = NetworkModel(
    nodes=(Node("S", 0, 0, 10000), Node("A", 1, 0, 10000), Node("B", 2, 0, 10000), Node("L", 2, 1, 400), Node("M")),
    equipment=(
        Equipment(
            "CB", "breaker", "S", "A", telemetered=True, feeder="F1", substation="SS", district="D1", name="head"
        ),
        Equipment("FU", "fuse", "A", "B", phases=1, feeder="F1", district="D2", owner="customer"),
        Equipment("TIE", "switch", "B", "S", phases=1, open_phases=1),
        Equipment("T", "transformer", "A", "L", rated_kva=400, further=(Branch("A", "M", 3),), district="D1"),
    ),
    sources=(Source("S"),),
    loads=(Load("u1", "L", 7, 10.5, 400), Load("u2", "B", 1, None, 230)),
)


@pytest.fixture
def keep(database: Database, tmp_path: Path) -> Importer:
    trail = AuditTrail(tmp_path)

    def run(model: NetworkModel = BASE, now: datetime = NOON, **more: Any) -> NetworkResult:
        file = NetworkFile(
            "csv", "network", str(hash(model.equipment + model.nodes + model.loads)), model, check(model)
        )
        return import_network(database, more.pop("viewer", SYSTEM), trail, now, file, **more)

    return run


def count(database: Database, table: Any) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def moved(**changes: Any) -> NetworkModel:
    """The same network with its first load changed."""
    return replace(BASE, loads=(replace(BASE.loads[0], **changes), BASE.loads[1]))


def test_a_version_holds_all_that_was_imported(database: Database, keep: Importer) -> None:
    result = keep()
    assert (result.rows, result.accepted, result.rejected, result.unchanged) == (12, 12, 0, 0)
    assert (result.version, result.active, result.ok) == (1, True, True)
    with database.reading() as session:
        stored = stored_model(session, 1)
        batch = session.get_one(Batch, result.batch)
    assert sorted(stored.nodes, key=lambda node: node.code) == sorted(BASE.nodes, key=lambda node: node.code)
    given = {item.code: item for item in BASE.equipment}
    for item in stored.equipment:
        assert item == replace(given[item.code], owner=given[item.code].owner or "utility")
    assert (stored.sources, set(stored.loads)) == (BASE.sources, set(BASE.loads))
    assert (batch.kind, batch.status, batch.rows, batch.accepted) == ("network", "posted", 12, 12)


def test_unknown_districts_warn_and_are_made(database: Database, keep: Importer) -> None:
    with database.transaction() as session:
        session.add(District(code="D1", name="one"))
    assert [(problem.code, problem.severity) for problem in keep().problems] == [("unknown_district", "warning")]
    with database.reading() as session:
        known = dict(session.execute(select(District.code, District.id)).all())
        rows = session.execute(select(EquipmentState.district_code, EquipmentState.district_id)).all()
        names = dict(session.execute(select(District.code, District.name)).all())
    assert set(rows) == {("D1", known["D1"]), ("D2", known["D2"]), (None, None)}
    assert names == {"D1": "one", "D2": "D2"}


def test_the_same_content_again_changes_nothing(database: Database, keep: Importer) -> None:
    first = keep()
    again = keep(now=NOON + HOUR)
    assert (again.batch, again.version, again.accepted, again.unchanged) == (first.batch, 1, 0, 12)
    assert (again.ok, again.active, list(again.problems)) == (True, True, [])
    assert [count(database, table) for table in (Batch, NetworkVersion, NetworkActivation)] == [1, 1, 1]


def test_a_network_with_errors_leaves_only_its_batch(database: Database, keep: Importer) -> None:
    keep()
    broken = replace(
        BASE, equipment=(*BASE.equipment, Equipment("X", "line", "A", "nowhere"), Equipment("CB", "fuse", "A", "B"))
    )
    for _ in range(2):  # refused content may come again, and is refused again
        result = keep(broken, NOON + HOUR)
        assert (result.accepted, result.rejected, result.version, result.ok) == (0, 14, None, False)
        assert {problem.code for problem in result.problems} == {"dangling_reference", "doubled_id"}
    assert [count(database, table) for table in (NetworkVersion, NodeState, Batch)] == [1, 5, 2]
    with database.reading() as session:
        assert session.get_one(Batch, result.batch).status == "refused"
        assert version_at(session, NOON + 2 * HOUR).number == 1  # type: ignore[union-attr]


class Killed(Exception):
    """Stands for the end of the process between two transactions."""


def test_killed_between_any_two_chunks_an_import_goes_on_and_nothing_half_is_seen(
    database: Database, keep: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "CHUNK_ROWS", 3)
    keep()
    new = replace(BASE, equipment=(*BASE.equipment, Equipment("NEW", "line", "S", "A")))
    chunks = 0
    finished = False
    while not finished:
        left = chunks

        def die() -> None:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1

        try:
            result = keep(new, NOON + HOUR, after_chunk=die)
            finished = True
        except Killed:
            chunks += 1
            with database.reading() as session:
                assert [row.number for row in list_versions(session, SYSTEM, NOON + HOUR)] == [1]
                assert version_at(session, NOON + HOUR).number == 1  # type: ignore[union-attr]
            with database.transaction() as session, pytest.raises(NotFound):
                activate_version(session, SYSTEM, AuditTrail(tmp_path), NOON + HOUR, 2)
    assert chunks > 4
    assert (result.version, result.accepted, result.active) == (2, 13, True)
    with database.reading() as session:
        stored = stored_model(session, 2)
    assert (len(stored.nodes), len(stored.equipment), len(stored.loads)) == (5, 5, 2)
    assert [count(database, table) for table in (NetworkVersion, Batch)] == [2, 2]


def test_of_two_importers_of_one_content_one_posts_it(database: Database, keep: Importer) -> None:
    inner: list[NetworkResult] = []

    def meanwhile() -> None:
        if not inner:
            inner.append(keep())

    outer = keep(after_chunk=meanwhile)
    assert [(result.accepted, result.unchanged, result.version) for result in (inner[0], outer)] == [
        (12, 0, 1),
        (0, 12, 1),
    ]
    assert [count(database, table) for table in (NetworkVersion, NetworkActivation, NodeState)] == [1, 1, 5]


def test_elements_last_over_versions(database: Database, keep: Importer) -> None:
    keep()
    with database.reading() as session:
        before = dict(session.execute(select(Element.code, Element.id).where(Element.kind == "equipment")).all())
    new = replace(BASE, equipment=(*BASE.equipment[1:], Equipment("NEW", "line", "S", "A")))
    keep(new, NOON + HOUR)
    with database.reading() as session:
        after = dict(session.execute(select(Element.code, Element.id).where(Element.kind == "equipment")).all())
    assert after == before | {"NEW": after["NEW"]}
    assert count(database, Element) == 5 + 5 + 2  # nodes, equipment, a feeder, a substation


def test_versions_hold_from_ever_and_from_now_and_may_come_back(
    database: Database, keep: Importer, tmp_path: Path
) -> None:
    keep()
    keep(moved(node="B"), NOON + HOUR)
    keep(moved(node="A"), NOON + 2 * HOUR, valid_from=NOON + 5 * HOUR)
    with database.transaction() as session:
        activate_version(session, SYSTEM, AuditTrail(tmp_path), NOON + 3 * HOUR, 1)
    with database.reading() as session:
        held = [(version.number, version.valid_from) for version in timeline(session)]
        numbers = [version_at(session, NOON + hours * HOUR).number for hours in (-99, 0, 1, 2, 3, 4, 5)]  # type: ignore[union-attr]
        listed = {row.number: (row.active, row.valid_from) for row in list_versions(session, SYSTEM, NOON + 4 * HOUR)}
    # what was said at 3 h holds from then on: the plan for 5 h is overridden
    assert held == [(1, None), (2, NOON + HOUR), (1, NOON + 3 * HOUR)]
    assert numbers == [1, 1, 2, 2, 1, 1, 1]
    assert listed[1] == (True, NOON + 3 * HOUR)
    assert [active for active, _ in listed.values()].count(True) == 1


def test_a_version_holds_from_the_end_of_its_import(database: Database, keep: Importer) -> None:
    keep()
    keep(moved(node="B"), NOON + HOUR, clock=lambda: NOON + 2 * HOUR)
    with database.reading() as session:
        assert [version.valid_from for version in timeline(session)] == [None, NOON + 2 * HOUR]


def test_without_activation_a_version_is_kept_and_changes_nothing(
    database: Database, keep: Importer, tmp_path: Path
) -> None:
    result = keep(activate=False)
    assert (result.version, result.active, count(database, UsagePoint)) == (1, False, 0)
    with database.transaction() as session:
        assert version_at(session, NOON) is None
        activate_version(session, SYSTEM, AuditTrail(tmp_path), NOON + HOUR, 1)
    with database.reading() as session:
        assert [(version.number, version.valid_from) for version in timeline(session)] == [(1, None)]
    assert count(database, UsagePoint) == 2


def test_valid_from_is_kept_until_the_version_is_put_in_force(
    database: Database, keep: Importer, tmp_path: Path
) -> None:
    keep(valid_from=NOON - HOUR, activate=False)
    with database.transaction() as session:
        activate_version(session, SYSTEM, AuditTrail(tmp_path), NOON, 1)
    with database.reading() as session:
        assert [version.valid_from for version in timeline(session)] == [NOON - HOUR]
        assert version_at(session, NOON - 2 * HOUR) is None


def test_an_unknown_version_cannot_be_put_in_force(database: Database, tmp_path: Path) -> None:
    with database.transaction() as session, pytest.raises(NotFound):
        activate_version(session, SYSTEM, AuditTrail(tmp_path), NOON, 7)


def test_only_those_who_may_import(keep: Importer) -> None:
    with pytest.raises(Forbidden):
        keep(viewer=Viewer("eve", "engineer", None))


def test_loads_become_usage_points_from_ever(database: Database, keep: Importer) -> None:
    keep()
    with database.reading() as session:
        points = session.scalars(select(UsagePoint).order_by(UsagePoint.code)).all()
        links = session.scalars(select(SupplyConnection).order_by(SupplyConnection.id)).all()
        node = find_element(session, "L", ("node",))
        statuses = session.execute(select(UsagePointStatus.status, UsagePointStatus.began_at)).all()
        terms = session.execute(select(UsagePointTerms.rated_kva, UsagePointTerms.nominal_v)).all()
    assert [point.code for point in points] == ["u1", "u2"]
    assert [(link.transformer, link.phases, link.began_at, link.source) for link in links] == [
        ("L", 7, None, "network"),
        ("B", 1, None, "network"),
    ]
    assert links[0].element_id == node
    assert statuses == [("active", None)] * 2
    assert set(terms) == {(10.5, 400.0), (None, 230.0)}


def test_a_load_that_moved_ends_one_connection_and_begins_another(database: Database, keep: Importer) -> None:
    keep()
    keep(moved(node="B"), NOON + HOUR)
    with database.reading() as session:
        rows = session.scalars(select(SupplyConnection).order_by(SupplyConnection.id)).all()
    held = {(row.transformer, row.began_at, row.ended_at) for row in rows if row.superseded_at is None}
    assert held == {("L", None, NOON + HOUR), ("B", NOON + HOUR, None), ("B", None, None)}
    assert [(row.transformer, row.superseded_at) for row in rows if row.superseded_at] == [("L", NOON + HOUR)]


def test_a_load_that_is_gone_and_one_of_another_system_stay_as_they_are(database: Database, keep: Importer) -> None:
    keep()
    with database.transaction() as session:
        for row in session.scalars(select(SupplyConnection)):
            row.source = "business"
    keep(replace(BASE, loads=(replace(BASE.loads[0], node="B"),)), NOON + HOUR)
    with database.reading() as session:
        rows = session.scalars(select(SupplyConnection)).all()
    assert {(row.transformer, row.began_at, row.ended_at, row.superseded_at) for row in rows} == {
        ("L", None, None, None),
        ("B", None, None, None),
    }


def test_trace_names_what_hangs_on_a_device(database: Database, keep: Importer) -> None:
    keep()
    with database.reading() as session:
        head = trace_device(session, SYSTEM, "CB", NOON)
        fuse = trace_device(session, SYSTEM, "fu", NOON)
        transformer = trace_device(session, SYSTEM, "Equipment.T", NOON)
        tie = trace_device(session, SYSTEM, "TIE", NOON)
    assert (sorted(head.nodes), head.devices, head.transformers) == (["A", "B", "L", "M"], ["FU"], ["T"])
    assert (head.usage_points, head.upstream, head.open_points) == (["u1", "u2"], [], ["TIE"])
    assert (fuse.nodes, fuse.usage_points, fuse.upstream, fuse.open_points) == (["B"], ["u2"], ["CB"], ["TIE"])
    assert (sorted(transformer.nodes), transformer.transformers, transformer.usage_points) == (
        ["L", "M"],
        ["T"],
        ["u1"],
    )
    assert (tie.nodes, tie.as_dict()["state"], tie.as_dict()["phases"]) == ([], "open", "A")


def test_trace_counts_only_usage_points_that_take_a_lost_phase(database: Database, keep: Importer) -> None:
    model = NetworkModel(
        nodes=(Node("S"), Node("P")),
        equipment=tuple(Equipment(f"F{bit}", "fuse", "S", "P", phases=bit) for bit in (1, 2, 4)),
        sources=(Source("S"),),
        loads=(Load("a", "P", 1), Load("b", "P", 2), Load("three", "P", 7)),
    )
    keep(model)
    with database.reading() as session:
        found = {bit: trace_device(session, SYSTEM, f"F{bit}", NOON).usage_points for bit in (1, 2, 4)}
    assert found == {1: ["a", "three"], 2: ["b", "three"], 4: ["three"]}


def test_the_way_of_supply_goes_up_to_the_source(database: Database, keep: Importer) -> None:
    keep()
    with database.reading() as session:
        at = {code: find_element(session, code) for code in ("L", "T", "B", "CB")}
        ways = {code: [item.code for item in supply_path(session, SYSTEM, at[code] or 0, NOON)] for code in at}
    assert ways == {"L": ["T", "CB"], "T": ["T", "CB"], "B": ["FU", "CB"], "CB": []}


def test_a_viewer_sees_the_devices_and_usage_points_of_his_districts(database: Database, keep: Importer) -> None:
    with database.transaction() as session:
        districts = {code: District(code=code, name=code) for code in ("D1", "D2")}
        session.add_all(districts.values())
    keep()
    mine = Viewer("eng", "engineer", frozenset({districts["D1"].id}))
    with database.reading() as session:
        every = session.scalars(select(Element.id).where(Element.kind == "equipment")).all()
        version = timeline(session)[0].id
        assert sorted(item.code for item in devices(session, mine, version, every)) == ["CB", "T"]
        assert trace_device(session, mine, "CB", NOON).usage_points == []
        messages = []
        for word in ("FU", "no such thing"):
            with pytest.raises(NotFound) as caught:
                trace_device(session, mine, word, NOON)
            messages.append(str(caught.value).replace(word, "…"))
    assert messages[0] == messages[1]


def test_names_are_found_however_they_are_written(database: Database, keep: Importer) -> None:
    model = replace(
        BASE,
        equipment=(*BASE.equipment, Equipment("cb", "line", "A", "B", phases=2), Equipment("A", "line", "A", "B", 4)),
    )
    keep(model)
    with database.reading() as session:
        found = {word: find_element(session, word) for word in ("CB", "cb", "Cb", "tie", "Switch.Tie", "A", "none")}
        assert find_element(session, "A", ("node", "equipment")) != found["A"]
    assert found["CB"] != found["cb"]
    assert found["Cb"] is None  # two things fit
    assert found["tie"] == found["Switch.Tie"] is not None
    assert found["none"] is None


def test_the_stored_topology_is_the_imported_one(database: Database, keep: Importer, shared_data: Path) -> None:
    model = read_script(shared_data / "1_network" / "opendss" / "123Bus" / "IEEE123Switches.dss")
    keep(model)
    with database.reading() as session:
        topology = load_topology(session, timeline(session)[0].id)
        assert check_active(session, SYSTEM, NOON).problems == check_active_codes(model)
    assert topology.node_count == len(model.nodes)
    assert len(topology.transformers) == 8
    assert (topology.normal_live > 0).all()


def check_active_codes(model: NetworkModel) -> tuple:
    """The problems of a model as a stored version says them: without places."""
    return tuple(replace(problem, file=None, line=None) for problem in check(model))
