"""Engine, sessions and transactions for SQLite and PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from cis_power.core.db.turn import next_turn
from cis_power.core.errors import Unavailable

_BUSY_TIMEOUT_MS = 10_000


class Database:
    """One database: sessions to read, transactions to write.

    A transaction on SQLite begins IMMEDIATE, so that two writers queue up instead of failing half-way; they take turns.
    """

    def __init__(self, url: str, *, pooled: bool = True) -> None:
        self.url = make_url(url)
        self.dialect = self.url.get_backend_name()
        self.engine = _sqlite_engine(url) if self.dialect == "sqlite" else _postgresql_engine(self.url, pooled)
        self._writing = self.engine.execution_options(cis_write=True)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session over one snapshot; nothing it changes is kept."""
        with _translated(), Session(self.engine, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits at the end; raising rolls all of it back."""
        with _translated(), Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    def dispose(self) -> None:
        self.engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        if type(error) not in (OperationalError, DatabaseError):  # SQLite says the latter of a file that is none of its
            raise
        raise Unavailable(f"the database does not answer: {str(error.orig).strip().splitlines()[0]}") from error


def _postgresql_engine(url: Any, pooled: bool) -> Engine:
    url = url.set(drivername="postgresql+psycopg")
    options: dict[str, Any] = {"pool_pre_ping": True} if pooled else {"poolclass": NullPool}
    engine = create_engine(url, connect_args={"options": "-c timezone=UTC", "connect_timeout": 10}, **options)
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def _begin_postgresql(connection: Connection) -> None:
    if not connection.get_execution_options().get("cis_write"):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": _BUSY_TIMEOUT_MS / 1000})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves; the driver's own begin comes too late
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA cache_size = -65536")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    if not connection.get_execution_options().get("cis_write"):
        connection.exec_driver_sql("BEGIN")
        return
    file = connection.engine.url.database
    with next_turn(file, _BUSY_TIMEOUT_MS / 1000) if file and file != ":memory:" else nullcontext():
        connection.exec_driver_sql("BEGIN IMMEDIATE")
