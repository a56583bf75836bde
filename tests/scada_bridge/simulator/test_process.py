"""`cis-power simulate` as people run it, on a utility of files: what it shows, what it says to wrong requests."""

import json
import socket
from pathlib import Path

import pytest

from tests.command_line import CommandLine
from tests.journeys import town
from tests.scada_bridge.test_commands import free_ports
from tests.waiting import wait_for


@pytest.fixture
def utility(cli: CommandLine, tmp_path) -> CommandLine:
    """A small utility of files with one RTU and the simulator's own archive; nothing runs."""
    (port,) = free_ports(1)
    archive = cli.run_dir / "simulator" / "archive.db"
    cli.configure(
        f'timezone = "Asia/Shanghai"\n[sources.rtu1]\nurl = "modbus://127.0.0.1:{port}"\ntimeout_seconds = 1\n'
        f'[sources.dms]\nurl = "archive+sqlite:///{archive}"\nserves = ["rtu1"]\n'
    )
    folder = town.write(tmp_path / "town")
    for kind in ("districts", "customers", "connections"):
        if kind == "customers":
            cli("network", "import", "csv", folder / "network")
        cli("import", kind, folder / f"{kind}.csv", expect=None)
    cli("points", "import", folder / "points.csv")
    return cli


def simulated(cli, *options):
    running = cli.start("simulate", *options)
    running.wait_line("rtu1 listens")
    return running


def truth(cli):
    file = cli.run_dir / "simulator" / "truth.jsonl"
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def shown(cli):
    cli("poll", "--once")
    return {row["point_id"]: row["value"] for row in cli("points", "list", "--json").json}


def test_a_fault_goes_through_the_whole_system_and_people_put_it_right(utility):
    simulator = simulated(utility, "--seed", "5")
    before = shown(utility)
    assert before["FA.i"] > 0
    assert before["FA.p"] == pytest.approx(before["FA.i"] * 10 * 3**0.5 * 0.95, rel=0.03)
    utility("simulate", "fault", "LN-A", "permanent")
    utility("poll", "--once")

    def locked_out():
        moved = utility("simulate", "state").json["moved"]
        return moved == {"CB-A": False} and [one["event"] for one in truth(utility)].count("open") == 2

    wait_for(locked_out, what="the lockout of CB-A")
    after = shown(utility)
    assert (after["CB-A.pos"], after["FA.i"], after["FA.p"]) == (0, 0, 0)
    (outage,) = utility("outage", "list", "--json").json
    out = {row["usage_point"] for row in utility("outage", "customers", outage["id"], "--json").json}
    lost = [line for line in truth(utility) if line["event"] == "lost"][-1]
    assert set(lost["usage_points"]) == out == {"UP-1001", "UP-1002"}, "UP-1003 has a standby, UP-1004 is disconnected"
    said = utility("simulate", "fault", "LN-A", "none")
    assert "CB-A stands open" in said.out
    utility("simulate", "close", "CB-A")
    assert shown(utility)["FA.i"] > 0
    assert utility("outage", "list", "--json").json == []
    assert simulator.stop() == 0
    events = [line["event"] for line in truth(utility)]
    assert (events[0], events[-1]) == ("start", "stop")
    assert truth(utility)[0]["seed"] == 5


def test_wrong_requests_have_clear_words(utility):
    assert "no simulator is running" in utility("simulate", "state", expect=1).err
    simulated(utility)
    for words, said in (
        (("open", "NOWHERE"), "neither the network nor a simulated point has a device 'NOWHERE'"),
        (("close", "LN-A"), "LN-A is a line: it cannot be switched"),
        (("fault", "NOWHERE", "permanent"), "no simulated source and no equipment 'NOWHERE'; the sources are rtu1"),
        (("fault", "rtu1", "flood"), "no fault 'flood'; there are none, short"),
        (("fault", "rtu1", "permanent"), "rtu1 is a source: permanent strikes equipment of the network"),
        (("fault", "LN-A", "silent"), "no fault 'silent'; there are permanent, momentary, broken_conductor"),
        (("fault", "LN-A", "none"), "nothing is broken at LN-A"),
    ):
        refused = utility("simulate", *words, expect=1)
        assert said in refused.err
        assert len(refused.err.strip().splitlines()) == 1
    assert "a simulator runs already" in utility("simulate", expect=1).err
    assert utility("simulate", "state").json["moved"] == {}
    utility("simulate", "--faults-per-hour", "-1", expect=2)


