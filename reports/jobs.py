"""The reports wing's jobs: the ledger rolled up by day."""

from cis_power.core.jobs import Job, JobContext
from reports.rollup import roll_up


def roll_up_reliability(context: JobContext) -> str | None:
    """Count interruptions and who was served, day by day, where anything changed."""
    months = roll_up(context.database, context.now, context.settings.zone, stopping=context.stopping)
    return f"{len(months)} months counted" if months else None


JOBS = (
    Job(
        name="reports.reliability-days",
        summary="Rolls the interruption ledger up by day, district and feeder, for the pages.",
        run=roll_up_reliability,
        every_seconds=300,
        catch_up=False,
        separate=True,
    ),
)
