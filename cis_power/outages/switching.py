"""Manual switching: entries for any conducting element, and transfers of usage points between their connections."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.errors import InvalidInput, NotFound, Problem
from cis_power.core.time import iso
from cis_power.customers.models import SupplyConnection, UsagePoint, UsagePointDistrict
from cis_power.network.reads import find_device, version_at
from cis_power.outages.entries import CLOSED, OPENED, Entry
from cis_power.outages.intake import record_entries
from cis_power.outages.knowledge import Moment
from cis_power.outages.models import EntryConflict, IntakeEntry, Outage, OutageState

MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A manual entry as it was taken in; `new` is false when the same was recorded before."""

    key: str
    what: str
    act: str
    at: datetime
    by: str
    new: bool


@dataclass(frozen=True, slots=True)
class Consequence:
    """What the engine made of an entry: the outages it opened, and the contradiction it met, if any."""

    outages: tuple[str, ...]
    conflict: str | None


def record_switching(
    session: Session, viewer: Viewer, device: str, *, opens: bool, at: datetime, by: str, now: datetime,
    phases: int = 0, about: dict[str, Any] | None = None,
) -> Recorded:  # fmt: skip
    """Record that a device was opened or closed. `about`: kind, sub_kind, cause, responsibility of what it opens.

    Raises NotFound for a device that is not in the network valid then, InvalidInput for a time that cannot be.
    """
    viewer.require("network:switching:write")
    version = _version(session, at, now)
    found = find_device(session, viewer, version, device)
    act = "open" if opens else "close"
    mask = phases & found.phases
    if phases and not mask:
        raise InvalidInput(f"{found.code} carries none of these phases")
    key = f"{found.code}@{iso(at)}/{act}" + (f"/{mask}" if mask else "")
    entry = Entry(
        "switch", at, MANUAL, key, None, found.element_id, None, OPENED if opens else CLOSED, mask,
        payload={name: value for name, value in (about or {}).items() if value}, recorded_by=by,
    )  # fmt: skip
    return Recorded(key, found.code, act, at, by, bool(record_entries(session, [entry], now)))


def record_transfer(
    session: Session, viewer: Viewer, usage_point: str, *, to: str, at: datetime, by: str, now: datetime
) -> Recorded:
    """Record that a usage point with several connections was transferred to `main` or `standby`."""
    viewer.require("network:switching:write")
    _version(session, at, now)
    key = session.scalar(
        select(UsagePoint.id).outerjoin(UsagePointDistrict, UsagePointDistrict.usage_point_id == UsagePoint.id)
        .where(UsagePoint.code == usage_point, in_territory(viewer, UsagePointDistrict.district_id)).limit(1)
    )  # fmt: skip
    if key is None:
        raise NotFound(f"there is no usage point {usage_point!r}")
    moment = Moment.of(now, as_of=at)
    roles = set(session.scalars(select(SupplyConnection.role).where(
        SupplyConnection.usage_point_id == key, moment.known(SupplyConnection),
        moment.valid(SupplyConnection.began_at, SupplyConnection.ended_at),
    )))  # fmt: skip
    if not roles >= {"main", "standby"}:
        raise InvalidInput(f"{usage_point} has no main and standby connection at {iso(at)}")
    name = f"{usage_point}@{iso(at)}/{to}"
    entry = Entry("transfer", at, MANUAL, name, usage_point_id=key, payload={"to": to}, recorded_by=by)
    return Recorded(name, usage_point, to, at, by, bool(record_entries(session, [entry], now)))


def consequence(session: Session, recorded: Recorded) -> Consequence:
    """What became of an entry, after the engine's pass."""
    row = session.scalar(
        select(IntakeEntry).where(IntakeEntry.source == MANUAL, IntakeEntry.source_key == recorded.key)
    )
    if row is None:
        return Consequence((), None)
    conflict = session.scalar(
        select(EntryConflict.reason).where(EntryConflict.entry_id == row.id, EntryConflict.decided_at.is_(None))
    )
    outages = session.scalars(
        select(Outage.code)
        .join(OutageState, OutageState.outage_id == Outage.id)
        .where(Outage.opening_key == f"{MANUAL}|{row.source_key}|{row.element_id}", OutageState.superseded_at.is_(None))
    )
    return Consequence(tuple(outages), conflict)


def as_dict(recorded: Recorded, result: Consequence, zone: tzinfo = UTC) -> dict[str, Any]:
    """The answer of the switching commands."""
    return {
        "what": recorded.what, "act": recorded.act, "at": iso(recorded.at, zone), "by": recorded.by,
        "recorded": recorded.new, "outages": list(result.outages), "conflict": result.conflict,
    }  # fmt: skip


def _version(session: Session, at: datetime, now: datetime) -> int:
    """The network version valid at the time of switching."""
    if at > now:
        raise InvalidInput(
            f"{iso(at)} lies in the future: switching is recorded when it has happened",
            [Problem("in_the_future", "the time of switching lies in the future", field="at")],
        )
    version = version_at(session, at)
    if version is None:
        raise InvalidInput(
            f"no network is valid at {iso(at)}: the model begins later, or none was imported",
            [Problem("before_the_model", "no network version is valid at this time", field="at")],
        )
    return version.id
