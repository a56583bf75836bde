"""What a job is: a name, a schedule in UTC, a function."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.cron import CronTrigger

from cis_power.core.config import Settings
from cis_power.core.db import Database
from cis_power.core.time import ensure_utc, iso

ALWAYS = "always"


@dataclass(frozen=True)
class JobContext:
    """What a run is given.

    `now` is the clock at its start and `period` the instant it was due (for a continuous job the same). `progress`
    takes a share from 0 to 1 (or None) and a few words. A run that takes long asks `stopping()` between its steps and
    ends early when that is true; what it left undone is done by the next run.
    """

    database: Database
    settings: Settings
    now: datetime
    period: datetime
    progress: Callable[[float | None, str], None]
    stopping: Callable[[], bool]


@dataclass(frozen=True)
class Job:
    """One job.

    `run(context)` answers a few words on what it did, or None when there was nothing to do; raising is a failure. It
    may be killed anywhere and is then run again for the same period: its writes are idempotent or in one transaction.

    Exactly one schedule: `every_seconds`, or `cron` (five fields, in UTC). A `continuous` job passes every
    `every_seconds` and at once when a job named in `after` did something; it keeps one `job_run` row. Any other has a
    row a period: a period is never run twice to its end, and with `catch_up` (default: for `cron`) none is left out
    after a standstill; without it only the latest is made up for. `separate` runs it in a child process of its own.
    """

    name: str
    summary: str
    run: Callable[[JobContext], str | None]
    every_seconds: float | None = None
    cron: str | None = None
    continuous: bool = False
    after: tuple[str, ...] = ()
    catch_up: bool | None = None
    separate: bool = False

    def __post_init__(self) -> None:
        if (self.every_seconds is None) == (self.cron is None):
            raise ValueError(f"job {self.name!r} needs exactly one of every_seconds and cron")
        if self.every_seconds is not None and self.every_seconds <= 0:
            raise ValueError(f"job {self.name!r} must have a positive every_seconds")
        if self.continuous and (self.every_seconds is None or self.separate):
            raise ValueError(f"continuous job {self.name!r} takes every_seconds, and no process of its own")
        if self.every_seconds is not None and not self.continuous and self.every_seconds % 1:
            raise ValueError(f"periodic job {self.name!r} takes whole seconds")
        if self.cron is not None:
            CronTrigger.from_crontab(self.cron, timezone=UTC)  # raises ValueError when it is unreadable

    @property
    def catches_up(self) -> bool:
        """Whether every missed period is made up for, or only the latest."""
        return self.cron is not None if self.catch_up is None else self.catch_up

    @property
    def schedule(self) -> str:
        """The schedule in words."""
        if self.cron is not None:
            return f"cron {self.cron} UTC"
        return f"{'continuously, ' if self.continuous else ''}every {self.every_seconds:g} s"

    def due_after(self, moment: datetime) -> datetime:
        """The first instant after `moment` at which a periodic job is due."""
        moment = ensure_utc(moment)
        if self.every_seconds is not None:
            count = moment.timestamp() // self.every_seconds + 1
            return datetime.fromtimestamp(count * self.every_seconds, UTC)
        assert self.cron is not None
        found: datetime | None = CronTrigger.from_crontab(self.cron, timezone=UTC).get_next_fire_time(
            None, moment + timedelta(microseconds=1)
        )
        if found is None:
            raise ValueError(f"job {self.name!r} is never due")
        return found.astimezone(UTC)

    def due_until(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The instants in (`after`, `until`] at which it is due, in order."""
        due = self.due_after(after)
        while due <= until:
            yield due
            due = self.due_after(due)

    def latest_due(self, moment: datetime) -> datetime:
        """The latest instant up to `moment` at which it was due; the year before is looked through, else `moment`."""
        if self.every_seconds is not None:
            return datetime.fromtimestamp(moment.timestamp() // self.every_seconds * self.every_seconds, UTC)
        for days in (1, 8, 32, 367):
            found = list(self.due_until(moment - timedelta(days=days), moment))
            if found:
                return found[-1]
        return moment


def period_name(period: datetime) -> str:
    """How a period is written in `job_run`."""
    return iso(period)
