"""The generated utility is the same every time, whole, and radial in its normal state."""

import csv
import io
import math
from collections import Counter
from datetime import date
from pathlib import Path

import networkx
import pytest

from cis_power.demo import files, network
from cis_power.demo.plan import RURAL, plan

UNTIL = date(2026, 11, 21)
KINDS = (
    "network",
    "districts",
    "places",
    "customers",
    "agreements",
    "connections",
    "terms",
    "contacts",
    "meters",
    "points",
)
Tables = dict[str, list[dict[str, str]]]


def _tables(folder: Path, customers: int, seed: int = 7) -> Tables:
    for kind in KINDS:
        files.write(folder, kind, plan(customers, seed), UNTIL)
    names = [str(file.relative_to(folder).with_suffix("")) for file in sorted(folder.rglob("*.csv"))]
    return {name: list(csv.DictReader(io.StringIO((folder / f"{name}.csv").read_text("utf-8")))) for name in names}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return _tables(tmp_path_factory.mktemp("utility"), 20_000)


def _graph(tables: Tables, *, ties: bool = False) -> "networkx.Graph[str]":
    graph: networkx.Graph[str] = networkx.Graph()
    graph.add_nodes_from(row["node"] for row in tables["network/nodes"])
    graph.add_edges_from(
        (row["from_node"], row["to_node"]) for row in tables["network/equipment"] if ties or row["normal_open"] == "0"
    )
    return graph


def test_it_is_the_same_every_time_and_another_with_another_seed(tmp_path: Path) -> None:
    once, again, other = (tmp_path / name for name in ("once", "again", "other"))
    for folder in (once, again, other):
        folder.mkdir()
    first = _tables(once, 400)
    assert _tables(again, 400) == first
    assert _tables(other, 400, seed=8)["customers"] != first["customers"]


def test_every_name_leads_somewhere(tables: Tables) -> None:
    nodes = {row["node"] for row in tables["network/nodes"]}
    devices = {row["device"] for row in tables["network/equipment"]}
    assert len(nodes) == len(tables["network/nodes"])
    assert len(devices) == len(tables["network/equipment"])
    assert {row[end] for row in tables["network/equipment"] for end in ("from_node", "to_node")} <= nodes
    points = {row["usage_point"] for row in tables["customers"]}
    assert len(points) == 20_000
    for name in ("agreements", "connections", "meters", "terms"):
        assert {row["usage_point"] for row in tables[name]} <= points
    assert {row["transformer"] for row in tables["customers"] + tables["connections"]} <= devices | nodes
    assert {row["equipment"] for row in tables["points"]} <= devices
    districts = {row["code"] for row in tables["districts"]}
    assert {row["district"] for row in tables["customers"] + tables["network/equipment"]} <= districts
    assert {row["parent"] for row in tables["districts"]} - {""} <= districts
    accounts = {row["account_no"] for row in tables["customers"]}
    for name in ("agreements", "contacts"):
        assert {row["account_no"] for row in tables[name]} <= accounts
    places = {row["place"] for row in tables["places"]}
    assert {row["place"] for row in tables["customers"]} - {""} <= places


@pytest.mark.parametrize("customers", [10, 60, 77, 400, 2_000, 20_000])
def test_in_its_normal_state_everything_is_fed_once(customers: int, tmp_path: Path) -> None:
    tables = _tables(tmp_path, customers)
    graph = _graph(tables)
    assert networkx.is_forest(graph)
    sources = {row["node"] for row in tables["network/sources"]}
    assert all(len(part & sources) == 1 for part in networkx.connected_components(graph))
    fed = {row["to_node"] for row in tables["network/equipment"] if row["kind"] == "transformer"}
    for row in tables["customers"]:
        assert row["transformer"] in graph or f"{row['transformer'].replace('-T', '-B')}" in fed


def test_the_country_is_deep_and_the_town_is_not(tables: Tables) -> None:
    graph, town = _graph(tables), plan(20_000)
    depth: dict[str, int] = {}
    for row in tables["network/sources"]:
        depth |= networkx.single_source_shortest_path_length(graph, row["node"])
    deepest: Counter[str] = Counter()
    for node, steps in depth.items():
        deepest[node.split("-")[0]] = max(deepest[node.split("-")[0]], steps)
    for feeder in range(town.feeders):
        steps = deepest[f"F{feeder + 1:03d}"]
        assert (250 < steps <= 300) if town.style(feeder) == RURAL else steps < 120


