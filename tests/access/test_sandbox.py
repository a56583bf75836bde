"""Only a database that says of itself that it is a demo may be erased."""

import errno
from pathlib import Path

import pytest
from sqlalchemy import inspect

from cis_power.access import sandbox
from cis_power.access.models import User
from cis_power.core.config import Settings
from cis_power.core.db import Database
from cis_power.core.errors import Conflict, Unavailable
from cis_power.core.time import utc_now


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(database=database_url, run_dir=tmp_path / "run")


def _with_a_user(settings: Settings) -> None:
    database = Database(settings.database)
    with database.transaction() as session:
        times = {"password_changed_at": utc_now(), "created_at": utc_now()}
        session.add(User(name="alice", role="agent", password_hash="x", created_by="test", **times))
    database.dispose()


def test_a_demo_is_marked_found_and_erased(settings: Settings) -> None:
    assert sandbox.look(settings) == sandbox.Sandbox("empty")
    sandbox.mark(settings, "building", {"customers": 10})
    assert sandbox.look(settings) == sandbox.Sandbox("building", {"customers": 10})
    _with_a_user(settings)
    sandbox.mark(settings, "complete", {"customers": 10, "seed": 1})
    assert sandbox.look(settings) == sandbox.Sandbox("complete", {"customers": 10, "seed": 1})
    sandbox.erase(settings)
    assert sandbox.look(settings).state == "absent"
    database = Database(settings.database)
    assert inspect(database.engine).get_table_names() == []
    database.dispose()


def test_anything_else_is_left_alone(settings: Settings) -> None:
    with pytest.raises(Conflict, match="left alone"):
        sandbox.erase(settings)
    _with_a_user(settings)
    assert sandbox.look(settings).state == "foreign"
    with pytest.raises(Conflict, match="left alone"):
        sandbox.erase(settings)
    assert sandbox.look(settings).state == "foreign"


def test_tables_of_another_program_are_foreign_and_no_file_is_made_by_looking(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    settings = Settings(database=f"sqlite:///{file}")
    assert sandbox.look(settings).state == "absent"
    assert not file.exists()
    database = Database(settings.database)
    with database.transaction() as session:
        session.connection().exec_driver_sql("CREATE TABLE letters (id INTEGER)")
    database.dispose()
    assert sandbox.look(settings).state == "foreign"


def test_what_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("garbage, but enough of it to be looked at")
    with pytest.raises(Unavailable, match="not a database"):
        sandbox.look(Settings(database=f"sqlite:///{file}"))
    assert file.read_text().startswith("garbage")


def test_one_demo_at_a_time_and_none_beside_a_scheduler(settings: Settings) -> None:
    with sandbox.only_demo(settings):
        with pytest.raises(Conflict, match="is running"), sandbox.only_demo(settings):
            pytest.fail("two demos on one database")
        with sandbox.alone(settings), pytest.raises(Conflict, match="a scheduler is running"), sandbox.alone(settings):
            pytest.fail("a demo was built beside a scheduler")
    with sandbox.only_demo(settings):
        pass


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EFBIG, "x"),
        Unavailable("database or disk is full"),
    ],
)
def test_a_full_disk_is_one_line(error: Exception) -> None:
    with pytest.raises(Conflict, match="make room"), sandbox.full_disk_in_words():
        raise error


def test_other_trouble_stays_what_it_is() -> None:
    with pytest.raises(PermissionError), sandbox.full_disk_in_words():
        raise PermissionError(errno.EACCES, "Permission denied")
    with pytest.raises(Unavailable), sandbox.full_disk_in_words():
        raise Unavailable("the database does not answer: connection refused")
