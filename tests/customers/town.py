"""A small town to search and read in: rows as posting would leave them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.access.models import District
from cis_power.customers.models import (
    ContactPoint,
    Customer,
    CustomerAccount,
    CustomerAgreement,
    ServiceLocation,
    SupplyConnection,
    UsagePoint,
    UsagePointDistrict,
    UsagePointStatus,
    UsagePointTerms,
)
from cis_power.customers.search_terms import write_terms
from cis_power.network.models import Element

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass(frozen=True)
class House:
    """A usage point with its account; `account_no` None: vacant."""

    usage_point: str
    account_no: str | None = None
    name: str = ""
    phone: str = ""
    address: str = ""
    district: str = "north"
    transformer: str = ""
    status: str = "active"
    service_priority: str = "ordinary"


def district(session: Session, code: str) -> int:
    key = session.scalar(select(District.id).where(District.code == code))
    if key is None:
        row = District(code=code, name=f"District {code}")
        session.add(row)
        session.flush()
        key = row.id
    return key


def element(session: Session, kind: str, code: str) -> int:
    key = session.scalar(select(Element.id).where(Element.kind == kind, Element.code == code))
    if key is None:
        row = Element(kind=kind, code=code)
        session.add(row)
        session.flush()
        key = row.id
    return key


def settle(session: Session, *houses: House) -> None:
    """Add houses with their search documents."""
    accounts, points = [], []
    for house in houses:
        points.append(_usage_point(session, house))
        if house.account_no is not None:
            accounts.append(_account(session, house, points[-1]))
    write_terms(session, accounts, points)


def _usage_point(session: Session, house: House) -> int:
    location = ServiceLocation(address=house.address or None)
    session.add(location)
    session.flush()
    point = UsagePoint(code=house.usage_point, service_location_id=location.id, created_at=NOW)
    session.add(point)
    session.flush()
    session.add_all(
        [
            UsagePointDistrict(usage_point_id=point.id, district_id=district(session, house.district)),
            UsagePointStatus(usage_point_id=point.id, status=house.status, recorded_at=NOW),
            UsagePointTerms(
                usage_point_id=point.id, rated_kva=10, nominal_v=220, service_priority=house.service_priority
            ),
        ]
    )
    if house.transformer:
        session.add(
            SupplyConnection(
                usage_point_id=point.id,
                transformer=house.transformer,
                element_id=element(session, "equipment", house.transformer),
                recorded_at=NOW,
            )
        )
    return point.id


def _account(session: Session, house: House, usage_point_id: int) -> int:
    account = session.scalar(select(CustomerAccount).where(CustomerAccount.account_no == house.account_no))
    if account is None:
        customer = Customer(customer_no=f"C{house.account_no}", kind="residential", name=house.name, created_at=NOW)
        session.add(customer)
        session.flush()
        account = CustomerAccount(account_no=house.account_no, customer_id=customer.id)
        session.add(account)
        if house.phone:
            session.add(
                ContactPoint(
                    customer_id=customer.id,
                    kind="phone",
                    text=house.phone,
                    normal=house.phone if house.phone.startswith("+") else None,
                )
            )
        session.flush()
    session.add(
        CustomerAgreement(
            account_id=account.id, customer_id=account.customer_id, usage_point_id=usage_point_id, recorded_at=NOW
        )
    )
    session.flush()
    return account.id
