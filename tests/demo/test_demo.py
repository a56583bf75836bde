"""`cis-power demo`: builds once, shows passwords once, runs the whole chain, leaves other databases alone."""

import re

from tests.command_line import CommandLine
from tests.waiting import wait_for

ROLES = {"agent", "billing", "marketing", "engineer", "dispatcher", "manager", "sysadmin", "secadmin", "auditor"}


def _passwords(lines: list[str]) -> dict[str, str]:
    found = (re.match(r"  (\w+) +(\S{16}) +", line) for line in lines)
    return {match[1]: match[2] for match in found if match}


def test_the_demo_runs_from_the_field_to_the_outage_list(cli: CommandLine) -> None:
    cli.database_url = f"sqlite:///{cli.folder / 'demo.db'}"
    demo = cli.start("demo", "--customers", "60", "--port", "0")
    demo.wait_line("http://127.0.0.1:", seconds=120)
    passwords = _passwords(demo.lines)
    assert set(passwords) == ROLES
    assert len(set(passwords.values())) == len(ROLES)
    cli.environ["CIS_CONFIG"] = str(cli.run_dir / "demo.toml")
    assert cli("outage", "list", "--json").json == []
    demo.wait_line("dms listens on", seconds=60)
    wait_for(lambda: cli("simulate", "open", "F001-CB", expect=None).code == 0, seconds=60, what="the simulator")
    (outage,) = wait_for(lambda: cli("outage", "list", "--json").json, seconds=60, what="the outage")
    assert (outage["device"], outage["status"]) == ("F001-CB", "confirmed")
    assert outage["customers_out"] > 0
    assert "is running" in cli("demo", "--rebuild", expect=1).err
    assert demo.stop() == 0

    again = cli.start("demo", "--port", "0")
    again.wait_line("http://127.0.0.1:", seconds=120)
    assert _passwords(again.lines) == {}
    assert again.stop() == 0
    assert "--rebuild" in cli("demo", "--customers", "90", expect=1).err


def test_a_database_that_is_not_a_demo_is_left_alone(cli: CommandLine) -> None:
    cli("user", "add", "alice", "--role", "sysadmin", "--password-stdin", input="correct horse battery\n")
    for words in (("demo",), ("demo", "--rebuild")):
        answer = cli(*words, expect=1)
        assert "is not a demo" in answer.err
    assert "alice" in cli("user", "list").out
    assert not list(cli.run_dir.glob("demo.toml"))
