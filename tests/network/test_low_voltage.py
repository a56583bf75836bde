"""What hangs on boxes behind a transformer belongs to it, whatever way one asks."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from cis_power.access.trail import AuditTrail
from cis_power.access.viewer import system_viewer
from cis_power.core.db import Database
from cis_power.network.checks import check
from cis_power.network.importing import NetworkFile, import_network
from cis_power.network.low_voltage import low_voltage_behind, transformers_of
from cis_power.network.model import Equipment, NetworkModel, Node, Source
from cis_power.network.models import Element, NetworkVersion

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODEL = NetworkModel(
    nodes=(
        Node("HV", nominal_v=110_000),
        Node("BUS", nominal_v=10_000),
        Node("MV", nominal_v=10_000),
        *(Node(name, nominal_v=400) for name in ("B1", "X1", "M1", "M2", "B2", "M3")),
        Node("PLAIN"),
    ),
    equipment=(
        Equipment("MAIN", "transformer", "HV", "BUS"),
        Equipment("L", "line", "BUS", "MV"),
        Equipment("T1", "transformer", "MV", "B1"),
        Equipment("LX", "line", "B1", "X1"),
        Equipment("LM1", "line", "M1", "X1"),
        Equipment("FUSE", "fuse", "X1", "M2"),
        Equipment("T2", "transformer", "MV", "B2"),
        Equipment("LM3", "line", "B2", "M3"),
        Equipment("LINK", "switch", "M2", "M3", open_phases=7),
        Equipment("LP", "line", "BUS", "PLAIN"),
    ),
    sources=(Source("HV"),),
)


@pytest.fixture
def version(database: Database, tmp_path: Path) -> int:
    import_network(database, system_viewer("test"), AuditTrail(tmp_path), NOON,
                   NetworkFile("csv", "network", "hash", MODEL, check(MODEL)))  # fmt: skip
    with database.reading() as session:
        return session.scalars(select(NetworkVersion.id)).one()


def test_the_boxes_behind_a_transformer_up_to_an_open_link(database: Database, version: int) -> None:
    with database.reading() as session:
        named = {(row.kind, row.code): row.id for row in session.scalars(select(Element))}
        codes = {key: code for (_, code), key in named.items()}

        def behind(code: str) -> set[str]:
            return {codes[key] for key in low_voltage_behind(session, version, named["equipment", code])}

        assert behind("T1") == {"B1", "X1", "M1", "M2"}
        assert behind("T2") == {"B2", "M3"}
        assert behind("MAIN") == behind("L") == set()


def test_every_box_knows_its_transformer_and_other_nodes_have_none(database: Database, version: int) -> None:
    with database.reading() as session:
        named = {row.code: row.id for row in session.scalars(select(Element))}
        asked = ("T1", "T2", "M1", "M2", "M3", "B1", "MV", "PLAIN", "BUS")
        found = transformers_of(session, version, [named[code] for code in asked])
        codes = {key: code for code, key in named.items()}
        answer = {codes[element]: codes[transformer] for element, transformer in found.items()}
    assert answer == {"T1": "T1", "T2": "T2", "M1": "T1", "M2": "T1", "B1": "T1", "M3": "T2"}
