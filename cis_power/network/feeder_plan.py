"""What of a feeder never changes within a network version: its equipment, how it hangs together, its neighbours."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.db import among, chunked
from cis_power.core.errors import NotFound
from cis_power.network.feeder_tree import BREAKER, Branch
from cis_power.network.models import Element, EquipmentState, NodeState
from cis_power.network.version_cache import kept

LOW_VOLTAGE_V = 1_000  # GB/T 2900.50: up to 1 kV is low voltage


@dataclass(frozen=True, slots=True)
class PlanDevice:
    """Equipment of a feeder in the normal state; `phases`, `open_phases` are masks, coordinates the model's own."""

    element_id: int
    device: str
    kind: str
    name: str | None
    from_node: str
    to_node: str
    phases: int
    open_phases: int
    telemetered: bool
    rated_kva: float | None
    feeder: str | None
    district: str | None
    owner: str
    from_xy: tuple[float, float] | None
    to_xy: tuple[float, float] | None

    @property
    def normal_open(self) -> bool:
        return self.open_phases & self.phases == self.phases


@dataclass(frozen=True, eq=False)
class FeederPlan:
    """A feeder. `ties`: open points that belong to other feeders and end here. `neighbours`: tie → feeder behind it.

    `roots`: where it is fed, best first. `low`: its nodes of low voltage. `branches`: of devices and ties, every leg.
    """

    version_id: int
    feeder: str
    substation: str | None
    devices: tuple[PlanDevice, ...]
    ties: tuple[PlanDevice, ...]
    neighbours: Mapping[str, str]
    roots: tuple[str, ...]
    low: frozenset[str]
    branches: tuple[Branch, ...]

    @property
    def own_nodes(self) -> frozenset[str]:
        """Nodes that the feeder's equipment joins in the normal state; what is behind an open point is not its own."""
        return frozenset(
            node for item in self.devices if not item.normal_open for node in (item.from_node, item.to_node)
        )


def feeder_plan(session: Session, viewer: Viewer, version_id: int | None, feeder: str) -> FeederPlan:
    """The feeder as far as it lies in the viewer's territory. Raises NotFound, for a foreign one too."""
    viewer.require("network:model:read")
    if version_id is None:
        raise NotFound(f"no feeder {feeder!r}")
    return kept(session, ("feeder_plan", version_id, feeder, viewer.districts),
                lambda: _read(session, viewer, version_id, feeder))  # fmt: skip


def _read(session: Session, viewer: Viewer, version_id: int, feeder: str) -> FeederPlan:
    key = session.scalar(select(Element.id).where(Element.kind == "feeder", Element.code == feeder))
    if key is None:
        raise NotFound(f"no feeder {feeder!r}")
    rows = session.execute(_rows(viewer, version_id).where(EquipmentState.feeder_id == key)).all()
    if not rows:
        raise NotFound(f"no feeder {feeder!r}")
    places = {row.start: row.from_node_id for row in rows} | {row.end: row.to_node_id for row in rows}
    touching = _touching(session, viewer, version_id, key, places)
    ties = [row for row in touching if _is_open(row)]
    sources = {row.start for row in rows if row.from_source} | {row.end for row in rows if row.to_source}
    fed = _fed_elsewhere(session, version_id, key, places)
    heads = {row.start for row in rows if row.kind == BREAKER and row.leg == 0}
    seen: dict[str, Any] = {}
    for row in (*rows, *ties):
        seen.setdefault(row.device, row)
    own = {row.device for row in rows}
    return FeederPlan(
        version_id=version_id,
        feeder=feeder,
        substation=next((row.substation for row in rows if row.substation), None),
        devices=tuple(_device(row) for device, row in seen.items() if device in own),
        ties=tuple(_device(row) for device, row in seen.items() if device not in own),
        neighbours=_neighbours(session, viewer, version_id, feeder, [*rows, *ties]),
        roots=tuple(sorted(sources)) + tuple(sorted(fed, key=lambda node: (node not in heads, node))),
        low=frozenset(_low(rows)),
        branches=tuple(Branch(row.device, row.kind, row.start, row.end, _is_open(row)) for row in (*rows, *ties)),
    )


