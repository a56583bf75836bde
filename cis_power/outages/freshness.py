"""When the latest of what is known of an outage became known: its state, its members, its estimate, its calls."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.outages.belonging import inside
from cis_power.outages.call_counts import called
from cis_power.outages.heirs import families
from cis_power.outages.knowledge import Moment
from cis_power.outages.models import OutageMember, RestorationEstimate


def last_known(session: Session, viewer: Viewer, rows: Sequence[Any], moment: Moment) -> dict[int, datetime]:
    """The instant by outage; `rows` begin with its state. Members and calls are those of the viewer's territory."""
    known: dict[int, datetime] = {row[0].outage_id: row[0].recorded_at for row in rows}
    ids, present = list(known), families(session, known)
    member, estimate = OutageMember, RestorationEstimate
    members = (
        select(member.outage_id, func.max(member.recorded_at))
        .where(member.outage_id.in_(ids), moment.known(member), inside(viewer, member.usage_point_id, moment))
        .group_by(member.outage_id)
    )
    estimates = (
        select(estimate.outage_id, func.max(estimate.recorded_at))
        .where(estimate.outage_id.in_(present), estimate.recorded_at <= moment.known_at)
        .group_by(estimate.outage_id)
    )
    for query in (members, estimates):
        for outage, at in session.execute(query):
            known[present[outage]] = max(known[present[outage]], at)
    for outage, found in called(session, viewer, ids, moment).items():
        if found.last_at is not None:
            known[outage] = max(known[outage], found.last_at)
    return known
