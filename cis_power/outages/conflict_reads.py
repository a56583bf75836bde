"""Contradictions that wait for a person: entries of the intake that do not fit other evidence."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.errors import NotFound
from cis_power.core.time import iso
from cis_power.network.models import Element, EquipmentState
from cis_power.outages.models import EntryConflict, IntakeEntry


@dataclass(frozen=True, slots=True)
class ConflictRecord:
    """One contradiction: which entry of which source says what of which device, and what is wrong with it."""

    id: str
    kind: str
    at: datetime
    device: str | None
    value: float | None
    reason: str
    recorded_by: str
    decision: str | None

    def as_dict(self, zone: tzinfo = UTC) -> dict[str, Any]:
        return {
            "id": self.id, "kind": self.kind, "at": iso(self.at, zone), "device": self.device, "value": self.value,
            "reason": self.reason, "recorded_by": self.recorded_by, "decision": self.decision,
        }  # fmt: skip


def list_conflicts(
    session: Session, viewer: Viewer, *, everything: bool = False, limit: int = 1_000
) -> list[ConflictRecord]:
    """Contradictions about devices of the territory, newest first; `everything`: decided ones too."""
    viewer.require("outages:outage:read")
    entry, conflict = IntakeEntry, EntryConflict
    query = (
        select(conflict, entry, Element.code)
        .join(entry, entry.id == conflict.entry_id)
        .outerjoin(Element, Element.id == entry.element_id)
        .order_by(entry.occurred_at.desc(), entry.id.desc())
        .limit(limit)
    )
    if not everything:
        query = query.where(conflict.decided_at.is_(None))
    if viewer.districts is not None:
        own = select(EquipmentState.element_id).where(in_territory(viewer, EquipmentState.district_id))
        query = query.where(entry.element_id.in_(own))
    return [
        ConflictRecord(str(row.id), told.kind, told.occurred_at, code, told.value, row.reason, told.recorded_by,
                       row.decision)
        for row, told, code in session.execute(query)
    ]  # fmt: skip


def decide_conflict(
    session: Session, viewer: Viewer, conflict_id: str, *, decision: str, by: str, now: datetime
) -> None:
    """Settle a contradiction; what is to follow from it is entered as switching, a tag or a correction."""
    viewer.require("outages:outage:write")
    known = {record.id for record in list_conflicts(session, viewer)}
    row = session.get(EntryConflict, int(conflict_id)) if conflict_id in known else None
    if row is None:
        raise NotFound(f"there is no open conflict {conflict_id!r}")
    row.decided_at, row.decided_by, row.decision = now, by, decision
