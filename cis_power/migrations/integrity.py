"""Whether a database is what this program expects: revision, tables, sound files, references that lead somewhere."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from cis_power.core.db import Database
from cis_power.core.db.revision import require_head
from cis_power.core.errors import ConfigError, Problem
from cis_power.migrations import metadata

_SHOWN = 50


def find_problems(database: Database) -> list[Problem]:
    """Every problem found; empty: the database is in order. Raises ConfigError when its revision is not ours."""
    try:
        require_head(database)
    except ConfigError as error:
        return [Problem("revision", error.message)]
    with database.engine.connect() as connection:
        differences = [Problem("schema", _in_words(item)) for item in differing_tables(connection)]
        return [*differences, *_unsound(connection)]


def differing_tables(connection: Connection) -> list[Any]:
    """Where the tables differ from the models, in Alembic's form."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata()))


def _in_words(item: object) -> str:
    if isinstance(item, list):
        return "; ".join(_in_words(part) for part in item)
    assert isinstance(item, tuple)
    return " ".join(str(part) for part in item if part is not None)


def _unsound(connection: Connection) -> list[Problem]:
    if connection.dialect.name == "sqlite":
        broken = [row[0] for row in connection.execute(text(f"PRAGMA integrity_check({_SHOWN})")) if row[0] != "ok"]
        dangling = connection.execute(text("PRAGMA foreign_key_check")).fetchmany(_SHOWN)
        return [
            *(Problem("integrity", words) for words in broken),
            *(Problem("reference", f"row {row[1]} of {row[0]} points to no row of {row[2]}") for row in dangling),
        ]
    invalid = connection.execute(
        text("SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE NOT convalidated")
    )
    indexes = connection.execute(text("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"))
    return [
        *(Problem("integrity", f"constraint {name} of {table} is not validated") for table, name in invalid),
        *(Problem("integrity", f"index {name} is not valid") for (name,) in indexes),
    ]
