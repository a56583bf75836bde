"""The contract's CSV folder: good ones are read whole, bad ones name every problem with its file and line."""

from pathlib import Path

import pytest

from cis_power.core.errors import Problem
from cis_power.network.checks import check
from cis_power.network.importers.csv_folder import read_folder
from cis_power.network.model import Equipment, NetworkModel

NODES = "node,x,y,nominal_v\nS,0,0,10000\nA,1,2.5,10000\nB,,,400\n"
HEADER = "device,kind,from_node,to_node,normal_open,telemetered,phases,rated_kva,feeder,substation,district,name"
EQUIPMENT = f"{HEADER}\nCB1,breaker,S,A,false,true,ABC,,F1,SS1,D1,Feeder head\nT1,transformer,A,B,0,0,,400,F1,SS1,D1,\n"
SOURCES = "node\nS\n"


def write(folder: Path, **files: str | bytes) -> Path:
    content = {"nodes": NODES, "equipment": EQUIPMENT, "sources": SOURCES} | files
    for name, text in content.items():
        (folder / f"{name}.csv").write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return folder


def problems(folder: Path) -> list[tuple[str, str | None, int | None, str | None, str]]:
    return [said(problem) for problem in check(read_folder(folder))]


def said(problem: Problem) -> tuple[str, str | None, int | None, str | None, str]:
    return problem.code, problem.file, problem.line, problem.field, problem.severity


def device(model: NetworkModel, code: str) -> Equipment:
    return next(item for item in model.equipment if item.code == code)


def test_a_good_folder_is_read_whole(tmp_path: Path) -> None:
    model = read_folder(write(tmp_path))
    assert check(model) == ()
    counts = model.counts()
    assert (counts["breaker"], counts["transformer"], counts["fuse"]) == (1, 1, 0)
    assert (counts["node"], counts["source"], counts["load"]) == (3, 1, 0)
    assert model.rows == 6
    head = device(model, "CB1")
    assert (head.phases, head.normal_open, head.telemetered, head.name) == (7, False, True, "Feeder head")
    assert (head.feeder, head.substation, head.district, head.owner) == ("F1", "SS1", "D1", None)
    assert (device(model, "T1").rated_kva, device(model, "T1").telemetered) == (400.0, False)
    assert [(node.x, node.y, node.nominal_v) for node in model.nodes][1:] == [(1.0, 2.5, 10000.0), (None, None, 400.0)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_every_allowed_encoding_gives_the_same_names(tmp_path: Path, encoding: str) -> None:
    text = EQUIPMENT.replace("Feeder head", "城东线出口").replace("F1", "城东一线")
    model = read_folder(write(tmp_path, equipment=text.encode(encoding), nodes=NODES.encode(encoding)))
    assert check(model) == ()
    assert (device(model, "CB1").name, device(model, "CB1").feeder) == ("城东线出口", "城东一线")


def test_optional_owner_phases_and_open_positions(tmp_path: Path) -> None:
    rows = (
        f"{HEADER},owner\nCB1,breaker,S,A,yes,no,A,,,,,,Customer\n"
        "L1,line,S,A,no,no,a.c,,,,,,utility\nL2,line,A,B,否,0,,,,,,,\n"
    )
    model = read_folder(write(tmp_path, equipment=rows))
    assert [(item.owner, item.phases, item.open_phases) for item in model.equipment] == [
        ("customer", 1, 1),
        ("utility", 5, 0),
        (None, 7, 0),
    ]


def test_all_problems_of_all_files_come_at_once_with_their_physical_lines(tmp_path: Path) -> None:
    nodes = "node,x,y,nominal_v,color\nS,zero,0,10000,red\nA,0,0,-5,red\n\n,1,1,1,red\n"
    equipment = (
        f"{HEADER}\n"
        'CB1,breaker,S,A,maybe,true,ABC,,F1,SS1,D1,"two\nlines"\n'
        "T1,transformer,A,B,0,0,XYZ,inf,F1,SS1,D1,\n"
        "T2,transformer\n"
        ",magic,S,A,0,0,,,,,,\n"
    )
    found = problems(write(tmp_path, nodes=nodes, equipment=equipment, sources="node\nQ\n\n\n \n,\nR\n"))
    expected = [
        ("unknown_column", "nodes.csv", 1, "color", "warning"),
        ("bad_number", "nodes.csv", 2, "x", "error"),
        ("bad_number", "nodes.csv", 3, "nominal_v", "error"),
        ("missing_value", "nodes.csv", 5, "node", "error"),
        ("bad_flag", "equipment.csv", 2, "normal_open", "error"),
        ("bad_phases", "equipment.csv", 4, "phases", "error"),
        ("bad_number", "equipment.csv", 4, "rated_kva", "error"),
        ("cut_line", "equipment.csv", 5, None, "error"),
        ("missing_value", "equipment.csv", 6, "device", "error"),
        ("dangling_reference", "equipment.csv", 4, "to_node", "error"),
        ("unknown_kind", "equipment.csv", 6, "kind", "error"),
        ("dangling_reference", "sources.csv", 2, "node", "error"),
        ("dangling_reference", "sources.csv", 7, "node", "error"),
    ]
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_missing_files_are_each_named(tmp_path: Path) -> None:
    (tmp_path / "nodes.csv").write_text("node\nS\n")
    found = problems(tmp_path)
    assert ("unreadable", "equipment.csv", None, None, "error") in found
    assert ("unreadable", "sources.csv", None, None, "error") in found


def test_a_path_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    assert [problem.code for problem in read_folder(tmp_path / "nowhere").problems] == ["unreadable"]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("device,kind,from_node,to_node", {("missing_column", "normal_open", "error")}),
        (
            HEADER.replace("to_node", "kind"),
            {("doubled_column", "kind", "error"), ("missing_column", "to_node", "error")},
        ),
        ("", {("no_header", None, "error")}),
    ],
)
def test_a_wrong_header_refuses_the_file(tmp_path: Path, header: str, expected: set[tuple]) -> None:
    found = read_folder(write(tmp_path, equipment=f"{header}\n")).problems
    assert {
        (problem.code, problem.field, problem.severity) for problem in found if problem.severity == "error"
    } == expected


