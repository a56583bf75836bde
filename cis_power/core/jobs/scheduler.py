"""The scheduler process: of all that run on one database one is active, the others stand by to take over."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from cis_power.core.config import Settings
from cis_power.core.db import Database
from cis_power.core.errors import Unavailable
from cis_power.core.jobs import records
from cis_power.core.jobs.declaration import Job
from cis_power.core.jobs.runner import Outcome, Runner
from cis_power.core.locks import ProcessLock
from cis_power.core.memory import give_back
from cis_power.core.time import utc_now

log = logging.getLogger(__name__)

LOCK = "scheduler"
STANDBY_SECONDS = 1.0
HEARTBEAT_SECONDS = 5.0
MAKE_UP_SECONDS = 15


def serve(database: Database, settings: Settings, jobs: Sequence[Job], stop: threading.Event) -> None:
    """Be the active scheduler whenever no other is, until `stop` is set."""
    lock = ProcessLock(database, LOCK)
    told = ""
    while not stop.is_set():
        try:
            taken = lock.acquire()
            words = "" if taken else f"another scheduler is active ({lock.holder()}): standing by"
        except Unavailable as error:
            taken, words = False, error.message
        if taken:
            log.info("active: %d jobs", len(jobs))
            _be_active(database, settings, jobs, lock, stop)
            told = ""
        elif words != told:
            log.warning("%s", words)
            told = words
        stop.wait(STANDBY_SECONDS)
    lock.close()


def _be_active(
    database: Database, settings: Settings, jobs: Sequence[Job], lock: ProcessLock, stop: threading.Event
) -> None:
    ending = threading.Event()
    with records.Recorder(database) as recorder:
        active = Active(Runner(database, settings, recorder, ending), jobs)
        active.start()
        try:
            while not stop.wait(STANDBY_SECONDS):
                if not lock.held():
                    log.error("lost the lock of the active scheduler: stopping all jobs")
                    break
                if active.broken.is_set():
                    log.error("stopping all jobs to begin anew")
                    break
        finally:
            active.shutdown()
            lock.release()


class Active:
    """The jobs at work: a thread a continuous job, APScheduler's UTC triggers for the periodic ones."""

    def __init__(self, runner: Runner, jobs: Sequence[Job], clock: Callable[[], datetime] = utc_now) -> None:
        self._runner = runner
        self._clock = clock
        self._continuous = [job for job in jobs if job.continuous]
        self._periodic = [job for job in jobs if not job.continuous]
        self._wake = {job.name: threading.Event() for job in self._continuous}
        self._queued: set[str] = set()
        self._guard = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(self._periodic)), thread_name_prefix="job")
        self.broken = threading.Event()
        self._timer = BackgroundScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )

    def start(self) -> None:
        """Start everything; periods that nobody ran while no scheduler was active are made up for at once."""
        for job in self._continuous:
            thread = threading.Thread(target=self._guarded, args=(self._pass_on, job), name=job.name)
            thread.start()
            self._threads.append(thread)
        for job in self._periodic:
            trigger = (
                CronTrigger.from_crontab(job.cron, timezone=UTC)
                if job.cron is not None
                else IntervalTrigger(seconds=int(job.every_seconds or 0), timezone=UTC)
            )
            self._timer.add_job(self._due, trigger, args=(job,), id=job.name)
            self._timer.add_job(
                self._due, IntervalTrigger(seconds=MAKE_UP_SECONDS, timezone=UTC), args=(job,), id=f"{job.name} again"
            )
            self._due(job)
        self._timer.start()

    def shutdown(self) -> None:
        """Ask everything to end and wait for it."""
        self._runner.stop.set()
        for event in self._wake.values():
            event.set()
        if self._timer.running:
            self._timer.shutdown(wait=False)
        self._pool.shutdown(wait=True, cancel_futures=True)
        for thread in self._threads:
            thread.join()

    def _guarded(self, work: Callable[[Job], None], job: Job) -> None:
        """Work in a thread of ours; what goes wrong in the machinery itself ends this activity, not in silence."""
        try:
            work(job)
        except Exception as error:
            log.error("job %s: the scheduler itself failed", job.name, exc_info=error)
            self.broken.set()

    def _due(self, job: Job) -> None:
        """Have a periodic job's due periods run, unless that is under way."""
        with self._guard:
            if job.name in self._queued or self._runner.stop.is_set():
                return
            self._queued.add(job.name)
        self._pool.submit(self._guarded, self._run_due, job)

    def _run_due(self, job: Job) -> None:
        """Run every due period of a periodic job, oldest first."""
        try:
            now = self._clock()
            with self._runner.database.transaction() as session:
                records.begin_schedule(session, job, now)
                periods, left_out = records.pending(session, job, now)
            for period in periods:
                if self._runner.stop.is_set():
                    return
                if job.separate:
                    result = self._runner.run_child(job, period)
                else:
                    result = self._runner.run_period(job, period, left_out if period == periods[-1] else 0)
                log.info("job %s for %s: %s", job.name, period.isoformat(), result)
        except Unavailable as error:
            log.warning("job %s: %s; trying again", job.name, error.message)
        finally:
            give_back()  # a report or a pull has held much for a moment
            with self._guard:
                self._queued.discard(job.name)

    def _pass_on(self, job: Job) -> None:
        """Pass a continuous job again and again until the end; losing the database is said once, so is its return."""
        lock = self._runner.lock(job)
        state = _Continuous(self._runner, job)
        try:
            while not self._runner.stop.is_set():
                if self._pass_once(job, lock, state):
                    self._wake_after(job)
                self._wake[job.name].wait(job.every_seconds)
                self._wake[job.name].clear()
            state.close()
        finally:
            lock.close()

    @staticmethod
    def _pass_once(job: Job, lock: ProcessLock, state: "_Continuous") -> bool:
        try:
            if not lock.acquire(wait_seconds=0.5):
                return False
            did = state.pass_once()
            lock.release()
        except Unavailable as error:
            state.tell(Outcome("failed", error.message))
            lock.close()
            return False
        return did

    def _wake_after(self, job: Job) -> None:
        for other in self._continuous:
            if job.name in other.after:
                self._wake[other.name].set()


