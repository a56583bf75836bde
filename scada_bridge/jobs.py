"""What telemetry does by itself: loading the spool, pulling history, forgetting what was loaded long ago."""

from functools import cache
from pathlib import Path

from cis_power.core.db import Database
from cis_power.core.errors import CisError
from cis_power.core.jobs import Job, JobContext
from scada_bridge.loader import Loader, forget_batches
from scada_bridge.pull import archives, pull_archive


@cache
def _loader(database: Database, run_dir: Path) -> Loader:
    return Loader(database, run_dir)


def load_spool(context: JobContext) -> str | None:
    """Load what the collector put into the spool."""
    loaded = _loader(context.database, context.settings.run_dir).load_all(stopping=context.stopping)
    return str(loaded) if loaded is not None and (loaded.batches or loaded.quarantined) else None


def pull_history(context: JobContext) -> str | None:
    """Pull what is new in every archive; one that fails does not keep the others from being pulled."""
    told, failed = [], []
    for name in sorted(archives(context.settings)):
        if context.stopping():
            break
        try:
            pulled = pull_archive(context.database, context.settings, name)
            told.append(f"{name}: {pulled.rows} rows, {pulled.gaps_filled} gaps filled")
        except CisError as error:
            failed.append(f"{name}: {error.message}")
    if failed:
        raise CisError("; ".join(failed))
    return "; ".join(told) or None


def forget(context: JobContext) -> str:
    """Forget which batches were loaded more than a week ago."""
    return f"{forget_batches(context.database, context.now)} batches forgotten"


JOBS = (
    Job(
        name="scada.load",
        summary="Loads the spool: latest values, signal events, history, gaps.",
        run=load_spool,
        every_seconds=0.5,
        continuous=True,
    ),
    Job(
        name="scada.pull",
        summary="Pulls history out of the archives and fills what polling missed.",
        run=pull_history,
        every_seconds=60,
        catch_up=False,
    ),
    Job(
        name="scada.forget",
        summary="Forgets which spool batches were loaded more than a week ago; the latest of each collector stays.",
        run=forget,
        cron="20 3 * * *",
        catch_up=False,
    ),
)
