"""Exporting business files: each file is a numbered batch, and the same content is the same batch."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing_bridge.models import Delivery
from billing_bridge.outbound import outage_minutes, usage
from billing_bridge.outbound.months import Period
from cis_power.access.installation import Installation
from cis_power.access.viewer import Viewer
from cis_power.core.batches.ledger import DELIVERED, open_batch
from cis_power.core.errors import NotFound
from cis_power.core.models import Batch
from cis_power.core.tables import csv_text, plain_value
from cis_power.core.time import iso, utc_now

_Rows = Callable[[Session, Viewer, Period, datetime], list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Export:
    """A kind of outbound file; `totals` are columns whose sums go along as control totals."""

    name: str
    columns: tuple[str, ...]
    rows: _Rows
    totals: tuple[str, ...]


EXPORTS: dict[str, Export] = {
    "usage": Export("usage", usage.COLUMNS, usage.rows, ("energy_kwh",)),
    "outage-minutes": Export(
        "outage-minutes", outage_minutes.COLUMNS, outage_minutes.rows, ("interruptions", "outage_minutes")
    ),
}


@dataclass(frozen=True, slots=True)
class Exported:
    """An outbound file: its batch, its number in the sequence of its kind, its rows and control totals."""

    batch: int
    number: int
    kind: str
    period: Period
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    totals: dict[str, float]
    text: str

    def as_dict(self) -> dict[str, Any]:
        zone = self.period.zone
        items = [
            {name: plain_value(value, zone) for name, value in zip(self.columns, row, strict=True)} for row in self.rows
        ]
        head = {"batch": self.batch, "number": self.number, "kind": self.kind}
        bounds = {"from": iso(self.period.from_at, zone), "to": iso(self.period.to_at, zone)}
        return {**head, **bounds, "totals": self.totals, "rows": items}


def find_export(name: str) -> Export:
    """The kind of file of that name; blanks and underscores are as good as hyphens. Raises NotFound."""
    found = EXPORTS.get(name.strip().lower().replace("_", "-"))
    if found is None:
        raise NotFound(f"no export {name!r}; there are {', '.join(EXPORTS)}")
    return found


def export_file(here: Installation, name: str, period: Period) -> Exported:
    """Make a file of the command line's viewer and keep in the audit that it was made."""
    with here.acting() as (session, viewer, now):
        exported = make_export(session, viewer, name, period, now)
        detail = {"kind": exported.kind, "rows": len(exported.rows), **exported.totals}
        here.trail.append(
            session, viewer, "exchange:file:export", now, object_kind="batch", object_id=exported.batch, detail=detail
        )
    return exported


def make_export(session: Session, viewer: Viewer, name: str, period: Period, now: datetime) -> Exported:
    """Make a file of what the viewer may see, and enter it in the ledger; made again unchanged it is the same batch."""
    viewer.require("exchange:file:export")
    export = find_export(name)
    rows = export.rows(session, viewer, period, now)
    text = csv_text(export.columns, rows, period.zone)
    places = {total: export.columns.index(total) for total in export.totals}
    totals = {total: round(float(sum(row[place] or 0 for row in rows)), 6) for total, place in places.items()}
    digest = hashlib.sha256(f"{viewer.actor}\n{iso(period.from_at)}\n{iso(period.to_at)}\n{text}".encode()).hexdigest()
    batch = open_batch(session, _batch(export, viewer, digest, len(rows), totals, now))
    delivery = session.scalar(select(Delivery).where(Delivery.batch_id == batch.id))
    if delivery is None:
        last = session.scalar(select(func.max(Delivery.number)).where(Delivery.kind == export.name)) or 0
        delivery = Delivery(
            batch_id=batch.id,
            kind=export.name,
            number=last + 1,
            began_at=period.from_at,
            ended_at=period.to_at,
            totals=totals,
            delivered_at=now,
        )
        session.add(delivery)
        session.flush()
    return Exported(batch.id, delivery.number, export.name, period, export.columns, rows, totals, text)


def _batch(export: Export, viewer: Viewer, digest: str, rows: int, totals: dict[str, float], now: datetime) -> Batch:
    return Batch(
        direction="out",
        kind=export.name,
        format="csv",
        source=None,
        file_name=None,
        content_hash=digest,
        status=DELIVERED,
        rows=rows,
        accepted=rows,
        rejected=0,
        unchanged=0,
        rows_done=rows,
        problems=[],
        control=totals,
        begun_by=viewer.actor,
        begun_at=now,
        finished_at=now,
    )


def parse_period(from_text: str | None, to_text: str | None, here: Installation) -> Period:
    """The period of an export, in the utility's zone. Raises ValueError."""
    return Period.parse(from_text, to_text, here.settings.zone, utc_now())
