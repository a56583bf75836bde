"""How usage points hang on the network: told of a version put in force, and asked what hangs on elements."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, Table, and_, exists, or_, select, update
from sqlalchemy.orm import Session

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.db import Base, bulk_insert, bulk_upsert, chunked
from cis_power.core.db.bulk import Columns
from cis_power.customers.keys import usage_point_keys
from cis_power.customers.linking import link_connections
from cis_power.customers.models import (
    SupplyConnection,
    UsagePoint,
    UsagePointDistrict,
    UsagePointStatus,
    UsagePointTerms,
)
from cis_power.customers.search_terms import mark_feeders, write_terms
from cis_power.network.attachments import Hanging
from cis_power.network.models import Element, LoadState

SOURCE = "network"
_CHUNK = 5_000


class UsagePoints:
    """Usage points as the network sees them (see `cis_power.network.attachments.Attachment`)."""

    def activated(
        self, session: Session, version_id: int, valid_from: datetime | None, now: datetime, who: str
    ) -> None:
        """Make a usage point of each load of the version, and link connections that waited for its elements."""
        rows = session.execute(
            select(LoadState, Element.code)
            .join(Element, Element.id == LoadState.node_id)
            .where(LoadState.version_id == version_id)
            .order_by(LoadState.code)
        ).all()
        loads = {load.code: (load, node) for load, node in rows}
        if loads:
            _post(session, loads, valid_from, now)
        link_connections(session, now)
        mark_feeders(session)

    def hanging(self, session: Session, viewer: Viewer, elements: Sequence[int], at: datetime) -> list[Hanging]:
        """Usage points connected to some elements at an instant, within the viewer's territory."""
        found: list[Hanging] = []
        for part in chunked(elements, _CHUNK):
            query = (
                select(SupplyConnection.element_id, UsagePoint.code, SupplyConnection.phases)
                .join(UsagePoint, UsagePoint.id == SupplyConnection.usage_point_id)
                .where(SupplyConnection.element_id.in_(part), _holds(at))
            )
            if viewer.districts is not None:
                query = query.where(_in_territory(viewer, at))
            found.extend(Hanging(key or 0, code, phases) for key, code, phases in session.execute(query))
        return found

    def loaded_elements(self, session: Session, at: datetime) -> set[int]:
        """Elements on which any usage point hangs at an instant."""
        query = select(SupplyConnection.element_id).where(SupplyConnection.element_id.is_not(None), _holds(at))
        return {key for key in session.scalars(query.distinct()) if key is not None}


def _holds(at: datetime) -> ColumnElement[bool]:
    return and_(
        SupplyConnection.superseded_at.is_(None),
        or_(SupplyConnection.began_at.is_(None), SupplyConnection.began_at <= at),
        or_(SupplyConnection.ended_at.is_(None), SupplyConnection.ended_at > at),
    )


def _in_territory(viewer: Viewer, at: datetime) -> ColumnElement[bool]:
    return exists().where(
        UsagePointDistrict.usage_point_id == UsagePoint.id,
        or_(UsagePointDistrict.began_at.is_(None), UsagePointDistrict.began_at <= at),
        or_(UsagePointDistrict.ended_at.is_(None), UsagePointDistrict.ended_at > at),
        in_territory(viewer, UsagePointDistrict.district_id),
    )


Loads = Mapping[str, tuple[LoadState, str]]  # code → load, code of its node


