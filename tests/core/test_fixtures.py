"""The fixtures keep what they promise: own databases, at head, one per test."""

from sqlalchemy import inspect

from cis_power.core.db import Base, Database
from tests.command_line import CommandLine


def test_database_is_at_head(database: Database) -> None:
    found = set(inspect(database.engine).get_table_names())
    assert set(Base.metadata.tables) <= found


def test_cli_runs_the_real_command(cli: CommandLine) -> None:
    assert "outage" in cli("--help").out or "db" in cli("--help").out
    assert cli("no-such-command", expect=2).err
