"""The usage points of an outage, those with priority first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from cis_power.access.masking import Circumstance, mask_record
from cis_power.access.models import District
from cis_power.access.viewer import Viewer
from cis_power.core.phases import format_phases
from cis_power.customers.models import (
    ContactPoint,
    Customer,
    CustomerAccount,
    CustomerAgreement,
    LifeSupport,
    ServiceLocation,
    UsagePoint,
    UsagePointDistrict,
    UsagePointTerms,
)
from cis_power.outages.belonging import LIFE_SUPPORT, ORDINARY, PRIORITIES, belonging, inside
from cis_power.outages.knowledge import Moment
from cis_power.outages.reads import find_state
from cis_power.outages.records import OutageCustomer


def outage_customers(
    session: Session, viewer: Viewer, outage_id: str, now: datetime, *, at: datetime | None = None,
    as_of: datetime | None = None, after: int = 0, limit: int = 1_000_000,
) -> list[OutageCustomer]:  # fmt: skip
    """Membership rows of an outage within the territory, `after` so many of them; personal fields by role."""
    viewer.require("outages:outage:read")
    moment = Moment.of(now, at, as_of)
    state = find_state(session, viewer, outage_id, moment)
    rows = belonging(moment)
    terms, district, location = UsagePointTerms, UsagePointDistrict, ServiceLocation
    patient = _life_support(moment)
    priority = case((UsagePoint.id.in_(patient), LIFE_SUPPORT), else_=func.coalesce(terms.service_priority, ORDINARY))
    rank = case(*((priority == word, place) for place, word in enumerate(PRIORITIES)), else_=len(PRIORITIES))
    query = (
        select(UsagePoint.id, UsagePoint.code, rows.c.began_at, rows.c.ended_at, rows.c.phases_out,
               priority.label("priority"), District.code.label("district"), location.address)
        .join(UsagePoint, UsagePoint.id == rows.c.usage_point_id)
        .outerjoin(terms, and_(terms.usage_point_id == UsagePoint.id, moment.valid(terms.began_at, terms.ended_at)))
        .outerjoin(district, and_(district.usage_point_id == UsagePoint.id,
                                  moment.valid(district.began_at, district.ended_at)))
        .outerjoin(District, District.id == district.district_id)
        .outerjoin(location, location.id == UsagePoint.service_location_id)
        .where(rows.c.outage_id == state.outage_id, rows.c.began_at <= moment.about,
               inside(viewer, UsagePoint.id, moment))
        .order_by(rank, UsagePoint.code, rows.c.began_at)
        .offset(after).limit(limit)
    )  # fmt: skip
    found = session.execute(query).all()
    holders = _holders(session, [row.id for row in found], moment)
    answer = []
    for row in found:
        account, name, phone, consent = holders.get(row.id, (None, None, None, False))
        record = OutageCustomer(
            account, row.code, row.began_at, _until(row.ended_at, moment), row.priority,
            format_phases(row.phases_out), row.district, name, phone, row.address,
        )  # fmt: skip
        circumstance = Circumstance(priority=row.priority != ORDINARY, consent=consent)
        answer.append(mask_record(viewer, record, circumstance))
    return answer


def _until(ended_at: datetime | None, moment: Moment) -> datetime | None:
    return None if ended_at is None or ended_at > moment.about else ended_at


def _life_support(moment: Moment) -> Any:
    day = moment.about.date()
    row = LifeSupport
    return select(row.usage_point_id).where(
        or_(row.began_on.is_(None), row.began_on <= day), or_(row.ended_on.is_(None), row.ended_on > day),
        or_(row.expires_on.is_(None), row.expires_on > day),
    )  # fmt: skip


def _holders(
    session: Session, points: Sequence[int], moment: Moment
) -> dict[int, tuple[str, str | None, str | None, bool]]:
    """Account, name, phone and consent of who answers for each usage point; landlords only where nobody else does."""
    answer: dict[int, tuple[str, str | None, str | None, bool]] = {}
    agreement = CustomerAgreement
    for start in range(0, len(points), 5_000):
        part = points[start : start + 5_000]
        query = (
            select(agreement.usage_point_id, CustomerAccount.account_no, Customer.name, Customer.id,
                   Customer.consent_marketing)
            .join(CustomerAccount, CustomerAccount.id == agreement.account_id)
            .join(Customer, Customer.id == agreement.customer_id)
            .where(agreement.usage_point_id.in_(part), agreement.superseded_at.is_(None),
                   moment.valid(agreement.began_at, agreement.ended_at))
            .order_by((agreement.party == "landlord").desc(), agreement.id.desc())
        )  # fmt: skip
        rows = session.execute(query).all()
        phones = _phones(session, sorted({row.id for row in rows}))
        for row in rows:  # the best one comes last
            answer[row.usage_point_id] = (row.account_no, row.name, phones.get(row.id), row.consent_marketing)
    return answer


def _phones(session: Session, customers: Sequence[int]) -> dict[int, str]:
    answer: dict[int, str] = {}
    for start in range(0, len(customers), 5_000):
        query = (
            select(ContactPoint.customer_id, func.coalesce(ContactPoint.normal, ContactPoint.text))
            .where(ContactPoint.customer_id.in_(customers[start : start + 5_000]), ContactPoint.kind == "phone",
                   ContactPoint.contact_person_id.is_(None))
            .order_by(ContactPoint.preferred, ContactPoint.id.desc())
        )  # fmt: skip
        answer.update((customer, phone) for customer, phone in session.execute(query))
    return answer
