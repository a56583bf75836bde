"""What a reading is, before it is posted, and what became of it afterwards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis_power.core.columns import Coded, Values, instants, numbers
from cis_power.core.quality import Quality

QUALITY_OF_WORD: dict[str, Quality] = {
    "measured": Quality.GOOD,
    "estimated": Quality.SUBSTITUTED,
    "substituted": Quality.SUBSTITUTED,
    "missing": Quality.MISSING,
}
"""Estimated and substituted values count in energy but not as good; the word itself is kept as the reason."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One row of a readings file, checked for form: `meter_no` or `usage_point` is given.

    `seconds` is the interval's length; None for the reading of a register. `unit` None means the channel's own.
    `quality` is a word of `QUALITY_OF_WORD`. `value` None is missing.
    """

    meter_no: str | None
    usage_point: str | None
    channel: str | None
    began_at: datetime
    seconds: int | None
    value: float | None
    unit: str | None
    quality: str


@dataclass(frozen=True, slots=True)
class ReadingColumns:
    """Readings as columns of one length; the fields of `Reading`.

    `began_at` is datetime64[us] in UTC, `seconds` float64 with NaN for registers, `value` float64 with NaN for missing.
    """

    meter_no: Coded
    usage_point: Coded
    channel: Coded
    began_at: NDArray[np.datetime64]
    seconds: NDArray[np.float64]
    value: NDArray[np.float64]
    unit: Coded
    quality: Coded

    @classmethod
    def of(cls, readings: Sequence[Reading]) -> "ReadingColumns":
        """Columns of single readings."""

        def column(name: str) -> list[Any]:
            return [getattr(reading, name) for reading in readings]

        return cls.from_columns(column)

    @classmethod
    def from_columns(cls, column: Callable[[str], Values]) -> "ReadingColumns":
        """Columns by name, in any form."""
        return cls(
            Coded.of(column("meter_no")),
            Coded.of(column("usage_point")),
            Coded.of(column("channel")),
            instants(column("began_at")),
            numbers(column("seconds")),
            numbers(column("value")),
            Coded.of(column("unit")),
            Coded.of(column("quality")),
        )

    def __len__(self) -> int:
        return len(self.began_at)


@dataclass(frozen=True, slots=True)
class ReadingProblem:
    """Why one of the given readings was not posted."""

    index: int
    code: str
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of readings: the indexes of those that changed something, of those that did not, and the refused.

    Unchanged is what was there already, and what would have replaced a value of better quality.
    """

    changed: tuple[int, ...]
    unchanged: tuple[int, ...]
    problems: tuple[ReadingProblem, ...]
