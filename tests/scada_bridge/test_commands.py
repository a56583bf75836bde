"""The real commands, in processes of their own: points, poll, collector, simulate."""

import signal
import socket

import pytest

from scada_bridge.published import read_published
from scada_bridge.sealed import ensure_key
from scada_bridge.spool import files, read
from tests.command_line import CommandLine
from tests.waiting import wait_for

POINTS = """\
point_id,source,device_id,table,address,datatype,byte_order,scale,offset,unit,kind,equipment,quantity,normal_state,min,max,deadband,poll_seconds
CB1.pos,rtu1,1,discrete,0,bit,,,,,discrete,CB1,position,1,,,,0.2
CB2.pos,rtu1,1,input,7.3,dpi,,,,,discrete,CB2,position,1,,,,0.2
CB1.i,rtu1,1,holding,100,float32,big_swap,0.5,1,A,analog,CB1,current,,0,600,,0.2
CB1.n,rtu2,9,holding,5,bcd32,,,,,accumulator,CB1,operations,,,,,0.2
"""
POINT_KEYS = {"point_id", "value", "unit", "quality", "reason", "measured_at", "received_at", "age_seconds"}
NETWORK = {
    "nodes.csv": "node,x,y,nominal_v\nS,,,10000\nA,,,10000\nB,,,10000\n",
    "equipment.csv": (
        "device,kind,from_node,to_node,normal_open,telemetered,phases,rated_kva,feeder,substation,district,name\n"
        "CB1,breaker,S,A,false,true,ABC,,F1,SS,,\n"
        "CB2,breaker,A,B,true,true,ABC,,F1,SS,,\n"
    ),
    "sources.csv": "node\nS\n",
}


