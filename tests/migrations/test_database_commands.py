"""`db upgrade | check | backup | restore` on both databases, and what they refuse."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import MetaData, select, text

from cis_power.core.db import Database
from cis_power.core.errors import ConfigError, InvalidInput, Unavailable
from cis_power.core.models import Batch, BatchReject
from cis_power.core.time import utc_now
from cis_power.migrations.backup import read_backup, write_backup
from cis_power.migrations.integrity import find_problems
from tests import postgresql
from tests.command_line import CommandLine


@pytest.fixture
def command(database_url: str, tmp_path: Path) -> Iterator[CommandLine]:
    """The command on either database at head, with PostgreSQL's own tools on its search path."""
    (tmp_path / "home").mkdir()
    tools = postgresql.find_binaries()
    line = CommandLine(tmp_path / "home", database_url, {"PATH": f"{tools}:/usr/bin:/bin"} if tools else {})
    yield line
    line.stop_all()


def _fill(database: Database) -> None:
    with database.transaction() as session:
        for number in range(20):
            batch = Batch(
                direction="in",
                kind="customers",
                format="csv",
                content_hash=f"{number:064x}",
                status="posted",
                file_name=f"客户{number}.csv",
                begun_by="test",
                begun_at=utc_now(),
            )
            session.add(batch)
            session.flush()
            session.add(BatchReject(batch_id=batch.id, line=number + 2, content={"名": "值"}, problems=[{"code": "x"}]))


def _content(database: Database) -> dict[str, list[tuple]]:
    found = MetaData()
    found.reflect(database.engine)
    with database.engine.connect() as connection:
        return {table.name: sorted(map(repr, connection.execute(select(table)))) for table in found.sorted_tables}


def _raw(database: Database, statement: str) -> None:
    with database.engine.connect() as connection:
        if database.dialect == "sqlite":
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql(statement)
            connection.exec_driver_sql("BEGIN")
        else:
            connection.connection.driver_connection.rollback()
            connection.connection.driver_connection.read_only = False
            connection.connection.driver_connection.execute(statement)
            connection.connection.driver_connection.commit()


def test_upgrade_makes_the_tables_and_says_what_it_did(cli: CommandLine, empty_database_url: str) -> None:
    cli.database_url = empty_database_url
    assert "has no tables yet" in cli("db", "check", expect=1).err
    assert "upgraded from nothing to" in cli("db", "upgrade").out
    assert "already" in cli("db", "upgrade").out
    assert "in order" in cli("db", "check").out


def test_a_database_of_a_newer_version_is_refused(sqlite_database: Database, cli: CommandLine) -> None:
    _raw(sqlite_database, "UPDATE alembic_version SET version_num = 'from_the_future'")
    for words in (("db", "upgrade"), ("db", "check"), ("scheduler",), ("run",)):
        answer = cli(*words, expect=1)
        assert "newer version" in answer.err
        assert "Traceback" not in answer.err


def test_check_finds_a_table_that_differs(database: Database, command: CommandLine) -> None:
    assert command("db", "check", "--json").json["problems"] == []
    _raw(database, "ALTER TABLE code DROP COLUMN label_zh")
    answer = command("db", "check", "--json", expect=1)
    assert any("label_zh" in item["message"] for item in answer.json["problems"])


def test_check_finds_references_that_lead_nowhere(sqlite_database: Database) -> None:
    _fill(sqlite_database)
    with sqlite3.connect(str(sqlite_database.url.database)) as connection:
        connection.execute("DELETE FROM batch WHERE id = 3")
    connection.close()
    assert [problem.code for problem in find_problems(sqlite_database)] == ["reference"]


