"""Districts, accounts and customers for the small feeders."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.access.models import District
from cis_power.access.viewer import Viewer
from cis_power.core.db import Database
from cis_power.customers.models import (
    ContactPoint,
    Customer,
    CustomerAccount,
    CustomerAgreement,
    ServiceLocation,
    UsagePoint,
    UsagePointDistrict,
    UsagePointTerms,
)
from tests.outages.stored import put_feeders, put_usage_point
from tests.outages.worlds import START

HOLDERS = {"U1": "EAST", "U2": "EAST", "U3": "WEST", "U5": "WEST", "UD": "EAST"}


def put_people(database: Database) -> dict[str, int]:
    """The feeders with an account for each usage point (account 9-<point>), in two districts; keys of the districts."""
    put_feeders(database)
    with database.transaction() as session:
        districts = {code: District(code=code, name=code) for code in ("EAST", "WEST")}
        session.add_all(districts.values())
        session.flush()
        for point, district in HOLDERS.items():
            priority = "first" if point == "U2" else None
            put_holder(session, point, f"9-{point}", districts[district].id, priority=priority)
        put_usage_point(session, "UX", "nowhere")  # hangs on what no version has
        put_holder(session, "UX", "9-UX", districts["EAST"].id)
        put_usage_point(session, "UC", "n1", status="disconnected")
        put_holder(session, "UC", "9-UC", districts["EAST"].id)
        return {code: row.id for code, row in districts.items()}


def put_holder(
    session: Session, point: str, account_no: str, district: int, *, priority: str | None = None,
    phone: str | None = None,
) -> None:  # fmt: skip
    """An account, its customer and agreement at a usage point."""
    usage_point = session.scalars(select(UsagePoint).where(UsagePoint.code == point)).one()
    customer = Customer(customer_no=f"C{account_no}", kind="residential", name=f"Name {point}", created_at=START)
    location = ServiceLocation(address=f"Street {point}")
    session.add_all([customer, location])
    session.flush()
    account = session.scalar(select(CustomerAccount).where(CustomerAccount.account_no == account_no))
    if account is None:
        account = CustomerAccount(account_no=account_no, customer_id=customer.id)
        session.add(account)
    usage_point.service_location_id = location.id
    session.flush()
    session.add(CustomerAgreement(account_id=account.id, customer_id=customer.id, usage_point_id=usage_point.id,
                                  recorded_at=START))  # fmt: skip
    session.add(UsagePointDistrict(usage_point_id=usage_point.id, district_id=district))
    session.add(ContactPoint(customer_id=customer.id, kind="phone", text=phone or f"1380000{customer.id:04d}",
                             normal=phone or f"+861380000{customer.id:04d}"))  # fmt: skip
    if priority:
        session.add(UsagePointTerms(usage_point_id=usage_point.id, service_priority=priority))
    session.flush()


def viewer(role: str, *districts: int) -> Viewer:
    return Viewer("somebody", role, frozenset(districts) if districts else None, id=1)
