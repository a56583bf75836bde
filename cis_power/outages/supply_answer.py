"""The supply answer: is this account in supply, since when not, by which outage, on what evidence.

It follows the last known state of the network, as the engine has written it; a call never switches a light on or off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.phases import format_phases
from cis_power.customers.models import SupplyConnection, UsagePointStatus
from cis_power.customers.reads import ORDINARY, read_account, read_usage_points
from cis_power.customers.records import UsagePointRecord
from cis_power.network.models import EquipmentState, NodeState
from cis_power.network.reads import version_at
from cis_power.outages.belonging import LIFE_SUPPORT
from cis_power.outages.evidence import call_evidence, device_evidence
from cis_power.outages.knowledge import Moment
from cis_power.outages.models import ConnectionLoss, Interruption, Outage, OutageMember, OutageState, UnsuppliedPoint
from cis_power.outages.reads import estimates
from cis_power.outages.records import SupplyAnswer, SupplyPoint

_NOT_SERVED = ("disconnected", "closed")


def supply_answer(
    session: Session, viewer: Viewer, account_no: str, now: datetime, *, at: datetime | None = None,
    as_of: datetime | None = None,
) -> SupplyAnswer:  # fmt: skip
    """The answer for an account's usage points. Raises NotFound, whether it is foreign or missing."""
    viewer.require("customers:supply:read")
    account = read_account(session, viewer, account_no, now)
    moment = Moment.of(now, at, as_of)
    held = [point for point in account.usage_points if point.held] or list(account.usage_points)
    if not _known_by_then(session, [point.id for point in held], moment):
        moment = Moment.of(now, as_of=moment.about)
    return SupplyAnswer(account_no, moment.about, supply_points(session, held, moment))


def _known_by_then(session: Session, ids: Sequence[int], moment: Moment) -> bool:
    """Whether any of the connections was on record; before that only today's knowledge can answer for the time."""
    connection = SupplyConnection
    first = session.scalar(select(func.min(connection.recorded_at)).where(connection.usage_point_id.in_(ids)))
    return first is None or first <= moment.known_at


def usage_point_supply(
    session: Session, viewer: Viewer, usage_point_ids: Sequence[int], now: datetime
) -> tuple[SupplyPoint, ...]:
    """The present answer for usage points by key, those that the viewer may see."""
    viewer.require("customers:supply:read")
    return supply_points(session, read_usage_points(session, viewer, usage_point_ids, now), Moment.of(now))


@dataclass(frozen=True, slots=True)
class _Known:
    """What the tables say of some usage points at a moment, by usage point."""

    links: dict[int, int]
    lost: dict[int, int]
    unsupplied: set[int]
    status: dict[int, str]
    members: dict[int, tuple[OutageMember, OutageState, Outage]]
    since: dict[int, datetime]


def supply_points(session: Session, points: Sequence[UsagePointRecord], moment: Moment) -> tuple[SupplyPoint, ...]:
    """The answer for each usage point."""
    ids = [point.id for point in points]
    known = _known(session, ids, moment)
    states = [(state, outage) for _member, state, outage in known.members.values()]
    evidence = device_evidence(session, states, moment)
    calls = call_evidence(session, ids, moment)
    expected = estimates(session, [state.outage_id for state, _outage in states], moment)
    answer = []
    for point in points:
        priority = LIFE_SUPPORT if point.life_support else point.service_priority or ORDINARY
        lost = known.lost.get(point.id, 0)
        status = known.status.get(point.id)
        if point.id in known.members and status not in _NOT_SERVED:
            member, state, outage = known.members[point.id]
            answer.append(SupplyPoint(
                point.usage_point, "none" if member.fully_out else "partial", format_phases(member.phases_out),
                lost or known.links.get(point.id, 0), known.since.get(point.id, member.began_at), outage.code,
                "planned" if state.kind == "planned" else "outage", state.cause_code,
                expected.get(state.outage_id), (*evidence.get(state.outage_id, ()), *calls.get(point.id, ())), priority,
            ))  # fmt: skip
            continue
        energized, reason = _without_outage(point.id, status, known)
        answer.append(SupplyPoint(
            point.usage_point, energized, "", lost, None, None, reason, None, None, calls.get(point.id, ()), priority,
        ))  # fmt: skip
    return tuple(answer)


def _without_outage(point: int, status: str | None, known: _Known) -> tuple[str, str]:
    """(energized, reason) of a usage point that is in no outage."""
    if status in _NOT_SERVED:
        return "none", "disconnected"
    if not known.links.get(point):
        return "unknown", "unknown"
    if point in known.unsupplied:
        return "none", "unknown"
    return "full", "none"


def _known(session: Session, ids: Sequence[int], moment: Moment) -> _Known:
    member, ledger = OutageMember, Interruption
    rows = session.execute(
        select(member, OutageState, Outage)
        .join(Outage, Outage.id == member.outage_id)
        .join(OutageState, OutageState.outage_id == Outage.id)
        .where(member.usage_point_id.in_(ids), moment.known(member), moment.known(OutageState),
               moment.holding(member.began_at, member.ended_at), OutageState.status != "cancelled")
    )  # fmt: skip
    members = {row[0].usage_point_id: (row[0], row[1], row[2]) for row in rows}
    since = session.execute(
        select(ledger.usage_point_id, func.min(ledger.began_at))
        .where(ledger.usage_point_id.in_(ids), moment.known(ledger),
               moment.holding(ledger.began_at, ledger.restored_at))
        .group_by(ledger.usage_point_id)
    )  # fmt: skip
    links, lost = _links(session, ids, moment)
    island = UnsuppliedPoint
    unsupplied = session.scalars(
        select(island.usage_point_id).where(
            island.usage_point_id.in_(ids), moment.known(island), moment.holding(island.began_at, island.ended_at)
        )
    )
    status = UsagePointStatus
    statuses = session.execute(
        select(status.usage_point_id, status.status).where(
            status.usage_point_id.in_(ids), moment.known(status), moment.valid(status.began_at, status.ended_at)
        )
    )
    return _Known(
        links, lost, set(unsupplied), {row.usage_point_id: row.status for row in statuses}, members,
        {point: began for point, began in since if point is not None},
    )  # fmt: skip


def _links(session: Session, ids: Sequence[int], moment: Moment) -> tuple[dict[int, int], dict[int, int]]:
    """How many connections each usage point has in the active network, and how many of several are dead."""
    version = version_at(session, moment.about)
    connection, loss = SupplyConnection, ConnectionLoss
    links: dict[int, int] = {}
    lost: dict[int, int] = {}
    if version is None:
        return links, lost
    nodes = select(NodeState.element_id).where(NodeState.version_id == version.id)
    equipment = select(EquipmentState.element_id).where(EquipmentState.version_id == version.id)
    query = (
        select(connection.usage_point_id, loss.id)
        .outerjoin(loss, (loss.connection_id == connection.id) & moment.known(loss)
                   & moment.holding(loss.began_at, loss.ended_at))
        .where(connection.usage_point_id.in_(ids), moment.known(connection),
               moment.valid(connection.began_at, connection.ended_at),
               or_(connection.element_id.in_(nodes), connection.element_id.in_(equipment)))
    )  # fmt: skip
    for point, dead in session.execute(query):
        links[point] = links.get(point, 0) + 1
        lost[point] = lost.get(point, 0) + (dead is not None)
    return links, lost
