"""CIM networks: the real files counted by ElementTree, made-up ones for what goes wrong and for phases."""

import tracemalloc
import zipfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cis_power.core.phases import format_phases
from cis_power.network.checks import check
from cis_power.network.importers.cim import read_cim
from cis_power.network.importers.cim_parts import phase_mask
from cis_power.network.model import Equipment, NetworkModel

KINDS = {
    "breaker": "Breaker",
    "recloser": "Recloser",
    "fuse": "Fuse",
    "load_break_switch": "LoadBreakSwitch",
    "line": "ACLineSegment",
    "transformer": "PowerTransformer",
    "load": "EnergyConsumer",
}
HEAD = (
    '<?xml version="1.0" encoding="{encoding}"?>\n<rdf:RDF xmlns:cim="http://iec.ch/TC57/CIM100#" '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
)


def classes(*files: Path) -> Counter[str]:
    """Objects by class, each once however many files speak of it."""
    seen: set[tuple[str, str]] = set()
    for file in files:
        for item in ElementTree.parse(file).getroot():
            identity = next(value for name, value in item.attrib.items() if name.endswith(("}ID", "}about")))
            seen.add((item.tag.rpartition("}")[2], identity.lstrip("#")))
    return Counter(name for name, _ in seen)


def obj(class_name: str, identity: str, name: str | None = None, **values: str) -> str:
    """One object; a value that begins with # refers to another, one that begins with = to an enumeration."""
    lines = [f'<cim:{class_name} rdf:ID="{identity}">']
    if name is not None:
        lines.append(f"<cim:IdentifiedObject.name>{name}</cim:IdentifiedObject.name>")
    for key, value in values.items():
        tag = key.replace("__", ".")
        if value.startswith("#"):
            lines.append(f'<cim:{tag} rdf:resource="{value}"/>')
        elif value.startswith("="):
            lines.append(f'<cim:{tag} rdf:resource="http://iec.ch/TC57/CIM100#{value[1:]}"/>')
        else:
            lines.append(f"<cim:{tag}>{value}</cim:{tag}>")
    return "".join(lines) + f"</cim:{class_name}>\n"


def nodes(*names: str) -> str:
    return "".join(obj("ConnectivityNode", f"_n{name}", name) for name in names)


def terminals(owner: str, *at: str, **values: str) -> str:
    return "".join(
        obj(
            "Terminal",
            f"_{owner}.{number}",
            Terminal__ConductingEquipment=f"#_{owner}",
            ACDCTerminal__sequenceNumber=str(number),
            Terminal__ConnectivityNode=f"#_n{node}",
            **values,
        )
        for number, node in enumerate(at, 1)
    )


def equipment(class_name: str, name: str, *at: str, **values: str) -> str:
    return obj(class_name, f"_{name}", name, **values) + terminals(name, *at)


def read(folder: Path, body: str, encoding: str = "utf-8") -> NetworkModel:
    path = folder / "network.xml"
    path.write_bytes((HEAD.format(encoding=encoding) + body + "</rdf:RDF>\n").encode(encoding))
    return read_cim(path)


def edges(model: NetworkModel) -> dict[str, tuple[str, str, str, str, str]]:
    return {
        item.code: (
            item.kind,
            item.from_node,
            item.to_node,
            format_phases(item.phases),
            format_phases(item.open_phases),
        )
        for item in model.equipment
    }


def said(model: NetworkModel) -> list[tuple[str, str, int | None]]:
    return [(problem.severity, problem.code, problem.line) for problem in check(model)]


def by_code(model: NetworkModel, code: str) -> Equipment:
    return next(item for item in model.equipment if item.code == code)


SOURCE = nodes("S", "A", "B") + equipment("EnergySource", "grid", "S")


@pytest.mark.parametrize("name", ["IEEE13.xml", "IEEE13_Assets.xml"])
def test_cim100_counts_equal_the_source_file(shared_data: Path, name: str) -> None:
    path = shared_data / "1_network" / "cim_xml_gridappsd" / name
    expected, model = classes(path), read_cim(path)
    counts = model.counts()
    assert {kind: counts[kind] for kind in KINDS} == {kind: expected[class_name] for kind, class_name in KINDS.items()}
    assert (counts["node"], counts["source"]) == (expected["ConnectivityNode"], expected["EnergySource"])
    assert check(model) == ()