def test_ties_join_feeders_of_one_substation_and_of_two(tables: Tables) -> None:
    town = plan(20_000)
    ties = network.ties(town)
    assert len(ties) >= 16
    across = [tie for tie in ties if town.substation_of_feeder[tie.feeder] != town.substation_of_feeder[tie.other]]
    assert 4 <= len(across) < len(ties)
    tied = {tie.feeder for tie in ties} | {tie.other for tie in ties}
    assert tied == set(range(town.feeders))
    rows = {row["device"]: row for row in tables["network/equipment"]}
    assert all(rows[tie.device]["normal_open"] == rows[tie.device]["telemetered"] == "1" for tie in ties)
    assert networkx.number_connected_components(_graph(tables, ties=True)) < 4


def test_equipment_has_the_ratios_of_a_real_network(tables: Tables) -> None:
    rows = tables["network/equipment"]
    kinds = Counter(row["kind"] for row in rows)
    assert kinds["transformer"] == 1_208  # eight of them in the substations
    assert kinds["recloser"] >= 40
    assert kinds["fuse"] > 1_000
    assert kinds["load_break_switch"] > 100
    owned = Counter(row["owner"] for row in rows if row["kind"] == "transformer")
    assert 100 < owned["customer"] < 400
    phases = Counter(row["phases"] for row in rows if row["kind"] == "fuse")
    assert all(phases[letter] for letter in ("A", "B", "C", "ABC"))
    single = {row["device"]: row["phases"] for row in rows if row["kind"] == "transformer" and len(row["phases"]) == 1}
    for row in tables["customers"]:
        if row["transformer"] in single:
            assert row["phases"] == single[row["transformer"]]


def test_neighbours_stand_near_each_other_and_nothing_stands_on_something_else(tables: Tables) -> None:
    places = {row["node"]: (float(row["x"]), float(row["y"])) for row in tables["network/nodes"]}
    assert max(Counter(places.values()).values()) <= 2
    assert all(116 < x < 119 and 30 < y < 32 for x, y in places.values())
    far = [
        row["device"] for row in tables["network/equipment"]
        if row["normal_open"] == "0" and math.dist(places[row["from_node"]], places[row["to_node"]]) > 0.004
    ]  # fmt: skip
    assert far == []


def test_no_two_points_share_a_register(tables: Tables) -> None:
    taken: set[tuple[str, ...]] = set()
    for row in tables["points"]:
        for word in range(2 if row["datatype"] in ("float32", "uint32", "dpi") else 1):
            place = row["source"], row["device_id"], row["table"], str(int(row["address"]) + word)
            assert place not in taken
            taken.add(place)


def test_everything_that_tells_its_position_has_a_double_point(tables: Tables) -> None:
    positions = {row["equipment"]: row for row in tables["points"] if row["quantity"] == "position"}
    telling = {row["device"]: row for row in tables["network/equipment"] if row["telemetered"] == "1"}
    assert positions.keys() == telling.keys()
    assert {row["datatype"] for row in positions.values()} == {"dpi"}
    assert {row["source"] for row in positions.values()} == {"rtu1", "rtu2", "rtu3", "rtu4"}
    for device, row in positions.items():
        assert row["normal_state"] == ("0" if telling[device]["normal_open"] == "1" else "1")
    counted = {row["equipment"] for row in tables["points"] if row["quantity"] == "operations"}
    assert counted == {row["device"] for row in telling.values() if row["kind"] in ("breaker", "recloser")
                       and row["feeder"]}  # fmt: skip
    loads = {row["equipment"] for row in tables["points"] if row["quantity"] == "power"}
    assert loads >= {row["device"] for row in tables["network/equipment"] if row["kind"] == "transformer"}


def test_no_telephone_is_met_twice_but_within_a_family(tables: Tables) -> None:
    holders: dict[str, set[str]] = {}
    for row in tables["customers"] + tables["contacts"]:
        for phone in filter(None, row["phone"].split(";")):
            holders.setdefault(phone, set()).add(row["account_no"] + row.get("company", ""))
    shared = {phone: accounts for phone, accounts in holders.items() if len(accounts) > 1}
    assert 0 < len(shared) < 0.01 * len(holders)
    homes = [sorted(int(account) - 4_000_000_001 for account in accounts) for accounts in shared.values()]
    assert all(second - first in (1, 2) for first, second in homes)
