"""Locked months: a change of the ledger inside one waits as a proposal until somebody decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.core.time import iso, local_date
from cis_power.outages.models import MonthLock, Restatement

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class LockedMonths:
    """Months that are locked now, by their first local day, in the utility's zone."""

    months: frozenset[date]
    zone: ZoneInfo

    @classmethod
    def of(cls, session: Session, zone: ZoneInfo) -> "LockedMonths":
        query = select(MonthLock.month_on).where(MonthLock.reopened_at.is_(None))
        return cls(frozenset(session.scalars(query)), zone)

    def month(self, moment: datetime) -> date | None:
        """The locked month in which an instant lies."""
        first = local_date(moment, self.zone).replace(day=1)
        return first if first in self.months else None


@dataclass(frozen=True, slots=True)
class Restating:
    """Turns changes of the ledger inside locked months into proposals."""

    session: Session
    now: datetime
    locks: LockedMonths

    def divert(
        self, gone: list[Key], come: list[Key], began_place: int, names: Sequence[str]
    ) -> tuple[list[Key], list[Key]]:
        """Keep what may be written at once; the rest is proposed, each change once."""
        if not self.locks.months:
            return gone, come
        changes: list[tuple[date, dict[str, Any]]] = []
        free: tuple[list[Key], list[Key]] = ([], [])
        for act, keys, kept in (("withdraw", gone, free[0]), ("add", come, free[1])):
            for key in keys:
                month = self.locks.month(key[began_place])
                if month is None:
                    kept.append(key)
                else:
                    changes.append((month, {"act": act} | _plain(dict(zip(names, key, strict=False)))))
        known = list(self.session.scalars(select(Restatement.change).where(Restatement.state == "proposed")))
        for month, change in changes:
            if change not in known:
                self.session.add(Restatement(month_on=month, change=change, proposed_at=self.now, state="proposed"))
        return free


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: iso(value) if isinstance(value, datetime) else value for name, value in row.items()}