def test_the_13_node_feeder_in_cim(shared_data: Path) -> None:
    model = read_cim(shared_data / "1_network" / "cim_xml_gridappsd" / "IEEE13.xml")
    rows = edges(model)
    assert rows["rec1"] == ("recloser", "632", "mid", "ABC", "")
    assert rows["sect1"] == ("load_break_switch", "684", "tap", "C", "")
    assert rows["632645"][3] == "BC"
    assert rows["tpoletop"] == ("transformer", "670", "house", "B", "")  # centre-tapped
    assert rows["Reg"][:4] == ("transformer", "brkr", "rg60", "ABC")  # three tanks
    assert [branch.to_node for branch in by_code(model, "sub3").further] == ["650z"]  # a third winding
    assert by_code(model, "sub3").rated_kva == 5000
    loads = {load.code: format_phases(load.phases) for load in model.loads}
    assert (loads["671"], loads["646"], loads["692"], loads["611"], loads["house"]) == ("ABC", "BC", "AC", "C", "B")
    volts = {node.code: node.nominal_v for node in model.nodes}
    assert (volts["sourcebus"], volts["632"], volts["634"], volts["house"]) == (115000, 4160, 480, 208)
    assert {item.feeder for item in model.equipment} == {"ieee13nodeckt"}
    assert dict(model.ignored) == {"PowerElectronicsConnection": 5, "LinearShuntCompensator": 2}


def test_cgmes_split_over_files_counts_equal_the_sources(shared_data: Path) -> None:
    folder = shared_data / "1_network" / "cgmes_cigre_mv"
    expected = classes(*folder.glob("*EQ.xml"), *folder.glob("*TP.xml"))
    model = read_cim(folder)
    counts = model.counts()
    assert {kind: counts[kind] for kind in KINDS} == {kind: expected[class_name] for kind, class_name in KINDS.items()}
    assert counts["node"] == expected["TopologicalNode"]
    assert counts["source"] == expected["ExternalNetworkInjection"]
    assert check(model) == ()
    assert {node.nominal_v for node in model.nodes} == {110000, 20000}
    assert by_code(model, "TR1").rated_kva == 40000


