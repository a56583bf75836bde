"""The `job_run` rows: what ran for which period, how far it is, how it ended."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from cis_power.core.db import Database
from cis_power.core.errors import Unavailable
from cis_power.core.jobs.declaration import ALWAYS, Job, period_name
from cis_power.core.locks import process_name
from cis_power.core.models import JobRun
from cis_power.core.time import iso

ATTEMPTS = 6
FIRST_RETRY = timedelta(seconds=30)


def begin(session: Session, job: str, period: str, now: datetime, *, skipped: int = 0) -> int | None:
    """Enter a run as running and answer its row's id; None when this period was already run to its end."""
    row = session.scalar(select(JobRun).where(JobRun.job == job, JobRun.period == period))
    if row is None:
        row = JobRun(job=job, period=period, attempts=0, skipped=0, begun_at=now)
        session.add(row)
    elif row.status == "done" and period != ALWAYS:
        return None
    row.status = "running"
    row.attempts += 1
    row.skipped += skipped
    row.progress, row.message = None, None
    row.process = process_name()
    row.begun_at = row.heartbeat_at = now
    row.finished_at = None
    session.flush()
    return row.id


def finish(session: Session, run_id: int, status: str, message: str | None, now: datetime) -> None:
    """Enter how a run ended: `done` or `failed`, in a few words."""
    row = session.get_one(JobRun, run_id)
    row.status, row.message = status, message
    row.heartbeat_at = row.finished_at = now
    if status == "done":
        row.progress = 1.0


def begin_always(session: Session, job: str, now: datetime) -> int:
    """The one row of a continuous job, entered as running anew; answers its id."""
    run_id = begin(session, job, ALWAYS, now)
    assert run_id is not None
    return run_id


def beat(session: Session, run_id: int, status: str, message: str | None, now: datetime) -> None:
    """Enter how a continuous job stands."""
    row = session.get_one(JobRun, run_id)
    row.status, row.message, row.heartbeat_at = status, message, now


def note_pass(session: Session, job: str, message: str | None, now: datetime) -> None:
    """Enter that a continuous job was passed by hand; a running scheduler's row keeps its state."""
    row = session.scalar(select(JobRun).where(JobRun.job == job, JobRun.period == ALWAYS))
    if row is None:
        row = JobRun(job=job, period=ALWAYS, status="done", attempts=0, skipped=0, begun_at=now, finished_at=now)
        session.add(row)
    row.heartbeat_at = now
    row.message = message or row.message


def begin_schedule(session: Session, job: Job, now: datetime) -> None:
    """On the first activation ever, remember where a periodic job's schedule begins, so that nothing after is lost."""
    if session.scalar(select(JobRun.id).where(JobRun.job == job.name).limit(1)) is None:
        session.add(
            JobRun(
                job=job.name,
                period=period_name(job.latest_due(now)),
                status="done",
                attempts=0,
                skipped=0,
                message="the schedule begins; not run",
                begun_at=now,
                heartbeat_at=now,
                finished_at=now,
            )
        )


def pending(session: Session, job: Job, now: datetime) -> tuple[list[datetime], int]:
    """Periods of a periodic job that are due, oldest first, and how many were left out before them.

    Begun but unfinished ones (their process died) and failed ones whose pause is over count as due. The caller holds
    the scheduler's lock, so nobody else is running one.
    """
    begun = session.execute(
        select(JobRun.period, JobRun.status, JobRun.attempts, JobRun.heartbeat_at).where(
            JobRun.job == job.name, JobRun.status != "done", JobRun.attempts < ATTEMPTS
        )
    )
    again = [
        datetime.fromisoformat(period)
        for period, status, attempts, seen_at in begun
        if status == "running" or now >= seen_at + FIRST_RETRY * 2 ** (attempts - 1)
    ]
    last = session.scalar(select(func.max(JobRun.period)).where(JobRun.job == job.name))
    missing = list(job.due_until(datetime.fromisoformat(last), now)) if last else []
    left_out = 0
    if missing and not job.catches_up:
        left_out = len(missing) - 1
        missing = missing[-1:]
    return sorted({*again, *missing}), left_out


def standing(session: Session, job: Job) -> dict[str, Any]:
    """A job's schedule and its latest run, as the operators see it."""
    row = session.scalar(select(JobRun).where(JobRun.job == job.name).order_by(JobRun.begun_at.desc()).limit(1))
    return {
        "name": job.name,
        "summary": job.summary,
        "schedule": job.schedule,
        "status": row.status if row else None,
        "period": row.period if row else None,
        "progress": row.progress if row else None,
        "message": row.message if row else None,
        "process": row.process if row else None,
        "begun_at": iso(row.begun_at) if row else None,
        "heartbeat_at": iso(row.heartbeat_at) if row else None,
        "finished_at": iso(row.finished_at) if row and row.finished_at else None,
    }


def forget(session: Session, before: datetime) -> int:
    """Delete finished runs that ended before an instant, but never a job's latest; answers how many."""
    latest = select(func.max(JobRun.period)).group_by(JobRun.job)
    deleted = session.execute(
        delete(JobRun).where(JobRun.finished_at < before, JobRun.status != "running", JobRun.period.not_in(latest))
    )
    return int(deleted.rowcount)  # type: ignore[attr-defined]


@dataclass
class Progress:
    """How far one run is, kept in memory until the recorder writes it: a job may be inside a transaction of its own."""

    run_id: int
    share: float | None = None
    words: str | None = None

    def __call__(self, share: float | None, words: str) -> None:
        self.share, self.words = share, words


@dataclass
class Recorder:
    """Writes heartbeat and progress of the runs of this process every few seconds, from a thread of its own."""

    database: Database
    every_seconds: float = 2.0
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _runs: dict[int, Progress] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "Recorder":
        self._thread = threading.Thread(target=self._loop, name="recorder", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def add(self, run_id: int) -> Progress:
        with self._guard:
            return self._runs.setdefault(run_id, Progress(run_id))

    def remove(self, run_id: int) -> None:
        with self._guard:
            self._runs.pop(run_id, None)

    def _loop(self) -> None:
        while not self._stop.wait(self.every_seconds):
            with self._guard:
                runs = list(self._runs.values())
            if runs:
                self._write(runs)

    def _write(self, runs: list[Progress]) -> None:
        try:
            with self.database.transaction() as session:
                for run in runs:
                    row = session.get(JobRun, run.run_id)
                    if row is not None and row.status == "running":
                        row.heartbeat_at = self.clock()
                        row.progress, row.message = run.share, run.words or row.message
        except Unavailable:
            return  # the next round writes it; whether the database answers is said by those who need it
