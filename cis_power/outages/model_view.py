"""The world of the engine as the database has it: usage points, connections, status, network versions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from cis_power.core.db import chunked
from cis_power.core.time import iso
from cis_power.customers.models import SupplyConnection, UsagePoint, UsagePointStatus
from cis_power.network.reads import load_topology, timeline
from cis_power.network.topology import Topology
from cis_power.outages.entries import micros
from cis_power.outages.grid import Index
from cis_power.outages.models import EngineMark
from cis_power.outages.state import World
from cis_power.outages.supply import EVER, NEVER, Connections, Served


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Tells whether connections, status or versions changed, without reading them."""

    connection_id: int
    connections: int
    connections_superseded_at: datetime | None
    versions: str
    usage_points: int
    status: tuple[int, int, datetime | None]

    def same_model(self, mark: EngineMark) -> bool:
        """Whether the engine has already seen these connections and versions."""
        return (self.connection_id, self.connections, self.connections_superseded_at, self.versions) == (
            mark.connection_id, mark.connections, mark.connections_superseded_at, mark.versions,
        )  # fmt: skip

    def note(self, mark: EngineMark) -> None:
        mark.connection_id, mark.connections = self.connection_id, self.connections
        mark.connections_superseded_at, mark.versions = self.connections_superseded_at, self.versions


def glance(session: Session) -> tuple[int, int, int, str]:
    """What changes whenever something is added to the model; found at once. Only a withdrawal changes none of it."""
    newest = [
        session.scalar(select(func.max(column))) or 0
        for column in (SupplyConnection.id, UsagePointStatus.id, UsagePoint.id)
    ]
    return newest[0], newest[1], newest[2], _versions(session)


def _versions(session: Session) -> str:
    return ";".join(
        f"{version.id},{iso(version.valid_from) if version.valid_from else ''}" for version in timeline(session)
    )


def fingerprint(session: Session) -> Fingerprint:
    connection = session.execute(select(
        func.coalesce(func.max(SupplyConnection.id), 0), func.count(SupplyConnection.element_id),
        func.max(SupplyConnection.superseded_at),
    )).one()  # fmt: skip
    status = session.execute(select(
        func.coalesce(func.max(UsagePointStatus.id), 0), func.count(), func.max(UsagePointStatus.superseded_at)
    )).one()  # fmt: skip
    versions = _versions(session)
    points = session.scalar(select(func.count()).select_from(UsagePoint)) or 0
    return Fingerprint(connection[0], connection[1], connection[2], versions, points, (status[0], status[1], status[2]))


def changed_from(session: Session, mark: EngineMark, now: Fingerprint) -> int | None:
    """The earliest instant at which versions or connections differ from what `mark` has seen; `None`: nowhere."""
    superseded = SupplyConnection.superseded_at
    seen = mark.connections_superseded_at
    is_new = SupplyConnection.id > mark.connection_id
    rows = session.execute(
        select(SupplyConnection.usage_point_id, is_new & SupplyConnection.element_id.is_not(None)).where(
            is_new | (superseded.is_not(None) if seen is None else superseded > seen)
        )
    ).all()
    times = _differences(session, mark, {row[0] for row in rows})
    if mark.connections + sum(bool(new) for _point, new in rows) != now.connections:
        times.append(EVER)  # rows that were there have been linked to elements that came later
    old, new = set(filter(None, mark.versions.split(";"))), set(filter(None, now.versions.split(";")))
    for changed in old ^ new:
        began = changed.split(",")[1]
        times.append(micros(datetime.fromisoformat(began)) if began else EVER)
    return min(times, default=None)


