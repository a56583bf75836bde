"""Real feeders end to end: every switch moved over Modbus, the loads out compared with networkx on the same file.

The oracle reads the OpenDSS file by regular expressions and the CIM file by ElementTree; nothing of ours takes part.
"""

import csv
import json
import random
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import networkx as nx
import pytest

from cis_power.access.viewer import system_viewer
from cis_power.core.config import Settings, load_settings
from cis_power.core.db import Database
from cis_power.core.jobs import run_now
from cis_power.core.phases import parse_phases
from cis_power.core.time import utc_now
from cis_power.network.importers import READERS
from cis_power.outages.customers_out import outage_customers
from cis_power.outages.jobs import ENGINE
from cis_power.outages.reads import list_outages
from docs import real_feeder
from scada_bridge.control import ask
from scada_bridge.passing import one_pass
from scada_bridge.simulator.process import control_folder
from tests.command_line import CommandLine

SYSTEM = system_viewer("test")
FEEDER = "IEEE123Switches.dss"


@dataclass
class Oracle:
    """A feeder as its file says it: edges (name, end, end, phases), source, loads as name → (bus, phases)."""

    source: str
    edges: list[tuple[str, str, str, int]]
    loads: dict[str, tuple[str, int]]
    switches: dict[str, bool] = field(default_factory=dict)  # name → normally open

    def lost(self, positions: dict[str, bool]) -> dict[str, int]:
        """Phases each load has lost against the normal state, those that lost none left out."""
        now, normal = self._live(positions), self._live(self.switches)
        lost = {name: phases & normal[bus] & ~now[bus] for name, (bus, phases) in self.loads.items()}
        return {name: phases for name, phases in lost.items() if phases}

    def _live(self, opened: dict[str, bool]) -> dict[str, int]:
        live = dict.fromkeys({end for _, start, end, _ in self.edges for end in (start, end)}, 0)
        for bit in (1, 2, 4):
            graph = nx.Graph()
            graph.add_nodes_from(live)
            graph.add_edges_from(
                (start, end) for name, start, end, phases in self.edges if phases & bit and not opened.get(name, False)
            )
            for bus in nx.node_connected_component(graph, self.source):
                live[bus] |= bit
        return live


def opendss_oracle(folder: Path, *names: str) -> Oracle:
    """Lines, transformers and loads of the 123-node feeder, which spells nearly everything out."""
    lines: list[str] = []
    for name in names:
        for raw in (folder / name).read_text().splitlines():
            line = raw.split("!")[0].strip()
            if line.startswith("~"):
                lines[-1] += " " + line[1:]
            elif line:
                lines.append(line)
    edges, loads, switches, kinds = [], {}, {}, {}
    for line in lines:
        made = re.match(r"(?i)new\s+(line|transformer|load)\.(\S+)", line)
        if made is None:
            opens = re.match(r"(?i)open\s+line\.(\S+)", line)
            if opens:
                switches[opens[1]] = True
            continue
        kind, name = made[1].lower(), made[2]
        ends = [word.split(".", 1) for word in re.findall(r"(?i)\bbus[12]?=(\S+)", line)]
        bracket = re.search(r"(?i)buses=\[([^]]*)\]", line)
        if bracket:
            ends = [word.split(".", 1) for word in bracket[1].split()]
        count = int(
            (re.search(r"(?i)phases=(\d)", line) or [0, kinds.get((re.findall(r"like=(\S+)", line) or [""])[0], 3)])[1]
        )
        kinds[name] = count
        nodes = [int(node) for node in (ends[0][1].split(".") if len(ends[0]) > 1 else range(1, count + 1))]
        phases = sum(1 << (node - 1) for node in nodes if node)
        if kind == "load":
            loads[name] = (ends[0][0].lower(), phases)
        else:
            edges.append((name, ends[0][0].lower(), ends[1][0].lower(), phases))
            if re.search(r"(?i)switch=y", line):
                switches[name] = False
    return Oracle("150", edges, loads, switches)


