"""Jobs run once a period, through failures, standstills and sudden deaths; one scheduler is active."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from cis_power.core.config import Settings
from cis_power.core.db import Database
from cis_power.core.entries import load_items
from cis_power.core.errors import Conflict, NotFound
from cis_power.core.jobs import Job, JobContext, records, run_now
from cis_power.core.jobs.declaration import ALWAYS, period_name
from cis_power.core.jobs.runner import Runner
from cis_power.core.jobs.scheduler import Active, serve
from cis_power.core.locks import ProcessLock
from cis_power.core.models import JobRun
from tests.waiting import wait_for

START = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def _runs(database: Database, job: str) -> list[JobRun]:
    with database.reading() as session:
        return list(session.scalars(select(JobRun).where(JobRun.job == job).order_by(JobRun.period)))


@contextmanager
def _active(database: Database, jobs: list[Job], clock: Clock) -> Iterator[Active]:
    with records.Recorder(database, every_seconds=0.05) as recorder:
        active = Active(Runner(database, Settings(), recorder, threading.Event(), clock), jobs, clock)
        active.start()
        yield active
        active.shutdown()


def _due_now(database: Database, jobs: list[Job], clock: Clock) -> None:
    """Let a scheduler start at the clock's time, do all that is due, and end."""
    with _active(database, jobs, clock) as active:
        active._pool.shutdown(wait=True)


def test_every_period_runs_exactly_once(database: Database) -> None:
    seen: list[datetime] = []
    job = Job("t.minute", "", lambda context: seen.append(context.period), every_seconds=60, catch_up=True)
    clock = Clock(START)
    for minutes in (0, 0, 1, 1, 4, 10):
        clock.now = START + timedelta(minutes=minutes)
        _due_now(database, [job], clock)
    assert seen == [datetime(2026, 11, 21, 12, minute, tzinfo=UTC) for minute in range(1, 11)]
    assert {run.status for run in _runs(database, "t.minute")} == {"done"}


def test_without_catch_up_only_the_latest_is_made_up_for(database: Database) -> None:
    seen: list[datetime] = []
    job = Job("t.minute", "", lambda context: seen.append(context.period), every_seconds=60)
    clock = Clock(START)
    _due_now(database, [job], clock)
    clock.now = START + timedelta(minutes=10)
    _due_now(database, [job], clock)
    assert seen == [datetime(2026, 11, 21, 12, 10, tzinfo=UTC)]
    assert _runs(database, "t.minute")[-1].skipped == 9


def test_a_failed_period_is_tried_again_after_a_pause_and_not_for_ever(database: Database) -> None:
    tries: list[datetime] = []

    def fail(context: JobContext) -> None:
        tries.append(context.now)
        raise NotFound("the folder is not there")

    job = Job("t.fails", "", fail, every_seconds=86400)
    clock = Clock(START)
    _due_now(database, [job], clock)
    clock.now = START + timedelta(days=1)
    _due_now(database, [job], clock)
    _due_now(database, [job], clock)
    assert len(tries) == 1, "the pause holds"
    run = _runs(database, "t.fails")[-1]
    assert (run.status, run.message) == ("failed", "the folder is not there")
    for _ in range(10):
        clock.now += timedelta(hours=1)
        _due_now(database, [job], clock)
    assert len(tries) == records.ATTEMPTS


def test_an_unexpected_error_is_recorded_and_the_others_go_on(database: Database) -> None:
    seen: list[int] = []

    def burst(context: JobContext) -> None:
        raise ZeroDivisionError("a bug")

    jobs = [
        Job("t.bug", "", burst, every_seconds=0.01, continuous=True),
        Job("t.good", "", lambda context: seen.append(1), every_seconds=0.01, continuous=True),
    ]
    with _active(database, jobs, Clock(START)):
        wait_for(lambda: len(seen) > 5)
        run = wait_for(lambda: next((r for r in _runs(database, "t.bug") if r.status == "failed"), None))
        assert "ZeroDivisionError: a bug" in (run.message or "")


def test_a_continuous_job_keeps_one_row_and_wakes_those_that_wait_for_it(database: Database) -> None:
    work = [1, 1, 1]
    followed: list[datetime] = []
    jobs = [
        Job("t.load", "", lambda c: f"{work.pop()} loaded" if work else None, every_seconds=0.02, continuous=True),
        Job("t.follow", "", lambda c: followed.append(c.now), every_seconds=3600, continuous=True, after=("t.load",)),
    ]
    with _active(database, jobs, Clock(START)):
        wait_for(lambda: len(followed) >= 2, what="the waiting job to be woken")
    rows = _runs(database, "t.load")
    assert [(row.period, row.status, row.message) for row in rows] == [(ALWAYS, "done", "1 loaded")]


