"""The documents name everything that is registered, and their links lead somewhere."""

import re
from pathlib import Path
from types import ModuleType

import click
import pytest

from cis_power.access.permissions import PERMISSIONS, ROLES
from cis_power.cli import commands
from cis_power.core.config import Settings, SourceSettings
from cis_power.core.db import Base
from cis_power.core.entries import load_items
from docs import command_line, data_model, permissions

CHECKOUT = Path(__file__).resolve().parents[2]
DOCS = CHECKOUT / "docs"


def _unnamed(names: set[str], *files: str) -> set[str]:
    text = "\n".join((DOCS / file).read_text("utf-8") for file in files if (DOCS / file).exists())
    return {name for name in names if not re.search(rf"`[^`\n]*(?<![\w-]){re.escape(name)}(?![\w-])[^`\n]*`", text)}


def test_every_number_with_a_unit_says_it() -> None:
    data_model.metadata()
    columns = [column for table in Base.metadata.tables.values() for column in table.columns]
    assert len(columns) > 300
    assert [str(column) for column in columns if data_model.wants_unit(column)] == []


def test_every_setting_is_documented() -> None:
    settings = set(Settings.model_fields) | set(SourceSettings.model_fields)
    assert "spool_max_mb" in settings
    assert _unnamed(settings, "operations.md") == set()


@pytest.mark.parametrize("module", [data_model, permissions, command_line], ids=lambda module: module.FILE.name)
def test_what_is_written_from_the_code_is_current(module: ModuleType) -> None:
    assert module.FILE.read_text("utf-8") == module.render(), f"run `python -m {module.__name__}`"


def test_the_permissions_are_all_there() -> None:
    assert _unnamed(set(PERMISSIONS), "permissions.md") == set()
    head = next(line for line in permissions.render().splitlines() if line.startswith("| permission"))
    assert [role for role in ROLES if role not in head] == []


@pytest.mark.parametrize(
    ("group", "files"),
    [
        ("cis_power.jobs", ("operations.md",)),
        ("cis_power.reports", ("interfaces.md", "reports.md")),
        ("cis_power.layouts", ("interfaces.md",)),
        ("scada_bridge.sources", ("interfaces.md", "operations.md")),
    ],
)
def test_every_registered_item_is_documented(group: str, files: tuple[str, ...]) -> None:
    names = {getattr(item, "name", None) or item.scheme for item in load_items(group)}
    assert names, f"nothing is registered as {group}"
    assert _unnamed(names, *files) == set()


def test_every_command_is_documented() -> None:
    text = command_line.FILE.read_text("utf-8")
    root = click.Context(commands, info_name="cis-power")
    names = [name for name, _, _ in command_line.leaves(commands, root)]
    assert "cis-power db upgrade" in names
    assert "cis-power simulate open" in names
    assert [name for name in names if f"## {name}\n" not in text] == []


def test_a_missing_name_would_be_seen(tmp_path: Path) -> None:
    assert _unnamed({"no_such_setting", "timezone"}, "operations.md") == {"no_such_setting"}


@pytest.mark.parametrize(
    "file", sorted([*DOCS.rglob("*.md"), *CHECKOUT.glob("*.md")]), ids=lambda file: str(file.relative_to(CHECKOUT))
)
def test_links_between_documents_lead_somewhere(file: Path) -> None:
    text = file.read_text("utf-8")
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    broken = [link for link in links if "://" not in link and not (file.parent / link).exists()]
    assert broken == []
