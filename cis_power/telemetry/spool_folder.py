"""How much waits in the spool, seen from outside: names and sizes only. The folder is shared, its content is sealed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_NAME = re.compile(r"([0-9a-f]{12})-(\d{12})\.batch")


@dataclass(frozen=True, slots=True)
class SpoolDepth:
    """Batches that wait to be loaded, their bytes, when the oldest was written; `put_aside`: damaged ones."""

    batches: int
    size_bytes: int
    oldest_at: datetime | None
    put_aside: int


def spool_depth(folder: Path, loaded: Mapping[str, int]) -> SpoolDepth | None:
    """What waits in a spool folder; None where there is none. `loaded`: the newest number of each collector that is in.

    A file that vanishes meanwhile is one that was loaded.
    """
    try:
        entries = list(folder.iterdir())
    except OSError:
        return None
    count = size = 0
    oldest: float | None = None
    for path in entries:
        match = _NAME.fullmatch(path.name)
        if match is None or int(match[2]) <= loaded.get(match[1], 0):
            continue
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        count, size = count + 1, size + found.st_size
        oldest = found.st_mtime if oldest is None else min(oldest, found.st_mtime)
    aside = folder / "quarantine"
    put_aside = sum(1 for _ in aside.iterdir()) if aside.is_dir() else 0
    return SpoolDepth(count, size, None if oldest is None else datetime.fromtimestamp(oldest, UTC), put_aside)
