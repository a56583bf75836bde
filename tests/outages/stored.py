"""A small network with customers in a database, and what the engine has made of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.core.db import Database
from cis_power.customers.models import SupplyConnection, UsagePoint, UsagePointStatus
from cis_power.network.models import (
    Element,
    EquipmentState,
    NetworkActivation,
    NetworkVersion,
    NodeState,
    SwitchPosition,
)
from cis_power.outages.entries import CLOSED, OPENED, Entry
from cis_power.outages.models import (
    EntryConflict,
    IntakeEntry,
    Interruption,
    InterruptionPhase,
    Outage,
    OutageMember,
    OutageState,
    OutageTransformer,
)
from tests.outages.worlds import START, at

Edge = tuple[str, str, str, str] | tuple[str, str, str, str, str]  # device, kind, from, to, "open" where normally so


def put_network(
    session: Session, edges: Sequence[Edge], sources: Sequence[str], valid_from: datetime | None = None
) -> int:
    """Store and activate a version; answers its key."""
    number = len(session.scalars(select(NetworkVersion.id)).all()) + 1
    version = NetworkVersion(number=number, format="csv", content_hash=str(number), recorded_at=START,
                             activated_at=START, valid_from=valid_from)  # fmt: skip
    session.add(version)
    session.flush()
    for name in sorted({node for edge in edges for node in edge[2:4]}):
        fed = name in sources
        session.add(NodeState(version_id=version.id, element_id=element(session, "node", name), is_source=fed,
                              source_phases=7 if fed else 0))  # fmt: skip
    feeder = element(session, "feeder", "F")
    for device, kind, start, end, *normal in edges:
        session.add(EquipmentState(
            version_id=version.id, element_id=element(session, "equipment", device), kind=kind, leg=0,
            from_node_id=element(session, "node", start), to_node_id=element(session, "node", end),
            normal_open=bool(normal), open_phases=7 if normal else 0, telemetered=True, phases=7, owner="utility",
            feeder_id=feeder,
        ))  # fmt: skip
    session.add(NetworkActivation(version_id=version.id, valid_from=valid_from, activated_at=START, activated_by="t"))
    session.flush()
    return version.id


def element(session: Session, kind: str, code: str) -> int:
    key = session.scalar(select(Element.id).where(Element.kind == kind, Element.code == code))
    if key is None:
        row = Element(kind=kind, code=code)
        session.add(row)
        session.flush()
        key = row.id
    return key


def put_usage_point(session: Session, code: str, where: str, kind: str = "node", **more: Any) -> int:
    """Store a usage point on an element; `more` goes into its connection, `status` into its status."""
    status = more.pop("status", None)
    point = session.scalar(select(UsagePoint).where(UsagePoint.code == code))
    if point is None:
        point = UsagePoint(code=code, created_at=START)
        session.add(point)
        session.flush()
    if status:
        session.add(UsagePointStatus(usage_point_id=point.id, status=status, recorded_at=START))
    values: dict[str, Any] = {"role": "main", "transfer": "auto", "phases": 0, "recorded_at": START} | more
    session.add(SupplyConnection(usage_point_id=point.id, element_id=element(session, kind, where), transformer=where,
                                 **values))  # fmt: skip
    session.flush()
    return point.id


FEEDERS: tuple[Edge, ...] = (
    ("A", "breaker", "S", "n1"), ("B", "switch", "n1", "n2"), ("C", "fuse", "n2", "n3"),
    ("D", "breaker", "S2", "n5"), ("T", "switch", "n3", "n5", "open"), ("X2", "transformer", "n2", "l2"),
    ("X3", "transformer", "n3", "l3"),
)  # fmt: skip


def put_feeders(database: Database) -> None:
    """S -A- n1 -B- n2 -C- n3 -T(open)- n5 -D- S2; transformers at n2 and n3; five usage points."""
    with database.transaction() as session:
        put_network(session, FEEDERS, ("S", "S2"))
        put_usage_point(session, "U1", "n1")
        put_usage_point(session, "U2", "X2", "equipment")
        put_usage_point(session, "U3", "X3", "equipment")
        put_usage_point(session, "U5", "n5")
        put_usage_point(session, "UD", "n2", transfer="auto")
        put_usage_point(session, "UD", "n5", role="standby")


def entry(database: Database, kind: str, device: str, minute: float, position: str | None = None, **more: Any) -> Entry:
    """An entry for a device by code."""
    with database.reading() as session:
        key = element(session, "equipment", device)
    value = {"open": OPENED, "close": CLOSED, None: None}[position]
    source = more.pop("source", "manual" if kind != "signal" else "rtu")
    if kind == "signal":
        more.setdefault("step_key", "")
        more.setdefault("payload", {"point": f"{device}.pos"})
    return Entry(kind, at(minute), source, f"{kind}-{device}-{minute}", element_id=key, value=value, **more)


def snapshot(database: Database) -> dict[str, list[tuple]]:
    """All that is held true now, without keys and times of knowledge."""
    def rows(session: Session, *columns: Any, of: Any, **joined: Any) -> list[tuple]:
        query = select(*columns).select_from(of)
        if hasattr(of, "superseded_at"):
            query = query.where(of.superseded_at.is_(None))
        if "outage" in joined:
            query = query.join(Outage, Outage.id == of.outage_id)
        return sorted((tuple(row) for row in session.execute(query)), key=repr)

    member, ledger, state = OutageMember, Interruption, OutageState
    with database.reading() as session:
        return {
            "outages": rows(session, Outage.code, state.status, state.began_at, state.began_earliest_at,
                            state.began_latest_at, state.restored_at, state.device_code, of=state, outage=True),
            "members": rows(session, Outage.code, member.usage_point_id, member.began_at, member.ended_at,
                            member.phases_out, member.fully_out, of=member, outage=True),
            "transformers": rows(session, Outage.code, OutageTransformer.element_id, OutageTransformer.began_at,
                                 OutageTransformer.ended_at, of=OutageTransformer, outage=True),
            "ledger": rows(session, Outage.code, ledger.usage_point_id, ledger.began_at, ledger.restored_at,
                           ledger.phases, ledger.step, ledger.began_earliest_at, of=ledger, outage=True),
            "positions": rows(session, SwitchPosition.element_id, SwitchPosition.open_phases, SwitchPosition.began_at,
                              SwitchPosition.ended_at, of=SwitchPosition),
            "conflicts": sorted(session.execute(
                select(IntakeEntry.source_key).join(EntryConflict, EntryConflict.entry_id == IntakeEntry.id)
                .where(EntryConflict.decided_at.is_(None))
            ).scalars()),
            "phases": sorted(
                (tuple(row) for row in session.execute(
                    select(ledger.usage_point_id, InterruptionPhase.phases, InterruptionPhase.began_at,
                           InterruptionPhase.ended_at)
                    .join(ledger, ledger.id == InterruptionPhase.interruption_id).where(ledger.superseded_at.is_(None))
                )), key=repr,
            ),
        }  # fmt: skip


def differences(found: dict[str, list[tuple]], expected: dict[str, list[tuple]]) -> dict[str, tuple[list, list]]:
    """What only one of two snapshots has: (only found, only expected) by part."""
    answer = {}
    for part, rows in expected.items():
        extra = [row for row in found[part] if row not in rows]
        missing = [row for row in rows if row not in found[part]]
        if extra or missing or len(rows) != len(found[part]):
            answer[part] = (extra, missing)
    return answer
