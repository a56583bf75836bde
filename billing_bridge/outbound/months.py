"""The local months of an export's period."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Self
from zoneinfo import ZoneInfo

from cis_power.core.time import local_date, month_bounds, parse_instant


@dataclass(frozen=True, slots=True)
class Month:
    """The part of one local month that lies in the period: [from_at, to_at)."""

    first_on: date
    from_at: datetime
    to_at: datetime

    @property
    def name(self) -> str:
        return f"{self.first_on:%Y-%m}"


@dataclass(frozen=True, slots=True)
class Period:
    """[from_at, to_at), with the months in it."""

    from_at: datetime
    to_at: datetime
    zone: ZoneInfo

    @classmethod
    def parse(cls, from_text: str | None, to_text: str | None, zone: ZoneInfo, now: datetime) -> Self:
        """The period of two texts; without any the last whole month. Raises ValueError."""
        if from_text is None and to_text is None:
            today = local_date(now, zone)
            year, month = (today.year, today.month - 1) if today.month > 1 else (today.year - 1, 12)
            return cls(*month_bounds(year, month, zone), zone)
        if from_text is None or to_text is None:
            raise ValueError("--from and --to belong together")
        from_at, to_at = parse_instant(from_text, zone), parse_instant(to_text, zone)
        if to_at <= from_at:
            raise ValueError("--to is not behind --from")
        return cls(from_at, to_at, zone)

    def months(self) -> list[Month]:
        found: list[Month] = []
        day = local_date(self.from_at, self.zone).replace(day=1)
        while True:
            begin, end = month_bounds(day.year, day.month, self.zone)
            if begin >= self.to_at:
                return found
            found.append(Month(day, max(begin, self.from_at), min(end, self.to_at)))
            day = date(day.year + 1, 1, 1) if day.month == 12 else date(day.year, day.month + 1, 1)
