"""Databases for benchmarks: fresh ones at head, thrown away afterwards."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cis_power.core.db import Database
from cis_power.migrations import upgrade
from tests import postgresql


@contextmanager
def fresh(kind: str) -> Iterator[Database]:
    """A database of a kind (`sqlite`, `postgresql`) at head. PostgreSQL runs with fsync off, as in the tests."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="cis-bench-") as folder:
            yield from _at_head(f"sqlite:///{Path(folder) / 'cis.db'}")
        return
    cluster = postgresql.start()
    try:
        yield from _at_head(cluster.url())
    finally:
        cluster.stop()


def _at_head(url: str) -> Iterator[Database]:
    database = Database(url)
    upgrade(database)
    yield database
    database.dispose()


def kinds(asked: str) -> tuple[str, ...]:
    """The databases to measure on."""
    return ("sqlite", "postgresql") if asked == "both" else (asked,)
