"""Lines of a list of customers, for what a search found."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from cis_power.access.masking import Circumstance, mask_record
from cis_power.access.models import District
from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.customers.models import (
    ContactPoint,
    Customer,
    CustomerAccount,
    CustomerAgreement,
    LifeSupport,
    ServiceLocation,
    SupplyConnection,
    UsagePoint,
    UsagePointDistrict,
    UsagePointTerms,
)
from cis_power.customers.reads import ORDINARY
from cis_power.customers.records import CustomerRow
from cis_power.customers.search import Subject
from cis_power.customers.validity import valid_at


@dataclass(slots=True)
class _Spot:
    """A usage point as a line shows it."""

    code: str
    address: str | None
    district: str | None
    transformer: str | None
    service_priority: str
    inside: bool
    held: bool


@dataclass(slots=True)
class _Draft:
    """What a line is made of; `holds`: the subject holds some usage point now, in sight or not."""

    spots: list[_Spot] = field(default_factory=list)
    holds: bool = False

    @property
    def inside(self) -> bool:
        """Whether it is in the territory: by what is held now; by what was held where nothing is."""
        return any(spot.inside and (spot.held or not self.holds) for spot in self.spots)


def customer_rows(
    session: Session, viewer: Viewer, subjects: Sequence[Subject], now: datetime
) -> tuple[CustomerRow, ...]:
    """One line a subject, in the same order, masked for the viewer."""
    account_ids = [subject.account_id for subject in subjects if subject.account_id is not None]
    vacant_ids = [subject.usage_point_id for subject in subjects if subject.usage_point_id is not None]
    accounts = {
        account.id: (account, customer)
        for account, customer in session.execute(
            select(CustomerAccount, Customer)
            .join(Customer, Customer.id == CustomerAccount.customer_id)
            .where(CustomerAccount.id.in_(account_ids))
        )
    }
    drafts = _drafts(session, viewer, account_ids, vacant_ids, now)
    phones = _phones(session, [customer.id for _, customer in accounts.values()])
    rows = []
    for subject in subjects:
        if subject.account_id is None:
            rows.append(_vacant(viewer, drafts[-(subject.usage_point_id or 0)]))
        else:
            account, customer = accounts[subject.account_id]
            rows.append(_line(viewer, account, customer, phones.get(customer.id), drafts[account.id]))
    return tuple(rows)


def _line(
    viewer: Viewer, account: CustomerAccount, customer: Customer, phone: str | None, draft: _Draft
) -> CustomerRow:
    first = draft.spots[0] if draft.spots else None
    row = CustomerRow(
        account_no=account.account_no,
        name=customer.name,
        kind=customer.kind,
        status=account.status,
        phone=phone,
        vip=customer.vip,
        **_place(draft),
    )
    priority = any(spot.service_priority != ORDINARY and spot.inside for spot in draft.spots)
    inside = draft.inside or viewer.districts is None
    masked = mask_record(
        viewer, row, Circumstance(inside=inside, priority=priority, consent=customer.consent_marketing)
    )
    return masked if first is None or first.inside == inside else _only_place_masked(viewer, masked)


def _only_place_masked(viewer: Viewer, row: CustomerRow) -> CustomerRow:
    """The address of a foreign place stays masked although the customer is the viewer's own."""
    outside = mask_record(viewer, row, Circumstance(inside=False))
    return CustomerRow(**{name: getattr(row, name) for name in row.__slots__} | {"address": outside.address})


def _vacant(viewer: Viewer, draft: _Draft) -> CustomerRow:
    row = CustomerRow(account_no=None, name=None, kind=None, status="vacant", phone=None, vip=False, **_place(draft))
    return mask_record(viewer, row, Circumstance(inside=draft.inside))


