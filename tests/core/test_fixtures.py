"""The fixtures keep what they promise: own databases, at head, one per test."""

import pytest
from sqlalchemy import inspect

from cis_power.core.db import Base, Database
from tests.command_line import Answer, CommandLine


def test_database_is_at_head(database: Database) -> None:
    found = set(inspect(database.engine).get_table_names())
    assert set(Base.metadata.tables) <= found


def test_cli_runs_the_real_command(cli: CommandLine) -> None:
    assert "outage" in cli("--help").out or "db" in cli("--help").out
    assert cli("no-such-command", expect=2).err


def test_a_warm_command_is_like_a_cold_one(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = (
        ("db", "check"),
        ("user", "add", "eve", "--role", "no-such-role", "--password-stdin"),
        ("no-such-command",),
        ("--version",),
        ("import", "customers", "missing.csv"),
    )
    warm = [cli(*words, expect=None, input="secret words 1\n") for words in calls]
    monkeypatch.setenv("CIS_TEST_COLD", "1")
    cold = [cli(*words, expect=None, input="secret words 1\n") for words in calls]
    module = "python -m cis_power"  # what click calls a command that is started as a module
    assert warm == [
        Answer(answer.code, answer.out.replace(module, "cis-power"), answer.err.replace(module, "cis-power"))
        for answer in cold
    ]
    assert [answer.code for answer in warm] == [0, 2, 2, 0, 2]
