"""Loading many rows at once: binary COPY on PostgreSQL, prepared tuples on SQLite, inside the session's transaction."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import Date, Table, column
from sqlalchemy.orm import Session

from cis_power.core.columns import Coded, Values
from cis_power.core.db.types import Money, UtcDateTime

Columns = Mapping[str, Values]
Rows = list[tuple[Any, ...]]
Conflict = tuple[tuple[str, ...], tuple[str, ...]]  # key columns, columns to update
_Item = TypeVar("_Item")


def chunked(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Lists of at most `size` items, in order."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def bulk_insert(session: Session, table: Table, columns: Columns) -> int:
    """Insert rows given by columns of equal length; answers their number. A doubled key raises.

    A column is a list, `Coded`, or an array: datetime64 for instants (UTC) and dates, int64 cents for amounts.
    """
    return _load(session, table, columns, conflict=None)


def bulk_upsert(
    session: Session, table: Table, columns: Columns, key: Sequence[str], update: Sequence[str] | None = None
) -> int:
    """Insert rows, or update `update` (default: every other given column) of the row that has the same `key`.

    With an empty `update` rows that are there already stay as they are. Of rows doubled in `columns` the last counts.
    Answers the number of rows given.
    """
    if update is None:
        update = [name for name in columns if name not in key]
    return _load(session, table, columns, conflict=(tuple(key), tuple(update)))


def _load(session: Session, table: Table, columns: Columns, conflict: Conflict | None) -> int:
    names = list(columns)
    count = len(next(iter(columns.values()))) if names else 0
    if any(len(values) != count for values in columns.values()):
        raise ValueError(f"columns for {table.name} differ in length")
    if count == 0:
        return 0
    session.flush()
    rows = list(zip(*(_bound(session, table, name, columns[name]) for name in names), strict=True))
    if conflict is not None:
        places = [names.index(name) for name in conflict[0]]
        last = {tuple(row[place] for place in places): row for row in rows}
        rows = list(last.values())
    if session.get_bind().dialect.name == "postgresql":
        _copy(session, table, names, rows, conflict)
    else:
        _executemany(session, table, names, rows, conflict)
    return count


def _bound(session: Session, table: Table, name: str, values: Values) -> Sequence[Any]:
    """Values as the driver takes them: arrays unwrapped, column types applied, once a value where values recur."""
    dialect = session.get_bind().dialect
    process = _processor(table, name, dialect)
    if isinstance(values, Coded):
        return values.mapped(process or (lambda value: value))
    if isinstance(values, np.ndarray):
        if values.dtype.kind == "M":
            return _bound_times(values, of_days=isinstance(table.c[name].type, Date), as_text=dialect.name == "sqlite")
        if values.dtype.kind in "iu" and isinstance(table.c[name].type, Money):  # whole cents, as they are kept
            return values.tolist()  # type: ignore[no-any-return]
    plain: Sequence[Any] = values.tolist() if isinstance(values, np.ndarray) else values
    if process is None:
        return plain
    if isinstance(table.c[name].type, UtcDateTime):  # rows that are loaded together share most of their instants
        known = {value: process(value) for value in set(plain)}
        return [known[value] for value in plain]
    return [process(value) for value in plain]


def _bound_times(values: np.ndarray, *, of_days: bool, as_text: bool) -> Sequence[Any]:
    """Instants (UTC) or dates of an array as SQLite's text, or as what psycopg takes; NaT as None."""
    unit = "D" if of_days else "us"
    exact = values.astype(f"datetime64[{unit}]")
    if as_text:
        texts = np.datetime_as_string(exact)
        if not of_days and len(texts):
            texts.view("U1").reshape(len(texts), -1)[:, len("2026-11-22")] = " "
        plain = texts.tolist()
    else:
        plain = exact.tolist() if of_days else [None if v is None else v.replace(tzinfo=UTC) for v in exact.tolist()]
    if as_text and np.isnat(exact).any():
        return [None if missing else value for value, missing in zip(plain, np.isnat(exact).tolist(), strict=True)]
    return plain  # type: ignore[no-any-return]


def _processor(table: Table, name: str, dialect: Any) -> Callable[[Any], Any] | None:
    return table.c[name].type.dialect_impl(dialect).bind_processor(dialect)


def _on_conflict(table: Table, conflict: Conflict | None) -> str:
    if conflict is None:
        return ""
    key, update = conflict
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in update)
    action = f"DO UPDATE SET {changes}" if update else "DO NOTHING"
    return f" ON CONFLICT ({', '.join(_quoted(key))}) {action}"


def _quoted(names: Iterable[str]) -> list[str]:
    return [f'"{column(name).name}"' for name in names]


def _executemany(session: Session, table: Table, names: list[str], rows: Rows, conflict: Conflict | None) -> None:
    marks = ", ".join("?" * len(names))
    statement = f'INSERT INTO "{table.name}" ({", ".join(_quoted(names))}) VALUES ({marks})'  # noqa: S608 - names of our tables
    connection = session.connection()
    for part in chunked(rows, 50_000):
        connection.exec_driver_sql(statement + _on_conflict(table, conflict), part)


def _copy(session: Session, table: Table, names: list[str], rows: Rows, conflict: Conflict | None) -> None:
    connection = session.connection().connection.driver_connection
    assert connection is not None
    listed = ", ".join(_quoted(names))
    dialect = session.get_bind().dialect
    types = [table.c[name].type.compile(dialect) for name in names]
    with connection.cursor() as cursor:
        target = f'"{table.name}"'
        if conflict is not None:
            target = f'"staging_{table.name}"'
            pairs = ", ".join(f"{name} {_plain_type(type_)}" for name, type_ in zip(_quoted(names), types, strict=True))
            cursor.execute(f"CREATE TEMPORARY TABLE {target} ({pairs}) ON COMMIT DROP")
        with cursor.copy(f"COPY {target} ({listed}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types([_plain_type(type_).lower() for type_ in types])
            for row in rows:
                copy.write_row(row)
        if conflict is not None:
            cursor.execute(
                f'INSERT INTO "{table.name}" ({listed}) SELECT {listed} FROM {target}'  # noqa: S608 - names of our tables
                + _on_conflict(table, conflict)
            )
            cursor.execute(f"DROP TABLE {target}")


def _plain_type(compiled: str) -> str:
    names = {"TIMESTAMP WITH TIME ZONE": "timestamptz", "FLOAT(53)": "float8", "DOUBLE PRECISION": "float8"}
    return names.get(compiled, compiled).lower()