def _place(draft: _Draft) -> dict[str, Any]:
    first = draft.spots[0] if draft.spots else None
    priorities = [spot.service_priority for spot in draft.spots if spot.service_priority != ORDINARY]
    return {
        "address": first.address if first else None,
        "district": first.district if first else None,
        "usage_point": first.code if first else None,
        "usage_points": tuple(dict.fromkeys(spot.code for spot in draft.spots)),
        "transformer": first.transformer if first else None,
        "service_priority": priorities[0] if priorities else ORDINARY,
    }


def _drafts(
    session: Session, viewer: Viewer, account_ids: Iterable[int], vacant_ids: Iterable[int], now: datetime
) -> dict[int, _Draft]:
    """Subject key → its usage points in sight: held ones first, own ones before foreign ones."""
    drafts: dict[int, _Draft] = defaultdict(_Draft)
    everywhere = viewer.may("customers:place:find")
    held = valid_at(CustomerAgreement.began_at, CustomerAgreement.ended_at, now)
    inside = in_territory(viewer, UsagePointDistrict.district_id)
    base = (
        select(UsagePoint.id, UsagePoint.code, ServiceLocation.address, District.code.label("district"))
        .add_columns(UsagePointTerms.service_priority, LifeSupport.id.label("life_support"), inside.label("inside"))
        .add_columns(SupplyConnection.transformer)
        .outerjoin(ServiceLocation, ServiceLocation.id == UsagePoint.service_location_id)
        .outerjoin(UsagePointDistrict, _now(UsagePointDistrict, now))
        .outerjoin(District, District.id == UsagePointDistrict.district_id)
        .outerjoin(UsagePointTerms, _now(UsagePointTerms, now))
        .outerjoin(
            SupplyConnection,
            and_(
                _now(SupplyConnection, now), SupplyConnection.superseded_at.is_(None), SupplyConnection.role == "main"
            ),
        )
        .outerjoin(
            LifeSupport,
            and_(
                LifeSupport.usage_point_id == UsagePoint.id,
                LifeSupport.ended_on.is_(None) | (LifeSupport.ended_on > now.date()),
                LifeSupport.expires_on.is_(None) | (LifeSupport.expires_on > now.date()),
            ),
        )
    )
    of_accounts = (
        base.add_columns(CustomerAgreement.account_id.label("subject"), held.label("held"))
        .join(CustomerAgreement, CustomerAgreement.usage_point_id == UsagePoint.id)
        .where(CustomerAgreement.account_id.in_(account_ids), CustomerAgreement.superseded_at.is_(None))
    )
    vacant = base.add_columns((-UsagePoint.id).label("subject")).where(UsagePoint.id.in_(vacant_ids))
    found = [*session.execute(of_accounts), *session.execute(vacant)]
    found.sort(key=lambda row: (not getattr(row, "held", True), not row.inside, row.code))
    for row in found:
        held_now = bool(getattr(row, "held", True))
        drafts[row.subject].holds |= held_now
        if row.inside or everywhere:
            drafts[row.subject].spots.append(
                _Spot(
                    code=row.code,
                    address=row.address,
                    district=row.district,
                    transformer=row.transformer,
                    service_priority="life_support" if row.life_support else row.service_priority or ORDINARY,
                    inside=bool(row.inside),
                    held=held_now,
                )
            )
    return drafts


def _now(model: Any, now: datetime) -> Any:
    return and_(model.usage_point_id == UsagePoint.id, valid_at(model.began_at, model.ended_at, now))


def _phones(session: Session, customer_ids: Iterable[int]) -> dict[int, str]:
    """Customer → the phone to call first. Asked by the customers alone: by kind, SQLite would go over every phone."""
    phones: dict[int, str] = {}
    for row in session.scalars(
        select(ContactPoint)
        .where(
            ContactPoint.customer_id.in_(customer_ids),
            ContactPoint.valid_to.is_(None),
        )
        .order_by(ContactPoint.preferred.desc(), ContactPoint.id)
    ):
        if row.kind == "phone":
            phones.setdefault(row.customer_id, row.normal or row.text)
    return phones
