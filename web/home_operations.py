"""Cards of the start page about supply: outages, calls, network, telemetry, reliability."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar, cast

from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.time import local_date
from cis_power.network.abnormal_reads import AbnormalSwitches, abnormal_switches
from cis_power.outages.call_reads import CallFilter, CallRecord, list_calls
from cis_power.outages.conflict_reads import ConflictRecord, list_conflicts
from cis_power.outages.reads import Board, read_board
from cis_power.outages.reliability_reads import (
    FeederMinutes,
    Reliability,
    reliability_of,
    rolled_up_at,
    worst_feeders,
)
from cis_power.telemetry.state_counts import (
    LoadedTransformer,
    TroubledSource,
    loaded_transformers,
    quality_counts,
    troubled_sources,
)
from web.shell import shell

_FEW = 6
_A_MOMENT = timedelta(seconds=10)
_MOST_MADE = 500
_made: dict[tuple[str, str, frozenset[int] | None], tuple[datetime, Any]] = {}
_Content = TypeVar("_Content")


@dataclass(frozen=True, slots=True)
class Calls:
    """The latest calls, and those of the last day that tell of danger and belong to no outage."""

    rows: Sequence[CallRecord]
    dangers: Sequence[CallRecord]


@dataclass(frozen=True, slots=True)
class Telemetry:
    """How many points are of which quality, and which sources are in trouble."""

    counts: dict[str, int]
    sources: Sequence[TroubledSource]

    @property
    def points(self) -> int:
        return sum(self.counts.values())

    @property
    def good(self) -> int:
        return self.counts.get("good", 0)


@dataclass(frozen=True, slots=True)
class Kpis:
    """Reliability of this month and year so far, each with the same days of the year before."""

    month: Reliability
    month_before: Reliability
    year: Reliability
    year_before: Reliability
    counted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Feeders:
    """The feeders that cost most customer minutes in the last twelve months."""

    rows: Sequence[FeederMinutes]
    from_on: date
    to_on: date


def outages(session: Session, viewer: Viewer, now: datetime) -> Board:
    return read_board(session, viewer, now, limit=_FEW)


def outage_numbers(session: Session, viewer: Viewer, now: datetime) -> Board:
    """For roles that see numbers only."""
    return read_board(session, viewer, now, limit=0)


def calls(session: Session, viewer: Viewer, now: datetime) -> Calls:
    rows = [record for record, _ in list_calls(session, viewer, now, CallFilter(limit=_FEW))]
    loose = CallFilter(hazard=True, without_outage=True, from_at=now - timedelta(days=1), limit=_FEW)
    return Calls(rows, [record for record, _ in list_calls(session, viewer, now, loose)])


def abnormal(session: Session, viewer: Viewer, now: datetime) -> AbnormalSwitches:
    return abnormal_switches(session, viewer, now, limit=8)


def conflicts(session: Session, viewer: Viewer, now: datetime) -> Sequence[ConflictRecord]:
    return list_conflicts(session, viewer, limit=_FEW)


def telemetry(session: Session, viewer: Viewer, now: datetime) -> Telemetry:
    def make() -> Telemetry:
        counts = quality_counts(session, viewer, now, shell().settings.stale_after_seconds)
        return Telemetry(counts, troubled_sources(session, viewer, now))

    return _of_a_moment("telemetry", viewer, now, make)


def loaded(session: Session, viewer: Viewer, now: datetime) -> Sequence[LoadedTransformer]:
    def make() -> Sequence[LoadedTransformer]:
        return loaded_transformers(session, viewer, now, shell().settings.stale_after_seconds, limit=8)

    return _of_a_moment("loaded", viewer, now, make)


def _of_a_moment(kind: str, viewer: Viewer, now: datetime, make: Callable[[], _Content]) -> _Content:
    """What looks at every point is made once in a few seconds for all who see the same territory."""
    key = (str(shell().settings.run_dir), kind, viewer.districts)
    at, content = _made.get(key, (None, None))
    if at is None or not timedelta(0) <= now - at < _A_MOMENT:
        if len(_made) > _MOST_MADE:
            _made.clear()
        content = make()
        _made[key] = now, content
    return cast(_Content, content)


def feeders(session: Session, viewer: Viewer, now: datetime) -> Feeders:
    to_on = local_date(now, shell().settings.zone) + timedelta(days=1)
    from_on = _year_before(to_on)
    return Feeders(worst_feeders(session, viewer, from_on, to_on, limit=8), from_on, to_on)


def kpis(session: Session, viewer: Viewer, now: datetime) -> Kpis:
    to_on = local_date(now, shell().settings.zone) + timedelta(days=1)
    today = to_on - timedelta(days=1)
    month, year = today.replace(day=1), today.replace(month=1, day=1)

    def of(from_on: date, until_on: date) -> Reliability:
        return reliability_of(session, viewer, from_on, until_on)

    before = _year_before(to_on)
    return Kpis(
        of(month, to_on),
        of(_year_before(month), before),
        of(year, to_on),
        of(_year_before(year), before),
        rolled_up_at(session),
    )


def _year_before(day: date) -> date:
    """The same day of the year before; of 29 February the 28th."""
    return (
        day.replace(year=day.year - 1, day=min(day.day, 28))
        if (day.month, day.day) == (2, 29)
        else day.replace(year=day.year - 1)
    )


MAKERS: dict[str, tuple[str, Any]] = {
    "outages": ("outages:outage:read", outages),
    "outage_numbers": ("outages:count:read", outage_numbers),
    "calls": ("outages:call:read", calls),
    "abnormal": ("network:model:read", abnormal),
    "conflicts": ("outages:outage:write", conflicts),
    "telemetry": ("telemetry:point:read", telemetry),
    "loaded": ("telemetry:point:read", loaded),
    "feeders": ("reports:reliability:read", feeders),
    "kpis": ("reports:reliability:read", kpis),
}
