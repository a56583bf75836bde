"""What the posting functions share."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from cis_power.core.batches import Posting
from cis_power.core.time import day_bounds
from cis_power.customers.changes import Changes, Origin


def changes_of(session: Session, posting: Posting) -> Changes:
    """Changes in the name of a posting."""
    return Changes(session, Origin(posting.who, posting.now, posting.source, posting.batch_id))


def midnight(day: date | None, zone: ZoneInfo) -> datetime | None:
    """The instant a local day begins; None for None."""
    return None if day is None else day_bounds(day, zone)[0]
