"""Putting network versions in force: one row says from when a version holds. Nothing here commits."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from cis_power.access.trail import AuditTrail
from cis_power.access.viewer import Viewer
from cis_power.core.batches.ledger import POSTED
from cis_power.core.db.serial import one_at_a_time
from cis_power.core.errors import NotFound
from cis_power.core.models import Batch
from cis_power.network.attachments import attachments
from cis_power.network.models import NetworkActivation, NetworkVersion

KIND = "network"


def activate_version(session: Session, viewer: Viewer, trail: AuditTrail, now: datetime, number: int) -> NetworkVersion:
    """Put a version in force: from the time asked for at its import when it never was in force, else from `now`."""
    viewer.require("network:model:write")
    whole = select(Batch.id).where(Batch.status == POSTED)
    query = select(NetworkVersion).where(NetworkVersion.number == number, NetworkVersion.batch_id.in_(whole))
    version = session.scalar(query)
    if version is None:
        raise NotFound(f"there is no network version {number}")
    put_in_force(session, viewer, trail, version, now)
    return version


def put_in_force(session: Session, viewer: Viewer, trail: AuditTrail, version: NetworkVersion, now: datetime) -> None:
    """Say from when a version holds. What was said before of that instant and later ones is superseded."""
    one_at_a_time(session, KIND)
    any_before = session.scalar(select(func.count()).select_from(NetworkActivation)) or 0
    asked = version.valid_from if version.activated_at is None else None
    valid_from = asked or (now if any_before else None)
    overridden = NetworkActivation.superseded_at.is_(None)
    if valid_from is not None:
        later = NetworkActivation.valid_from >= valid_from
        session.execute(update(NetworkActivation).where(overridden, later).values(superseded_at=now))
    session.add(
        NetworkActivation(version_id=version.id, valid_from=valid_from, activated_at=now, activated_by=viewer.actor)
    )
    version.valid_from, version.activated_at, version.activated_by = valid_from, now, viewer.actor
    session.flush()
    trail.append(
        session, viewer, "network:model:activate", now, object_kind="network_version", object_id=version.number
    )
    for attachment in attachments():
        attachment.activated(session, version.id, valid_from, now, viewer.actor)
