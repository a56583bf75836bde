"""Quality of a value: one code for every source, the worst wins."""

from enum import IntEnum


class Quality(IntEnum):
    """Ordered so that `max()` of two qualities is the quality of what is made from both (IEC 60870-5-101 7.2.6)."""

    GOOD = 0
    SUBSTITUTED = 1
    STALE = 2
    SUSPECT = 3
    BAD = 4
    MISSING = 5

    @property
    def decides(self) -> bool:
        """Whether a signal of this quality may open or close an outage."""
        return self in (Quality.GOOD, Quality.SUBSTITUTED)
