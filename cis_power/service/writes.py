"""Writing to the contact log: permanent, one row a contact."""

from datetime import datetime

from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.service.models import Contact

CHANNELS = ("phone", "mail", "web", "counter", "field", "social", "ivr")
KINDS = ("trouble", "enquiry", "request", "complaint", "suggestion", "notice", "visit", "other")
DIRECTIONS = ("in", "out")


def record_contact(
    session: Session, viewer: Viewer, now: datetime, *, subject: str, channel: str = "phone", direction: str = "in",
    kind: str = "other", customer_id: int | None = None, usage_point_id: int | None = None, text: str | None = None,
) -> int:  # fmt: skip
    """Record a contact of now; answers its key."""
    row = Contact(
        customer_id=customer_id, usage_point_id=usage_point_id, channel=channel, direction=direction, kind=kind,
        subject=subject, text=text, occurred_at=now, recorded_by=viewer.actor, recorded_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id
