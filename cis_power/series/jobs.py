"""The job that packs live values."""

from datetime import timedelta

from cis_power.core.jobs import Job, JobContext
from cis_power.series.writes import fold

_SETTLING = timedelta(minutes=5)


def fold_closed_hours(context: JobContext) -> str | None:
    """Pack the tail's closed hours, a few minutes after the hour so that late batches of it are in."""
    before = (context.now - _SETTLING).replace(minute=0, second=0, microsecond=0)
    total = 0
    while not context.stopping():
        with context.database.transaction() as session:
            count = fold(session, before)
        total += count
        if count == 0:
            break
        context.progress(None, f"{total} values packed")
    return f"{total} values packed" if total else None


JOBS = (
    Job(
        name="series.fold",
        summary="Packs live values of closed hours into chunks.",
        run=fold_closed_hours,
        every_seconds=600,
        catch_up=False,
    ),
)
