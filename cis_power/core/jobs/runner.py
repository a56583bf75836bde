"""Running one job once: under its own lock, with its row, in this process or a child."""

import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cis_power.core.config import Settings
from cis_power.core.db import Database
from cis_power.core.errors import CisError, Conflict
from cis_power.core.jobs import records
from cis_power.core.jobs.declaration import Job, JobContext, period_name
from cis_power.core.locks import ProcessLock
from cis_power.core.time import utc_now

log = logging.getLogger(__name__)

Result = Literal["done", "failed", "already done", "stopped"]


@dataclass(frozen=True)
class Outcome:
    """How one run ended; `error` only where it was none of the errors that speak for themselves.

    `cut`: the run was told to stop, so what it says of itself is not of the whole.
    """

    status: Literal["done", "failed"]
    message: str | None
    error: Exception | None = None
    cut: bool = False


class _Stopping:
    """What a run asks between its steps; remembers whether it was ever told to stop."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self.told = False

    def __call__(self) -> bool:
        self.told = self.told or self._stop.is_set()
        return self.told


@dataclass(frozen=True)
class Runner:
    """What it takes to run jobs here. `stop` ends what can end early."""

    database: Database
    settings: Settings
    recorder: records.Recorder
    stop: threading.Event
    clock: Callable[[], datetime] = utc_now

    def lock(self, job: Job) -> ProcessLock:
        """The lock under which a job runs, wherever it is started from."""
        return ProcessLock(self.database, f"job-{job.name}")

    def run_period(self, job: Job, period: datetime, skipped: int = 0) -> Result:
        """Run a periodic job for one period, unless that was done already; waits while another process runs it."""
        lock = self.lock(job)
        try:
            while not lock.acquire(wait_seconds=0.5):
                if self.stop.is_set():
                    return "stopped"
            with self.database.transaction() as session:
                run_id = records.begin(session, job.name, period_name(period), self.clock(), skipped=skipped)
            if run_id is None:
                return "already done"
            outcome = self._attempt(job, run_id, period)
            if outcome.cut:
                return "stopped"  # by the end of the process: the row stays open and the period is taken up again
            if outcome.status == "failed":
                log.error("job %s failed: %s", job.name, outcome.message, exc_info=outcome.error)
            with self.database.transaction() as session:
                records.finish(session, run_id, outcome.status, outcome.message, self.clock())
            return outcome.status
        finally:
            lock.close()

    def run_pass(self, job: Job, run_id: int) -> "Outcome":
        """One pass of a continuous job; the caller holds its lock and keeps its row."""
        return self._attempt(job, run_id, self.clock())

    def _attempt(self, job: Job, run_id: int, period: datetime) -> "Outcome":
        progress, stopping = self.recorder.add(run_id), _Stopping(self.stop)
        context = JobContext(self.database, self.settings, self.clock(), period, progress, stopping)
        try:
            return Outcome("done", job.run(context), cut=stopping.told)
        except CisError as error:
            return Outcome("failed", error.message, cut=self.stop.is_set())
        except Exception as error:  # noqa: BLE001 - whatever it is, row and log say it, the others go on
            return Outcome("failed", f"{type(error).__name__}: {error}", error, cut=self.stop.is_set())
        finally:
            self.recorder.remove(run_id)

    def run_child(self, job: Job, period: datetime) -> Result:
        """Run a periodic job for one period in a process of its own; it is told to end when we are."""
        command = [sys.executable, "-m", "cis_power", "job", "run", job.name, "--period", period_name(period)]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
        while child.poll() is None:
            if self.stop.wait(0.1):
                child.send_signal(signal.SIGTERM)
                child.wait()
        if child.returncode < 0 and not self.stop.is_set():
            self._record_death(job, period, f"its process was killed by signal {-child.returncode}")
        return "done" if child.returncode == 0 else "failed"

    def _record_death(self, job: Job, period: datetime, words: str) -> None:
        log.error("job %s: %s", job.name, words)
        with self.database.transaction() as session:
            run_id = records.begin(session, job.name, period_name(period), self.clock())
            if run_id is not None:
                records.finish(session, run_id, "failed", words, self.clock())


def run_now(database: Database, settings: Settings, job: Job, *, wait_seconds: float = 60.0) -> str | None:
    """Run one pass of a job from the command line and answer what it says; its errors are raised.

    A scheduler that is just running it is waited for: Conflict when that takes longer than `wait_seconds`.
    """
    lock = ProcessLock(database, f"job-{job.name}")
    try:
        if not lock.acquire(wait_seconds):
            raise Conflict(f"{job.name} is being run by {lock.holder()} and did not end in {wait_seconds:g} s")
        now = utc_now()
        message = job.run(JobContext(database, settings, now, now, lambda _share, _words: None, lambda: False))
        if job.continuous:
            with database.transaction() as session:
                records.note_pass(session, job.name, message, now)
        return message
    finally:
        lock.close()
