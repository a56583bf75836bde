"""The network that holds now and what hangs on it, as the simulated field: all the simulator takes from the store."""

import logging
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from cis_power.core.config import Settings
from cis_power.core.db import open_database
from cis_power.customers.models import Customer
from cis_power.customers.models_place import (
    CustomerAgreement,
    SupplyConnection,
    UsagePoint,
    UsagePointStatus,
    UsagePointTerms,
)
from cis_power.network.models import Element, EquipmentState, NodeState
from cis_power.network.reads import version_at
from scada_bridge.simulator.field import EDGE_KINDS, Field
from scada_bridge.simulator.loads import KINDS, mean_kw

_OTHERS_SHARE = 0.15  # of a transformer's rating, where the store knows nobody behind any
_USUAL_KVA = 100.0
_AT_ONCE = 20_000
_log = logging.getLogger(__name__)


def field_of(settings: Settings, now: datetime) -> Field:
    """The field of the store that the settings name; an empty one where there is no store. Raises ConfigError."""
    url = make_url(settings.database)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        _log.info("there is no database: positions and calm curves only")
        return Field()
    database = open_database(settings)
    try:
        with database.reading() as session:
            return read_field(session, now)
    finally:
        database.dispose()


def read_field(session: Session, now: datetime) -> Field:
    """The field of the version in force; an empty one without a network."""
    version = version_at(session, now)
    if version is None:
        return Field()
    element, code, nominal_v, sources = _columns(session, _nodes(version.id), 4)
    keys = np.array(element, np.int64)
    edges = session.execute(_edges(version.id)).all()
    ends = np.array([(row.from_node_id, row.to_node_id) for row in edges], np.int64).reshape(-1, 2)
    network: dict[str, Any] = {
        "nodes": tuple(code),
        "nominal_v": _numbers(nominal_v),
        "source_phases": np.array(sources, np.uint8),
        "edges": tuple(row.code for row in edges),
        "kind": np.array([EDGE_KINDS.index(row.kind) for row in edges], np.uint8),
        "edge_from": np.searchsorted(keys, ends[:, 0]),
        "edge_to": np.searchsorted(keys, ends[:, 1]),
        "phases": np.array([row.phases for row in edges], np.uint8),
        "open_phases": np.array([row.open_phases for row in edges], np.uint8),
        "rated_kva": _numbers([row.rated_kva for row in edges]),
        "feeder": tuple(row.feeder for row in edges),
        "substation": tuple(row.substation for row in edges),
    }
    supplies = dict(zip(element, range(len(keys)), strict=True))  # element → node where it supplies
    transformers = [place for place, row in enumerate(edges) if row.kind == "transformer"]
    for place in reversed(transformers):  # of several windings the first one supplies
        supplies[edges[place].element_id] = int(network["edge_to"][place])
    loads = _loads(session, supplies, now)
    if not len(loads["link_point"]):
        loads = {"other_kw": _others(network, transformers)}
    return Field(**network, **loads)


def _nodes(version_id: int) -> Select[int, str, float | None, int]:
    state = NodeState
    return (
        select(state.element_id, Element.code, state.nominal_v, state.source_phases)
        .join(Element, Element.id == state.element_id)
        .where(state.version_id == version_id)
        .order_by(state.element_id)
    )


def _edges(version_id: int) -> Select[Any]:
    state = EquipmentState
    feeder, substation = (Element.__table__.alias(name) for name in ("feeder", "substation"))
    return (
        select(
            state.element_id, Element.code, state.kind, state.from_node_id, state.to_node_id, state.phases,
            state.open_phases, state.rated_kva, feeder.c.code.label("feeder"), substation.c.code.label("substation"),
        )
        .join(Element, Element.id == state.element_id)
        .outerjoin(feeder, feeder.c.id == state.feeder_id)
        .outerjoin(substation, substation.c.id == state.substation_id)
        .where(state.version_id == version_id)
        .order_by(state.element_id, state.leg)
    )  # fmt: skip


