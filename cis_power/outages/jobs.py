"""The outages wing's jobs: the engine, continuously."""

from dataclasses import dataclass, field

from cis_power.core.jobs import Job, JobContext
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
