"""The network that holds now and what hangs on it, as the simulated field: all the simulator takes from the store."""

import logging
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, and_, case, or_, select
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
    flags = case((link.role == "standby", 1), else_=0), case((link.transfer == "manual", 1), else_=0)
    query = select(link.usage_point_id, link.element_id, *flags, link.phases)
    query = query.where(link.element_id.is_not(None), link.superseded_at.is_(None), _holds(link, now))
    links = _integers(session, query.order_by(link.id), 5)
    links = links[np.isin(links[:, 1], list(supplies)) & _are_served(session, links[:, 0], now)]
    keys = np.unique(links[:, 0])
    kinds = dict(_pairs(session, select(CustomerAgreement.usage_point_id, Customer.kind)
        .join(Customer, Customer.id == CustomerAgreement.customer_id)
        .where(CustomerAgreement.superseded_at.is_(None), _holds(CustomerAgreement, now))))  # fmt: skip
    rated = dict(_pairs(session, select(UsagePointTerms.usage_point_id, UsagePointTerms.rated_kva)
        .where(_holds(UsagePointTerms, now))))  # fmt: skip
    codes = dict(_pairs(session, select(UsagePoint.id, UsagePoint.code)))
    names = tuple(codes[key] for key in keys.tolist())
    kind = np.array([KINDS.index(kinds.get(key, KINDS[0])) for key in keys.tolist()], np.int64)
    crc = np.array([zlib.crc32(name.encode()) for name in names], np.uint32)
    return {
        "usage_points": names,
        "mean_kw": mean_kw(kind, _numbers([rated.get(key) for key in keys.tolist()]), crc),
        "load_kind": kind,
        "link_point": np.searchsorted(keys, links[:, 0]),
        "link_node": np.array([supplies[element] for element in links[:, 1].tolist()], np.int64),
        "link_standby": links[:, 2] == 1,
        "link_manual": links[:, 3] == 1,
        "link_phases": links[:, 4].astype(np.uint8),
    }


def _are_served(session: Session, points: NDArray[np.int64], now: datetime) -> NDArray[np.bool_]:
    """Which usage points are active now; one of which no status is told is served always."""
    row = UsagePointStatus
    told = select(row.usage_point_id).where(row.superseded_at.is_(None))
    known = _integers(session, told.distinct(), 1)[:, 0]
    active = _integers(session, told.where(row.status == "active", _holds(row, now)), 1)[:, 0]
    served: NDArray[np.bool_] = ~np.isin(points, known) | np.isin(points, active)
    return served


def _holds(model: Any, now: datetime) -> ColumnElement[bool]:
    return and_(
        or_(model.began_at.is_(None), model.began_at <= now), or_(model.ended_at.is_(None), model.ended_at > now)
    )


def _integers(session: Session, query: Select[*tuple[Any, ...]], columns: int) -> NDArray[np.int64]:
    rows = session.execute(query.execution_options(yield_per=_AT_ONCE))
    parts = [np.array([tuple(row) for row in part], np.int64) for part in rows.partitions()]
    return np.concatenate([np.empty((0, columns), np.int64), *parts])


def _pairs(session: Session, query: Select[int, Any]) -> Iterator[tuple[int, Any]]:
    yield from ((key, value) for key, value in session.execute(query.execution_options(yield_per=_AT_ONCE)))


def _columns(session: Session, query: Select[*tuple[Any, ...]], count: int) -> Sequence[Sequence[Any]]:
    rows = session.execute(query).all()
    return list(zip(*rows, strict=True)) if rows else [()] * count


def _numbers(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], np.float64)
