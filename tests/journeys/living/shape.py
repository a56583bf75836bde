"""The utility of the run as plain rows, and the simulator's field made of them."""

import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cis_power.demo import codes, network, occupancy
from cis_power.demo.plan import Plan
from scada_bridge.simulator.field import EDGE_KINDS, Field
from scada_bridge.simulator.loads import mean_kw

MASK = {"": 7, "ABC": 7, "A": 1, "B": 2, "C": 4}
MANUAL = "manual"


@dataclass(frozen=True)
class Edge:
    code: str
    kind: str
    ends: tuple[str, str]
    normal_open: bool
    told: bool
    phases: int


@dataclass(frozen=True)
class Link:
    usage_point: str
    node: str
    phases: int
    standby: bool = False
    by_hand: bool = False


@dataclass(frozen=True)
class Shape:
    """Edges, links and sources of a plan."""

    plan: Plan

    @cached_property
    def edges(self) -> list[Edge]:
        rows = [row for part in network.parts(self.plan) for row in part.equipment]
        return [
            Edge(str(row[0]), str(row[1]), (str(row[2]), str(row[3])), bool(row[4]), bool(row[5]), MASK[str(row[6])])
            for row in rows
        ]

    @cached_property
    def sources(self) -> list[str]:
        return [network.source_code(substation) for substation in range(self.plan.substations)]

    @cached_property
    def links(self) -> list[Link]:
        low = {edge.code: edge.ends[1] for edge in self.edges if edge.kind == "transformer"}
        found = []
        for customer in range(self.plan.customers):
            at = codes.supply_code(self.plan, customer)
            phases = MASK[str(self.plan.phases[customer])]
            found.append(Link(codes.usage_point(customer), low.get(at, at), phases))
        for customer, transformer, transfer in occupancy.standby(self.plan):
            node = low[codes.transformer_code(self.plan, transformer)]
            found.append(Link(codes.usage_point(customer), node, 7, standby=True, by_hand=transfer == MANUAL))
        return found

    @cached_property
    def served(self) -> set[str]:
        """Usage points where somebody has a right to supply now."""
        state = occupancy.occupancy(self.plan).state
        return {codes.usage_point(customer) for customer in np.flatnonzero(state == occupancy.ACTIVE).tolist()}

    def field(self) -> Field:
        """What the simulator simulates."""
        nodes = sorted({node for edge in self.edges for node in edge.ends})
        place = {node: number for number, node in enumerate(nodes)}
        points = [codes.usage_point(customer) for customer in range(self.plan.customers)]
        number = {point: place_ for place_, point in enumerate(points)}
        keys = np.array([zlib.crc32(point.encode()) for point in points], np.uint32)
        return Field(
            nodes=tuple(nodes),
            nominal_v=np.array([400.0 if "-B" in node or "-X" in node or "-M" in node else 10_000.0 for node in nodes]),
            source_phases=np.array([7 if node in self.sources else 0 for node in nodes], np.uint8),
            edges=tuple(edge.code for edge in self.edges),
            kind=np.array([EDGE_KINDS.index(edge.kind) for edge in self.edges], np.uint8),
            edge_from=np.array([place[edge.ends[0]] for edge in self.edges], np.int64),
            edge_to=np.array([place[edge.ends[1]] for edge in self.edges], np.int64),
            phases=np.array([edge.phases for edge in self.edges], np.uint8),
            open_phases=np.array([edge.phases if edge.normal_open else 0 for edge in self.edges], np.uint8),
            rated_kva=np.full(len(self.edges), np.nan),
            feeder=tuple(edge.code.partition("-")[0] for edge in self.edges),
            substation=tuple(None for _ in self.edges),
            usage_points=tuple(points),
            mean_kw=mean_kw(self.plan.kind, self.plan.rated_kva, keys),
            load_kind=self.plan.kind,
            link_point=np.array([number[link.usage_point] for link in self.links], np.int64),
            link_node=np.array([place[link.node] for link in self.links], np.int64),
            link_standby=np.array([link.standby for link in self.links], bool),
            link_manual=np.array([link.by_hand for link in self.links], bool),
            link_phases=np.array([link.phases for link in self.links], np.uint8),
        )
