"""Which group each usage point belongs to, when: by itself, its transformer, feeder, substation or district."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.access.models import District
from cis_power.core.db import chunked
from cis_power.customers.models import UsagePoint
from cis_power.network.models import Element, EquipmentState
from cis_power.network.reads import load_topology, version_at
from reports.scope import main_supply
from reports.windows import Windows, clipped, joined

BY = ("usage_point", "transformer", "feeder", "substation", "district")
_KEYS_A_QUERY = 5_000


@dataclass(frozen=True, slots=True)
class Grouping:
    """Windows of usage points in groups, within the period; `names` are the groups' codes.

    `ungrouped` counts usage points in scope that belong to no group for some of the period.
    """

    links: Windows
    names: dict[int, str]
    ungrouped: int


def read_grouping(session: Session, within: Windows, by: str, from_at: datetime, to_at: datetime) -> Grouping:
    """The groups of the usage points `within` scope; the network is that of the version in force at the end."""
    begin, end = int(from_at.timestamp()), int(to_at.timestamp())
    place = clipped(within, begin, end)
    if by == "usage_point":
        links = Windows(place.member, place.member, place.from_s, place.to_s, place.amount)
        return Grouping(links, usage_point_codes(session, np.unique(place.member).tolist()), 0)
    if by == "district":
        known = place.taken(place.group != -1)
        names = {row.id: row.code for row in session.execute(select(District.id, District.code))}
        return Grouping(known, names, int((place.group == -1).sum()))
    supply = clipped(joined(main_supply(session), place), begin, end)
    groups, names = _network_groups(session, by, to_at, np.unique(supply.group))
    found = np.array([groups.get(element, -1) for element in supply.group.tolist()], np.int64)
    links = Windows(supply.member, found, supply.from_s, supply.to_s, supply.amount)
    links = links.taken(found != -1)
    return Grouping(links, names, len(np.setdiff1d(place.member, links.member)))


def usage_point_codes(session: Session, keys: list[int]) -> dict[int, str]:
    """The owner's id of usage points."""
    found: dict[int, str] = {}
    for part in chunked(keys, _KEYS_A_QUERY):
        rows = session.execute(select(UsagePoint.id, UsagePoint.code).where(UsagePoint.id.in_(part)))
        found.update({row.id: row.code for row in rows})
    return found


def _network_groups(
    session: Session, by: str, at: datetime, elements: NDArray[np.int64]
) -> tuple[dict[int, int], dict[int, str]]:
    """Element of a connection → element of its group, and the groups' codes."""
    version = version_at(session, at)
    if version is None:
        return {}, {}
    topology = load_topology(session, version.id)
    state = EquipmentState
    query = select(state.element_id, state.kind, state.feeder_id, state.substation_id)
    own = {row.element_id: row for row in session.execute(query.where(state.version_id == version.id))}
    choose: dict[str, Callable[[int], int | None]] = {
        "transformer": lambda key: key if own[key].kind == "transformer" else None,
        "feeder": lambda key: own[key].feeder_id,
        "substation": lambda key: own[key].substation_id,
    }
    above = _nearest_above(topology.parent, topology.parent_edge, topology.edge_element, choose[by])
    nodes = topology.locate(elements)
    groups: dict[int, int] = {}
    for element, node in zip(elements.tolist(), nodes.tolist(), strict=True):
        direct = choose[by](element) if element in own else None
        if direct is not None:
            groups[element] = direct
        elif node >= 0 and above[node] != -1:
            groups[element] = above[node]
    return groups, element_codes(session, set(groups.values()))


def element_codes(session: Session, keys: set[int]) -> dict[int, str]:
    """The owner's id of elements."""
    found: dict[int, str] = {}
    for part in chunked(keys, _KEYS_A_QUERY):
        rows = session.execute(select(Element.id, Element.code).where(Element.id.in_(part)))
        found.update({row.id: row.code for row in rows})
    return found


def _nearest_above(
    parent: NDArray[np.int64],
    parent_edge: NDArray[np.int64],
    edge_element: NDArray[np.int64],
    choose: Callable[[int], int | None],
) -> list[int]:
    """Group of each node: that of the nearest edge above it that has one; -1 where none has. Nodes are in preorder."""
    found = [-1] * len(parent)
    elements = np.where(parent_edge >= 0, edge_element[parent_edge], -1).tolist()
    for node, (upper, element) in enumerate(zip(parent.tolist(), elements, strict=True)):
        own = choose(element) if element >= 0 else None
        if own is not None:
            found[node] = own
        elif upper >= 0:
            found[node] = found[upper]
    return found