def cim_oracle(file: Path) -> Oracle:
    """Whatever has two terminals and more joins their nodes, by the phases its phase objects name."""
    tag = "{http://iec.ch/TC57/CIM100#}"
    resource = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}resource"
    items = list(ElementTree.parse(file).getroot())

    def reference(item: ElementTree.Element, name: str) -> str:
        found = item.find(tag + name)
        return "" if found is None else found.attrib[resource]

    def identity(item: ElementTree.Element) -> str:
        return next(iter(item.attrib.values()))

    names = {identity(item): item.findtext(tag + "IdentifiedObject.name", "") for item in items}
    classes = {identity(item): item.tag.removeprefix(tag) for item in items}
    at: dict[str, list[str]] = {}
    phases: dict[str, int] = {}
    for item in items:
        kind = item.tag.removeprefix(tag)
        if kind == "Terminal":
            node = names[reference(item, "Terminal.ConnectivityNode")]
            at.setdefault(reference(item, "Terminal.ConductingEquipment"), []).append(node)
        for part, owner, name in (
            ("ACLineSegmentPhase", "ACLineSegment", "phase"),
            ("SwitchPhase", "Switch", "phaseSide1"),
            ("EnergyConsumerPhase", "EnergyConsumer", "phase"),
        ):
            if kind == part:
                letter = reference(item, f"{part}.{name}").rpartition(".")[2]
                key = reference(item, f"{part}.{owner}")
                phases[key] = phases.get(key, 0) | {"A": 1, "B": 2, "C": 4}.get(letter, 0)
    delta = {identity(item) for item in items if reference(item, "EnergyConsumer.phaseConnection").endswith(".D")}
    loads, edges, switches, source = {}, [], {}, ""
    for key, nodes in at.items():
        kind, mask = classes[key], phases.get(key, 7)
        if kind == "EnergySource":
            source = nodes[0]
        elif kind == "EnergyConsumer":
            if key in delta and mask in (1, 2, 4):
                mask |= {1: 2, 2: 4, 4: 1}[mask]
            loads[names[key]] = (nodes[0], mask or 7)
        elif kind in ("PowerTransformer", "ACLineSegment", "Breaker", "Recloser", "Fuse", "LoadBreakSwitch"):
            if names[key] == "tpoletop":
                mask = 2  # its primary hangs on B
            edges += [(names[key], nodes[0], other, mask) for other in dict.fromkeys(nodes[1:]) if other != nodes[0]]
            if kind not in ("PowerTransformer", "ACLineSegment"):
                switches[names[key]] = False
    return Oracle(source, edges, loads, switches)


@dataclass
class Field:
    """A feeder behind the simulated DMS: move a switch, poll, ask who is out."""

    settings: Settings
    database: Database

    def move(self, device: str, *, opened: bool) -> None:
        ask(control_folder(self.settings.run_dir), {"do": "move", "device": device, "closed": not opened}, 10)

    def poll(self) -> None:
        done = one_pass(self.database, self.settings, None)
        assert done.failed == {}
        run_now(self.database, self.settings, ENGINE)

    def lost(self) -> dict[str, int]:
        """Usage point → phases out, over all open outages."""
        with self.database.reading() as session:
            now = utc_now()
            found = [
                member
                for outage in list_outages(session, SYSTEM, now)
                for member in outage_customers(session, SYSTEM, outage.id, now)
                if member.restored_at is None
            ]
        answer = {member.usage_point: parse_phases(member.phases_out) for member in found}
        assert len(answer) == len(found), "a usage point is out by two outages at once"
        return answer


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def home(cli: CommandLine, free_port: int) -> CommandLine:
    source = f'[sources.{real_feeder.SOURCE}]\nurl = "modbus://127.0.0.1:{free_port}"\n'
    return cli.configure(f'timezone = "America/Phoenix"\n{source}')


def begin(cli: CommandLine, format_name: str, path: Path) -> Iterator[Field]:
    """Import a feeder, publish a point for each of its switches, start the simulator, poll once."""
    counts = cli("network", "import", format_name, path, "--json").json["counts"]
    model = READERS[format_name](path)
    assert counts == model.counts()
    points = cli.folder / "points.csv"
    real_feeder.write_points(model, points)
    cli("points", "import", points)
    cli.start("simulate").wait_line("listens on")
    settings = load_settings(cli.environment(), cli.folder)
    database = Database(settings.database)
    feeder = Field(settings, database)
    feeder.poll()
    yield feeder
    database.dispose()


@pytest.fixture
def feeder_123(home: CommandLine, shared_data: Path) -> Iterator[Field]:
    yield from begin(home, "opendss", shared_data / "1_network" / "opendss" / "123Bus" / FEEDER)


@pytest.fixture
def feeder_13(home: CommandLine, shared_data: Path) -> Iterator[Field]:
    yield from begin(home, "cim", shared_data / "1_network" / "cim_xml_gridappsd" / "IEEE13.xml")


