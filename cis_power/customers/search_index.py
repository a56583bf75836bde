"""The full-text index of the search documents, made by the migration because each database has its own kind.

SQLite: an FTS5 table over our grams, whose content stays in `search_term`; triggers keep it.
PostgreSQL: an inverted index (GIN) over the array of grams.
"""

from typing import Any

INDEX = "ix_search_term_grams"
TABLE = "search_term_fts"

_SQLITE = (
    f"""CREATE VIRTUAL TABLE {TABLE} USING fts5(
        grams, content='search_term', content_rowid='id', tokenize='ascii', detail=none, columnsize=0)""",
    f"""CREATE TRIGGER search_term_inserted AFTER INSERT ON search_term BEGIN
        INSERT INTO {TABLE}(rowid, grams) VALUES (new.id, new.grams);
    END""",  # noqa: S608 - our own table
    f"""CREATE TRIGGER search_term_deleted AFTER DELETE ON search_term BEGIN
        INSERT INTO {TABLE}({TABLE}, rowid, grams) VALUES ('delete', old.id, old.grams);
    END""",  # noqa: S608 - our own table
    f"""CREATE TRIGGER search_term_updated AFTER UPDATE ON search_term BEGIN
        INSERT INTO {TABLE}({TABLE}, rowid, grams) VALUES ('delete', old.id, old.grams);
        INSERT INTO {TABLE}(rowid, grams) VALUES (new.id, new.grams);
    END""",  # noqa: S608 - our own table
)
_POSTGRESQL = (f"CREATE INDEX {INDEX} ON search_term USING gin (string_to_array(grams, ' '))",)


def create(op: Any) -> None:
    """Make the index of this database; `op` is Alembic's."""
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)


def drop(op: Any) -> None:
    """Unmake it; triggers go with the table they watch."""
    op.execute(f"DROP TABLE {TABLE}" if op.get_bind().dialect.name == "sqlite" else f"DROP INDEX {INDEX}")
