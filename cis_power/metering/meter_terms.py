"""Meters as search terms of the usage points where they stand."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.core.db import chunked
from cis_power.customers.search_terms import replace_documents
from cis_power.customers.search_text import TermKind
from cis_power.metering.models import Meter, MeterInstallation

_CHUNK = 10_000


def write_meter_terms(session: Session, usage_point_ids: Iterable[int]) -> None:
    """Write anew by which meters these usage points are found."""
    for part in chunked(sorted(set(usage_point_ids)), _CHUNK):
        terms: dict[int, list[str]] = {key: [] for key in part}
        query = (
            select(MeterInstallation.usage_point_id, Meter.meter_no)
            .join(Meter, Meter.id == MeterInstallation.meter_id)
            .where(MeterInstallation.usage_point_id.in_(part), MeterInstallation.ended_at.is_(None))
            .distinct()
        )
        for usage_point_id, meter_no in session.execute(query):
            terms[usage_point_id].append(meter_no)
        replace_documents(session, TermKind.METER, terms)
