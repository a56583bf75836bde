"""Outages that took the place of others: better knowledge of an opening is another opening entry, so another outage.

A poll finds a breaker open; the archive tells later that it had reclosed once. What people knew by the former outage
(its id, its calls, its estimates, its cause) goes on in its heir.
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.core.db import chunked
from cis_power.outages.entries import micros
from cis_power.outages.models import Outage, OutageState
from cis_power.outages.state import OutageFacts

APART_SECONDS = 300  # a time told by hand differs from the poll that found it by less


def heirs_of(lost: Mapping[str, OutageState], told: Sequence[OutageFacts]) -> dict[str, str]:
    """The key of the outage that takes the place of each lost one, by key; those without one are left out.

    It has the same device; the nearest one of those that are there at the same time, else that began about then.
    """
    by_device: dict[int | None, list[OutageFacts]] = {}
    for facts in told:
        by_device.setdefault(facts.device, []).append(facts)
    found = {}
    for key, state in lost.items():
        near = [
            (not _meets(state, facts), _seconds_apart(state, facts), facts.began, facts.key)
            for facts in by_device.get(state.device_id, ())
            if state.device_id is not None and (_meets(state, facts) or _seconds_apart(state, facts) <= APART_SECONDS)
        ]
        if near:
            found[key] = min(near)[-1]
    return found


def _meets(state: OutageState, facts: OutageFacts) -> bool:
    ends_before = state.restored_at is not None and micros(state.restored_at) <= facts.began
    return not ends_before and (facts.restored is None or facts.restored > micros(state.began_at))


def _seconds_apart(state: OutageState, facts: OutageFacts) -> float:
    return abs(micros(state.began_at) - facts.began) / 1e6


def families(session: Session, outages: Iterable[int]) -> dict[int, int]:
    """Each of the outages, and every one whose place it took: key → key of the present one."""
    found = {outage: outage for outage in outages}
    for part in chunked(list(found), 2_000):
        rows = session.execute(select(Outage.id, Outage.heir_id).where(Outage.heir_id.in_(part)))
        found |= {outage: heir for outage, heir in rows if heir is not None}
    return found


def bequeath(session: Session, heirs: Sequence[tuple[Outage, Outage]]) -> None:
    """Let outages stand in the place of former ones, and of all whose place those had taken: (former, heir)."""
    place = {former.id: heir.id for former, heir in heirs}
    for part in chunked(list(place), 2_000):
        for earlier in session.scalars(select(Outage).where(Outage.heir_id.in_(part))):
            earlier.heir_id = place[earlier.heir_id or 0]
    for former, heir in heirs:
        former.heir_id, heir.heir_id = heir.id, None
