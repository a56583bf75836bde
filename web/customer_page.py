"""What the page of one customer shows, gathered from the wings, each part only for a role that may read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

import numpy as np
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.time import local_date
from cis_power.customers.money_reads import AccountMoney, account_money, in_arrears
from cis_power.customers.records import AccountRecord, UsagePointRecord
from cis_power.metering.latest import last_reading_at
from cis_power.metering.meters import MeterRow, meters_at
from cis_power.metering.reads import LoadValue, load_curve
from cis_power.outages.history_reads import (
    InterruptionRow,
    YearOfInterruptions,
    interruption_years,
    interruptions_of,
)
from cis_power.outages.records import SupplyPoint
from cis_power.outages.supply_answer import usage_point_supply
from cis_power.service.reads import ContactRow, list_contacts
from web.charts import Curve, Figure, curve_figure
from web.speech import spoken_answer

_SHOWN_SPAN = timedelta(days=7)
_MOST_CURVES = 6
_MOST_ANSWERS = 6
_MOST_POINTS = 200  # of one account; more are in the list of its usage points
_FEW = 10


@dataclass(frozen=True, slots=True)
class SpokenSupply:
    """The supply answer of a usage point, and what to say to the caller."""

    point: SupplyPoint
    spoken: str


@dataclass(frozen=True, slots=True)
class SupplyOfAccount:
    """The answers to look at first; `more` usage points besides, of which `more_out` are not fully in supply."""

    answers: Sequence[SpokenSupply]
    more: int
    more_out: int


@dataclass(frozen=True, slots=True)
class Load:
    """The load chart of the account's usage points in [from_at, to_at); None: no readings there."""

    figure: Figure | None
    from_at: datetime
    to_at: datetime
    good_share: float | None


@dataclass(frozen=True, slots=True)
class Interruptions:
    """The latest interruptions, and each year's number and minutes."""

    rows: Sequence[InterruptionRow]
    years: Sequence[YearOfInterruptions]


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """The parts besides the record itself; None: the role does not see it.

    `arrears` is only whether anything is overdue, for a role that sees no amounts.
    """

    supply: SupplyOfAccount | None
    meters: Sequence[MeterRow]
    load: Load | None
    interruptions: Interruptions | None
    contacts: Sequence[ContactRow] | None
    money: AccountMoney | None
    arrears: bool | None


def customer_page(session: Session, viewer: Viewer, record: AccountRecord, now: datetime, zone: tzinfo) -> CustomerPage:
    """Gather the parts."""
    own = [point for point in record.usage_points if point.inside][:_MOST_POINTS]
    ids, today = [point.id for point in own], local_date(now, zone)
    held = [point.id for point in own if point.held] or ids
    sees_money, sees_state = viewer.may("money:account:read"), viewer.may("money:status:read") and record.inside
    return CustomerPage(
        supply=supply_of(session, viewer, record, now) if viewer.may("customers:supply:read") else None,
        meters=meters_at(session, viewer, ids[:_MOST_CURVES]),
        load=_load(session, viewer, own, now) if viewer.may("load:curve:read") and own else None,
        interruptions=_interruptions(session, viewer, held, now, zone) if viewer.may("outages:minutes:read") else None,
        contacts=_contacts(session, viewer, record) if viewer.may("service:contact:read") and record.inside else None,
        money=account_money(session, viewer, record.id, today) if sees_money else None,
        arrears=in_arrears(session, viewer, record.id, today) if sees_state and not sees_money else None,
    )


def supply_of(session: Session, viewer: Viewer, record: AccountRecord, now: datetime) -> SupplyOfAccount:
    """The present answer for the usage points that the account holds, what is wrong first."""
    held = [point.id for point in record.usage_points if point.held] or [point.id for point in record.usage_points]
    found = usage_point_supply(session, viewer, held[:_MOST_POINTS], now)
    weight = {"none": 0, "partial": 1, "unknown": 2, "full": 3}
    points = sorted(found, key=lambda point: (weight[point.energized], point.usage_point))
    rest = points[_MOST_ANSWERS:]
    return SupplyOfAccount(
        [SpokenSupply(point, spoken_answer(point, now)) for point in points[:_MOST_ANSWERS]],
        len(rest),
        sum(point.energized != "full" for point in rest),
    )


def _contacts(session: Session, viewer: Viewer, record: AccountRecord) -> Sequence[ContactRow]:
    return list_contacts(session, viewer, record.customer_id, limit=_FEW)


def _interruptions(session: Session, viewer: Viewer, ids: Sequence[int], now: datetime, zone: tzinfo) -> Interruptions:
    rows = interruptions_of(session, viewer, ids, now, from_at=now - timedelta(days=3 * 366), limit=_FEW)
    return Interruptions(rows, interruption_years(session, viewer, ids, now, zone))


def _load(session: Session, viewer: Viewer, points: Sequence[UsagePointRecord], now: datetime) -> Load:
    """The last week, or the last week that has readings."""
    shown = points[:_MOST_CURVES]
    to_at = last_reading_at(session, [point.id for point in shown]) or now
    to_at = min(to_at, now) if to_at > now - _SHOWN_SPAN else to_at
    from_at = to_at - _SHOWN_SPAN
    curves, values = [], []
    for point in shown:
        found = load_curve(session, viewer, point.id, from_at, to_at)
        values += found
        if found:
            curves.append(_curve(point.usage_point, found))
    good = sum(value.seconds for value in values if value.quality == 0)
    total = sum(value.seconds for value in values)
    figure = curve_figure(curves, "kW") if curves else None
    return Load(figure, from_at, to_at, good / total if total else None)


def _curve(name: str, values: Sequence[LoadValue]) -> Curve:
    return Curve(
        name,
        np.array([value.at.replace(tzinfo=None) for value in values], "datetime64[s]"),
        np.array([value.load_kw for value in values], np.float64),
        np.array([value.quality for value in values], np.uint8),
    )
