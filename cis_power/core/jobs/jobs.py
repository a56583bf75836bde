"""The core's own jobs."""

from datetime import timedelta

from cis_power.core.jobs import records
from cis_power.core.jobs.declaration import Job, JobContext

KEPT = timedelta(days=400)


def forget_job_runs(context: JobContext) -> str:
    """Delete job runs that ended more than 400 days ago."""
    with context.database.transaction() as session:
        return f"{records.forget(session, context.now - KEPT)} runs deleted"


JOBS = (
    Job(
        name="core.forget-job-runs",
        summary="Deletes records of job runs that ended more than 400 days ago; a job's latest stays.",
        run=forget_job_runs,
        cron="40 3 * * *",
        catch_up=False,
    ),
)
