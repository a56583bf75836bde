"""Instants are aware UTC; days and months are the utility's local ones, 23 or 25 hours long when clocks change."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

_BARE_DATE = re.compile(r"\d{4}-\d{2}-\d{2}$")


def utc_now() -> datetime:
    """The clock, read at the edge only; everything inside takes `now` as a parameter."""
    return datetime.now(UTC)


def ensure_utc(moment: datetime) -> datetime:
    """The same instant in UTC; a naive one is refused with ValueError."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no offset: instants must be aware")
    return moment.astimezone(UTC)


def parse_instant(text: str, zone: tzinfo, *, bare_date_ok: bool = True) -> datetime:
    """Instant of an ISO 8601 text; naive times are local to `zone`, a bare date is local midnight. Raises ValueError.

    A local time inside the hour that clocks skip does not exist and is refused; one that occurs twice means the first.
    """
    text = text.strip()
    if _BARE_DATE.fullmatch(text) and not bare_date_ok:
        raise ValueError(f"{text!r} is a date, not a time")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an ISO 8601 time") from None
    local = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
    try:
        instant = local.astimezone(UTC)
        back = instant.astimezone(zone)
    except OverflowError:
        raise ValueError(f"{text!r} is out of range") from None
    if moment.tzinfo is None and back.replace(tzinfo=None) != moment:
        raise ValueError(f"{text!r} does not exist in {zone}: clocks skip it")
    return instant


def iso(moment: datetime, zone: tzinfo = UTC) -> str:
    """ISO 8601 with offset, in `zone`; fractions only where there are any."""
    return ensure_utc(moment).astimezone(zone).isoformat()


def day_bounds(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """[from, to) of a local day, as UTC instants."""
    following = day + timedelta(days=1)
    return _midnight(day, zone), _midnight(following, zone)


def month_bounds(year: int, month: int, zone: tzinfo) -> tuple[datetime, datetime]:
    """[from, to) of a local month, as UTC instants."""
    following = date(year + 1, 1, 1) if month == 12 else date(year, month + 1, 1)
    return _midnight(date(year, month, 1), zone), _midnight(following, zone)


def local_date(moment: datetime, zone: tzinfo) -> date:
    """The local day that an instant belongs to."""
    return ensure_utc(moment).astimezone(zone).date()


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
