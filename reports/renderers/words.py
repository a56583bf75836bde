"""What a report says about itself, in lines of text."""

from collections.abc import Iterator
from datetime import datetime, tzinfo

from cis_power.core.time import iso
from reports.model import Report, Value

MOST_ROWS_TO_READ = 1_000
"""Rows of a table that formats for reading show; the others are in xlsx, csv and json."""


def parameter_lines(report: Report, zone: tzinfo) -> Iterator[str]:
    """Parameters and when it was made."""
    for name, value in report.parameters.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        if shown not in ("", None):
            yield f"{name}: {shown}"
    yield f"generated at: {iso(report.generated_at.replace(microsecond=0), zone)}"


def quality_lines(report: Report) -> Iterator[str]:
    """The share of good data, and what was found."""
    share = report.data_quality.good_share
    yield "share of good data: " + ("unknown" if share is None else f"{share:.2%}")
    for finding in report.data_quality.findings:
        yield f"{finding.count} {finding.message}"


def shown_value(value: Value, zone: tzinfo) -> str:
    """A value for reading: six significant digits, local times, a dash for what is not known."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    return str(value)
