"""Writes what each outage is thought to be: a state from when it is known until it is superseded.

The engine owns times, device, phases and status. What people said of an outage (kind, cause, responsibility, review) is
carried from state to state, and to the heir of an outage that became better known. A frozen outage, which a person
merged, split or cancelled, is left as it is.
"""

import base64
import hashlib
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cis_power.core.db import chunked
from cis_power.network.models import Element, EquipmentState
from cis_power.outages.entries import instant
from cis_power.outages.heirs import bequeath, heirs_of
from cis_power.outages.ledger import Writing
from cis_power.outages.models import Outage, OutageState
from cis_power.outages.state import OutageFacts, World

ENGINE = "engine"
_CARRIED = ("kind", "sub_kind", "responsibility", "cause_code", "announced_at", "review_state", "probability")
_UNSAID = (None, "unplanned", "open")
_COMPARED = ("status", "began_at", "began_earliest_at", "began_latest_at", "restored_at", "device_id", "feeder_id",
             "open_phases")  # fmt: skip


def outage_code(key: str) -> str:
    """What people call an outage: short, opaque, the same wherever the same entry opens it."""
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return "O" + base64.b32encode(digest).decode().rstrip("=")[:11]


def status_of(facts: OutageFacts) -> str:
    if facts.restored is not None:
        return "restored"
    return "partially_restored" if facts.left else "confirmed"


def write_states(
    writing: Writing, world: World, told: list[OutageFacts], wanted: set[str], vanished: Iterable[str]
) -> dict[str, OutageState]:
    """Store the states that `told` differ; answers the present state of each outage in `wanted` by key."""
    keys = wanted | {facts.key for facts in told}
    outages = _identities(writing, keys)
    present = _present(writing.session, outages)
    lost, former = _lost(writing, told, vanished)
    heirs = heirs_of(lost, told)
    legacies = {heir: lost[key] for key, heir in heirs.items()}
    places = _places(writing.session, world, told)
    for facts in told:
        outage, before = outages[facts.key], present.get(facts.key)
        outage.heir_id = None
        if outage.frozen:
            continue
        state = _state(writing, facts, places[facts.key], outage, before, legacies.get(facts.key))
        if before is not None:
            if all(getattr(before, name) == getattr(state, name) for name in _COMPARED):
                continue
            before.superseded_at = writing.now
        writing.session.add(state)
        present[facts.key] = state
    for state in lost.values():
        state.superseded_at = writing.now
    bequeath(writing.session, [(former[key], outages[heir]) for key, heir in heirs.items()])
    writing.session.flush()
    return present


def _lost(
    writing: Writing, told: list[OutageFacts], vanished: Iterable[str]
) -> tuple[dict[str, OutageState], dict[str, Outage]]:
    """Present states of outages that are no more, and these outages, by key."""
    gone = set(vanished)
    if writing.replayed_from is not None:
        gone |= _reaching(writing) - {facts.key for facts in told}
    former = {key: outage for key, outage in _identities(writing, gone, make=False).items() if not outage.frozen}
    return _present(writing.session, former), former


def _state(
    writing: Writing, facts: OutageFacts, place: tuple[str | None, int | None], outage: Outage,
    before: OutageState | None, legacy: OutageState | None,
) -> OutageState:  # fmt: skip
    device, feeder = place
    state = OutageState(
        outage_id=outage.id,
        kind=facts.opened_as.get("kind", "unplanned"),
        sub_kind=facts.opened_as.get("sub_kind"),
        responsibility=facts.opened_as.get("responsibility"),
        cause_code=facts.opened_as.get("cause"),
        probability=1.0,
        status=status_of(facts),
        began_at=instant(facts.began),
        began_earliest_at=instant(facts.earliest),
        began_latest_at=instant(facts.latest),
        restored_at=None if facts.restored is None else instant(facts.restored),
        device_id=facts.device,
        device_code=device,
        feeder_id=feeder,
        open_phases=facts.open_phases,
        review_state="open",
        recorded_at=writing.now,
        recorded_by=ENGINE,
    )
    if before is not None:
        for name in _CARRIED:
            setattr(state, name, getattr(before, name))
    elif legacy is not None:
        for name in _CARRIED:
            if getattr(state, name) in _UNSAID:
                setattr(state, name, getattr(legacy, name))
    return state


def _places(
    session: Session, world: World, told: list[OutageFacts]
) -> dict[str, tuple[str | None, int | None]]:  # fmt: skip
    """Code of the device and key of its normal feeder, by the network that was valid at the beginning, by outage."""
    versions = {facts.key: world.version_at(facts.began) for facts in told}
    codes: dict[int, str] = {}
    feeders: dict[tuple[int, int], int | None] = {}
    for part in chunked({facts.device for facts in told if facts.device is not None}, 2_000):
        codes |= dict(session.execute(select(Element.id, Element.code).where(Element.id.in_(part))).all())
        rows = select(EquipmentState.version_id, EquipmentState.element_id, EquipmentState.feeder_id).where(
            EquipmentState.element_id.in_(part), EquipmentState.version_id.in_({*versions.values()})
        )
        feeders |= {(version, element): feeder for version, element, feeder in session.execute(rows)}
    return {
        facts.key: (codes.get(facts.device or 0), feeders.get((versions[facts.key] or 0, facts.device or 0)))
        for facts in told
    }


def _identities(writing: Writing, keys: set[str], *, make: bool = True) -> dict[str, Outage]:
    """The outages of these opening keys; those that are not there are made."""
    found: dict[str, Outage] = {}
    for part in chunked(sorted(keys), 5_000):
        rows = writing.session.scalars(select(Outage).where(Outage.opening_key.in_(part)))
        found |= {row.opening_key: row for row in rows if row.opening_key is not None}
    if make:
        new = [Outage(code=outage_code(key), opening_key=key, imported=False, created_at=writing.now)
               for key in sorted(keys - found.keys())]  # fmt: skip
        writing.session.add_all(new)
        writing.session.flush()
        found |= {row.opening_key: row for row in new if row.opening_key is not None}
    return found


def _present(session: Session, outages: dict[str, Outage]) -> dict[str, OutageState]:
    keys = {outage.id: key for key, outage in outages.items()}
    present: dict[str, OutageState] = {}
    for part in chunked(keys, 5_000):
        query = select(OutageState).where(OutageState.outage_id.in_(part), OutageState.superseded_at.is_(None))
        present |= {keys[state.outage_id]: state for state in session.scalars(query)}
    return present


def _reaching(writing: Writing) -> set[str]:
    """Keys of the engine's outages that reach into the replayed time."""
    since: datetime | None = writing.replayed_from
    query = (
        select(Outage.opening_key)
        .join(OutageState, OutageState.outage_id == Outage.id)
        .where(OutageState.superseded_at.is_(None), Outage.opening_key.is_not(None))
        .where(or_(OutageState.restored_at.is_(None), OutageState.restored_at >= since))
    )
    return {key for key in writing.session.scalars(query) if key is not None}
