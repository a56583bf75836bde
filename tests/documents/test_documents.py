"""The documents name everything that is registered, and their links lead somewhere."""

import re
from pathlib import Path

import click
import pytest

from cis_power.access.permissions import PERMISSIONS, ROLES
from cis_power.cli import commands
from cis_power.core.config import Settings, SourceSettings
from cis_power.core.db import Base
from cis_power.core.entries import load_items
from docs import data_model

CHECKOUT = Path(__file__).resolve().parents[2]
DOCS = CHECKOUT / "docs"


def _unnamed(names: set[str], *files: str) -> set[str]:
    text = "\n".join((DOCS / file).read_text("utf-8") for file in files if (DOCS / file).exists())
    return {name for name in names if not re.search(rf"`[^`\n]*(?<![\w-]){re.escape(name)}(?![\w-])[^`\n]*`", text)}


def test_the_data_model_is_current() -> None:
    assert data_model.FILE.read_text("utf-8") == data_model.render(), "run `python -m docs.data_model`"


def test_every_number_with_a_unit_says_it() -> None:
    data_model.metadata()
    columns = [column for table in Base.metadata.tables.values() for column in table.columns]
    assert len(columns) > 300
    assert [str(column) for column in columns if data_model.wants_unit(column)] == []


def test_every_setting_is_documented() -> None:
    settings = set(Settings.model_fields) | set(SourceSettings.model_fields)
    assert "spool_max_mb" in settings
    assert _unnamed(settings, "operations.md") == set()


def test_every_permission_and_role_is_documented() -> None:
    assert _unnamed(set(PERMISSIONS), "access.md") == set()
    text = (DOCS / "access.md").read_text("utf-8")
    assert [role for role in ROLES if role not in text] == []


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


def _leaves(group: click.Group, before: str = "") -> set[str]:
    found: set[str] = set()
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        words = f"{before} {name}".strip()
        found |= _leaves(command, words) if isinstance(command, click.Group) else {words}
    return found


def test_every_command_is_documented() -> None:
    leaves = _leaves(commands)  # type: ignore[arg-type]
    assert "db upgrade" in leaves
    texts = "\n".join(file.read_text("utf-8") for file in [*DOCS.glob("*.md"), CHECKOUT / "README.md"])
    assert [name for name in sorted(leaves) if f"cis-power {name}" not in texts] == []


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
