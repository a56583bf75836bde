"""Who calls, and about which supply point: by account, number, usage point, transformer or place. Never a guess."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.core.db import chunked
from cis_power.core.errors import Problem
from cis_power.customers.contact_forms import normal_phone
from cis_power.customers.models import (
    ContactPoint,
    Customer,
    CustomerAccount,
    CustomerAgreement,
    Place,
    ServiceLocation,
    SupplyConnection,
    UsagePoint,
)
from cis_power.network.low_voltage import low_voltage_behind
from cis_power.network.reads import find_element, version_at
from cis_power.outages.knowledge import Moment

_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class CallAbout:
    """What the caller gave to be found by: exactly one of these."""

    account: str | None = None
    phone: str | None = None
    usage_point: str | None = None
    transformer: str | None = None
    place: str | None = None

    @property
    def given(self) -> dict[str, str]:
        words = {name: getattr(self, name) for name in self.__slots__}
        return {name: word.strip() for name, word in words.items() if word is not None and word.strip()}


@dataclass(slots=True)
class Found:
    """Supply points that fit. One: that is it; several: the agent asks on; none: `problems` say what was not found."""

    spots: list[tuple[int | None, int]] = field(default_factory=list)
    given_account_id: int | None = None
    element_id: int | None = None
    place_id: int | None = None
    caller_phone: str | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def account_id(self) -> int | None:
        accounts = {account for account, _point in self.spots}
        return accounts.pop() if len(accounts) == 1 else self.given_account_id

    @property
    def usage_point_id(self) -> int | None:
        points = {point for _account, point in self.spots}
        return points.pop() if len(points) == 1 else None


def find_caller(session: Session, about: CallAbout, region: str, now: datetime) -> Found:
    """Find what a call is about, in the whole utility: call-taking knows no territory."""
    found = Found()
    moment = Moment.of(now)
    given = about.given
    if "account" in given:
        key = session.scalar(select(CustomerAccount.id).where(CustomerAccount.account_no == given["account"]))
        if key is None:
            found.problems.append(not_found("account", given["account"]))
        else:
            found.given_account_id, found.spots = key, _held(session, moment, [key])
    if "usage_point" in given:
        key = session.scalar(select(UsagePoint.id).where(UsagePoint.code == given["usage_point"]))
        if key is None:
            found.problems.append(not_found("usage_point", given["usage_point"]))
        else:
            found.spots = _of_points(session, moment, [key])
    if "phone" in given:
        _by_phone(session, found, given["phone"], region, moment)
    if "transformer" in given:
        found.element_id = find_element(session, given["transformer"])
        if found.element_id is None:
            found.problems.append(not_found("transformer", given["transformer"]))
    if "place" in given:
        _by_place(session, found, given["place"])
    return found


def _by_place(session: Session, found: Found, name: str) -> None:
    places = session.scalars(select(Place.id).where(Place.name == name)).all()
    if len(places) == 1:
        found.place_id = places[0]
    elif places:
        words = f"{len(places)} places bear the name {name!r}"
        found.problems.append(Problem("unclear_place", words, field="place"))
    else:
        found.problems.append(not_found("place", name))


def not_found(name: str, given: str) -> Problem:
    """What is said of a thing that does not exist, or that the viewer may not know of."""
    if name == "phone":
        return Problem("unknown_phone", "no customer is known by this number", "warning", field="phone")
    return Problem(f"unknown_{name}", f"there is no {name.replace('_', ' ')} {given!r}", field=name)


def _by_phone(session: Session, found: Found, text: str, region: str, moment: Moment) -> None:
    """Numbers are compared in full international form; what cannot be read matches nothing."""
    number = normal_phone(text, region)
    found.caller_phone = number or text
    if number is None:
        found.problems.append(Problem("unreadable_phone", f"{text!r} is no complete telephone number", "warning",
                                      field="phone"))  # fmt: skip
        return
    row = ContactPoint
    customers = session.scalars(
        select(row.customer_id).join(Customer, Customer.id == row.customer_id).distinct()
        .where(row.kind == "phone", row.normal == number, moment.valid(row.valid_from, row.valid_to),
               Customer.erased_at.is_(None))
    ).all()  # fmt: skip
    agreement = CustomerAgreement
    rows = session.execute(
        select(agreement.account_id, agreement.usage_point_id).distinct()
        .where(agreement.customer_id.in_(customers), agreement.superseded_at.is_(None),
               moment.valid(agreement.began_at, agreement.ended_at))
        .order_by(agreement.usage_point_id)
    )  # fmt: skip
    found.spots = [(account, point) for account, point in rows]
    if not found.spots:
        found.problems.append(not_found("phone", text))


def _held(session: Session, moment: Moment, accounts: Sequence[int]) -> list[tuple[int | None, int]]:
    row = CustomerAgreement
    rows = session.execute(
        select(row.account_id, row.usage_point_id).distinct()
        .where(row.account_id.in_(accounts), row.superseded_at.is_(None), moment.valid(row.began_at, row.ended_at))
        .order_by(row.usage_point_id)
    )  # fmt: skip
    return [(account, point) for account, point in rows]


def _of_points(session: Session, moment: Moment, points: Sequence[int]) -> list[tuple[int | None, int]]:
    row = CustomerAgreement
    rows = session.execute(
        select(row.account_id, row.usage_point_id)
        .where(row.usage_point_id.in_(points), row.superseded_at.is_(None), moment.valid(row.began_at, row.ended_at))
        .order_by((row.party == "landlord"), row.id)
    )  # fmt: skip
    accounts = {point: account for account, point in reversed(rows.all())}
    return [(accounts.get(point), point) for point in points]


def points_of_transformer(session: Session, element: int, moment: Moment) -> list[int]:
    """Usage points that hang on an element now, those of the low-voltage network behind a transformer among them."""
    row, version, hanging = SupplyConnection, version_at(session, moment.about), {element}
    if version is not None:
        hanging |= low_voltage_behind(session, version.id, element)
    return [point for part in chunked(sorted(hanging), _CHUNK) for point in session.scalars(
        select(row.usage_point_id).where(row.element_id.in_(part), moment.known(row),
                                         moment.valid(row.began_at, row.ended_at))
    )]  # fmt: skip


def points_of_place(session: Session, place: int) -> list[int]:
    """Usage points in a place, or in one that lies within it."""
    within = select(Place.id).where(Place.id == place).cte("within", recursive=True)
    within = within.union(select(Place.id).where(Place.parent_id == within.c.id))
    return list(session.scalars(
        select(UsagePoint.id).join(ServiceLocation, ServiceLocation.id == UsagePoint.service_location_id)
        .where(ServiceLocation.place_id.in_(select(within.c.id))).order_by(UsagePoint.id)
    ))  # fmt: skip
