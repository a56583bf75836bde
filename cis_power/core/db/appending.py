"""Adding bytes behind those that rows hold already, many rows at once."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.orm import Session


def bulk_append(session: Session, table: Table, column: str, ids: Sequence[int], values: Sequence[bytes]) -> None:
    """Put `values` behind what `column` of the rows with these ids holds; rows that are missing are made.

    `ids` (each once, of the key column `id`) should ascend, so that transactions meet rows in one order.
    """
    if not ids:
        return
    connection = session.connection()
    rows: list[tuple[Any, ...]] = list(zip(ids, values, strict=True))
    target = f'INSERT INTO "{table.name}" (id, "{column}")'
    if connection.dialect.name == "sqlite":
        behind = f'CAST("{column}" || excluded."{column}" AS BLOB)'  # SQLite joins bytes to text
        connection.exec_driver_sql(f'{target} VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET "{column}" = {behind}', rows)
        return
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE staging_append (id bigint, value bytea) ON COMMIT DROP")
        with cursor.copy("COPY staging_append (id, value) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "bytea"])
            for row in rows:
                copy.write_row(row)
        cursor.execute(
            f"{target} SELECT id, value FROM staging_append ORDER BY id"  # noqa: S608 - names of our tables
            f' ON CONFLICT (id) DO UPDATE SET "{column}" = "{table.name}"."{column}" || excluded."{column}"'
        )
        cursor.execute("DROP TABLE staging_append")
