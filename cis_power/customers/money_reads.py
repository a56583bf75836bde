"""Bills and payments of one account, for roles that may see money."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.customers.models import Bill, Payment


@dataclass(frozen=True, slots=True)
class BillRow:
    """One bill."""

    bill_no: str
    issued_on: date
    due_on: date | None
    energy_kwh: float | None
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """One payment."""

    paid_at: datetime
    amount: Decimal
    currency: str
    method: str | None
    reference: str


def bills_of(session: Session, viewer: Viewer, account_id: int, *, limit: int = 24) -> list[BillRow]:
    """The newest bills of an account that the caller has found to be in the viewer's territory."""
    viewer.require("money:account:read")
    rows = session.scalars(
        select(Bill).where(Bill.account_id == account_id).order_by(Bill.issued_on.desc(), Bill.id.desc()).limit(limit)
    )
    return [BillRow(row.bill_no, row.issued_on, row.due_on, row.energy_kwh, row.amount, row.currency) for row in rows]


def payments_of(session: Session, viewer: Viewer, account_id: int, *, limit: int = 24) -> list[PaymentRow]:
    """The newest payments to an account that the caller has found to be in the viewer's territory."""
    viewer.require("money:account:read")
    rows = session.scalars(
        select(Payment)
        .where(Payment.account_id == account_id)
        .order_by(Payment.paid_at.desc(), Payment.id.desc())
        .limit(limit)
    )
    return [PaymentRow(row.paid_at, row.amount, row.currency, row.method, row.reference) for row in rows]