@pytest.fixture
def oracle_123(shared_data: Path) -> Oracle:
    folder = shared_data / "1_network" / "opendss" / "123Bus"
    oracle = opendss_oracle(folder, FEEDER, "IEEE123Regulators.DSS", "IEEE123Loads.DSS")
    assert (len(oracle.edges), len(oracle.loads), len(oracle.switches)) == (134, 91, 8)
    return oracle


def every_switch(feeder: Field, oracle: Oracle) -> dict[str, int]:
    """Move each switch out of its normal position and back; answers how many loads each put out."""
    assert feeder.lost() == {}
    out = {}
    for switch, normally_open in sorted(oracle.switches.items()):
        feeder.move(switch, opened=not normally_open)
        feeder.poll()
        lost = feeder.lost()
        assert lost == oracle.lost(oracle.switches | {switch: not normally_open}), switch
        out[switch] = len(lost)
        feeder.move(switch, opened=normally_open)
        feeder.poll()
        assert feeder.lost() == {}, switch
    return out


def walk(feeder: Field, oracle: Oracle, steps: int) -> None:
    """Move switches at random, several at a time, and compare after each poll."""
    rng = random.Random(123)
    positions = dict(oracle.switches)
    for step in range(steps):
        for switch in rng.sample(sorted(positions), rng.choice((1, 1, 2, 3))):
            positions[switch] = not positions[switch]
            feeder.move(switch, opened=positions[switch])
        feeder.poll()
        assert feeder.lost() == oracle.lost(positions), (step, positions)


def test_every_switch_of_the_123_node_feeder(feeder_123: Field, oracle_123: Oracle) -> None:
    out = every_switch(feeder_123, oracle_123)
    assert out == {"Sw1": 91, "Sw2": 52, "Sw3": 16, "Sw4": 38, "Sw5": 10, "Sw6": 0, "Sw7": 0, "Sw8": 0}
    tutorial = Path(real_feeder.__file__).with_name("tutorial.md").read_text(encoding="utf-8")
    assert {name: int(count) for name, count in re.findall(r"\| (Sw\d) \| \w+ \| (\d+) \|", tutorial)} == out
    walk(feeder_123, oracle_123, 12)


def test_every_switch_of_the_13_node_feeder_in_cim(feeder_13: Field, shared_data: Path) -> None:
    oracle = cim_oracle(shared_data / "1_network" / "cim_xml_gridappsd" / "IEEE13.xml")
    assert (len(oracle.loads), len(oracle.switches)) == (16, 5)
    every_switch(feeder_13, oracle)
    walk(feeder_13, oracle, 8)


def test_energy_of_the_load_report_is_the_sum_of_the_readings(
    cli: CommandLine, shared_data: Path, tmp_path: Path
) -> None:
    path = shared_data / "1_network" / "opendss" / "123Bus" / FEEDER
    meters = shared_data / "2_meter" / "spl_ami" / "ami_15min_sample.parquet"
    model = real_feeder.write_all(path, meters, tmp_path / "files", 5020, "America/Phoenix")
    files = tmp_path / "files"
    cli.configure('timezone = "America/Phoenix"\n')
    cli("network", "import", "opendss", path)
    for kind in ("customers", "readings"):
        answer = cli("import", kind, files / f"{kind}.csv", "--json").json
        assert (answer["rejected"], answer["accepted"]) == (0, answer["rows"])
    with (files / "readings.csv").open(encoding="utf-8") as file:
        next(file)
        rows = list(csv.DictReader(file))
    assert len(rows) == 91 * 7 * 96
    whole = sum(float(row["value"]) for row in rows)
    of_one: dict[str, float] = {}
    for row in rows:
        of_one[row["usage_point"]] = of_one.get(row["usage_point"], 0.0) + float(row["value"])
    period = ("--from", "2024-07-15", "--to", "2024-07-22", "--format", "json")
    by_point = cli("report", "load", *period, "--by", "usage_point").out
    by_feeder = cli("report", "load", *period, "--by", "feeder").out
    points = {row["id"]: row for row in _summary(by_point)}
    assert {code: row["energy_kwh"] for code, row in points.items()} == pytest.approx(of_one, rel=1e-6)
    assert {row["good_share"] for row in points.values()} == {1}
    (feeder,) = _summary(by_feeder)
    assert (feeder["id"], feeder["energy_kwh"]) == ("ieee123", pytest.approx(whole, rel=1e-6))
    assert {load.code for load in model.loads} == set(points)


def _summary(text: str) -> list[dict]:
    return json.loads(text)["tables"]["summary"]["rows"]
