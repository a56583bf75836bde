"""Writers of a SQLite file take turns, whatever process they are in.

SQLite does not queue its writers: one that waits looks again now and then, and who writes chunk after chunk is back
before it looks. So whoever is next holds a lock on a file beside the database until he has begun; who has just written
comes behind him.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SUFFIX = "-turn"
_LOOK_SECONDS = 0.002


@contextmanager
def next_turn(database_file: str, seconds: float) -> Iterator[None]:
    """Be the next one to write for as long as the block lasts; begin to write in it.

    After `seconds` the block is entered all the same: who waits longer is told by SQLite that the database is locked.
    """
    descriptor = os.open(Path(database_file + SUFFIX), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + seconds
        while not _locked(descriptor) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
