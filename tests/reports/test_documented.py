"""docs/reports.md names every report with its permission, parameters, tables and columns."""

import re
from datetime import UTC, datetime
from pathlib import Path

from cis_power.access.viewer import system_viewer
from reports.parameters import Parameters
from reports.registry import build_report, reports

DOCUMENT = Path(__file__).parents[2] / "docs" / "reports.md"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def _section(text, name):
    return re.search(rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", text, re.M | re.S).group(1)


def _undocumented(text, names):
    return {name for name in names if f"`{name}`" not in text}


def test_every_report_table_and_column_is_documented(sqlite_database):
    text = DOCUMENT.read_text("utf-8")
    assert set(reports()) >= {"load", "outage-log", "reliability"}
    for name, declaration in reports().items():
        assert f"| `{name}` | `{declaration.permission}` |" in text
        section = _section(text, name)
        options = {parameter.name: parameter.default for parameter in declaration.parameters}
        assert _undocumented(text, options) == set()
        parameters = Parameters(datetime(2026, 2, 1, tzinfo=UTC), NOW, UTC, (), options)
        with sqlite_database.reading() as session:
            made = build_report(session, system_viewer("test"), declaration, parameters, NOW)
        for table in made.tables:
            assert _undocumented(section, [table.name, *(column.name for column in table.columns)]) == set()


def test_a_column_that_is_not_there_would_be_seen():
    assert _undocumented(DOCUMENT.read_text("utf-8"), ["no_such_column"]) == {"no_such_column"}


def test_an_empty_utility_makes_every_report(sqlite_database):
    """Nothing is known, and nothing is zero that should be unknown."""
    for declaration in reports().values():
        options = {parameter.name: parameter.default for parameter in declaration.parameters}
        parameters = Parameters(datetime(2026, 2, 1, tzinfo=UTC), NOW, UTC, (), options)
        with sqlite_database.reading() as session:
            made = build_report(session, system_viewer("test"), declaration, parameters, NOW)
        assert made.data_quality.good_share is None
        if made.name == "reliability":
            assert {row["value"] for row in made.table("indices").as_dicts()} == {None}