def _differences(session: Session, mark: EngineMark, points: set[int]) -> list[int]:
    """For each of these usage points the first instant from which it hangs elsewhere than `mark` has seen."""
    seen = mark.connections_superseded_at
    row = SupplyConnection
    before: dict[int, list[_Hanging]] = {}
    after: dict[int, list[_Hanging]] = {}
    for part in chunked(sorted(points), 5_000):
        for one in session.scalars(select(row).where(row.usage_point_id.in_(part), row.element_id.is_not(None))):
            hanging = (_micros(one.began_at, EVER), _micros(one.ended_at, NEVER),
                       (one.element_id, one.role, one.transfer, one.phases))  # fmt: skip
            if one.superseded_at is None:
                after.setdefault(one.usage_point_id, []).append(hanging)
            counted = one.superseded_at is None or seen is None or one.superseded_at > seen
            if one.id <= mark.connection_id and counted:
                before.setdefault(one.usage_point_id, []).append(hanging)
    found = (_first_difference(before.get(point, []), after.get(point, [])) for point in points)
    return [time for time in found if time is not None]


def _first_difference(before: "list[_Hanging]", after: "list[_Hanging]") -> int | None:
    """The first instant at which two sets of dated connections differ."""
    for time in sorted({edge for began, ended, _what in [*before, *after] for edge in (began, ended)}):
        old, new = (
            {what for began, ended, what in rows if began <= time < ended} for rows in (before, after)
        )  # fmt: skip
        if old != new:
            return time
    return None


_Hanging = tuple[int, int, tuple[int | None, str, str, int]]


@dataclass(slots=True)
class ModelView:
    """Reads the world, and keeps compiled networks for the next time."""

    compiled: dict[int, Topology] = field(default_factory=dict)

    def world(self, session: Session) -> World:
        points = np.array(session.scalars(select(UsagePoint.id).order_by(UsagePoint.id)).all(), np.int64)
        held = tuple((_micros(version.valid_from, EVER), version.id) for version in timeline(session))
        for _began, version in held:
            if version not in self.compiled:
                self.compiled[version] = load_topology(session, version)
        grids: Callable[[int], Topology] = self.compiled.__getitem__
        return World(points, _connections(session, points), _served(session, points), held, grids)


def _connections(session: Session, points: Index) -> Connections:
    row = SupplyConnection
    counts = row.superseded_at.is_(None) & row.element_id.is_not(None)
    standby, manual = case((row.role == "standby", 1), else_=0), case((row.transfer == "manual", 1), else_=0)
    found = session.execute(
        select(row.id, row.usage_point_id, row.element_id, standby, manual, row.phases).where(counts).order_by(row.id)
    ).all()
    columns = np.array([tuple(one) for one in found], np.int64).reshape(-1, 6)
    key = columns[:, 0]
    began, ended = np.full(len(key), EVER, np.int64), np.full(len(key), NEVER, np.int64)
    dated = select(row.id, row.began_at, row.ended_at).where(
        counts, row.began_at.is_not(None) | row.ended_at.is_not(None)
    )
    for one, since, until in session.execute(dated):
        place = np.searchsorted(key, one)
        began[place], ended[place] = _micros(since, EVER), _micros(until, NEVER)
    return Connections(
        key=key.copy(),
        point=np.searchsorted(points, columns[:, 1]),
        element=columns[:, 2].copy(),
        standby=columns[:, 3] == 1,
        manual=columns[:, 4] == 1,
        phases=columns[:, 5].astype(np.uint8),
        began=began,
        ended=ended,
    )


def _served(session: Session, points: Index) -> Served:
    row = UsagePointStatus
    rows = session.execute(
        select(row.usage_point_id, row.status, row.began_at, row.ended_at).where(
            row.superseded_at.is_(None), ~and_(row.status == "active", row.began_at.is_(None), row.ended_at.is_(None))
        )
    ).all()  # one that is served always needs no row
    point, status, began, ended = zip(*rows, strict=True) if rows else ((),) * 4
    return Served(
        point=np.searchsorted(points, np.array(point, np.int64)),
        active=np.array([word == "active" for word in status], bool),
        began=np.array([_micros(moment, EVER) for moment in began], np.int64),
        ended=np.array([_micros(moment, NEVER) for moment in ended], np.int64),
    )


def _micros(moment: datetime | None, empty: int) -> int:
    return empty if moment is None else micros(moment)
