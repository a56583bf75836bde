"""The generated utility is the same every time, whole, and of the size that was asked for."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import networkx
import pytest

from cis_power.demo import files, network

UNTIL = datetime(2026, 11, 21, tzinfo=UTC)


def _tables(folder: Path) -> dict[str, list[dict[str, str]]]:
    names = [str(file.relative_to(folder).with_suffix("")) for file in sorted(folder.rglob("*.csv"))]
    return {name: list(csv.DictReader(io.StringIO((folder / f"{name}.csv").read_text("utf-8")))) for name in names}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, str]]]:
    folder = tmp_path_factory.mktemp("utility")
    files.write(folder, network.plan(400), UNTIL, days=2, metered=5)
    return _tables(folder)


def test_it_is_the_same_every_time(tables: dict[str, list[dict[str, str]]], tmp_path: Path) -> None:
    files.write(tmp_path, network.plan(400), UNTIL, days=2, metered=5)
    assert _tables(tmp_path) == tables


def test_every_name_leads_somewhere(tables: dict[str, list[dict[str, str]]]) -> None:
    nodes = {row["node"] for row in tables["network/nodes"]}
    devices = {row["device"] for row in tables["network/equipment"]}
    assert len(nodes) == len(tables["network/nodes"])
    assert len(devices) == len(tables["network/equipment"])
    assert {row[end] for row in tables["network/equipment"] for end in ("from_node", "to_node")} <= nodes
    points = {row["usage_point"] for row in tables["customers"]}
    assert len(points) == len(tables["customers"]) == 400
    for name in ("connections", "meters", "interruptions"):
        assert {row["usage_point"] for row in tables[name]} <= points
    for name in ("customers", "connections"):
        assert {row["transformer"] for row in tables[name]} <= devices
    assert {row["equipment"] for row in tables["points"]} - {""} <= devices
    assert {row["device"] for row in tables["interruptions"]} <= devices
    assert {row["meter_no"] for row in tables["readings"]} == {row["meter_no"] for row in tables["meters"]}
    districts = {row["code"] for row in tables["districts"]}
    assert {row["district"] for row in tables["customers"] + tables["network/equipment"]} <= districts


def test_in_its_normal_state_everything_is_fed_once(tables: dict[str, list[dict[str, str]]]) -> None:
    graph = networkx.Graph()
    graph.add_nodes_from(row["node"] for row in tables["network/nodes"])
    graph.add_edges_from(
        (row["from_node"], row["to_node"]) for row in tables["network/equipment"] if row["normal_open"] == "0"
    )
    assert networkx.is_forest(graph)
    sources = {row["node"] for row in tables["network/sources"]}
    assert all(len(part & sources) == 1 for part in networkx.connected_components(graph))


def test_no_two_points_share_a_register(tables: dict[str, list[dict[str, str]]]) -> None:
    taken: set[tuple[str, ...]] = set()
    for row in tables["points"]:
        for word in range(2 if row["datatype"] in ("float32", "uint32") else 1):
            place = row["device_id"], row["table"], str(int(row["address"]) + word)
            assert place not in taken
            taken.add(place)


@pytest.mark.parametrize("customers", [10, 77, 2000, 20_001])
def test_any_size_has_every_usage_point_on_a_transformer(customers: int) -> None:
    plan = network.plan(customers)
    assert plan.customers == customers
    assert plan.feeders >= 2
    from cis_power.demo.customers import transformers_of

    used = transformers_of(plan)
    assert len(used) == customers
    assert used.min() == 0
    assert used.max() < plan.transformers
