"""The IEEE feeders: every switch moved, then many at random; the loads out equal networkx on the same file."""

import random
from pathlib import Path

import networkx as nx
import pytest
from sqlalchemy import select

from cis_power.access.trail import AuditTrail
from cis_power.access.viewer import system_viewer
from cis_power.core.db import Database
from cis_power.customers.models import UsagePoint
from cis_power.network.checks import check
from cis_power.network.importers import READERS
from cis_power.network.importing import NetworkFile, import_network
from cis_power.network.model import SWITCHING_KINDS, NetworkModel
from cis_power.outages.intake import record_entries
from cis_power.outages.models import OutageMember
from cis_power.outages.passes import Memory, run_engine
from tests.outages.stored import entry
from tests.outages.worlds import at

ALL = system_viewer("test")
FEEDERS = ("123Bus/IEEE123Switches.dss", "13Bus/IEEE13Nodeckt.dss")


def _oracle(model: NetworkModel, opened: dict[str, int]) -> dict[str, int]:
    """Lost phases of each load, of those it has in the normal state; none: left out. `opened`: masks by device."""

    def live(masks: dict[str, int]) -> dict[str, int]:
        phases: dict[str, int] = {}
        for bit in (1, 2, 4):
            graph = nx.Graph()
            graph.add_nodes_from(node.code for node in model.nodes)
            for item in model.equipment:
                for branch in item.branches():
                    if branch.phases & bit and not masks.get(item.code, item.open_phases) & bit:
                        graph.add_edge(branch.from_node, branch.to_node)
            fed = (source.node for source in model.sources if source.phases & bit)
            for node in set().union(*(nx.node_connected_component(graph, source) for source in fed)):
                phases[node] = phases.get(node, 0) | bit
        return phases

    normal, now = live({}), live(opened)
    lost = {
        load.code: (load.phases or 7) & normal.get(load.node, 0) & ~now.get(load.node, 0) for load in model.loads
    }
    return {code: mask for code, mask in lost.items() if mask}


def _found(database: Database) -> dict[str, int]:
    with database.reading() as session:
        rows = session.execute(
            select(UsagePoint.code, OutageMember.phases_out)
            .join(UsagePoint, UsagePoint.id == OutageMember.usage_point_id)
            .where(OutageMember.superseded_at.is_(None), OutageMember.ended_at.is_(None))
        )
        return {row.code: row.phases_out for row in rows}


@pytest.mark.parametrize("feeder", FEEDERS)
def test_loads_out_equal_networkx(sqlite_database: Database, shared_data: Path, tmp_path: Path, feeder: str) -> None:
    database = sqlite_database
    model = READERS["opendss"](shared_data / "1_network" / "opendss" / feeder)
    file = NetworkFile("opendss", feeder, feeder, model, check(model))
    import_network(database, ALL, AuditTrail(tmp_path), at(0), file)
    switches = [item for item in model.equipment if item.kind in SWITCHING_KINDS]
    others = [item for item in model.equipment if item.kind not in SWITCHING_KINDS]
    rng, memory, minute = random.Random(1), Memory(), 1.0
    opened: dict[str, int] = {}
    affected = 0
    moves = [(item, opens) for item in switches for opens in (not item.normal_open, item.normal_open)]
    moves += [(rng.choice(switches + others), rng.random() < 0.5) for _ in range(40)]
    for item, opens in moves:
        opened[item.code] = 7 if opens else 0
        act = entry(database, "switch", item.code, minute, "open" if opens else "close")
        with database.transaction() as session:
            record_entries(session, [act], at(minute))
        run_engine(database, at(minute), memory)
        expected = _oracle(model, opened)
        assert _found(database) == expected, (item.code, opens)
        affected += len(expected)
        minute += 1
    assert affected > 50
