"""Read only toward the DMS (S5): nothing of ours can write to a device, and only the bridge opens device sockets."""

import ast
from pathlib import Path

import pytest

import cis_power
import scada_bridge
from scada_bridge.modbus import _REQUESTS
from scada_bridge.points import FUNCTION_OF_TABLE

ROOT = Path(scada_bridge.__file__).parent
BRIDGE = sorted(ROOT.rglob("*.py"))
ELSEWHERE = [
    path
    for package in ("cis_power", "billing_bridge", "reports", "web")
    for path in sorted((Path(cis_power.__file__).parents[1] / package).rglob("*.py"))
]
WRITING = {"write_coil", "write_coils", "write_register", "write_registers", "mask_write_register", "writefile"}
WRITING |= {"readwrite_registers", "write_file_record", "diag_restart_communication"}


def names_in(path):
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.ImportFrom | ast.Import):
            yield from (alias.name for alias in node.names)
            yield getattr(node, "module", "") or ""


def test_only_the_four_reading_requests_exist():
    assert {table: request.function_code for table, request in _REQUESTS.items()} == FUNCTION_OF_TABLE
    assert set(FUNCTION_OF_TABLE.values()) == {1, 2, 3, 4}


@pytest.mark.parametrize("path", BRIDGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_writing_call_stands_in_the_bridge(path):
    found = set(names_in(path))
    assert not found & WRITING
    assert not {name for name in found if name.startswith("Write") and name.endswith("Request")}


def test_only_modbus_py_talks_to_devices_and_nothing_outside_opens_their_sockets():
    users = {path.name for path in BRIDGE if any(name.startswith("pymodbus") for name in names_in(path))}
    assert users == {"modbus.py"}
    for path in ELSEWHERE:
        assert not any(name.startswith("pymodbus") for name in names_in(path)), path
