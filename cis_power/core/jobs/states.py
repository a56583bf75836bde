"""How the jobs stand: of each the latest run."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cis_power.core.models import JobRun


@dataclass(frozen=True, slots=True)
class JobState:
    """The latest run of a job."""

    job: str
    status: str
    begun_at: datetime
    heartbeat_at: datetime
    finished_at: datetime | None
    message: str | None


def job_states(session: Session) -> list[JobState]:
    """The latest run of every job, those that failed first."""
    latest = select(func.max(JobRun.id)).group_by(JobRun.job)
    rows = session.scalars(select(JobRun).where(JobRun.id.in_(latest)).order_by(JobRun.job))
    found = [
        JobState(row.job, row.status, row.begun_at, row.heartbeat_at, row.finished_at, row.message) for row in rows
    ]
    return sorted(found, key=lambda state: state.status != "failed")
