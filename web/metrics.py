"""Figures for monitoring, counted from tables when asked for: the processes share nothing else."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cis_power.access.login import WINDOW
from cis_power.access.models import AuditEntry, LoginAttempt, WebSession
from cis_power.core.models import Batch, JobRun
from cis_power.core.quality import Quality
from cis_power.telemetry.models import Gap, LatestValue, Source


def metrics_text(session: Session, now: datetime) -> bytes:
    """Return the figures in Prometheus' text form."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Tables(session, now))
    return generate_latest(registry)


class _Tables:
    def __init__(self, session: Session, now: datetime) -> None:
        self._session, self._now = session, now

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield from self._jobs()
        yield from self._telemetry()
        yield from self._access()
        yield self._counted("cis_batches", "Exchanged batches by state.", "state", Batch.status)

    def _jobs(self) -> Iterator[Metric]:
        age = GaugeMetricFamily("cis_job_age_seconds", "Seconds since a job last gave a sign of life.", labels=["job"])
        failed = GaugeMetricFamily(
            "cis_job_failed", "Runs of a job that failed and were not made good.", labels=["job"]
        )
        seen = select(JobRun.job, func.max(JobRun.heartbeat_at)).group_by(JobRun.job)
        for job, heartbeat_at in self._session.execute(seen):
            age.add_metric([job], (self._now - heartbeat_at).total_seconds())
        failures = select(JobRun.job, func.count()).where(JobRun.status == "failed").group_by(JobRun.job)
        for job, count in self._session.execute(failures):
            failed.add_metric([job], count)
        yield age
        yield failed

    def _telemetry(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("cis_source_up", "Whether a source answered its last poll.", labels=["source"])
        for name, state in self._session.execute(select(Source.name, Source.state)):
            up.add_metric([name], float(state == "up"))
        yield up
        points = GaugeMetricFamily("cis_points", "Points by the quality of their latest value.", labels=["quality"])
        counts = select(LatestValue.quality, func.count()).group_by(LatestValue.quality)
        for quality, count in self._session.execute(counts):
            points.add_metric([Quality(quality).name.lower()], count)
        yield points
        open_gaps = select(func.count()).select_from(Gap).where(Gap.filled_at.is_(None))
        yield GaugeMetricFamily("cis_gaps_open", "Gaps not filled.", value=self._session.scalar(open_gaps) or 0)

    def _access(self) -> Iterator[Metric]:
        live = select(func.count()).select_from(WebSession).where(WebSession.ended_at.is_(None))
        yield GaugeMetricFamily("cis_sessions", "Sessions not ended.", value=self._session.scalar(live) or 0)
        refused = (
            select(func.count())
            .select_from(LoginAttempt)
            .where(LoginAttempt.succeeded.is_(False), LoginAttempt.attempted_at > self._now - WINDOW)
        )
        unmasked = (
            select(func.count())
            .select_from(AuditEntry)
            .where(
                AuditEntry.action == "customers:personal:unmask",
                AuditEntry.occurred_at > self._now - timedelta(hours=1),
            )
        )
        shown = self._session.scalar(unmasked) or 0
        yield GaugeMetricFamily("cis_fields_unmasked", "Masked fields shown within the last hour.", value=shown)
        count = self._session.scalar(refused) or 0
        yield GaugeMetricFamily("cis_logins_refused", "Refused logins of the last window.", value=count)

    def _counted(self, name: str, words: str, label: str, column: object) -> Metric:
        family = GaugeMetricFamily(name, words, labels=[label])
        for value, count in self._session.execute(select(column, func.count()).group_by(column)):  # type: ignore[call-overload]
            family.add_metric([value], count)
        return family
