"""The report `outage-log`: every outage that began in the period, with what the ledger says of it."""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.outages.reads import OutageFilter, list_outages
from cis_power.outages.records import OutageRecord
from reports.model import DataQuality, Finding, Report, Value, table
from reports.parameters import Parameter, Parameters, choice
from reports.registry import ReportDeclaration
from reports.reliability.reads import Ledger, read_ledger
from reports.reliability.spells import OPEN, UNNAMED
from reports.scope import rated_kva, read_scope, served, territory

_KINDS = ("planned", "unplanned")
_MOST_OUTAGES = 1_000_000

COLUMNS = (
    ("outage", ""), ("kind", ""), ("sub_kind", ""), ("status", ""), ("feeder", ""), ("device", ""), ("cause", ""),
    ("responsibility", ""), ("began_at", ""), ("restored_at", ""), ("duration_minutes", "min"),
    ("customers", "usage points"), ("customer_minutes", "min"), ("customers_open", "usage points"),
    ("customer_minutes_so_far", "min"), ("customers_total", "usage points"), ("review_state", ""),
)  # fmt: skip

_NOTES = (
    "An outage belongs to the period in which it began.",
    "Customers and customer minutes are those of the interruption ledger in the districts of the report.",
    "The column customers_total is the labelled total of the outage, whatever the district.",
    "An interruption counts with the outage that began it, even where another outage kept it going.",
)


def build(session: Session, viewer: Viewer, parameters: Parameters, now: datetime) -> Report:
    """Outages that the viewer may see; figures are those of the usage points in scope."""
    scope = read_scope(session, viewer, parameters.districts)
    narrowed = replace(viewer, districts=scope.districts)
    wanted = OutageFilter(
        from_at=parameters.from_at, to_at=parameters.to_at, kind=parameters.option("kind"), limit=_MOST_OUTAGES
    )
    outages = list_outages(session, narrowed, now, wanted)
    place = territory(session, scope)
    bounds = (parameters.from_at, now if now > parameters.to_at else parameters.to_at)
    ledger = read_ledger(session, scope, place, served(session, place), rated_kva(session), bounds)
    sums = _sums(ledger, int(now.timestamp()))
    rows = [_row(outage, sums.get(outage.id, _Sums())) for outage in sorted(outages, key=_order)]
    still = sum(1 for outage in outages if outage.restored_at is None)
    findings = (Finding("open", still, "outages are not over: their minutes are those so far"),) if still else ()
    return Report(
        name="outage-log",
        title="Outage log",
        parameters=parameters.as_dict(),
        generated_at=now,
        tables=(table("outages", "Outages", COLUMNS, rows),),
        notes=_NOTES,
        data_quality=DataQuality((len(outages) - still) / len(outages) if outages else None, findings),
    )


@dataclass(slots=True)
class _Sums:
    """What the ledger says of one outage: usage points and minutes, of ended and of open interruptions."""

    customers: float = 0.0
    minutes: float = 0.0
    customers_open: float = 0.0
    minutes_so_far: float = 0.0


def _sums(ledger: Ledger, now: int) -> dict[str, _Sums]:
    rows = ledger.rows
    still = rows.restored == OPEN
    seconds = np.where(still, np.maximum(now, rows.began), rows.restored) - rows.began
    minutes = seconds / 60.0 * rows.customers
    found: dict[str, _Sums] = {}
    named: set[tuple[int, int]] = set()
    for place, row in enumerate(rows.row.tolist()):
        sums = found.setdefault(ledger.told[row].outage, _Sums())
        member = (int(rows.outage[place]), int(rows.usage_point[place]))
        again = member[1] != UNNAMED and member in named
        named.add(member)
        sums.customers += 0.0 if again else float(rows.customers[place])
        if still[place]:
            sums.customers_open += float(rows.customers[place])
            sums.minutes_so_far += float(minutes[place])
        else:
            sums.minutes += float(minutes[place])
    return found


def _row(outage: OutageRecord, sums: _Sums) -> tuple[Value, ...]:
    over = outage.restored_at
    duration = None if over is None else (over - outage.began_at).total_seconds() / 60.0
    return (
        outage.id, outage.kind, outage.sub_kind, outage.status, outage.feeder, outage.device, outage.cause,
        outage.responsibility, outage.began_at, over, duration, sums.customers, sums.minutes, sums.customers_open,
        sums.minutes_so_far, outage.customers_affected_total, outage.review_state,
    )  # fmt: skip


def _order(outage: OutageRecord) -> tuple[datetime, str]:
    return outage.began_at, outage.id


OUTAGE_LOG = ReportDeclaration(
    name="outage-log",
    title="Outages of the period",
    permission="reports:outage:read",
    parameters=(Parameter("kind", "Only planned or unplanned outages", choice(*_KINDS), None, _KINDS),),
    build=build,
)
