"""Usage points at meter boxes count at the transformer behind which they stand."""

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from cis_power.access.trail import AuditTrail
from cis_power.access.viewer import system_viewer
from cis_power.core.db import Database
from cis_power.network.checks import check
from cis_power.network.importing import NetworkFile, import_network
from cis_power.network.model import Equipment, NetworkModel, Node, Source
from cis_power.network.models import Element
from reports.scope import at_their_transformers
from reports.windows import windows

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODEL = NetworkModel(
    nodes=(Node("MV", nominal_v=10_000), Node("B", nominal_v=400), Node("M", nominal_v=400)),
    equipment=(Equipment("T", "transformer", "MV", "B"), Equipment("L", "line", "B", "M")),
    sources=(Source("MV"),),
)


def test_a_meter_box_is_its_transformer_and_a_node_of_medium_voltage_itself(database: Database, tmp_path: Path) -> None:
    with database.reading() as session:
        plain = windows([(1, 7, None, None)])
        assert at_their_transformers(session, plain, NOON).group.tolist() == [7]
    import_network(database, system_viewer("test"), AuditTrail(tmp_path), NOON,
                   NetworkFile("csv", "network", "hash", MODEL, check(MODEL)))  # fmt: skip
    with database.reading() as session:
        key = {element.code: element.id for element in session.scalars(select(Element))}
        supply = windows([(1, key["M"], None, None), (2, key["T"], None, None), (3, key["MV"], None, None)])
        found = at_their_transformers(session, supply, NOON)
    assert dict(zip(found.member.tolist(), found.group.tolist(), strict=True)) == {
        1: key["T"],
        2: key["T"],
        3: key["MV"],
    }
