"""The outages wing's jobs: the engine, continuously."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select

from cis_power.core.config import Settings
from cis_power.core.db import Database
from cis_power.core.jobs import Job, JobContext, run_now
from cis_power.core.models import JobRun
from cis_power.outages.models import IntakeEntry
from cis_power.outages.passes import Memory, run_engine


@dataclass
class EngineJob:
    """Passes of the engine that share what the process knows of the network, by database."""

    memories: dict[str, Memory] = field(default_factory=dict)

    def __call__(self, context: JobContext) -> str | None:
        memory = self.memories.setdefault(str(context.database.url), Memory())
        result = run_engine(context.database, context.now, memory, context.settings.zone)
        if not result.applied and not result.outages:
            return None
        return f"{result.applied} entries applied, {result.outages} outages written" + ", replayed" * result.replayed


ENGINE = Job(
    name="outages.engine",
    summary="Applies signals, switching and corrections in order: who is out, since when, by which device.",
    run=EngineJob(),
    every_seconds=0.5,
    continuous=True,
    after=("scada.load",),
)

JOBS = (ENGINE,)

_ALIVE_FOR = timedelta(seconds=20)
_WAIT_SECONDS = 10.0


def settle(database: Database, settings: Settings, now: datetime) -> None:
    """Have everything applied that is recorded: by a running scheduler, which knows the network already, else here."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        with database.reading() as session:
            alive = session.scalar(
                select(JobRun.heartbeat_at).where(JobRun.job == ENGINE.name, JobRun.status == "running")
            )
            waiting = session.scalar(select(IntakeEntry.id).where(IntakeEntry.applied_at.is_(None)).limit(1))
        if alive is None or alive < now - _ALIVE_FOR:
            break
        if waiting is None:
            return
        time.sleep(0.05)
    run_now(database, settings, ENGINE)