def free_ports(count):
    """Ports nobody has now; they are configured, so they must be known before anybody listens."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture
def field(cli: CommandLine, tmp_path) -> CommandLine:
    """Two sources configured, a network and a point list imported, nothing running."""
    one, two = free_ports(2)
    cli.configure(
        f'[sources.rtu1]\nurl = "modbus://127.0.0.1:{one}"\ntimeout_seconds = 0.5\n'
        f'[sources.rtu2]\nurl = "modbus://127.0.0.1:{two}"\ntimeout_seconds = 0.5\n'
    )
    folder = tmp_path / "network"
    folder.mkdir()
    for name, text in NETWORK.items():
        (folder / name).write_text(text)
    cli("network", "import", "csv", folder)
    file = tmp_path / "points.csv"
    file.write_text(POINTS)
    cli("points", "import", file)
    return cli


def simulate(cli):
    running = cli.start("simulate")
    running.wait_line("rtu1 listens")
    running.wait_line("rtu2 listens")
    return running


def test_import_publish_and_refuse(field, tmp_path):
    again = field("points", "import", tmp_path / "points.csv", "--json").json
    assert again == {"batch": 2, "rows": 4, "accepted": 0, "rejected": 0, "unchanged": 4, "problems": []}
    bad = tmp_path / "bad.csv"
    bad.write_text(POINTS + "CB1.pos,rtu1,1,holding,40001,uint16,,,,,,,,,,,,\nX,rtu9,1,drum,1,uint16,,,,,,,,,,,,\n")
    refused = field("points", "import", bad, "--json", expect=1).json
    assert (refused["rows"], refused["accepted"], refused["rejected"], refused["unchanged"]) == (6, 0, 6, 0)
    named = {(problem["line"], problem["code"]) for problem in refused["problems"]}
    assert {(6, "table_in_address"), (6, "doubled_key"), (7, "unknown_choice")} <= named
    assert len(read_published(field.run_dir).points) == 4, "what was published stays"
    zone = tmp_path / "zone"
    field("points", "publish", zone)
    assert read_published(zone).points == read_published(field.run_dir).points
    assert ensure_key(zone) == ensure_key(field.run_dir)
    rows = field("points", "list", "--json").json
    assert [row["point_id"] for row in rows] == ["CB1.i", "CB1.n", "CB1.pos", "CB2.pos"]
    assert {row["quality"] for row in rows} == {"MISSING"}
    field("points", "show", "none", expect=1)


def test_a_pass_over_the_wire_and_one_without_a_source(field):
    simulator = simulate(field)
    answer = field("poll", "--once", "--json").json
    assert {row["source"]: (row["points"], row["good"]) for row in answer["sources"]} == {
        "rtu1": (3, 3),
        "rtu2": (1, 1),
    }
    shown = {row["point_id"]: row for row in field("points", "list", "--json").json}
    assert (shown["CB1.pos"]["value"], shown["CB2.pos"]["value"]) == (1, 0), "normal positions of the network"
    assert shown["CB1.i"]["quality"] == "GOOD"
    assert set(shown["CB1.i"]) >= POINT_KEYS
    field("simulate", "open", "CB1")
    field("simulate", "close", "CB2")
    field("simulate", "open", "NOWHERE", expect=1)
    field("simulate", "fault", "rtu2", "silent")
    failed = field("poll", "--once", expect=1)
    assert "rtu2" in failed.err
    shown = {row["point_id"]: row for row in field("points", "list", "--json").json}
    assert (shown["CB1.pos"]["value"], shown["CB1.i"]["value"], shown["CB2.pos"]["value"]) == (0, 0, 1)
    assert (shown["CB1.n"]["value"], shown["CB1.n"]["quality"], shown["CB1.n"]["reason"]) == (0, "STALE", "no answer")
    field("poll", "--once", "--source", "rtu1")
    field("poll", "--once", "--source", "rtu7", expect=1)
    asked = field("simulate", "asked").json["asked"]
    assert {function for functions in asked.values() for function in functions} <= {"1", "2", "3", "4"}, "S5"
    simulator.stop()
    field("simulate", "open", "CB1", expect=1)


def test_set_tag_and_release(field):
    simulate(field)
    field("poll", "--once")
    field("points", "set", "CB1.pos", "0", "--by", "liu")
    field("poll", "--once")
    point = field("points", "show", "CB1.pos", "--json").json
    assert (point["value"], point["quality"], point["reason"], point["held"]) == (0, "SUBSTITUTED", "set by liu", "set")
    field("points", "release", "CB1.pos", "--by", "liu")
    field("points", "tag", "CB1.pos", "work", "--by", "wang")
    field("simulate", "open", "CB1")
    field("poll", "--once")
    assert field("points", "show", "CB1.pos", "--json").json["value"] == 1
    field("points", "release", "CB1.pos", "--by", "wang")
    assert field("points", "show", "CB1.pos", "--json").json["value"] == 0


def kill_again_and_again(field, times):
    """R1: kill -9 while polling; every batch in the folder is whole, and the numbers have no hole."""
    simulate(field)
    spool = field.run_dir / "spool"
    for turn in range(times):
        collector = field.start("collector")
        collector.wait_line("polling 4 points of 2 sources")
        before = max((file.number for file in files(spool)), default=0)
        wait_for(lambda seen=before: files(spool) and files(spool)[-1].number >= seen + 4)
        if turn == 1:
            field("collector", expect=1)  # there is one already
            field("poll", "--once")  # asks the running one
        collector.stop(signal.SIGKILL)
    key = ensure_key(field.run_dir)
    left = [read(file, key) for file in files(spool)]
    assert all(batch.batch.failed == {} for batch in left)
    numbers = [batch.number for batch in left]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    field("poll", "--once")
    shown = field("points", "list", "--json").json
    assert {row["quality"] for row in shown} == {"GOOD"}


def test_a_running_collector_is_asked_and_killed_ones_lose_nothing(field):
    kill_again_and_again(field, 2)


@pytest.mark.soak
def test_a_collector_killed_fifty_times_loses_nothing(field):
    kill_again_and_again(field, 50)
