"""`cis-power network` as people and programs call it: exit codes, JSON, words."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from cis_power.cli import commands
from tests.command_line import CommandLine

NODES = "node,x,y,nominal_v\nS,0,0,10000\nA,1,0,10000\nB,2,0,400\n"
EQUIPMENT = (
    "device,kind,from_node,to_node,normal_open,telemetered,phases,rated_kva,feeder,substation,district,name\n"
    "CB1,breaker,S,A,false,true,ABC,,F1,SS1,,\nT1,transformer,A,B,false,false,ABC,400,F1,SS1,,\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "net"
    made.mkdir()
    (made / "nodes.csv").write_text(NODES)
    (made / "equipment.csv").write_text(EQUIPMENT)
    (made / "sources.csv").write_text("node\nS\n")
    return made


def test_import_versions_activate_check_and_trace(cli: CommandLine, folder: Path) -> None:
    dry = cli("network", "import", "csv", folder, "--dry-run", "--json").json
    assert (dry["batch"], dry["accepted"], dry["rejected"]) == (None, 6, 0)
    assert cli("network", "versions", "--json").json == []

    first = cli("network", "import", "csv", folder, "--json").json
    assert {key: first[key] for key in ("rows", "accepted", "rejected", "unchanged", "problems", "active")} == {
        "rows": 6, "accepted": 6, "rejected": 0, "unchanged": 0, "problems": [], "active": True,
    }  # fmt: skip
    assert (first["counts"]["breaker"], first["counts"]["transformer"], first["counts"]["node"]) == (1, 1, 3)
    again = cli("network", "import", "csv", folder, "--json").json
    assert (again["batch"], again["accepted"], again["unchanged"]) == (first["batch"], 0, 6)

    with (folder / "equipment.csv").open("a") as file:
        file.write("L9,line,A,Z,false,false,ABC,,F1,SS1,,\nL8,line,A,B,false,false,ABC,,F1,SS1,,\n")
    (folder / "nodes.csv").write_text(NODES + "Z,3,0,10000\n")
    second = cli("network", "import", "csv", folder, "--no-activate", "--json").json
    assert (second["version"], second["active"]) == (2, False)
    assert {problem["code"] for problem in second["problems"]} == {"parallel_edge", "loop"}
    rows = cli("network", "versions", "--json").json
    assert [(row["number"], row["active"], row["valid_from"]) for row in rows] == [(2, False, None), (1, True, None)]

    activated = cli("network", "activate", "2", "--json").json
    assert activated["version"] == 2
    assert activated["valid_from"].endswith("+00:00")
    checked = cli("network", "check", "--json").json
    assert (checked["version"], {problem["severity"] for problem in checked["problems"]}) == (2, {"warning"})
    trace = cli("network", "trace", "CB1", "--json").json
    assert (sorted(trace["nodes"]), trace["transformers"]) == (["A", "B", "Z"], ["T1"])
    assert "transformers (1): T1" in cli("network", "trace", "cb1").out
    assert cli("audit", "verify").code == 0


def test_a_refused_network_says_everything_and_exits_1(cli: CommandLine, folder: Path) -> None:
    (folder / "equipment.csv").write_text(EQUIPMENT + "X,wormhole,A,Q,perhaps,0,ABC,,,,,\nCB1,line,A,B,0,0,ABC,,,,,\n")
    (folder / "sources.csv").unlink()
    for more in ([], ["--dry-run"]):
        found = cli("network", "import", "csv", folder, "--json", *more, expect=1).json
        assert (found["accepted"], found["rejected"], found["unchanged"]) == (0, 7, 0)
        problems = {
            (problem["file"], problem["line"], problem["field"], problem["code"]) for problem in found["problems"]
        }
        assert problems == {
            ("equipment.csv", 4, "normal_open", "bad_flag"),
            ("equipment.csv", 4, "kind", "unknown_kind"),
            ("equipment.csv", 4, "to_node", "dangling_reference"),
            ("equipment.csv", 5, "device", "doubled_id"),
            ("sources.csv", None, None, "unreadable"),
            (None, None, None, "no_source"),
        }
    said = cli("network", "import", "csv", folder, expect=1)
    assert "equipment.csv:4: error [kind] unknown_kind" in said.err
    assert "nothing was imported" in said.out
    assert cli("network", "versions", "--json").json == []


def test_opendss_through_the_command(cli: CommandLine, shared_data: Path) -> None:
    path = shared_data / "1_network" / "opendss" / "123Bus" / "IEEE123Switches.dss"
    counts = cli("network", "import", "opendss", path, "--json").json["counts"]
    assert (counts["line"], counts["switch"], counts["transformer"], counts["load"]) == (118, 8, 8, 91)
    trace = cli("network", "trace", "line.sw2", "--json").json
    assert (trace["device"], trace["counts"]["usage_points"], trace["open_points"]) == ("Sw2", 52, ["Sw7"])


@pytest.mark.parametrize(
    "words",
    [
        ["import", "shapefile", "x"],
        ["import", "csv"],
        ["activate", "first"],
        ["trace"],
        ["frobnicate"],
    ],
)
def test_wrong_usage_exits_2(words: list[str]) -> None:
    assert CliRunner().invoke(commands, ["network", *words]).exit_code == 2


def test_an_unreadable_time_is_wrong_usage(cli: CommandLine) -> None:
    assert "--valid-from" in cli("network", "import", "csv", "x", "--valid-from", "yesterday", expect=2).err


@pytest.mark.parametrize("words", [["check"], ["trace", "CB1"], ["activate", "1"]])
def test_without_a_network_one_line_says_so(cli: CommandLine, words: list[str]) -> None:
    answer = cli("network", *words, expect=1)
    assert answer.err.startswith("error: there is no ")
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize("words", [[], ["import"], ["check"], ["versions"], ["activate"], ["trace"]])
def test_help_is_there_for_every_command(words: list[str]) -> None:
    answer = CliRunner().invoke(commands, ["network", *words, "--help"])
    assert (answer.exit_code, "Usage:" in answer.output) == (0, True)
