"""The simulator's truth log as people meet it: what happens in the field, line by line."""

import json
import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the log: start, fault, open, close, lost, restored, repaired, comm, stop."""

    at: datetime
    event: str
    facts: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.facts.get(name)


def read_truth(lines: Iterable[str]) -> Iterator[Happening]:
    """Happenings of whole lines. Raises ValueError for a line that is none."""
    for line in lines:
        facts = json.loads(line)
        yield Happening(datetime.fromisoformat(facts.pop("at")), facts.pop("event"), facts)


def _last_start(log: int, size: int) -> int:
    """Where the line of the last start begins; 0 where there is none."""
    if not size:
        return 0
    with mmap.mmap(log, size, access=mmap.ACCESS_READ) as content:
        found = content.rfind(b'"event": "start"')
        return content.rfind(b"\n", 0, max(found, 0)) + 1


class TruthFile:
    """The growing log, read on and on: first from its last start, and a new log so too."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._reached = 0
        self._mark: int | None = None

    def more(self) -> list[Happening]:
        """What was written since the last look; nothing where there is no log yet."""
        try:
            with self._file.open("rb") as log:
                state = self._file.stat()
                if state.st_ino != self._mark or state.st_size < self._reached:
                    self._mark, self._reached = state.st_ino, _last_start(log.fileno(), state.st_size)
                log.seek(self._reached)
                content = log.read()
        except FileNotFoundError:
            return []
        whole = content[: content.rfind(b"\n") + 1]
        self._reached += len(whole)
        return list(read_truth(whole.decode("utf-8").splitlines()))
