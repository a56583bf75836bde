"""A database that says of itself that it may be erased: a demo. Anything else is somebody's own and is left alone."""

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import DatabaseError

from cis_power.access.models import User
from cis_power.core.config import Settings
from cis_power.core.db import Database
from cis_power.core.errors import Conflict, Unavailable
from cis_power.core.jobs.scheduler import LOCK
from cis_power.core.locks import ProcessLock
from cis_power.core.models import Batch, Code

MARK = ("installation", "demo")
DEMO_LOCK = "demo"


@dataclass(frozen=True)
class Sandbox:
    """What a database says of itself: `state` is absent, empty, building, complete or foreign; `about`: what it is."""

    state: str
    about: Mapping[str, Any] = field(default_factory=dict)


def look(settings: Settings) -> Sandbox:
    """Whether the database is a demo, may become one, or is somebody's own. Makes nothing."""
    database = Database(settings.database)
    try:
        return _look(database)
    finally:
        database.dispose()


def _look(database: Database) -> Sandbox:
    if database.dialect == "sqlite" and not Path(str(database.url.database)).exists():
        return Sandbox("absent")
    with database.reading() as session:
        names = inspect(session.connection()).get_table_names()
        if "code" not in names:
            return Sandbox("foreign" if names else "absent")
        mark = session.scalar(select(Code).where(Code.kind == MARK[0], Code.code == MARK[1]))
        if mark is not None:
            about = dict(mark.attributes)
            return Sandbox(str(about.pop("state")), about)
        filled = session.scalar(select(func.count(Batch.id))) or session.scalar(select(func.count(User.id)))
    return Sandbox("foreign" if filled else "empty")


def mark(settings: Settings, state: str, about: Mapping[str, Any]) -> None:
    """Say of the database that it is a demo, and how far it is. The tables are there already."""
    database = Database(settings.database)
    attributes = {**about, "state": state}
    try:
        with database.transaction() as session:
            found = session.scalar(select(Code).where(Code.kind == MARK[0], Code.code == MARK[1]))
            if found is None:
                labels = {"label_en": "Demo utility", "label_zh": "示范系统"}
                session.add(Code(kind=MARK[0], code=MARK[1], attributes=attributes, **labels))
            else:
                found.attributes = attributes
    finally:
        database.dispose()


def erase(settings: Settings) -> None:
    """Take away every table. Raises Conflict unless the database says that it is a demo."""
    database = Database(settings.database)
    try:
        if _look(database).state not in ("building", "complete"):
            raise Conflict(f"{database.url!r} does not say that it is a demo: it is left alone")
        if database.dialect == "sqlite":
            database.dispose()
            for ending in ("-wal", "-shm", "-turn", ""):
                Path(f"{database.url.database}{ending}").unlink(missing_ok=True)
            return
        with database.transaction() as session:
            name = str(session.scalar(text("SELECT current_schema()")))
            schema = database.engine.dialect.identifier_preparer.quote(name)
            session.execute(text(f"DROP SCHEMA {schema} CASCADE"))
            session.execute(text(f"CREATE SCHEMA {schema}"))
    finally:
        database.dispose()


@contextmanager
def only_demo(settings: Settings) -> Iterator[None]:
    """One demo works on the database at a time. Raises Conflict when another one does."""
    with _holding(settings, DEMO_LOCK, "a demo is running on this database ({holder}): stop it first"):
        yield


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """No scheduler works on the database meanwhile. Raises Conflict when one does."""
    with _holding(settings, LOCK, "a scheduler is running on this database ({holder}): stop it first"):
        yield


@contextmanager
def _holding(settings: Settings, name: str, words: str) -> Iterator[None]:
    database = Database(settings.database)
    if database.dialect == "sqlite":
        Path(str(database.url.database)).parent.mkdir(parents=True, exist_ok=True)
    lock = ProcessLock(database, name)
    try:
        if not lock.acquire():
            raise Conflict(words.format(holder=lock.holder()))
        yield
    finally:
        lock.close()
        database.dispose()


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_ROOM_WORDS = ("disk is full", "disk i/o error", "no space left")


@contextmanager
def full_disk_in_words() -> Iterator[None]:
    """Say in one line that the disk takes no more, whoever noticed it: a file, or either database."""
    try:
        yield
    except (OSError, DatabaseError, Unavailable) as error:
        words = str(error).lower()
        if getattr(error, "errno", None) not in _NO_ROOM and not any(part in words for part in _NO_ROOM_WORDS):
            raise
        raise Conflict("the disk takes no more: make room, then start again") from error
