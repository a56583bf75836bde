"""How many calls were about an outage, and how many of them told of danger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.db import chunked
from cis_power.outages.belonging import inside
from cis_power.outages.heirs import families
from cis_power.outages.knowledge import Moment
from cis_power.outages.models import TroubleCall


@dataclass(frozen=True, slots=True)
class Called:
    """Calls about an outage; `last_at`: when the latest came."""

    calls: int
    hazards: int
    last_at: datetime | None


NO_CALL = Called(0, 0, None)


def called(session: Session, viewer: Viewer, outages: Sequence[int], moment: Moment) -> dict[int, Called]:
    """Calls received by then about usage points of the viewer's territory, by outage that has any.

    Calls about an outage whose place another took count for that one.
    """
    call, present = TroubleCall, families(session, outages)
    found: dict[int, Called] = {}
    for part in chunked(present, 2_000):
        query = (
            select(call.outage_id, func.count(), func.sum(case((call.hazard, 1), else_=0)), func.max(call.received_at))
            .where(call.outage_id.in_(part), call.received_at <= moment.known_at)
            .where(inside(viewer, call.usage_point_id, moment))
            .group_by(call.outage_id)
        )
        for outage, calls, hazards, last_at in session.execute(query):
            one = present[outage or 0]
            known = found.get(one, NO_CALL)
            last = last_at if known.last_at is None else max(known.last_at, last_at)
            found[one] = Called(known.calls + calls, known.hazards + int(hazards), last)
    return found