class _Continuous:
    """One continuous job's row and log lines: written when something changes, and now and then as a heartbeat."""

    def __init__(self, runner: Runner, job: Job) -> None:
        self._runner = runner
        self._job = job
        self._run_id: int | None = None
        self._status = "done"
        self._message: str | None = None
        self._written_at = datetime.min.replace(tzinfo=UTC)

    def pass_once(self) -> bool:
        """One pass; True when it did something."""
        database, clock = self._runner.database, self._runner.clock
        if self._run_id is None:
            with database.transaction() as session:
                self._run_id = records.begin_always(session, self._job.name, clock())
        outcome = self._runner.run_pass(self._job, self._run_id)
        good = outcome.status == "done"
        changed = outcome.status != self._status
        self.tell(outcome)
        if changed or clock() >= self._written_at + timedelta(seconds=HEARTBEAT_SECONDS):
            with database.transaction() as session:
                records.beat(session, self._run_id, "running" if good else "failed", self._message, clock())
            self._written_at = clock()
        return good and outcome.message is not None

    def tell(self, outcome: Outcome) -> None:
        """Keep the latest words; log a failure once and the recovery once."""
        if outcome.status == "failed" and self._status == "done":
            log.error("job %s fails: %s", self._job.name, outcome.message, exc_info=outcome.error)
        if outcome.status == "done" and self._status == "failed":
            log.info("job %s works again", self._job.name)
        self._status = outcome.status
        if outcome.message is not None:
            self._message = outcome.message

    def close(self) -> None:
        """Enter that nobody passes it any more."""
        if self._run_id is None:
            return
        try:
            with self._runner.database.transaction() as session:
                records.finish(session, self._run_id, "done", self._message, self._runner.clock())
        except Unavailable as error:
            log.warning("the end of %s could not be recorded: %s", self._job.name, error.message)
