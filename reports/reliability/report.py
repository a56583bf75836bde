"""The report `reliability`: indices with their bases, and the rows that they sum."""

from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from reports.model import DataQuality, Finding, Report
from reports.parameters import Parameters
from reports.registry import ReportDeclaration
from reports.reliability import tables
from reports.reliability.base import Base, read_base
from reports.reliability.figures import causes_figure, daily_figure
from reports.reliability.spells import UNNAMED
from reports.scope import at_their_transformers, main_supply
from reports.windows import joined

_CERTAIN_SECONDS = 300


def build(session: Session, viewer: Viewer, parameters: Parameters, now: datetime) -> Report:
    """Read once, then compute every table."""
    base = read_base(session, viewer, parameters, now)
    supply = main_supply(session, set(base.within.member.tolist()) if viewer.districts is not None else None)
    at_transformers = joined(at_their_transformers(session, supply, now), base.within)
    found = (
        tables.indices_table(base),
        tables.bounds_table(base),
        tables.base_table(base),
        tables.bases_table(base),
        tables.thresholds_table(base),
        tables.major_days_table(base),
        tables.frequent_table(base),
        tables.long_table(base),
        tables.dlt_table(base, at_transformers),
        tables.causes_table(base),
        tables.open_table(base),
        tables.interruptions_table(base),
    )
    return Report(
        name="reliability",
        title="Reliability",
        parameters=parameters.as_dict(),
        generated_at=now,
        tables=found,
        figures=(daily_figure(base), causes_figure(base)),
        notes=_notes(base),
        data_quality=_quality(base),
    )


def _notes(base: Base) -> tuple[str, ...]:
    notes = [
        "An interruption belongs to the period, and to the day, in which it began, with its whole duration.",
        "Sustained means longer than 5 minutes (IEEE 1366), or longer than 3 minutes (DL/T 836).",
        "Still-open interruptions count in frequencies; their minutes so far stand in the table open, in no index.",
        "The daily SAIDI behind T_MED includes planned work and loss of supply.",
        "MAIFI counts the operations that are recorded: polled positions alone miss reclosing of a few seconds.",
    ]
    if base.parameters.to_at > base.now:
        notes.append("The period is not over: the indices cover what has happened so far.")
    if any(found.provisional for found in base.thresholds.values()):
        notes.append("T_MED is provisional: fewer than five years are in the ledger.")
    if (base.period.rows.usage_point == UNNAMED).any():
        notes.append("CTAIDI, CAIFI, CEMI, CEMSMI and CELID cover the interruptions that name their usage points.")
    return tuple(notes)


def _quality(base: Base) -> DataQuality:
    period = base.period
    rows = period.rows
    weight = rows.customers
    certain = ~period.open & (rows.late - rows.early <= _CERTAIN_SECONDS)
    total = float(weight.sum())
    found = (
        ("open", int(period.open.sum()), "interruptions are still open"),
        ("uncertain", int((rows.late - rows.early > _CERTAIN_SECONDS).sum()), "began within more than five minutes"),
        ("unnamed", int((rows.usage_point == UNNAMED).sum()), "rows name no usage points, only their number"),
        ("no_kva", int(np.isnan(rows.kva).sum()), "rows have no connected load: they count nothing in ASIFI and ASIDI"),
        ("overlapping", tables.overlapping(period), "rows overlap another outage's row of the same usage point"),
        ("unserved", base.ledger.unserved, "rows are of usage points that were not served then: they count nothing"),
        ("unplaced", base.ledger.unplaced, "rows without usage points could not be placed in a district"),
    )
    findings = tuple(Finding(*finding) for finding in found if finding[1])
    return DataQuality(float(weight[certain].sum()) / total if total else None, findings)


RELIABILITY = ReportDeclaration(
    name="reliability",
    title="Reliability by IEEE 1366 and DL/T 836",
    permission="reports:reliability:read",
    parameters=(),
    build=build,
)
