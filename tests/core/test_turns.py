"""Writers of a SQLite file take turns: whoever waits begins before another writes twice more."""

import multiprocessing
import threading
from collections.abc import Iterator
from multiprocessing.synchronize import Event

import pytest
from sqlalchemy import func, select

from cis_power.core.db import Database
from cis_power.core.errors import Unavailable
from cis_power.core.models import Code

ROWS = 300


def _chunks(database: Database, kind: str, stop: "Event | threading.Event") -> None:
    """Write chunk after chunk without a pause, as an import does."""
    number = 0
    while not stop.is_set():
        with database.transaction() as session:
            session.connection()  # from here on nobody else writes
            session.add_all(
                Code(kind=f"{kind}{number}", code=str(row), label_en="x", label_zh="x") for row in range(ROWS)
            )
        number += 1
    database.dispose()


def _in_a_process(url: str, kind: str, stop: Event) -> None:
    _chunks(Database(url), kind, stop)


def _count(database: Database) -> int:
    with database.reading() as session:
        return (session.scalar(select(func.count()).select_from(Code)) or 0) // ROWS


@pytest.fixture(params=["thread", "process"])
def busy(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[Database]:
    """A database that somebody else writes to all the time."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event() if request.param == "process" else threading.Event()
    make = context.Process if request.param == "process" else threading.Thread
    given = (sqlite_url, "busy", stop) if request.param == "process" else (Database(sqlite_url), "busy", stop)
    writer = make(target=_in_a_process if request.param == "process" else _chunks, args=given)  # type: ignore[operator]
    writer.start()
    database = Database(sqlite_url)
    try:
        while _count(database) < 2:
            pass
        yield database
    finally:
        stop.set()
        writer.join()
        database.dispose()


def test_a_waiting_writer_is_next(busy: Database) -> None:
    for number in range(8):
        before = _count(busy)
        with busy.transaction() as session:
            done = (session.scalar(select(func.count()).select_from(Code)) or 0) // ROWS
            session.add(Code(kind="waited", code=str(number), label_en="x", label_zh="x"))
        # One chunk may end between the count and the wait, one may have begun before it.
        assert done - before <= 3


def test_who_never_gives_way_is_told_of(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cis_power.core.db.database._BUSY_TIMEOUT_MS", 50)
    holder, other = Database(sqlite_url), Database(sqlite_url)
    with holder.transaction() as held:
        held.connection()
        with pytest.raises(Unavailable, match="locked"), other.transaction() as session:
            session.connection()
    with other.transaction() as session:
        session.add(Code(kind="test", code="1", label_en="x", label_zh="x"))