def test_progress_is_written_while_the_job_holds_a_transaction(database: Database) -> None:
    go_on = threading.Event()

    def slow(context: JobContext) -> str:
        context.progress(0.25, "a quarter")
        wait_for(go_on.is_set)
        with context.database.transaction() as session:
            session.execute(text("UPDATE job_run SET skipped = skipped"))
            context.progress(0.5, "half")
        return "all"

    job = Job("t.slow", "", slow, every_seconds=86400)
    clock = Clock(START)
    _due_now(database, [job], clock)
    clock.now = START + timedelta(days=1)
    with _active(database, [job], clock):
        run = wait_for(lambda: next((r for r in _runs(database, "t.slow") if r.progress == 0.25), None))
        assert (run.status, run.message) == ("running", "a quarter")
        go_on.set()
        wait_for(lambda: _runs(database, "t.slow")[-1].status == "done")
    assert (_runs(database, "t.slow")[-1].progress, _runs(database, "t.slow")[-1].message) == (1.0, "all")


def test_a_period_that_another_process_runs_is_waited_for_and_not_run_again(database: Database) -> None:
    ran: list[int] = []
    job = Job("t.once", "", lambda context: ran.append(1), every_seconds=60)
    lock = ProcessLock(database, "job-t.once")
    assert lock.acquire()
    with records.Recorder(database) as recorder:
        runner = Runner(database, Settings(), recorder, threading.Event())
        waiting = threading.Thread(target=runner.run_period, args=(job, START))
        waiting.start()
        with database.transaction() as session:
            run_id = records.begin(session, "t.once", period_name(START), START)
            assert run_id is not None
            records.finish(session, run_id, "done", "by the other", START)
        lock.close()
        waiting.join(20)
    assert not ran
    assert _runs(database, "t.once")[0].message == "by the other"


def test_a_period_that_was_cut_short_is_taken_up_again(database: Database) -> None:
    begun, seen = threading.Event(), []

    def long(context: JobContext) -> str:
        seen.append(context.period)
        begun.set()
        wait_for(context.stopping) if len(seen) == 1 else None
        return "as far as it came"

    job = Job("t.long", "", long, every_seconds=86400)
    clock = Clock(START)
    _due_now(database, [job], clock)
    clock.now = START + timedelta(days=1)
    with _active(database, [job], clock):
        wait_for(begun.is_set)
    assert _runs(database, "t.long")[-1].status == "running"
    _due_now(database, [job], clock)
    assert seen == [seen[0], seen[0]]
    run = _runs(database, "t.long")[-1]
    assert (run.status, run.attempts) == ("done", 2)


