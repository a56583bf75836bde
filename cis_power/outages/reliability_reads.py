"""Reliability of a span of local days out of the daily roll-up, within the viewer's territory."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.network.models import Element
from cis_power.outages.models import ReliabilityDay, ReliabilityMonth, ServedDay

PERMISSION = "reports:reliability:read"


@dataclass(frozen=True, slots=True)
class Reliability:
    """Sums of the days [from_on, to_on) as the report `reliability` counts them: sustained, planned and unplanned.

    `served`: usage points served, mean of the days. `saidi_minutes`, `saifi`: None where nobody was served.
    """

    from_on: date
    to_on: date
    interruptions: int
    customer_minutes: float
    served: float

    @property
    def saidi_minutes(self) -> float | None:
        return self.customer_minutes / self.served if self.served else None

    @property
    def saifi(self) -> float | None:
        return self.interruptions / self.served if self.served else None


@dataclass(frozen=True, slots=True)
class FeederMinutes:
    """What interruptions by devices of a feeder cost: customer interruptions and customer minutes."""

    feeder: str
    interruptions: int
    customer_minutes: float


def reliability_of(session: Session, viewer: Viewer, from_on: date, to_on: date) -> Reliability:
    """The sums of the days [from_on, to_on)."""
    viewer.require(PERMISSION)
    row, people = ReliabilityDay, ServedDay
    count, minutes = session.execute(
        select(func.coalesce(func.sum(row.interruptions), 0), func.coalesce(func.sum(row.customer_minutes), 0.0)).where(
            row.day_on >= from_on, row.day_on < to_on, in_territory(viewer, row.district_id)
        )
    ).one()
    heads, days = session.execute(
        select(func.coalesce(func.sum(people.usage_points), 0), func.count(people.day_on.distinct())).where(
            people.day_on >= from_on, people.day_on < to_on, in_territory(viewer, people.district_id)
        )
    ).one()
    return Reliability(from_on, to_on, int(count), float(minutes), int(heads) / days if days else 0.0)


def worst_feeders(
    session: Session, viewer: Viewer, from_on: date, to_on: date, *, limit: int = 8
) -> list[FeederMinutes]:
    """The feeders that cost most customer minutes in [from_on, to_on)."""
    viewer.require(PERMISSION)
    row = ReliabilityDay
    minutes = func.sum(row.customer_minutes)
    query = (
        select(Element.code, func.sum(row.interruptions), minutes)
        .join(Element, Element.id == row.feeder_id)
        .where(row.day_on >= from_on, row.day_on < to_on, in_territory(viewer, row.district_id))
        .group_by(Element.code)
        .order_by(minutes.desc(), Element.code)
        .limit(limit)
    )
    return [FeederMinutes(feeder, int(count), float(spent)) for feeder, count, spent in session.execute(query)]


def rolled_up_at(session: Session) -> datetime | None:
    """When the newest month was counted; None: never."""
    newest: datetime | None = session.scalar(
        select(ReliabilityMonth.counted_at).order_by(ReliabilityMonth.month_on.desc()).limit(1)
    )
    return newest
