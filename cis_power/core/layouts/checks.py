"""What columns of one row must keep together: asked of a row, or of all rows at once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cis_power.core.columns import Values
from cis_power.core.errors import Problem

RowCheck = Callable[[dict[str, Any], int], Iterable[Problem]]
"""`(row, line) → problems`. Only called for rows good so far."""


@runtime_checkable
class Spotting(Protocol):
    """A row check that can say of many rows at once which ones it needs to see."""

    def suspects(self, columns: Mapping[str, Values], count: int) -> NDArray[np.bool_]:
        """Which of `count` rows the check might find fault with; instants and dates are datetime64 arrays."""


@dataclass(frozen=True, slots=True)
class InOrder:
    """`later` must be behind `earlier` (or equal, if that is allowed) where both are given."""

    earlier: str
    later: str
    equal_ok: bool = False

    def __call__(self, row: dict[str, Any], _line: int, /) -> Iterable[Problem]:
        begin, end = row[self.earlier], row[self.later]
        if begin is not None and end is not None and (end < begin or (end == begin and not self.equal_ok)):
            yield Problem("wrong_order", f"{self.later} is not behind {self.earlier}", field=self.later)

    def suspects(self, columns: Mapping[str, Values], count: int) -> NDArray[np.bool_]:
        if self.earlier not in columns or self.later not in columns:
            return np.zeros(count, np.bool_)
        begin, end = np.asarray(columns[self.earlier]), np.asarray(columns[self.later])
        wrong: NDArray[np.bool_] = end < begin if self.equal_ok else end <= begin  # false where one is NaT
        return wrong
