"""`cis-power demo`: builds once, shows passwords once, runs the whole chain, leaves other databases alone."""

import re
import shutil
import signal
import socket
import subprocess
import sys

import pytest

from cis_power.demo.codes import usage_point
from cis_power.demo.plan import plan
from tests.command_line import PROGRAM, CommandLine, Running
from tests.waiting import wait_for

ROLES = {"agent", "billing", "marketing", "engineer", "dispatcher", "manager", "sysadmin", "secadmin", "auditor"}
SMALL = ("demo", "--customers", "60", "--faults-per-hour", "0", "--port", "0")
LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def fresh(cli: CommandLine) -> CommandLine:
    """A command line whose database is not there yet."""
    cli.database_url = f"sqlite:///{cli.folder / 'demo.db'}"
    return cli


def _passwords(lines: list[str]) -> dict[str, str]:
    found = (re.match(r"  (\w+) +(\S{16}) +", line) for line in lines)
    return {match[1]: match[2] for match in found if match}


def _started(cli: CommandLine, *words: str) -> Running:
    demo = cli.start(*(words or SMALL))
    demo.wait_line("http://127.0.0.1:", seconds=180)
    return demo


def test_the_demo_runs_from_the_field_to_the_outage_list(fresh: CommandLine) -> None:
    demo = _started(fresh)
    passwords = _passwords(demo.lines)
    assert set(passwords) == ROLES
    assert len(set(passwords.values())) == len(ROLES)
    fresh.environ["CIS_CONFIG"] = str(fresh.run_dir / "demo.toml")
    assert fresh("outage", "list", "--json").json == []
    for rtu in ("rtu1", "rtu2"):
        demo.wait_line(f"{rtu} listens on", seconds=60)
    wait_for(lambda: fresh("simulate", "open", "F001-CB", expect=None).code == 0, seconds=60, what="the simulator")
    (outage,) = wait_for(lambda: fresh("outage", "list", "--json").json, seconds=60, what="the outage")
    assert (outage["device"], outage["status"]) == ("F001-CB", "confirmed")
    assert outage["customers_out"] > 0
    ring = ("call", "add", "--transformer", "F001-T001", "--json")
    answer = wait_for(lambda: (taken := fresh(*ring, expect=None)).code == 0 and taken.json, 60, "a call to be taken")
    told = {point["usage_point"]: point["outage_id"] for point in answer["supply"]["usage_points"]}
    assert told.keys() == {usage_point(customer) for customer in plan(60).customers_of(0)}
    assert outage["id"] in told.values()
    del fresh.environ["CIS_CONFIG"]
    for words in (("demo",), ("demo", "--rebuild")):
        assert "is running" in fresh(*words, expect=1).err
    assert len(fresh("user", "list").out.splitlines()) == len(ROLES)
    assert demo.stop() == 0

    again = _started(fresh, "demo", "--port", "0")
    assert _passwords(again.lines) == {}
    assert again.stop() == 0
    assert "--rebuild" in fresh("demo", "--customers", "90", expect=1).err
    assert "--rebuild" in fresh("demo", "--seed", "8", expect=1).err


def test_a_database_that_is_not_a_demo_is_left_alone(cli: CommandLine) -> None:
    cli("user", "add", "alice", "--role", "sysadmin", "--password-stdin", input="correct horse battery\n")
    for words in (("demo",), ("demo", "--rebuild")):
        answer = cli(*words, expect=1)
        assert "is not a demo" in answer.err
    assert "alice" in cli("user", "list").out
    assert not list(cli.run_dir.glob("demo.toml"))


def test_a_port_that_another_program_has_is_refused_before_anything_is_built(fresh: CommandLine) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        answer = fresh("demo", "--customers", "60", "--port", port, expect=1)
    assert f"port {port} is taken" in answer.err
    assert not (fresh.folder / "demo.db").exists()


def test_a_kill_in_the_middle_of_building_is_found_and_mended(fresh: CommandLine) -> None:
    begun = fresh.start("demo", "--customers", "400", "--faults-per-hour", "0", "--port", "0")
    begun.wait_line("loaded network", seconds=120)
    assert begun.stop(signal.SIGKILL) == -signal.SIGKILL
    assert _passwords(begun.lines) == {}
    again = _started(fresh)
    assert any("not finished" in line for line in again.lines)
    assert set(_passwords(again.lines)) == ROLES
    assert fresh("db", "check").code == 0
    assert again.stop() == 0


def test_a_full_disk_is_told_in_one_line_and_a_later_start_builds(fresh: CommandLine) -> None:
    words = [sys.executable, "-c", LIMITED, sys.executable, *PROGRAM[1:], *SMALL]
    done = subprocess.run(
        words, check=False, env=fresh.environment(), cwd=fresh.folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == "error: the disk takes no more: make room, then start again"
    assert "Traceback" not in done.stderr
    later = _started(fresh)
    assert set(_passwords(later.lines)) == ROLES
    assert later.stop() == 0


def test_it_needs_no_network_but_loopback(fresh: CommandLine) -> None:
    alone = [shutil.which("unshare") or "unshare", "--map-root-user", "--net"]
    up = 'ip link set lo up && exec "$@"'
    if subprocess.run([*alone, "sh", "-c", up, "-", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody part from its network")
    process = subprocess.Popen(
        [*alone, "sh", "-c", up, "-", *PROGRAM, *SMALL], env=fresh.environment(), cwd=fresh.folder, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    demo = Running(process)
    try:
        demo.wait_line("http://127.0.0.1:", seconds=180)
        demo.wait_line("rtu1 listens on", seconds=60)
        demo.wait_line("polling", seconds=60)
    finally:
        assert demo.stop() == 0
        assert process.stdout is not None
        process.stdout.close()


def test_on_postgresql_it_is_built_and_built_anew(cli: CommandLine, empty_postgresql_url: str) -> None:
    cli.database_url = empty_postgresql_url
    first = _started(cli)
    assert first.stop() == 0
    again = _started(cli, *SMALL, "--rebuild")
    assert any("taking the former demo away" in line for line in again.lines)
    passwords, former = _passwords(again.lines), _passwords(first.lines)
    assert passwords.keys() == former.keys() == ROLES
    assert not set(passwords.values()) & set(former.values())
    assert again.stop() == 0
