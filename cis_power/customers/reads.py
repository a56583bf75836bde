"""Reading one customer: account, customer, contacts, usage points with agreements and connections.

A viewer sees an account if one of its usage points, now or before, is in his territory, and of its usage points those
that are. Who has moved out of his territory has personal fields masked: they belong to where the customer is now.
Whoever takes calls sees every supply point, personal fields masked outside his territory.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from cis_power.access.masking import Circumstance, mask_record
from cis_power.access.models import District
from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.errors import NotFound
from cis_power.core.phases import format_phases
from cis_power.customers.models import (
    ContactPerson,
    ContactPoint,
    Customer,
    CustomerAccount,
    CustomerAgreement,
    LifeSupport,
    Place,
    ServiceLocation,
    SupplyConnection,
    UsagePoint,
    UsagePointDistrict,
    UsagePointStatus,
    UsagePointTerms,
)
from cis_power.customers.records import (
    AccountRecord,
    Agreement,
    Connection,
    ContactRecord,
    LifeSupportNote,
    UsagePointRecord,
)
from cis_power.customers.validity import valid_at

ORDINARY = "ordinary"
_Grouped = Mapping[int, list[Any]]


def read_account(session: Session, viewer: Viewer, account_no: str, now: datetime) -> AccountRecord:
    """One account as the viewer may see it. Raises NotFound, whether it is foreign or missing."""
    row = session.execute(
        select(CustomerAccount, Customer)
        .join(Customer, Customer.id == CustomerAccount.customer_id)
        .where(CustomerAccount.account_no == account_no, Customer.erased_at.is_(None))
    ).one_or_none()
    if row is None:
        raise missing_account(account_no)
    account, customer = row
    agreements = session.scalars(
        select(CustomerAgreement).where(
            CustomerAgreement.account_id == account.id, CustomerAgreement.superseded_at.is_(None)
        )
    ).all()
    ever = {row.usage_point_id for row in agreements}
    held = {row.usage_point_id for row in agreements if _valid(row, now)}
    points = read_usage_points(session, viewer, sorted(ever), now, account_id=account.id)
    everywhere = viewer.districts is None or viewer.may("customers:place:find")
    if not points and not everywhere:
        raise missing_account(account_no)
    inside = viewer.districts is None or any(point.inside for point in points if point.id in (held or ever))
    circumstance = Circumstance(
        inside=inside,
        priority=any(is_priority(point) for point in points if point.inside),
        consent=customer.consent_marketing,
    )
    record = _account_record(session, viewer, account, customer, inside)
    masked = mask_record(viewer, record, circumstance)
    return _with_points(masked, points)


def read_own_account(session: Session, viewer: Viewer, account_no: str, now: datetime) -> AccountRecord:
    """The same for what belongs to the customer himself: an account outside the territory is missing to everybody."""
    record = read_account(session, viewer, account_no, now)
    if not record.inside:
        raise missing_account(account_no)
    return record


def missing_account(account_no: str) -> NotFound:
    """What a foreign and a missing account answer alike."""
    return NotFound(f"no account {account_no}")


def is_priority(point: UsagePointRecord) -> bool:
    """Whether somebody there must be served first."""
    return point.service_priority != ORDINARY or bool(point.life_support)


def read_usage_points(
    session: Session, viewer: Viewer, ids: Sequence[int], now: datetime, *, account_id: int | None = None
) -> tuple[UsagePointRecord, ...]:
    """Usage points as the viewer may see them, those that `account_id` holds now first; others are left out."""
    rows = session.execute(
        select(UsagePoint, ServiceLocation.address, Place.name, District.code, UsagePointStatus.status, UsagePointTerms)
        .add_columns(in_territory(viewer, UsagePointDistrict.district_id).label("inside"))
        .outerjoin(ServiceLocation, ServiceLocation.id == UsagePoint.service_location_id)
        .outerjoin(Place, Place.id == ServiceLocation.place_id)
        .outerjoin(UsagePointDistrict, _now(UsagePointDistrict, now))
        .outerjoin(District, District.id == UsagePointDistrict.district_id)
        .outerjoin(UsagePointStatus, and_(_now(UsagePointStatus, now), UsagePointStatus.superseded_at.is_(None)))
        .outerjoin(UsagePointTerms, _now(UsagePointTerms, now))
        .where(UsagePoint.id.in_(ids))
        .order_by(UsagePoint.code)
    ).all()
    everywhere = viewer.may("customers:place:find")
    agreements, connections = _agreements(session, ids), _connections(session, ids)
    notes = _life_support(session, ids, now)
    points: dict[int, UsagePointRecord] = {}
    for point, address, place_name, district, status, terms, within in rows:
        inside = bool(within)
        if point.id in points or not (inside or everywhere):
            continue
        current = [row for row in agreements[point.id] if _valid(row[0], now) and row[0].account_id == account_id]
        record = UsagePointRecord(
            id=point.id,
            usage_point=point.code,
            address=address,
            place_name=place_name,
            district=district,
            status=status,
            metering=point.metering,
            service_priority=terms.service_priority if terms else ORDINARY,
            rated_kva=terms.rated_kva if terms else None,
            nominal_v=terms.nominal_v if terms else None,
            generation_kw=terms.generation_kw if terms else None,
            own_emergency_supply=terms.own_emergency_supply if terms else False,
            tariff_category=terms.tariff_category if terms else None,
            industry_code=terms.industry_code if terms else None,
            held=bool(current),
            inside=inside,
            agreements=tuple(_agreement(*row) for row in agreements[point.id]),
            connections=tuple(_connection(row) for row in connections[point.id]),
            life_support=tuple(notes[point.id]),
        )
        circumstance = Circumstance(inside=inside, priority=is_priority(record))
        points[point.id] = mask_record(viewer, record, circumstance)
    return tuple(sorted(points.values(), key=lambda point: (not point.held, point.usage_point)))


def _now(model: Any, now: datetime) -> Any:
    return and_(model.usage_point_id == UsagePoint.id, valid_at(model.began_at, model.ended_at, now))


def _valid(row: Any, now: datetime) -> bool:
    return (row.began_at is None or row.began_at <= now) and (row.ended_at is None or row.ended_at > now)


def _agreements(session: Session, ids: Sequence[int]) -> _Grouped:
    rows = session.execute(
        select(CustomerAgreement, CustomerAccount.account_no, Customer.customer_no, Customer.name)
        .join(CustomerAccount, CustomerAccount.id == CustomerAgreement.account_id)
        .join(Customer, Customer.id == CustomerAgreement.customer_id)
        .where(CustomerAgreement.usage_point_id.in_(ids), CustomerAgreement.superseded_at.is_(None))
        .order_by(CustomerAgreement.began_at.desc(), CustomerAgreement.id.desc())
    )
    grouped: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row[0].usage_point_id].append(tuple(row))
    return grouped


def _agreement(row: CustomerAgreement, account_no: str, customer_no: str, name: str) -> Agreement:
    return Agreement(
        account_no=account_no,
        customer_no=customer_no,
        name=name,
        party=row.party,
        began_at=row.began_at,
        ended_at=row.ended_at,
    )


def _connections(session: Session, ids: Sequence[int]) -> _Grouped:
    rows = session.scalars(
        select(SupplyConnection)
        .where(SupplyConnection.usage_point_id.in_(ids), SupplyConnection.superseded_at.is_(None))
        .order_by(SupplyConnection.role, SupplyConnection.began_at.desc())
    )
    grouped: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row.usage_point_id].append(row)
    return grouped


def _connection(row: SupplyConnection) -> Connection:
    return Connection(
        transformer=row.transformer,
        linked=row.element_id is not None,
        role=row.role,
        transfer=row.transfer,
        phases=format_phases(row.phases) if row.phases else "",
        began_at=row.began_at,
        ended_at=row.ended_at,
    )


def _life_support(session: Session, ids: Sequence[int], now: datetime) -> _Grouped:
    grouped: dict[int, list[Any]] = defaultdict(list)
    for row in session.scalars(select(LifeSupport).where(LifeSupport.usage_point_id.in_(ids))):
        over = [day for day in (row.ended_on, row.expires_on) if day is not None and day <= now.date()]
        if not over:
            grouped[row.usage_point_id].append(
                LifeSupportNote(row.began_on, row.ended_on, row.expires_on, row.confirmed_at)
            )
    return grouped


def _account_record(
    session: Session, viewer: Viewer, account: CustomerAccount, customer: Customer, inside: bool
) -> AccountRecord:
    points: dict[tuple[int | None, str], list[str]] = defaultdict(list)
    for point in session.scalars(
        select(ContactPoint)
        .where(ContactPoint.customer_id == customer.id, ContactPoint.valid_to.is_(None))
        .order_by(ContactPoint.preferred.desc(), ContactPoint.id)
    ):
        points[point.contact_person_id, point.kind].append(point.normal or point.text)
    persons = session.scalars(
        select(ContactPerson).where(ContactPerson.customer_id == customer.id, ContactPerson.valid_to.is_(None))
    )
    return AccountRecord(
        id=account.id,
        customer_id=customer.id,
        account_no=account.account_no,
        status=account.status,
        credit_status=account.credit_status if viewer.may("money:status:read") else None,
        opened_at=account.opened_at,
        closed_at=account.closed_at,
        customer_no=customer.customer_no,
        name=customer.name,
        kind=customer.kind,
        party_kind=customer.party_kind,
        vip=customer.vip,
        language=customer.language,
        special_need=customer.special_need,
        phones=tuple(points[None, "phone"]),
        emails=tuple(points[None, "email"]),
        contacts=tuple(
            ContactRecord(
                contact_name=person.name,
                company=person.company,
                position=person.position,
                phones=tuple(points[person.id, "phone"]),
                emails=tuple(points[person.id, "email"]),
            )
            for person in persons
        ),
        usage_points=(),
        inside=inside,
    )


def _with_points(record: AccountRecord, points: tuple[UsagePointRecord, ...]) -> AccountRecord:
    return replace(record, usage_points=points)
