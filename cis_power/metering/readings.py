"""What a reading is, before it is posted, and what became of it afterwards."""

from dataclasses import dataclass
from datetime import datetime

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
