"""Locks between processes: a file beside the SQLite database, a session advisory lock on PostgreSQL.

Both end with the process that holds them, however it ends.
"""

import fcntl
import hashlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from cis_power.core.db import Database
from cis_power.core.errors import Unavailable


def process_name() -> str:
    """This process, as other processes can read it: `host:pid`."""
    return f"{socket.gethostname()}:{os.getpid()}"


class ProcessLock:
    """A named lock of one database, held by at most one process. Not for sharing between threads."""

    def __init__(self, database: Database, name: str) -> None:
        self.name = name
        self._lock = _AdvisoryLock(database, name) if database.dialect == "postgresql" else _FileLock(database, name)

    def acquire(self, wait_seconds: float = 0.0) -> bool:
        """Take the lock; False when another process still has it after `wait_seconds`."""
        deadline = time.monotonic() + wait_seconds
        while not self._lock.take():
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        return True

    def held(self) -> bool:
        """Whether the lock is (still) ours; a lost connection to the server loses it."""
        return self._lock.held()

    def holder(self) -> str:
        """Who holds it, as far as that can be told: `host:pid` or `another process`."""
        return self._lock.holder() or "another process"

    def release(self) -> None:
        """Give it back; it can be taken again."""
        self._lock.release()

    def close(self) -> None:
        """Give it back for good."""
        self._lock.close()


class _FileLock:
    def __init__(self, database: Database, name: str) -> None:
        file = database.url.database
        if not file or file == ":memory:":
            raise ValueError("a database in memory belongs to one process and has no lock")
        self._path = Path(f"{file}.{name}.lock.file")
        self._descriptor: int | None = None

    def take(self) -> bool:
        self._descriptor = self._open() if self._descriptor is None else self._descriptor
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if not self.held():  # the file was removed and made anew by another process since we opened it
            self.close()
            return False
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, process_name().encode(), 0)
        return True

    def _open(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def held(self) -> bool:
        if self._descriptor is None:
            return False
        try:
            return os.fstat(self._descriptor).st_ino == self._path.stat().st_ino
        except FileNotFoundError:
            return False

    def holder(self) -> str | None:
        try:
            return self._path.read_text() or None
        except FileNotFoundError:
            return None

    def release(self) -> None:
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class _AdvisoryLock:
    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._key = int.from_bytes(hashlib.sha256(f"cis-power {name}".encode()).digest()[:8], "big", signed=True)
        self._name = name
        self._session: Any = None

    def take(self) -> bool:
        if self._session is None:
            with self._answering():
                self._session = self._connect()
        return bool(self._ask("SELECT pg_try_advisory_lock(%s)", self._key)[0])

    def _ask(self, query: str, *values: Any) -> Any:
        with self._answering():
            return self._session.execute(query, values).fetchone()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Losing the server loses the lock: the connection is given up and `Unavailable` is raised."""
        try:
            yield
        except psycopg.OperationalError as error:
            self._drop()
            raise Unavailable(f"the database does not answer: {str(error).strip().splitlines()[0]}") from error

    def _connect(self) -> psycopg.Connection:
        arguments, keywords = self._database.engine.dialect.create_connect_args(self._database.url)
        session = psycopg.connect(
            *arguments,
            **keywords,
            autocommit=True,
            connect_timeout=10,
            application_name=f"cis-power {self._name} {process_name()}"[:63],
        )
        # A holder whose machine vanished is noticed by the server within ten seconds.
        session.execute("SET tcp_keepalives_idle = 4")
        session.execute("SET tcp_keepalives_interval = 2")
        session.execute("SET tcp_keepalives_count = 2")
        return session

    def held(self) -> bool:
        if self._session is None:
            return False
        try:
            self._ask("SELECT 1")
        except Unavailable:
            return False
        return True

    def holder(self) -> str | None:
        if self._session is None:
            return None
        row = self._ask(
            "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE locktype = 'advisory' AND granted AND pg_locks.database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND ((classid::bigint << 32) | objid::bigint) = %s",
            self._key,
        )
        return str(row[0]).split()[-1] if row else None

    def release(self) -> None:
        if self._session is None:
            return
        with suppress(Unavailable):  # a lost connection has given the lock back already
            self._ask("SELECT pg_advisory_unlock(%s)", self._key)

    def close(self) -> None:
        self.release()  # said aloud: the server notices a closed connection only a moment later
        self._drop()

    def _drop(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
