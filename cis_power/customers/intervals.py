"""Half-open intervals of instants with open ends; pure."""

from datetime import UTC, datetime
from typing import NamedTuple

_EVER = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)


class Interval(NamedTuple):
    """From/to; an empty beginning is ever, an empty end is open."""

    began_at: datetime | None
    ended_at: datetime | None

    def overlaps(self, other: "Interval") -> bool:
        return self._from() < other._to() and other._from() < self._to()

    def minus(self, other: "Interval") -> list["Interval"]:
        """What is left of this interval outside of the other: none, one or two intervals."""
        rest = []
        if self._from() < other._from():
            rest.append(Interval(self.began_at, min((self.ended_at, other.began_at), key=_as_end)))
        if other._to() < self._to():
            rest.append(Interval(max((self.began_at, other.ended_at), key=_as_beginning), self.ended_at))
        return rest

    def _from(self) -> datetime:
        return _as_beginning(self.began_at)

    def _to(self) -> datetime:
        return _as_end(self.ended_at)


def _as_beginning(moment: datetime | None) -> datetime:
    return _EVER if moment is None else moment


def _as_end(moment: datetime | None) -> datetime:
    return _NEVER if moment is None else moment
