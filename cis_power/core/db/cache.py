"""How much of a SQLite file each connection keeps in memory."""

from typing import Any

from sqlalchemy import event

from cis_power.core.db.database import Database

FEW_MB = 8


def keep_few_pages(database: Database, megabytes: int = FEW_MB) -> None:
    """Let every connection keep at most so many megabytes of pages: for a process with a connection a thread.

    The system keeps the file in memory anyway, once for all.
    """
    if database.dialect != "sqlite":
        return

    def prepare(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA cache_size = -{megabytes * 1024}").close()

    event.listen(database.engine, "connect", prepare)
    database.engine.dispose()  # those that are open already are opened anew
