"""What a posting function is given and what it answers. Posting functions live in the wings that own the tables."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.orm import Session

from cis_power.core.errors import Problem
from cis_power.core.layouts import Rows

ACCEPTED, UNCHANGED, REJECTED = range(3)


@dataclass(frozen=True, slots=True)
class Posting:
    """What stays the same over one file: its batch, who and when, the system it comes from, the utility's zone.

    `file` is every good row of the file, where rows of one chunk must know of others. `memory` lasts as long as the
    import runs, for what need not be made twice; after a kill it is empty again, so nothing right may depend on it.
    """

    batch_id: int | None
    who: str
    now: datetime
    zone: ZoneInfo
    region: str = "CN"
    source: str = "business"
    file: Rows | None = None
    memory: dict[Any, Any] = field(default_factory=dict)


class Outcome:
    """What became of each row: accepted unless said otherwise."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.states = np.full(len(rows), ACCEPTED, np.int8)
        self.problems: list[Problem] = []

    def reject(self, place: int, code: str, message: str, name: str | None = None) -> None:
        """The row at `place` cannot be posted; it is kept as a reject."""
        self.states[place] = REJECTED
        self.problems.append(Problem(code, message, line=int(self.rows.lines[place]), field=name))

    def warn(self, place: int, code: str, message: str, name: str | None = None) -> None:
        """The row at `place` was posted, with a remark."""
        line = int(self.rows.lines[place])
        self.problems.append(Problem(code, message, "warning", line=line, field=name))

    def unchanged(self, place: int) -> None:
        """All that the row at `place` says was so already."""
        self.states[place] = UNCHANGED

    def count(self, state: int) -> int:
        return int((self.states == state).sum())


Poster = Callable[[Session, Rows, Posting], Outcome]
"""Posts rows within the session's transaction; never commits. Rows given twice change nothing the second time."""
