"""Rows of a version, in chunks: each is stored in a transaction of its own, and storing it again changes nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from cis_power.access.models import District
from cis_power.core.db import Base, bulk_upsert, chunked
from cis_power.core.db.bulk import Columns
from cis_power.core.errors import Problem
from cis_power.network.model import Branch, Equipment, Load, NetworkModel, Node
from cis_power.network.models import Element, EquipmentState, LoadState, NodeState

CHUNK_ROWS = 10_000
Pair = tuple[str, str]  # kind, code
Elements = Mapping[Pair, int]
Store = Callable[[Session], None]
Leg = tuple[Equipment, int, Branch]


def named_elements(model: NetworkModel) -> list[Pair]:
    """Everything a model names: nodes, equipment, feeders, substations."""
    found = [("node", node.code) for node in model.nodes]
    found += [("equipment", item.code) for item in model.equipment]
    found += sorted({("feeder", item.feeder) for item in model.equipment if item.feeder})
    return found + sorted({("substation", item.substation) for item in model.equipment if item.substation})


def known_elements(session: Session) -> dict[Pair, int]:
    """Keys of all elements there are."""
    return {(kind, code): key for kind, code, key in session.execute(select(Element.kind, Element.code, Element.id))}


def store_elements(pairs: Sequence[Pair]) -> Iterator[Store]:
    """Give elements keys, those that have one keep it."""
    for part in chunked(pairs, CHUNK_ROWS):
        columns: Columns = {"kind": [kind for kind, _ in part], "code": [code for _, code in part]}
        yield _upsert(Element, columns, ("kind", "code"))


def known_districts(session: Session) -> dict[str, int]:
    """Keys of districts by code."""
    return dict(session.execute(select(District.code, District.id)).all())


def make_districts(session: Session, model: NetworkModel) -> list[Problem]:
    """Make the districts that are not known yet, to be named by whoever owns them; a warning each."""
    known = known_districts(session)
    places = {item.district: item.place for item in reversed(model.equipment) if item.district}
    new = sorted(code for code in places if code not in known)
    session.add_all(District(code=code, name=code) for code in new)
    session.flush()
    return [
        Problem("unknown_district", f"district {code!r} was not known", "warning", place.file, place.line, "district")
        for code, place in ((code, places[code]) for code in new)
    ]


def stores(version_id: int, model: NetworkModel, elements: Elements, districts: Mapping[str, int]) -> Iterator[Store]:
    """All rows of a version."""
    fed: dict[str, int] = {}
    for source in model.sources:
        fed[source.node] = fed.get(source.node, 0) | source.phases
    for nodes in chunked(model.nodes, CHUNK_ROWS):
        yield _upsert(NodeState, _nodes(version_id, nodes, fed, elements), ("version_id", "element_id"))
    legs = ((item, leg, branch) for item in model.equipment for leg, branch in enumerate(item.branches()))
    for part in chunked(legs, CHUNK_ROWS):
        columns = _equipment(version_id, part, elements, districts)
        yield _upsert(EquipmentState, columns, ("version_id", "element_id", "leg"))
    for loads in chunked(model.loads, CHUNK_ROWS):
        yield _upsert(LoadState, _loads(version_id, loads, elements), ("version_id", "code"))


def _upsert(model: type[Base], columns: Columns, key: tuple[str, ...]) -> Store:
    def store(session: Session) -> None:
        bulk_upsert(session, cast(Table, model.__table__), columns, key=key, update=())

    return store


def _nodes(version_id: int, nodes: Sequence[Node], fed: Mapping[str, int], elements: Elements) -> Columns:
    return {
        "version_id": [version_id] * len(nodes),
        "element_id": [elements["node", node.code] for node in nodes],
        "x": [node.x for node in nodes],
        "y": [node.y for node in nodes],
        "nominal_v": [node.nominal_v for node in nodes],
        "is_source": [node.code in fed for node in nodes],
        "source_phases": [fed.get(node.code, 0) for node in nodes],
    }


def _equipment(version_id: int, legs: Sequence[Leg], elements: Elements, districts: Mapping[str, int]) -> Columns:
    return {
        "version_id": [version_id] * len(legs),
        "element_id": [elements["equipment", item.code] for item, _, _ in legs],
        "leg": [leg for _, leg, _ in legs],
        "kind": [item.kind for item, _, _ in legs],
        "from_node_id": [elements["node", branch.from_node] for _, _, branch in legs],
        "to_node_id": [elements["node", branch.to_node] for _, _, branch in legs],
        "normal_open": [item.normal_open for item, _, _ in legs],
        "open_phases": [branch.phases & item.open_phases for item, _, branch in legs],
        "telemetered": [item.telemetered for item, _, _ in legs],
        "phases": [branch.phases for _, _, branch in legs],
        "rated_kva": [item.rated_kva for item, _, _ in legs],
        "feeder_id": [elements["feeder", item.feeder] if item.feeder else None for item, _, _ in legs],
        "substation_id": [elements["substation", item.substation] if item.substation else None for item, _, _ in legs],
        "district_id": [districts.get(item.district or "") for item, _, _ in legs],
        "district_code": [item.district for item, _, _ in legs],
        "name": [item.name for item, _, _ in legs],
        "owner": [item.owner or "utility" for item, _, _ in legs],
    }


def _loads(version_id: int, loads: Sequence[Load], elements: Elements) -> Columns:
    columns: dict[str, list[Any]] = {
        "version_id": [version_id] * len(loads),
        "code": [load.code for load in loads],
        "node_id": [elements["node", load.node] for load in loads],
    }
    for name in ("phases", "rated_kva", "nominal_v", "customers"):
        columns[name] = [getattr(load, name) for load in loads]
    return columns