def test_a_zip_reads_like_the_folder(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "1_network" / "cgmes_cigre_mv"
    archive = tmp_path / "cigre.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        for file in folder.iterdir():
            made.write(file, file.name)
    assert edges(read_cim(archive)) == edges(read_cim(folder))


def test_eq_without_tp_names_every_terminal_that_hangs_in_the_air(shared_data: Path) -> None:
    path = next((shared_data / "1_network" / "cgmes_cigre_mv").glob("*EQ.xml"))
    codes = Counter(code for _, code, _ in said(read_cim(path)))
    assert codes == {"missing_node": classes(path)["Terminal"], "no_source": 1}


def test_every_kind_of_switch_and_its_normal_position(tmp_path: Path) -> None:
    body = SOURCE + "".join(
        [
            equipment("Breaker", "cb", "S", "A", Switch__normalOpen="false"),
            equipment("Disconnector", "ds", "A", "B", Switch__normalOpen="true"),
            equipment("Switch", "sw", "A", "B", Switch__open="true"),
            equipment("Fuse", "fu", "A", "B", Switch__normalOpen="false"),
            obj("SwitchPhase", "_p1", SwitchPhase__Switch="#_fu", SwitchPhase__phaseSide1="=SinglePhaseKind.A"),
            obj(
                "SwitchPhase",
                "_p2",
                SwitchPhase__Switch="#_fu",
                SwitchPhase__phaseSide1="=SinglePhaseKind.C",
                SwitchPhase__normalOpen="true",
            ),
        ]
    )
    assert edges(read(tmp_path, body)) == {
        "cb": ("breaker", "S", "A", "ABC", ""),
        "ds": ("switch", "A", "B", "ABC", "ABC"),
        "sw": ("switch", "A", "B", "ABC", "ABC"),
        "fu": ("fuse", "A", "B", "AC", "C"),
    }


def test_a_disconnected_terminal_is_an_open_element(tmp_path: Path) -> None:
    body = SOURCE + obj("ACLineSegment", "_l", "l")
    body += terminals("l", "S", "A", ACDCTerminal__connected="false") + equipment("ACLineSegment", "m", "A", "B")
    model = read(tmp_path, body)
    assert edges(model)["l"][4] == "ABC"
    assert ("warning", "disconnected_terminal") in {row[:2] for row in said(model)}


def test_names_that_are_not_unique_give_way_to_ids(tmp_path: Path) -> None:
    body = (
        SOURCE
        + obj("Breaker", "_x", "same")
        + terminals("x", "S", "A")
        + obj("Fuse", "_y", "same")
        + terminals("y", "A", "B")
    )
    assert list(edges(read(tmp_path, body))) == ["x", "y"]


def test_without_a_source_what_injects_is_taken_for_one_with_a_warning(tmp_path: Path) -> None:
    body = nodes("S", "A") + equipment("ACLineSegment", "l", "S", "A")
    machine, injection = equipment("SynchronousMachine", "m", "A"), equipment("EquivalentInjection", "e", "S")
    model = read(tmp_path, body + machine + injection)
    assert [source.node for source in model.sources] == ["S"]
    assert [row[:2] for row in said(model)] == [("warning", "assumed_source")]
    assert [source.node for source in read(tmp_path, body + machine).sources] == ["A"]
    assert [source.node for source in read(tmp_path, body + machine + equipment("EnergySource", "g", "S")).sources] == [
        "S"
    ]


@pytest.mark.parametrize(
    ("text", "phases"),
    [
        ("PhaseCode.ABCN", "ABC"),
        ("SinglePhaseKind.B", "B"),
        ("OrderedPhaseCodeKind.BAN", "AB"),
        ("PhaseCode.N", ""),
        (None, ""),
    ],
)
def test_phase_codes(text: str | None, phases: str) -> None:
    assert format_phases(phase_mask(text)) == phases


def test_everything_wrong_comes_at_once(tmp_path: Path) -> None:
    body = (
        SOURCE
        + obj("Breaker", "_cb", "cb")  # line 10
        + obj("Terminal", "_t1", Terminal__ConductingEquipment="#_cb", Terminal__ConnectivityNode="#_nS")
        + obj("Fuse", "_fu", "fu")
        + obj("Terminal", "_t2", Terminal__ConductingEquipment="#_fu", Terminal__ConnectivityNode="#_nS")
        + obj("Terminal", "_t3", Terminal__ConductingEquipment="#_fu", Terminal__ConnectivityNode="#_gone")
        + obj("Terminal", "_t4", Terminal__ConductingEquipment="#_ghost", Terminal__ConnectivityNode="#_nS")
        + obj("EnergyConsumer", "_load", "load")
        + obj("ACLineSegmentPhase", "_ph", ACLineSegmentPhase__ACLineSegment="#_none", ACLineSegmentPhase__phase="=X.A")
        + obj("PowerTransformer", "_tr", "tr")
        + obj("PowerTransformerEnd", "_e", PowerTransformerEnd__PowerTransformer="#_nowhere")
        + obj("Breaker", "_cb", "cb again")
    )
    first = 3 + SOURCE.count("\n")
    assert sorted(said(read(tmp_path, body)), key=str) == sorted(
        [
            ("error", "doubled_id", first + 10),
            ("error", "missing_terminal", first),
            ("error", "dangling_reference", first + 4),
            ("error", "dangling_reference", first + 5),
            ("error", "missing_terminal", first + 6),
            ("error", "dangling_reference", first + 7),
            ("error", "missing_terminal", first + 8),
            ("error", "dangling_reference", first + 9),
        ],
        key=str,
    )


def test_gbk_is_read(tmp_path: Path) -> None:
    body = SOURCE + obj("Breaker", "_cb", "城东一线") + terminals("cb", "S", "A")
    assert list(edges(read(tmp_path, body, "gbk"))) == ["城东一线"]


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "dtd", None),
        (b"<?xml version='1.0'?>\n<a>\n<b>\n", "unreadable", None),
        (b"<?xml version='1.0' encoding='utf-8'?>\n<a>\n\xff</a>", "unreadable", None),
        (b"<?xml version='1.0' encoding='klingon'?><a/>", "encoding", None),
        (b"", "unreadable", None),
        (b"<a/>", "unreadable", None),
        (b"plain text", "unreadable", 1),
    ],
)
def test_what_is_not_rdf_is_refused_with_its_file(tmp_path: Path, data: bytes, code: str, line: int | None) -> None:
    path = tmp_path / "bad.xml"
    path.write_bytes(data)
    problem = read_cim(path).problems[0]
    assert (problem.code, problem.file, problem.severity) == (code, "bad.xml", "error")
    assert line is None or problem.line == line


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("bomb.xml", b"<a>" + b" " * 200_000_000)
    tracemalloc.start()
    try:
        assert [problem.code for problem in read_cim(archive).problems] == ["too_large"]
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["missing.xml", "missing.zip"])
def test_missing_files_are_named(tmp_path: Path, name: str) -> None:
    assert [(problem.code, problem.file) for problem in read_cim(tmp_path / name).problems] == [("unreadable", name)]


def test_an_empty_folder_and_a_broken_archive_are_named(tmp_path: Path) -> None:
    assert [problem.code for problem in read_cim(tmp_path).problems] == ["unreadable"]
    broken = tmp_path / "x.zip"
    broken.write_bytes(b"PK\x03\x04 not really")
    assert [problem.code for problem in read_cim(broken).problems] == ["unreadable"]
