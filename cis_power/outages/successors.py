"""The outage that stands in the place of one that became better known: an earlier opening entry is another outage."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.outages.belonging import visible
from cis_power.outages.knowledge import Moment
from cis_power.outages.models import Outage, OutageState

_APART = timedelta(minutes=5)  # a time told by hand differs from the poll that found it by less


def successor(session: Session, viewer: Viewer, outage_id: str, moment: Moment) -> str | None:
    """The id of the outage of the same device that began about then, if the viewer may see it; None if there is none.

    `outage_id` is one that was known once and is not any more: links to it, from calls and from pages that stayed open,
    still exist.
    """
    former = session.scalar(
        select(OutageState)
        .join(Outage, Outage.id == OutageState.outage_id)
        .where(Outage.code == outage_id, OutageState.superseded_at.is_not(None), OutageState.device_id.is_not(None))
        .order_by(OutageState.recorded_at.desc(), OutageState.id.desc())
        .limit(1)
    )
    if former is None:
        return None
    found = session.execute(
        select(Outage.code, OutageState.began_at)
        .join(Outage, Outage.id == OutageState.outage_id)
        .where(
            moment.known(OutageState), visible(viewer, moment), OutageState.device_id == former.device_id,
            OutageState.began_at >= former.began_at - _APART, OutageState.began_at <= former.began_at + _APART,
            Outage.code != outage_id,
        )
    ).all()  # fmt: skip
    nearest = min(found, key=lambda row: (abs(row.began_at - former.began_at), row.code), default=None)
    return None if nearest is None else str(nearest.code)
