"""OpenDSS scripts as networks: the features of the language, and what is wrong with bad ones."""

from pathlib import Path

import pytest

from cis_power.core.phases import format_phases
from cis_power.network.checks import check
from cis_power.network.importers.opendss import bus, read_script
from cis_power.network.model import Equipment, NetworkModel

HEAD = "clear\nnew circuit.c bus1=src basekv=10\n"


def script(folder: Path, text: str, **files: str) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_dss", ".dss")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    root = folder / "main.dss"
    root.write_text(text, encoding="utf-8")
    return root


def read(folder: Path, text: str, **files: str) -> NetworkModel:
    return read_script(script(folder, text, **files))


def edges(model: NetworkModel) -> dict[str, tuple[str, str, str, str, str]]:
    """Code → kind, ends, phases, open phases."""
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


def one(model: NetworkModel, code: str) -> Equipment:
    return next(item for item in model.equipment if item.code == code)


def said(model: NetworkModel) -> list[tuple[str, str, str | None, int | None]]:
    return [(problem.severity, problem.code, problem.file, problem.line) for problem in check(model)]


@pytest.mark.parametrize(
    ("text", "conductors", "name", "phases"),
    [
        ("b", 3, "b", 7),
        ("b", 1, "b", 1),
        ("b.2", 1, "b", 2),
        ("b.3.1", 2, "b", 5),
        ("b.1.2.3.0", 3, "b", 7),
        ("b.2.0", 2, "b", 2),
    ],
)
def test_bus_names_carry_phases(text: str, conductors: int, name: str, phases: int) -> None:
    found = bus(text, conductors)
    assert (found.name, found.phases) == (name, phases)


def test_names_abbreviations_positions_and_continuation(tmp_path: Path) -> None:
    text = HEAD + (
        "New Line.A b=src bus2=n1.1.2.3\n"
        "new line.B n1.2 n2.2 ph=1\n"
        "New object=line.C\n~ bus1=N1 ! other spelling of n1\nmore bus2=n3\nm phases=2\n"
        "new line.D like=B\nedit line.D bus2=n4.2\n"
    )
    model = read(tmp_path, text)
    assert edges(model) == {
        "A": ("line", "src", "n1", "ABC", ""),
        "B": ("line", "n1", "n2", "B", ""),
        "C": ("line", "n1", "n3", "AB", ""),
        "D": ("line", "n1", "n4", "B", ""),
    }
    assert said(model) == []
    assert [node.code for node in model.nodes] == ["src", "n1", "n2", "n3", "n4"]


def test_phases_of_a_line_come_from_its_code_or_geometry(tmp_path: Path) -> None:
    text = HEAD + (
        "new linecode.one nphases=1\nnew linegeometry.two nconds=3 nphases=2\n"
        "new line.A bus1=src bus2=n1 linecode=one\nnew line.B src n1 geometry=two\n"
        "new line.C src n1 phases=3 linecode=gone\nnew line.D src n1 linecode=one phases=3\n"
    )
    model = read(tmp_path, text)
    assert [format_phases(item.phases) for item in model.equipment] == ["A", "AB", "ABC", "ABC"]
    assert [problem.code for problem in model.problems] == ["unknown_code"]


def test_switches_and_what_protects_a_line_give_its_kind(tmp_path: Path) -> None:
    lines = "".join(f"new line.L{number} src n{number} switch={'yes' if number % 2 else 'no'}\n" for number in range(8))
    text = (
        HEAD
        + lines
        + (
            "new fuse.f monitoredobj=line.L0\nnew recloser.r Line.L1\n"
            "new relay.y monitoredobj=line.L7 switchedobj=line.L2\n"
            "new swtcontrol.s switchedobj=Line.L3 action=open\n"
            "new swtcontrol.t switchedobj=Line.L4 normal=closed action=o\n"
            "new swtcontrol.u switchedobj=Line.L5 state=[open closed open]\n"
        )
    )
    assert {code: (row[0], row[4]) for code, row in edges(read(tmp_path, text)).items()} == {
        "L0": ("fuse", ""),
        "L1": ("recloser", ""),
        "L2": ("breaker", ""),
        "L3": ("switch", "ABC"),
        "L4": ("switch", ""),
        "L5": ("switch", "AC"),
        "L6": ("line", ""),
        "L7": ("switch", ""),
    }


def test_open_and_close_of_terminals_and_single_conductors(tmp_path: Path) -> None:
    lines = (
        "".join(f"new line.L{number} src n{number}\n" for number in range(5)) + "new line.L5 src.2.3 n5.2.3 phases=2\n"
    )
    text = (
        HEAD
        + lines
        + (
            "open line.L0 terminal=2\nOpen Line.L1 1\nopen line.L2 2 3\nopen line.L3 term=1 cond=2\n"
            "open line.L4 1\nclose line.L4 1\nclose Line.L1 1 2\nopen line.L5 1 1\n"
        )
    )
    assert [row[4] for row in edges(read(tmp_path, text)).values()] == ["ABC", "AC", "C", "B", "", "B"]