def test_what_is_restored_equals_what_was_backed_up(
    database: Database, command: CommandLine, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    empty = f"sqlite:///{tmp_path / 'new.db'}"
    if database.dialect == "postgresql":
        empty = request.getfixturevalue("empty_postgresql_url")
    _fill(database)
    command("db", "backup", tmp_path / "kept")
    before = _content(database)
    command.database_url = empty
    command("db", "restore", tmp_path / "kept")
    restored = Database(empty)
    assert _content(restored) == before
    assert find_problems(restored) == []
    _fill_one_more(restored)
    restored.dispose()


def _fill_one_more(database: Database) -> None:
    """Keys go on behind the restored ones."""
    with database.transaction() as session:
        session.add(
            Batch(
                direction="in",
                kind="k",
                format="csv",
                content_hash="z",
                status="posted",
                begun_by="t",
                begun_at=utc_now(),
            )
        )


def test_backup_refuses_what_it_would_spoil(database: Database, command: CommandLine, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    command("db", "backup", folder)
    assert "not empty" in command("db", "backup", folder, expect=1).err
    assert "has tables already" in command("db", "restore", folder, expect=1).err
    assert oct(next(folder.glob("cis.*")).stat().st_mode & 0o777) == "0o600"


def test_a_damaged_or_foreign_backup_is_refused(sqlite_database: Database, tmp_path: Path) -> None:
    _fill(sqlite_database)
    kept = tmp_path / "kept"
    write_backup(sqlite_database, kept)
    empty = Database(f"sqlite:///{tmp_path / 'new.db'}")

    def refused(change: str, **manifest: object) -> str:
        folder = tmp_path / change
        shutil.copytree(kept, folder)
        words = json.loads((folder / "manifest.json").read_text()) | manifest
        (folder / "manifest.json").write_text(json.dumps(words))
        if change == "cut":
            (folder / "cis.db").write_bytes((folder / "cis.db").read_bytes()[:-1])
        if change == "gone":
            (folder / "cis.db").unlink()
        if change == "garbage":
            (folder / "manifest.json").write_text("{")
        with pytest.raises((InvalidInput, ConfigError)) as caught:
            read_backup(empty, folder)
        assert not (tmp_path / "new.db").exists()
        return str(caught.value)

    assert "SHA-256 differs" in refused("cut")
    assert "is missing" in refused("gone")
    assert "not readable" in refused("garbage")
    assert "newer version" in refused("future", revision="9999")
    assert "is of postgresql" in refused("kind", kind="postgresql")
    with pytest.raises(InvalidInput, match="holds no backup"):
        read_backup(empty, tmp_path)
    read_backup(empty, kept)
    assert _content(empty) == _content(sqlite_database)
    empty.dispose()


def test_a_backup_is_whole_while_others_write(sqlite_database: Database, tmp_path: Path) -> None:
    _fill(sqlite_database)
    with sqlite_database.transaction() as session:
        session.execute(text("DELETE FROM batch_reject"))
        write_backup(sqlite_database, tmp_path / "kept")  # sees the state before the open transaction
    copy = Database(f"sqlite:///{tmp_path / 'copy.db'}")
    read_backup(copy, tmp_path / "kept")
    with copy.reading() as session:
        assert len(session.scalars(select(BatchReject.id)).all()) == 20
    copy.dispose()


def test_without_the_tools_of_postgresql_the_error_says_so(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    database = Database(postgresql_url)
    with pytest.raises(Unavailable, match="pg_dump is not installed"):
        write_backup(database, tmp_path / "kept")
    database.dispose()


@pytest.mark.parametrize("words", [("db", "upgrade"), ("db", "check"), ("outage", "list")])
def test_a_database_that_cannot_be_opened_is_said_in_one_line(tmp_path: Path, words: tuple[str, str]) -> None:
    (tmp_path / "text.db").write_text("this is no database, whatever its name says")
    for url in (f"sqlite:///{tmp_path}/none/cis.db", f"sqlite:///{tmp_path}/text.db",
                "postgresql://u:secret@127.0.0.1:1/x"):  # fmt: skip
        answer = CommandLine(tmp_path, url)(*words, expect=1)
        assert answer.err.startswith("error: the database does not answer: ")
        assert len(answer.err.splitlines()) == 1 and "secret" not in answer.err
