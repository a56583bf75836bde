"""Calls that came before anybody knew of the outage they were about: they find it when it becomes known."""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cis_power.core.db import chunked
from cis_power.outages.models import OutageMember, TroubleCall

EARLY = timedelta(minutes=15)  # so much later than the first call a crew may say that supply went


def claim_calls(session: Session, since: datetime, now: datetime) -> int:
    """Give calls without an outage to the one that their usage point was in; answers how many there were.

    `since`: the beginning of the earliest outage that changed.
    """
    call, member = TroubleCall, OutageMember
    waiting = session.execute(
        select(call.id, call.usage_point_id, call.received_at).where(
            call.outage_id.is_(None), call.usage_point_id.is_not(None), call.received_at >= since - EARLY,
            call.received_at <= now,
        )
    ).all()  # fmt: skip
    spells: dict[int, list[tuple[datetime, datetime | None, int]]] = {}
    for part in chunked({about for _id, about, _at in waiting if about is not None}, 2_000):
        rows = select(member.usage_point_id, member.began_at, member.ended_at, member.outage_id).where(
            member.usage_point_id.in_(part), member.superseded_at.is_(None)
        )
        for point, began_at, ended_at, outage in session.execute(rows):
            spells.setdefault(point, []).append((began_at, ended_at, outage))
    claimed = 0
    for key, about, at in waiting:
        near = [
            (began_at, outage)
            for began_at, ended_at, outage in spells.get(about or 0, ())
            if began_at - EARLY <= at and (ended_at is None or at < ended_at)
        ]
        if near:
            session.execute(update(call).where(call.id == key).values(outage_id=max(near)[1]))
            claimed += 1
    return claimed
