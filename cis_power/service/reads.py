"""Reading the contact log of one customer."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from cis_power.access.masking import Circumstance, Personal, Shown, shown
from cis_power.access.reads import actor_names
from cis_power.access.viewer import Viewer
from cis_power.service.models import Contact

Position = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class ContactRow:
    """One contact with a customer. `subject` and `text` are None for a role that does not see customers by name."""

    occurred_at: datetime
    channel: str
    direction: str
    kind: str
    subject: str | None
    text: str | None
    recorded_by: str


def list_contacts(session: Session, viewer: Viewer, customer_id: int, limit: int = 100) -> list[ContactRow]:
    """Contacts of a customer, newest first; the caller has made sure that the viewer may see the customer."""
    return [row for row, _ in contact_positions(session, viewer, customer_id, limit=limit)]


def contact_positions(
    session: Session, viewer: Viewer, customer_id: int, *, kind: str | None = None, channel: str | None = None,
    before: Position | None = None, limit: int = 100,
) -> list[tuple[ContactRow, Position]]:  # fmt: skip
    """The list, of one kind or channel, with the position of each row, to go on `before` it with the next page."""
    viewer.require("service:contact:read")
    query = select(Contact).where(Contact.customer_id == customer_id)
    if kind is not None:
        query = query.where(Contact.kind == kind)
    if channel is not None:
        query = query.where(Contact.channel == channel)
    if before is not None:
        at, key = before
        query = query.where(or_(Contact.occurred_at < at, and_(Contact.occurred_at == at, Contact.id < key)))
    rows = session.scalars(query.order_by(Contact.occurred_at.desc(), Contact.id.desc()).limit(limit)).all()
    names = actor_names(session, {row.recorded_by for row in rows})
    words = shown(viewer, Personal.NAME, Circumstance()) is Shown.FULL
    return [
        (
            ContactRow(
                row.occurred_at,
                row.channel,
                row.direction,
                row.kind,
                row.subject if words else None,
                row.text if words else None,
                names[row.recorded_by],
            ),
            (row.occurred_at, row.id),
        )
        for row in rows
    ]