def test_disabled_elements_do_not_exist_for_the_network(tmp_path: Path) -> None:
    text = HEAD + (
        "new line.A src n1 enabled=no\nnew line.B src n1\nnew line.C src n1\nnew load.x bus1=n1 enabled=false\n"
        "disable line.B\ndisable line.C\nenable line.C\n"
    )
    model = read(tmp_path, text)
    assert list(edges(model)) == ["C"]
    assert model.loads == ()


def test_batchedit_variables_and_assignments(tmp_path: Path) -> None:
    text = HEAD + (
        "var @far=n9\nnew line.LA1 src n1\nnew line.LA2 src n2\nnew line.XB src @far\n"
        "batchedit line.^LA.* enabled=no\nLine.XB.Phases=1 bus1=src.3\nbus2=n8.3\n"
    )
    assert edges(read(tmp_path, text)) == {"XB": ("line", "src", "n8", "C", "")}


def test_transformers_by_winding_by_array_by_code_and_with_more_windings(tmp_path: Path) -> None:
    text = HEAD + (
        "new transformer.A phases=3 windings=2\n~ wdg=1 bus=src conn=delta kv=10 kva=400\n"
        "~ wdg=2 bus=lv conn=wye kv=.4 kva=400\n"
        "new transformer.B buses=(src.2, b.2) kvs='5.77 .23' kvas=\"50 50\" phases=1\n"
        "new xfmrcode.xc phases=3 windings=2 kvas=[(1 1000 *) 1000]\nnew transformer.C xfmrcode=xc buses=[src c]\n"
        "new transformer.D windings=3 buses=[src d1 d2] kvs=[10 1 .4]\nnew transformer.E like=C wdg=2 bus=e\n"
    )
    model = read(tmp_path, text)
    assert {code: row[:4] for code, row in edges(model).items()} == {
        "A": ("transformer", "src", "lv", "ABC"),
        "B": ("transformer", "src", "b", "B"),
        "C": ("transformer", "src", "c", "ABC"),
        "D": ("transformer", "src", "d1", "ABC"),
        "E": ("transformer", "src", "e", "ABC"),
    }
    assert [(branch.from_node, branch.to_node) for branch in one(model, "D").further] == [("src", "d2")]
    assert [one(model, code).rated_kva for code in "ABC"] == [400, 50, 1000]
    volts = {node.code: node.nominal_v for node in model.nodes}
    assert (volts["src"], volts["lv"], volts["d2"], volts["b"]) == (10000, 400, 400, 398)


def test_a_centre_tapped_secondary_takes_the_phase_of_its_primary(tmp_path: Path) -> None:
    text = HEAD + (
        "new transformer.T phases=1 windings=3 buses=[src.2 h.1.0 h.0.2] conns=[wye wye wye]\n"
        "new line.drop h.1.2 house.1.2 phases=2\nnew load.x bus1=house.1.2 phases=2\nnew load.y bus1=h.2 phases=1\n"
        "new load.z bus1=src.1 phases=1\n"
    )
    model = read(tmp_path, text)
    assert edges(model)["T"] == ("transformer", "src", "h", "B", "")
    assert edges(model)["drop"][3] == "B"
    assert [format_phases(load.phases) for load in model.loads] == ["B", "B", "A"]
    assert one(model, "T").further == ()


def test_loads_by_connection(tmp_path: Path) -> None:
    text = HEAD + (
        "new line.L src n\nnew load.a bus1=n.1 kw=3 kvar=4 phases=1\nnew load.b bus1=n.2.3 phases=1 conn=delta kv=10\n"
        "new load.c bus1=n phases=1 conn=d kva=7 pf=1\nnew load.d bus1=n kw=8 pf=.8 numcust=12\n"
        "new load.e bus1=n.4 phases=1\n"
    )
    loads = {load.code: load for load in read(tmp_path, text).loads}
    assert {code: format_phases(load.phases) for code, load in loads.items()} == {
        "a": "A", "b": "BC", "c": "AB", "d": "ABC", "e": "ABC",
    }  # fmt: skip
    assert loads["a"].rated_kva == pytest.approx(5)
    assert loads["c"].rated_kva == pytest.approx(7)
    assert (loads["d"].rated_kva, loads["d"].customers) == (pytest.approx(10), 12)
    assert loads["b"].nominal_v == 10000


def test_what_does_not_conduct_is_counted_and_series_elements_conduct(tmp_path: Path) -> None:
    text = HEAD + (
        "new line.L src n\nnew capacitor.c bus1=n\nnew reactor.ground bus1=n bus2=n.0.0.0\n"
        "new reactor.series bus1=n bus2=m\n"
        "new generator.g bus1=n\nnew pvsystem.p bus1=n\nnew pvsystem.q bus1=n\nnew energymeter.m line.L 1\n"
    )
    model = read(tmp_path, text)
    assert dict(model.ignored) == {"capacitor": 1, "reactor": 1, "generator": 1, "pvsystem": 2, "energymeter": 1}
    assert edges(model)["series"] == ("line", "n", "m", "ABC", "")
    assert said(model) == [("warning", "series_element", "main.dss", 6)]


