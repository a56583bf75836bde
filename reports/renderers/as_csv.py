"""A report's tables as CSV."""

from datetime import tzinfo

from cis_power.core.tables import csv_text
from reports.model import Report, Table


def render_csv(report: Report, zone: tzinfo, table: str | None = None) -> bytes:
    """The report's first table, or the one named, as UTF-8. KeyError for a table that is not there."""
    chosen: Table = report.tables[0] if table is None else report.table(table)
    return csv_text([column.name for column in chosen.columns], chosen.rows, zone).encode()