def test_usual_columns_may_be_missing_with_a_warning(tmp_path: Path) -> None:
    found = problems(write(tmp_path, nodes="NODE\nS\nA\nB\n"))
    assert found == [("missing_column", "nodes.csv", 1, name, "warning") for name in ("x", "y", "nominal_v")]


def test_a_broken_encoding_names_the_line(tmp_path: Path) -> None:
    data = EQUIPMENT.encode() + b"X1,line,A,B,0,0,,,,,,\xff\xff\xff\n"
    assert ("encoding", "equipment.csv", 4, None, "error") in problems(write(tmp_path, equipment=data))


def test_nul_bytes_are_no_text(tmp_path: Path) -> None:
    data = EQUIPMENT.encode() + b"X\x001,line,A,B,0,0,,,,,,\n"
    assert ("encoding", "equipment.csv", 4, None, "error") in problems(write(tmp_path, equipment=data))


@pytest.mark.parametrize("text", ["1_000", "１２", "0x10", "inf", "nan", "1e999", "1,5", "--1", "1e"])
def test_what_only_looks_like_a_number_is_refused(tmp_path: Path, text: str) -> None:
    found = problems(write(tmp_path, nodes=NODES + f'Z,"{text}",0,\n'))
    assert ("bad_number", "nodes.csv", 5, "x", "error") in found


@pytest.mark.parametrize(("text", "value"), [("-1.5", -1.5), (".5", 0.5), ("2.", 2), ("1e3", 1000), ("+7", 7)])
def test_numbers_as_people_write_them(tmp_path: Path, text: str, value: float) -> None:
    assert read_folder(write(tmp_path, nodes=f"node,x\nS,{text}\n")).nodes[0].x == value


def test_an_unclosed_quote_is_named_where_it_begins(tmp_path: Path) -> None:
    found = problems(write(tmp_path, equipment=EQUIPMENT + 'X1,line,A,B,0,0,,,,,,"never\nclosed\n'))
    assert ("unreadable", "equipment.csv", 4, None, "error") in found


def test_rows_may_end_in_empty_cells_and_blank_lines(tmp_path: Path) -> None:
    model = read_folder(write(tmp_path, sources="node\n\nS,,\n\n"))
    assert [(source.node, source.place.line) for source in model.sources] == [("S", 3)]
    assert check(model) == ()
