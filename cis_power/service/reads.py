"""Reading the contact log of one customer."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.service.models import Contact


@dataclass(frozen=True, slots=True)
class ContactRow:
    """One contact with a customer."""

    occurred_at: datetime
    channel: str
    direction: str
    subject: str
    text: str | None
    recorded_by: str


def list_contacts(session: Session, viewer: Viewer, customer_id: int, limit: int = 100) -> list[ContactRow]:
    """Contacts of a customer, newest first; the caller has made sure that the viewer may see the customer."""
    viewer.require("service:contact:read")
    query = (
        select(Contact)
        .where(Contact.customer_id == customer_id)
        .order_by(Contact.occurred_at.desc(), Contact.id.desc())
        .limit(limit)
    )
    return [
        ContactRow(row.occurred_at, row.channel, row.direction, row.subject, row.text, row.recorded_by)
        for row in session.scalars(query)
    ]
