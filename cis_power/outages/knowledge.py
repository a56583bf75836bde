"""The two times of a question: which instant it is about, and what was known when.

`at`: the instant, with what was known at that instant. `as_of`: the instant, with what is known now.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from cis_power.core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Moment:
    """`about`: the instant asked about; `known_at`: the instant of knowledge; `current`: that is now."""

    about: datetime
    known_at: datetime
    current: bool

    @classmethod
    def of(cls, now: datetime, at: datetime | None = None, as_of: datetime | None = None) -> "Moment":
        """From the two ways to ask; InvalidInput when both are used or one lies in the future."""
        if at is not None and as_of is not None:
            raise InvalidInput("ask either for what was known at a time or for what is known now about it, not both")
        asked = at or as_of
        if asked is not None and asked > now:
            raise InvalidInput(f"{asked.isoformat()} lies in the future")
        if at is not None:
            return cls(at, at, current=False)
        if as_of is not None:
            return cls(as_of, now, current=True)
        return cls(now, now, current=True)

    def known(self, model: Any) -> ColumnElement[bool]:
        """Rows of a table with times of knowledge that were held true."""
        if self.current:
            unsuperseded: ColumnElement[bool] = model.superseded_at.is_(None)
            return unsuperseded
        return and_(
            model.recorded_at <= self.known_at,
            or_(model.superseded_at.is_(None), model.superseded_at > self.known_at),
        )

    def holding(self, began_at: Any, ended_at: Any) -> ColumnElement[bool]:
        """Spells that hold at the instant."""
        return and_(began_at <= self.about, or_(ended_at.is_(None), ended_at > self.about))

    def valid(self, began_at: Any, ended_at: Any) -> ColumnElement[bool]:
        """Rows whose from/to, empty meaning ever, holds at the instant."""
        return and_(or_(began_at.is_(None), began_at <= self.about), or_(ended_at.is_(None), ended_at > self.about))