def test_another_programs_port(utility):
    port = int(utility.config.read_text().split("127.0.0.1:")[1].split('"')[0])
    with socket.create_server(("127.0.0.1", port)):
        said = utility("simulate", expect=1).err
        assert f"rtu1 cannot listen on 127.0.0.1:{port}: address already in use" in said
        assert "Traceback" not in said
    simulated(utility)


def test_a_full_disk_under_the_truth_log_stops_nothing(utility):
    folder = utility.run_dir / "simulator"
    folder.mkdir(parents=True)
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    (folder / "truth.jsonl").symlink_to("/dev/full")
    simulator = simulated(utility)
    utility("simulate", "open", "CB-A")
    utility("simulate", "open", "CB-B")
    assert shown(utility)["CB-A.pos"] == 0
    assert simulator.stop() == 0
    told = [line for line in simulator.lines if "truth log" in line]
    assert len(told) == 1
    assert "No space left on device; the field goes on" in told[0]


def test_by_chance_a_breaker_trips_and_mends_itself(utility):
    simulated(utility, "--first-fault", "0", "--repair-minutes", "0.05")

    wait_for(lambda: any(line.get("by") == "repair" for line in truth(utility)), what="the repair")
    opened = [line for line in truth(utility) if line["event"] == "open"]
    assert opened[0]["by"] == "protection"
    assert opened[0]["device"].startswith("CB-")
    assert utility("simulate", "state").json == {
        "moved": {}, "faults": [], "without_supply": 0, "sources": {"rtu1": "none"}
    }  # fmt: skip


def test_without_a_database_positions_can_be_switched(cli, tmp_path):
    (port,) = free_ports(1)
    cli.database_url = f"sqlite:///{tmp_path / 'nowhere' / 'none.db'}"
    cli.configure(f'[sources.rtu1]\nurl = "modbus://127.0.0.1:{port}"\n')
    file = tmp_path / "points.csv"
    file.write_text(town.POINTS)
    running = simulated(cli, "--points", file)
    cli("simulate", "open", "CB-A")
    assert cli("simulate", "state").json["moved"] == {"CB-A": False}
    cli("simulate", "fault", "CB-A", "permanent", expect=1)
    assert any("there is no database" in line for line in running.lines)
    assert not (tmp_path / "nowhere").exists()


def test_sources_behind_one_gateway_share_its_port_and_others_are_left_out(cli, tmp_path):
    (port,) = free_ports(1)
    cli.configure(
        f'[sources.rtu1]\nurl = "modbus://127.0.0.1:{port}?unit=1"\n[sources.rtu2]\nurl = "modbus://127.0.0.1:{port}?unit=2"\n'
        f'[sources.old]\nurl = "file://{tmp_path}"\nserves = ["old"]\n'
    )
    head, first = town.POINTS.splitlines()[:2]
    rows = [
        first,
        first.replace("CB-A", "CB-B").replace("rtu1", "rtu2"),
        first.replace("CB-A", "TIE").replace("rtu1", "old"),
    ]
    file = tmp_path / "points.csv"
    file.write_text("\n".join([head, *rows, first.replace("CB-A", "CB-X").replace("rtu1", "new")]) + "\n")
    running = simulated(cli, "--points", file)
    running.wait_line("rtu2 listens")
    assert any("source old is not simulated" in line for line in running.lines)
    assert any("source new of the point list is not configured" in line for line in running.lines)
    cli("simulate", "open", "CB-B")
    for unit, closed in ((1, 1), (2, 0)):
        with socket.create_connection(("127.0.0.1", port), 5) as one:
            one.sendall(bytes([0, 1, 0, 0, 0, 6, unit, 1, 0, 0, 0, 1]))
            assert one.recv(64)[-1] == closed
