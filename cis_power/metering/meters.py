"""Which meters stand at usage points, for the page of one customer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.db import chunked
from cis_power.customers.models import UsagePoint
from cis_power.metering.models import Channel, Meter, MeterInstallation

_KEYS_A_QUERY = 5_000


@dataclass(frozen=True, slots=True)
class MeterRow:
    """A channel of a meter at a usage point from/to; `multiplier` is that of its instrument transformers."""

    meter_no: str
    usage_point: str
    channel: str | None
    quantity: str | None
    direction: str | None
    unit: str | None
    kind: str | None
    multiplier: float
    began_at: datetime | None
    ended_at: datetime | None


def meters_at(session: Session, viewer: Viewer, usage_point_ids: Sequence[int]) -> list[MeterRow]:
    """Installations at usage points that the caller has found to be in the viewer's sight, the present ones first."""
    viewer.require("customers:record:read")
    install = MeterInstallation
    found: list[MeterRow] = []
    for part in chunked(usage_point_ids, _KEYS_A_QUERY):
        query = (
            select(install, Meter.meter_no, UsagePoint.code, Channel)
            .join(Meter, Meter.id == install.meter_id)
            .join(UsagePoint, UsagePoint.id == install.usage_point_id)
            .outerjoin(
                Channel,
                (Channel.meter_id == Meter.id) & or_(install.channel_id.is_(None), install.channel_id == Channel.id),
            )
            .where(install.usage_point_id.in_(part))
            .order_by(UsagePoint.code, install.began_at.desc(), Meter.meter_no, Channel.code)
        )
        for row, meter_no, usage_point, channel in session.execute(query):
            found.append(
                MeterRow(
                    meter_no=meter_no,
                    usage_point=usage_point,
                    channel=channel.code if channel else None,
                    quantity=channel.quantity if channel else None,
                    direction=channel.direction if channel else None,
                    unit=channel.unit if channel else None,
                    kind=channel.kind if channel else None,
                    multiplier=row.multiplier,
                    began_at=row.began_at,
                    ended_at=row.ended_at,
                )
            )
    return sorted(found, key=lambda row: row.ended_at is not None)