def _others(network: dict[str, Any], transformers: Sequence[int]) -> NDArray[np.float64]:
    """A mean load at every transformer of a network whose customers nobody told us of."""
    found = np.zeros(len(network["nodes"]))
    rated = np.where(network["rated_kva"][transformers] > 0, network["rated_kva"][transformers], _USUAL_KVA)
    np.add.at(found, network["edge_to"][transformers], rated * _OTHERS_SHARE)
    return found


def _loads(session: Session, supplies: dict[int, int], now: datetime) -> dict[str, Any]:
    """Usage points that are served now, how much they take, and how they hang on the nodes."""
    link = SupplyConnection
    query = select(link.usage_point_id, link.element_id, link.role, link.transfer, link.phases)
    query = query.where(link.element_id.is_not(None), link.superseded_at.is_(None), _holds(link, now))
    links = [row for row in session.execute(query.order_by(link.id)) if row.element_id in supplies]
    served = _served(session, {row.usage_point_id for row in links}, now)
    links = [row for row in links if row.usage_point_id in served]
    keys = np.array(sorted({row.usage_point_id for row in links}), np.int64)
    place_of = {key: place for place, key in enumerate(keys.tolist())}
    kinds = dict(_pairs(session, select(CustomerAgreement.usage_point_id, Customer.kind)
        .join(Customer, Customer.id == CustomerAgreement.customer_id)
        .where(CustomerAgreement.superseded_at.is_(None), _holds(CustomerAgreement, now))))  # fmt: skip
    rated = dict(_pairs(session, select(UsagePointTerms.usage_point_id, UsagePointTerms.rated_kva)
        .where(_holds(UsagePointTerms, now))))  # fmt: skip
    codes = {key: code for key, code in _pairs(session, select(UsagePoint.id, UsagePoint.code)) if key in place_of}
    names = tuple(codes[key] for key in place_of)
    kind = np.array([KINDS.index(kinds.get(key, KINDS[0])) for key in place_of], np.int64)
    crc = np.array([zlib.crc32(name.encode()) for name in names], np.uint32)
    return {
        "usage_points": names,
        "mean_kw": mean_kw(kind, _numbers([rated.get(key) for key in place_of]), crc),
        "load_kind": kind,
        "link_point": np.array([place_of[row.usage_point_id] for row in links], np.int64),
        "link_node": np.array([supplies[row.element_id] for row in links], np.int64),
        "link_standby": np.array([row.role == "standby" for row in links], bool),
        "link_manual": np.array([row.transfer == "manual" for row in links], bool),
        "link_phases": np.array([row.phases for row in links], np.uint8),
    }


def _served(session: Session, points: set[int], now: datetime) -> set[int]:
    """Usage points that are active now; one of which no status is told is served always."""
    row = UsagePointStatus
    told = session.execute(
        select(row.usage_point_id, row.status, row.began_at, row.ended_at).where(row.superseded_at.is_(None))
    )
    known, active = set(), set()
    for point, status, began, ended in told.yield_per(_AT_ONCE):
        known.add(point)
        if status == "active" and (began is None or began <= now) and (ended is None or ended > now):
            active.add(point)
    return (points - known) | (points & active)


def _holds(model: Any, now: datetime) -> ColumnElement[bool]:
    return and_(
        or_(model.began_at.is_(None), model.began_at <= now), or_(model.ended_at.is_(None), model.ended_at > now)
    )


def _pairs(session: Session, query: Select[int, Any]) -> Iterator[tuple[int, Any]]:
    yield from ((key, value) for key, value in session.execute(query.execution_options(yield_per=_AT_ONCE)))


def _columns(session: Session, query: Select[*tuple[Any, ...]], count: int) -> Sequence[Sequence[Any]]:
    rows = session.execute(query).all()
    return list(zip(*rows, strict=True)) if rows else [()] * count


def _numbers(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], np.float64)