def _post(session: Session, loads: Loads, valid_from: datetime | None, now: datetime) -> None:
    """New usage points with status, terms and connection; those there already move when the network moved them.

    A connection that another system gave is left as it is.
    """
    known = usage_point_keys(session, loads)
    new = [code for code in loads if code not in known]
    columns: Columns = {"code": new, "metering": ["metered"] * len(new), "created_at": [now] * len(new)}
    bulk_upsert(session, _table(UsagePoint), columns, key=("code",), update=())
    keys = known | usage_point_keys(session, new)
    _insert_facts(session, loads, {code: keys[code] for code in new}, valid_from, now)
    present = _present_mains(session, list(known.values()))
    fresh = dict.fromkeys(new)
    for code, key in known.items():
        load, _ = loads[code]
        links = present.get(key, [])
        if not links:
            fresh[code] = None
        elif _moved(links, load):
            fresh[code] = None
            _end(session, links[0], valid_from, now)
    rows = [(keys[code], *loads[code]) for code in fresh]
    _insert_connections(session, rows, valid_from, now)
    write_terms(session, usage_point_ids=[key for key, _, _ in rows])


def _moved(links: Sequence[SupplyConnection], load: LoadState) -> bool:
    """Whether the network's own, only connection differs from what it says now."""
    own = links[0]
    return len(links) == 1 and own.source == SOURCE and (own.element_id, own.phases) != (load.node_id, load.phases)


def _insert_facts(
    session: Session, loads: Loads, keys: Mapping[str, int], valid_from: datetime | None, now: datetime
) -> None:
    points = list(keys.values())
    status: Columns = {
        "usage_point_id": points,
        "status": ["active"] * len(points),
        "began_at": [valid_from] * len(points),
        "recorded_at": [now] * len(points),
    }
    bulk_insert(session, _table(UsagePointStatus), status)
    terms: Columns = {
        "usage_point_id": points,
        "began_at": [valid_from] * len(points),
        "rated_kva": [loads[code][0].rated_kva for code in keys],
        "nominal_v": [loads[code][0].nominal_v for code in keys],
        "service_priority": ["ordinary"] * len(points),
        "own_emergency_supply": [False] * len(points),
        "may_island": [False] * len(points),
    }
    bulk_insert(session, _table(UsagePointTerms), terms)


def _insert_connections(
    session: Session, rows: Sequence[tuple[int, LoadState, str]], valid_from: datetime | None, now: datetime
) -> None:
    count = len(rows)
    columns: Columns = {
        "usage_point_id": [key for key, _, _ in rows],
        "element_id": [load.node_id for _, load, _ in rows],
        "transformer": [node for _, _, node in rows],
        "role": ["main"] * count,
        "transfer": ["auto"] * count,
        "phases": [load.phases for _, load, _ in rows],
        "began_at": [valid_from] * count,
        "recorded_at": [now] * count,
        "source": [SOURCE] * count,
    }
    bulk_insert(session, _table(SupplyConnection), columns)


def _present_mains(session: Session, points: Sequence[int]) -> dict[int, list[SupplyConnection]]:
    """Main connections without an end that are held true, by usage point."""
    found: dict[int, list[SupplyConnection]] = {}
    for part in chunked(points, _CHUNK):
        for row in _mains(session, part):
            found.setdefault(row.usage_point_id, []).append(row)
    return found


def _mains(session: Session, points: Sequence[int]) -> Iterator[SupplyConnection]:
    link = SupplyConnection
    query = select(link).where(link.usage_point_id.in_(points), link.role == "main")
    yield from session.scalars(query.where(link.superseded_at.is_(None), link.ended_at.is_(None)))


def _end(session: Session, row: SupplyConnection, valid_from: datetime | None, now: datetime) -> None:
    """Let a connection end when the new version begins: what it said of the time before stays true."""
    session.execute(update(SupplyConnection).where(SupplyConnection.id == row.id).values(superseded_at=now))
    before = valid_from is not None and (row.began_at is None or row.began_at < valid_from)
    if before:
        session.add(
            SupplyConnection(
                usage_point_id=row.usage_point_id,
                element_id=row.element_id,
                transformer=row.transformer,
                role=row.role,
                transfer=row.transfer,
                phases=row.phases,
                began_at=row.began_at,
                ended_at=valid_from,
                recorded_at=now,
                source=row.source,
            )
        )


def _table(model: type[Base]) -> Table:
    return cast(Table, model.__table__)


ATTACHMENTS = (UsagePoints(),)