def test_names_shared_by_classes_bear_their_class(tmp_path: Path) -> None:
    model = read(tmp_path, HEAD + "new line.T src n\nnew transformer.t buses=[src m]\nnew line.U src k\n")
    assert list(edges(model)) == ["Line.T", "U", "Transformer.t"]


def test_includes_follow_their_own_folder_whatever_the_case_and_slash(tmp_path: Path) -> None:
    model = read(
        tmp_path,
        HEAD
        + "redirect Sub\\LINES.DSS\nredirect more.dss\ncompile sub/again.dss\nredirect deep.dss\nbuscoords xy.csv\n",
        sub__lines_dss="new line.A src n1\nredirect 'deep.dss'\n",
        sub__deep_dss="edit line.A bus2=n2\n",
        sub__again_dss="new line.C src n5\n",
        more_dss="new line.B src n3\n",
        **{"sub__xy.csv": "N2, 1.5, -2\nn3\t7 8\nn5,oops,1\nnowhere,1,1\n"},
    )
    assert {code: row[2] for code, row in edges(model).items()} == {"A": "n2", "B": "n3", "C": "n5"}
    assert [(node.x, node.y) for node in model.nodes if node.code in ("n2", "n3", "n5")] == [
        (1.5, -2),
        (7, 8),
        (None, None),
    ]
    assert said(model) == [("warning", "bad_coordinates", "sub/xy.csv", 3)]
    assert len(model.files) == 6


def test_clear_begins_anew(tmp_path: Path) -> None:
    model = read(tmp_path, HEAD + "new line.A src n1\nnew load.a bus1=n1\n" + HEAD + "new line.A src n2\n")
    assert (edges(model)["A"][2], model.loads, said(model)) == ("n2", (), [])


def test_everything_wrong_comes_at_once_with_file_and_line(tmp_path: Path) -> None:
    text = HEAD + (
        "redirect gone.dss\nredirect part.dss\nnew line.A src n1\nnew line.a src n2\nnew line.B src\n"
        "new flux.x bus1=n1\n"
        "open line.nowhere 1\nedit load.ghost kw=1\nnew fuse.f monitoredobj=line.Z\nnew line.C like=nobody\n"
        "new load.x bus1=n1 phases=many\nnew transformer.T buses=[src]\nbatchedit line.(( enabled=no\n"
        "frobnicate everything\nnew line.D src n1 colour=red\nnew\nnew circuit.second\n"
    )
    model = read(tmp_path, text, part_dss="! comment\nredirect main.dss\nnew load.y\n")
    assert sorted(said(model), key=str) == sorted(
        [
            ("error", "missing_include", "main.dss", 3),
            ("error", "circular_include", "part.dss", 2),
            ("error", "missing_value", "part.dss", 3),
            ("error", "doubled_id", "main.dss", 6),
            ("error", "missing_value", "main.dss", 7),
            ("error", "unknown_kind", "main.dss", 8),
            ("error", "dangling_reference", "main.dss", 9),
            ("error", "dangling_reference", "main.dss", 10),
            ("error", "dangling_reference", "main.dss", 11),
            ("error", "dangling_reference", "main.dss", 12),
            ("error", "missing_value", "main.dss", 12),
            ("error", "missing_value", "main.dss", 12),
            ("error", "bad_number", "main.dss", 13),
            ("error", "missing_value", "main.dss", 14),
            ("error", "bad_pattern", "main.dss", 15),
            ("warning", "unknown_command", "main.dss", 16),
            ("warning", "unknown_property", "main.dss", 17),
            ("error", "missing_value", "main.dss", 18),
            ("error", "doubled_id", "main.dss", 19),
        ],
        key=str,
    )


def test_includes_that_multiply_come_to_an_end(tmp_path: Path) -> None:
    levels = {f"l{level}_dss": f"redirect l{level + 1}.dss\n" * 10 for level in range(12)}
    model = read(tmp_path, HEAD + "redirect l0.dss\n", **levels, l12_dss="! nothing\n")
    assert [(severity, code) for severity, code, _, _ in said(model)] == [("error", "too_large")]


def test_no_circuit_is_no_source(tmp_path: Path) -> None:
    assert said(read(tmp_path, "new line.A a b\n")) == [("error", "no_source", None, None)]


def test_gbk_is_read_and_a_broken_encoding_is_named(tmp_path: Path) -> None:
    root = tmp_path / "main.dss"
    root.write_bytes((HEAD + "new line.城东 src 变电站\n").encode("gbk"))
    assert edges(read_script(root))["城东"][2] == "变电站"
    root.write_bytes(HEAD.encode() + b"new line.A src \xff\xff\n")
    assert ("error", "encoding", "main.dss", 3) in said(read_script(root))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert ("error", "unreadable", "none.dss", None) in said(read_script(tmp_path / "none.dss"))