def _rows(viewer: Viewer, version_id: int) -> Any:
    own, start, end, feeder, substation = (aliased(Element) for _ in range(5))
    from_state, to_state = aliased(NodeState), aliased(NodeState)
    state = EquipmentState
    return (
        select(
            state.element_id, own.code.label("device"), state.leg, state.kind, state.name,
            state.from_node_id, start.code.label("start"), state.to_node_id, end.code.label("end"),
            state.phases, state.open_phases, state.telemetered, state.rated_kva, feeder.code.label("feeder"),
            substation.code.label("substation"), state.district_code.label("district"), state.owner,
            from_state.x.label("from_x"), from_state.y.label("from_y"), to_state.x.label("to_x"),
            to_state.y.label("to_y"), from_state.nominal_v.label("from_v"), to_state.nominal_v.label("to_v"),
            from_state.is_source.label("from_source"), to_state.is_source.label("to_source"),
        )
        .join(own, own.id == state.element_id)
        .join(start, start.id == state.from_node_id)
        .join(end, end.id == state.to_node_id)
        .outerjoin(feeder, feeder.id == state.feeder_id)
        .outerjoin(substation, substation.id == state.substation_id)
        .outerjoin(from_state, (from_state.version_id == version_id) & (from_state.element_id == state.from_node_id))
        .outerjoin(to_state, (to_state.version_id == version_id) & (to_state.element_id == state.to_node_id))
        .where(state.version_id == version_id, in_territory(viewer, state.district_id))
        .order_by(own.code, state.leg)
    )  # fmt: skip


def _touching(session: Session, viewer: Viewer, version_id: int, feeder_id: int, nodes: Mapping[str, int]) -> list[Any]:
    """Equipment of other feeders, normally open, that ends at one of these nodes."""
    state = EquipmentState
    found: list[Any] = []
    for part in chunked(list(nodes.values()), 5_000):
        here = or_(among(session, state.from_node_id, part), among(session, state.to_node_id, part))
        query = _rows(viewer, version_id).where(here, state.normal_open, _not_of(feeder_id))
        found += session.execute(query).all()
    return found


def _fed_elsewhere(session: Session, version_id: int, feeder_id: int, nodes: Mapping[str, int]) -> set[str]:
    """Nodes that are joined to the rest of the network by closed equipment of others: there the feeder begins."""
    state, names = EquipmentState, {key: name for name, key in nodes.items()}
    found: set[str] = set()
    for part in chunked(list(names), 5_000):
        for column in (state.from_node_id, state.to_node_id):
            query = select(column).where(
                state.version_id == version_id, among(session, column, part), ~state.normal_open, _not_of(feeder_id)
            )
            found.update(names[key] for key in session.scalars(query.distinct()))
    return found


def _not_of(feeder_id: int) -> Any:
    return or_(EquipmentState.feeder_id.is_(None), EquipmentState.feeder_id != feeder_id)


def _neighbours(session: Session, viewer: Viewer, version_id: int, feeder: str, rows: Sequence[Any]) -> dict[str, str]:
    """Open device → the one other feeder that it leads to, where that lies in the viewer's territory."""
    inside = {key for row in rows if not _is_open(row) for key in (row.from_node_id, row.to_node_id)}
    opened = [row for row in rows if _is_open(row)]
    ends = {key for row in opened for key in (row.from_node_id, row.to_node_id)} - inside
    behind: dict[int, set[str]] = defaultdict(set)
    state = EquipmentState
    for column in (state.from_node_id, state.to_node_id):
        query = (
            select(column, Element.code)
            .join(Element, Element.id == state.feeder_id)
            .where(state.version_id == version_id, among(session, column, sorted(ends)), ~state.normal_open)
            .where(in_territory(viewer, state.district_id), Element.code != feeder)
        )
        for node, code in session.execute(query):
            behind[node].add(code)
    found = {}
    for row in opened:
        names = behind.get(row.from_node_id, set()) | behind.get(row.to_node_id, set())
        if len(names) == 1:
            found[row.device] = names.pop()
    return found


def _is_open(row: Any) -> bool:
    return bool(row.open_phases & row.phases == row.phases)


def _low(rows: Sequence[Any]) -> set[str]:
    ends = [(row.start, row.from_v) for row in rows] + [(row.end, row.to_v) for row in rows]
    return {node for node, voltage in ends if voltage is not None and 0 < voltage <= LOW_VOLTAGE_V}


def _device(row: Any) -> PlanDevice:
    return PlanDevice(
        element_id=row.element_id, device=row.device, kind=row.kind, name=row.name, from_node=row.start,
        to_node=row.end, phases=row.phases, open_phases=row.open_phases & row.phases, telemetered=row.telemetered,
        rated_kva=row.rated_kva, feeder=row.feeder, district=row.district, owner=row.owner,
        from_xy=None if row.from_x is None or row.from_y is None else (row.from_x, row.from_y),
        to_xy=None if row.to_x is None or row.to_y is None else (row.to_x, row.to_y),
    )  # fmt: skip
