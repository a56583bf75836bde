"""What the page of one customer shows, gathered from the wings, each part only for a role that may read it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.customers.records import AccountRecord


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """The parts besides the record itself; None: the role does not see it."""

    now: datetime


def customer_page(session: Session, viewer: Viewer, record: AccountRecord, now: datetime) -> CustomerPage:
    """Gather the parts."""
    return CustomerPage(now=now)
