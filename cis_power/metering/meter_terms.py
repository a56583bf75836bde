"""Meters as search terms of the usage points where they stand."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.core.db import among, chunked
from cis_power.customers.search_terms import write_terms
from cis_power.metering.models import Meter, MeterInstallation

_CHUNK = 10_000


def write_meter_terms(session: Session, usage_point_ids: Iterable[int]) -> None:
    """Write anew by which meters these usage points are found."""
    write_terms(session, meters=meter_terms(session, usage_point_ids))


def meter_terms(session: Session, usage_point_ids: Iterable[int]) -> dict[int, list[str]]:
    """Usage point → the numbers of the meters that stand there."""
    terms: dict[int, list[str]] = {key: [] for key in sorted(set(usage_point_ids))}
    for part in chunked(terms, _CHUNK):
        query = (
            select(MeterInstallation.usage_point_id, Meter.meter_no)
            .join(Meter, Meter.id == MeterInstallation.meter_id)
            .where(among(session, MeterInstallation.usage_point_id, part), MeterInstallation.ended_at.is_(None))
            .distinct()
            .order_by(MeterInstallation.usage_point_id, Meter.meter_no)
        )
        for usage_point_id, meter_no in session.execute(query):
            terms[usage_point_id].append(meter_no)
    return terms
