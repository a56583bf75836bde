"""A large import lets others write, and its transactions stay short."""

import threading

from sqlalchemy import select

from cis_power.core.db import Database
from cis_power.core.models import Batch, Code
from tests.billing_bridge.files import plain_customers, put


def test_others_write_while_a_file_is_posted(sqlite_database, sqlite_url):
    """Others get in before the import ends, though it writes all the time."""
    other = Database(sqlite_url)
    written: list[int] = []
    stop = threading.Event()

    def write_now_and_then():
        while not stop.is_set():
            with other.transaction() as session:
                session.add(Code(kind="test", code=str(len(written)), label_en="x", label_zh="x"))
                done = session.scalars(select(Batch.rows_done)).all()
            written.append(max(done, default=0))

    thread = threading.Thread(target=write_now_and_then)
    thread.start()
    try:
        put(sqlite_database, "customers", plain_customers(4_000))
    finally:
        stop.set()
        thread.join()
        other.dispose()
    assert [rows for rows in written if 0 < rows < 4_000]