def test_a_fault_of_the_machinery_is_told_and_the_scheduler_begins_anew(
    postgresql_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(postgresql_url)
    stop, seen = threading.Event(), []
    job = Job("t.pass", "", lambda context: seen.append(1), every_seconds=0.05, continuous=True)
    with database.transaction() as session:
        session.execute(text("ALTER TABLE job_run RENAME TO away"))
    thread = threading.Thread(target=serve, args=(database, Settings(), [job], stop))
    thread.start()
    try:
        wait_for(lambda: "the scheduler itself failed" in caplog.text, what="the fault to be told")
        with database.transaction() as session:
            session.execute(text("ALTER TABLE away RENAME TO job_run"))
        wait_for(lambda: seen, what="a pass after the fault was mended")
    finally:
        stop.set()
        thread.join(30)
        database.dispose()


def test_a_separate_job_runs_in_a_process_of_its_own(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIS_DATABASE", database_url)
    monkeypatch.chdir(tmp_path)
    job = next(job for job in load_items("cis_power.jobs") if job.name == "core.forget-job-runs")
    job = replace(job, separate=True)
    with records.Recorder(database) as recorder:
        runner = Runner(database, Settings(), recorder, threading.Event())
        assert runner.run_child(job, START) == "done"
        assert runner.run_child(replace(job, name="core.no-such-job"), START) == "failed"
    (run,) = _runs(database, job.name)
    assert (run.status, run.message) == ("done", "0 runs deleted")
    assert run.process is not None
    assert run.process.rsplit(":", 1)[1] != str(os.getpid())


def test_run_now_waits_for_a_running_pass_and_says_so_when_it_does_not_end(database: Database) -> None:
    job = Job("t.engine", "", lambda context: "2 outages", every_seconds=1, continuous=True)
    assert run_now(database, Settings(), job) == "2 outages"
    assert [(r.period, r.message) for r in _runs(database, "t.engine")] == [(ALWAYS, "2 outages")]
    lock = ProcessLock(database, "job-t.engine")
    assert lock.acquire()
    with pytest.raises(Conflict, match=r"t\.engine is being run by"):
        run_now(database, Settings(), job, wait_seconds=0.1)
    lock.close()


def test_a_lock_has_one_holder_and_ends_with_it(database: Database) -> None:
    first, second = ProcessLock(database, "x"), ProcessLock(database, "x")
    assert first.acquire()
    assert first.held()
    assert not second.acquire()
    assert str(os.getpid()) in second.holder()
    first.close()
    assert second.acquire()
    second.close()


def test_a_lost_lock_on_postgresql_is_noticed(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    lock = ProcessLock(database, "x")
    assert lock.acquire()
    with database.engine.connect() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'cis-power x%'")
        )
    assert not lock.held()
    assert lock.acquire()
    lock.close()
    database.dispose()


CHILD = """
import os, sys, threading
from datetime import datetime
from pathlib import Path
from cis_power.core.config import Settings
from cis_power.core.db import Database
from cis_power.core.jobs import Job
from cis_power.core.jobs.scheduler import serve
from cis_power.core.logs import start_logging

start_logging("scheduler")
out = Path(sys.argv[2])

def count(context):
    with context.database.transaction() as session:
        from sqlalchemy import text
        session.execute(text("INSERT INTO field_owner (entity, field, system) VALUES ('run', :p, 'x')"),
                        {"p": context.period.isoformat()})
    with out.open("a") as file:
        file.write(f"{os.getpid()}\\n")
    return "counted"

jobs = [Job("t.second", "", count, every_seconds=1, catch_up=True)]
serve(Database(sys.argv[1]), Settings(), jobs, threading.Event())
"""


def _scheduler(url: str, out: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, url, str(out)], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )


def _end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()
    assert process.stderr is not None
    process.stderr.close()


def _relay(database: Database, url: str, out: Path, kills: int) -> None:
    """Again and again a standby is started, the active one killed (-9) once it ran something, the standby taking over.

    No period is lost or doubled: the table's key refuses a doubled one.
    """
    out.touch()
    active = _scheduler(url, out)
    assert active.stderr is not None
    assert "active" in active.stderr.readline()
    try:
        for _ in range(kills):
            standby = _scheduler(url, out)
            assert standby.stderr is not None
            line = standby.stderr.readline()
            assert "another scheduler is active" in line
            assert "standing by" in line
            wait_for(lambda: str(active.pid) in out.read_text(), what="a run of the active one")  # noqa: B023
            _end(active)
            active = standby
            wait_for(lambda: str(standby.pid) in out.read_text(), seconds=10, what="a run of the standby")  # noqa: B023
    finally:
        _end(active)
    with database.reading() as session:
        periods = sorted(session.scalars(text("SELECT field FROM field_owner")))
    done = [datetime.fromisoformat(period) for period in periods]
    assert len(done) == (done[-1] - done[0]).total_seconds() + 1, "no period is missing"


def test_a_standby_takes_over_when_the_active_one_is_killed(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    _relay(database, database_url, tmp_path / "pids", kills=1)


@pytest.mark.soak
def test_thirty_takeovers_lose_and_double_nothing(database: Database, database_url: str, tmp_path: Path) -> None:
    _relay(database, database_url, tmp_path / "pids", kills=30)


def test_serve_goes_on_when_the_database_comes_back(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    stop, seen = threading.Event(), []
    job = Job("t.pass", "", lambda context: seen.append(1), every_seconds=0.05, continuous=True)
    thread = threading.Thread(target=serve, args=(database, Settings(), [job], stop))
    thread.start()
    try:
        wait_for(lambda: seen)
        with database.engine.connect() as connection:
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'cis-power%'")
            )
        count = len(seen)
        wait_for(lambda: len(seen) > count + 5, what="passes after the connections were cut")
    finally:
        stop.set()
        thread.join(30)
        database.dispose()
    assert not thread.is_alive()
