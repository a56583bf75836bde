"""The IEEE feeders: counts by kind against the source files, read here by regular expressions and nothing of ours."""

import re
from pathlib import Path

import networkx as nx
import pytest

from cis_power.core.phases import format_phases
from cis_power.network.checks import check
from cis_power.network.importers.opendss import read_script
from cis_power.network.model import NetworkModel

FEEDERS = {
    "123Bus/IEEE123Switches.dss": ["IEEE123Switches.dss", "IEEE123Regulators.DSS", "IEEE123Loads.DSS"],
    "123Bus/Run_IEEE123Bus.DSS": ["IEEE123Master.dss", "IEEE123Regulators.DSS", "IEEE123Loads.DSS"],
    "13Bus/IEEE13Nodeckt.dss": ["IEEE13Nodeckt.dss"],
    "34Bus/Run_IEEE34Mod1.dss": ["ieee34Mod1.dss"],
    "34Bus/Run_IEEE34Mod2.dss": ["ieee34Mod2.dss"],
    "37Bus/ieee37.dss": ["ieee37.dss"],
    "EuropeanLV/Master.dss": ["Lines.txt", "Transformers.txt", "Loads.txt"],
}


def source_lines(folder: Path, names: list[str]) -> list[str]:
    """Lines without comments, with continuations joined to what they continue."""
    lines: list[str] = []
    for name in names:
        for raw in (folder / name).read_text(encoding="latin-1").splitlines():
            line = re.split(r"!|//", raw)[0].strip()
            if line.startswith("~"):
                lines[-1] += " " + line[1:]
            elif line:
                lines.append(line)
    return lines


def counted(lines: list[str]) -> dict[str, int]:
    made = [match for line in lines if (match := re.match(r"(?i)new\s+(?:object=)?(\w+)\.", line))]
    classes = [match[1].lower() for match in made]
    switches = sum(
        1 for line in lines if re.match(r"(?i)new\s+line\.", line) and re.search(r"(?i)switch\s*=\s*y", line)
    )
    return {
        "line": classes.count("line") - switches,
        "switch": switches,
        "transformer": classes.count("transformer"),
        "load": classes.count("load"),
    }


def buses(lines: list[str]) -> set[str]:
    """Every bus that a line, transformer, load or the circuit names (regulators in brackets, `like` with its own)."""
    found: set[str] = set()
    for line in lines:
        if re.match(r"(?i)new\s+(?:object=)?(line|transformer|load|circuit)\.", line):
            found.update(word.lower() for word in re.findall(r"(?i)\bbus[12]?\s*=\s*([^\s.\]]+)", line))
            for group in re.findall(r"(?i)\bbuses\s*=\s*[(\[]([^)\]]*)", line):
                found.update(word.split(".")[0].lower() for word in group.split())
    return found


@pytest.mark.parametrize("root", FEEDERS)
def test_counts_equal_the_source_files(shared_data: Path, root: str) -> None:
    path = shared_data / "1_network" / "opendss" / root
    lines = source_lines(path.parent, FEEDERS[root])
    model = read_script(path)
    counts = model.counts()
    assert {kind: counts[kind] for kind in ("line", "switch", "transformer", "load")} == counted(lines)
    assert counts["source"] == 1
    named = buses(lines)
    if not any(re.match(r"(?i)new.*circuit\..*bus1", line) for line in lines):
        named.add("sourcebus")
    assert {node.code.lower() for node in model.nodes} == named
    assert not [problem for problem in check(model) if problem.severity == "error"]


def feeder_123(shared_data: Path) -> NetworkModel:
    return read_script(shared_data / "1_network" / "opendss" / "123Bus" / "IEEE123Switches.dss")


def test_the_two_open_statements_of_the_123_node_feeder_are_honoured(shared_data: Path) -> None:
    model = feeder_123(shared_data)
    opened = {item.code: format_phases(item.open_phases) for item in model.equipment if item.open_phases}
    assert opened == {"Sw7": "ABC", "Sw8": "A"}
    assert len(model.loads) == 91
    graph = nx.Graph((item.from_node, item.to_node) for item in model.equipment if not item.open_phases)
    assert nx.is_tree(graph)
    assert set(graph) == {node.code for node in model.nodes}


def test_regulators_are_edges_of_single_phases(shared_data: Path) -> None:
    model = feeder_123(shared_data)
    phases = {item.code: format_phases(item.phases) for item in model.equipment if item.kind == "transformer"}
    assert phases == {
        "reg1a": "ABC", "XFM1": "ABC", "reg2a": "A", "reg3a": "A", "reg3c": "C",
        "reg4a": "A", "reg4b": "B", "reg4c": "C",
    }  # fmt: skip
    assert [node.code for node in model.nodes if node.code.lower() == "9r"] == ["9r"]


def test_loads_bear_the_phases_their_names_say(shared_data: Path) -> None:
    single = [load for load in feeder_123(shared_data).loads if re.fullmatch(r"S\d+[abc]", load.code)]
    assert len(single) > 70
    wye = [load for load in single if len(format_phases(load.phases)) == 1]
    assert all(format_phases(load.phases).lower() == load.code[-1] for load in wye)
    assert len(wye) > 65


def test_coordinates_are_read(shared_data: Path) -> None:
    folder = shared_data / "1_network" / "opendss" / "EuropeanLV"
    rows = [line.split() for line in (folder / "Buscoords.txt").read_text().splitlines() if line.strip()]
    model = read_script(folder / "Master.dss")
    expected = {row[0]: (float(row[1]), float(row[2])) for row in rows}
    assert {node.code: (node.x, node.y) for node in model.nodes if node.x is not None} == expected
    assert len(expected) == 906


def test_a_missing_include_of_a_real_script_refuses_it(shared_data: Path) -> None:
    path = shared_data / "1_network" / "opendss" / "123Bus" / "Run_YearlySim.dss"
    problems = [problem for problem in check(read_script(path)) if problem.severity == "error"]
    assert [(problem.code, problem.file, problem.line) for problem in problems] == [
        ("missing_include", "Run_YearlySim.dss", 14)
    ]
