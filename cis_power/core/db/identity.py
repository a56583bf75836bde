"""Keys known before their rows are written, so that many related rows can be loaded at once."""

from sqlalchemy import Table, func, select, text
from sqlalchemy.orm import Session


def reserve_ids(session: Session, table: Table, count: int, *, above: int = 0) -> list[int]:
    """`count` fresh keys for the integer key column `id` of a table, for this transaction to use.

    SQLite's writing transaction keeps others out, so the next free keys are ours; `above` is the last one reserved
    earlier in this transaction. PostgreSQL takes them from the sequence, which never gives a number twice.
    """
    if count <= 0:
        return []
    if session.get_bind().dialect.name == "postgresql":
        sequence = session.scalar(select(func.pg_get_serial_sequence(f'"{table.name}"', "id")))
        query = text("SELECT nextval(CAST(:sequence AS regclass)) FROM generate_series(1, :count)")
        return list(session.scalars(query, {"sequence": sequence, "count": count}))
    highest = max(session.scalar(select(func.max(table.c.id))) or 0, above)
    return list(range(highest + 1, highest + 1 + count))
