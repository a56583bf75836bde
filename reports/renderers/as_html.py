"""A report as one page that stands alone: tables, and figures drawn by the reader's browser."""

import json
from datetime import datetime, tzinfo
from html import escape
from importlib.resources import files
from typing import Any

from reports.model import Figure, Report, Table
from reports.renderers.words import MOST_ROWS_TO_READ, parameter_lines, quality_lines, shown_value

PLOT_OPTIONS = {"displaylogo": False, "showSendToCloud": False, "plotlyServerURL": "", "responsive": True}
"""plotly's button that sends data to a cloud stays off wherever a figure is drawn."""

_STYLE = """
body { font: 14px/1.45 system-ui, "Noto Sans CJK SC", sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse } th, td { border-bottom: 1px solid #d5d9de; padding: .25rem .6rem; text-align: left }
th small { color: #57606a; font-weight: normal } td.number { text-align: right; font-variant-numeric: tabular-nums }
td.instant { white-space: nowrap } ul { color: #57606a } .figure { height: 24rem }
"""
_SCRIPT = """
for (const element of document.querySelectorAll(".figure")) {
  const figure = JSON.parse(document.getElementById(element.id + "-data").textContent);
  Plotly.newPlot(element, figure.data, figure.layout, OPTIONS);
}
"""


def render_html(report: Report, zone: tzinfo) -> bytes:
    """The page, with the chart library inside when there are figures."""
    parts = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        f"<title>{escape(report.title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(report.title)}</h1>",
        _list([*parameter_lines(report, zone), *quality_lines(report)]),
        *(_figure(figure) for figure in report.figures),
        *(_table(table, zone) for table in report.tables),
        _list(list(report.notes)),
    ]
    if report.figures:
        parts.append(f"<script>{files('plotly').joinpath('package_data/plotly.min.js').read_text('utf-8')}</script>")
        parts.append(f"<script>{_SCRIPT.replace('OPTIONS', json.dumps(PLOT_OPTIONS))}</script>")
    parts.append("</body></html>\n")
    return "\n".join(parts).encode()


def figure_json(figure: Figure) -> str:
    """A figure for a `<script type="application/json">`: nothing in it ends the element or begins another."""
    drawn: dict[str, Any] = {"data": list(figure.data), "layout": dict(figure.layout)}
    return json.dumps(drawn, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def _figure(figure: Figure) -> str:
    name = f"figure-{escape(figure.name)}"
    return (
        f'<h2>{escape(figure.title)}</h2><div class="figure" id="{name}"></div>'
        f'<script type="application/json" id="{name}-data">{figure_json(figure)}</script>'
    )


def _table(table: Table, zone: tzinfo) -> str:
    head = "".join(
        f"<th>{escape(column.name)}{f' <small>{escape(column.unit)}</small>' if column.unit else ''}</th>"
        for column in table.columns
    )
    body = "".join(_row(row, zone) for row in table.rows[:MOST_ROWS_TO_READ])
    more = len(table.rows) - MOST_ROWS_TO_READ
    left = f"<p>{more} more rows are in the xlsx, csv and json formats.</p>" if more > 0 else ""
    return (
        f'<h2 id="{escape(table.name)}">{escape(table.title)}</h2><div class="scroll"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{left}"
    )


def _row(row: tuple[Any, ...], zone: tzinfo) -> str:
    cells = (f"<td{_kind(value)}>{escape(shown_value(value, zone))}</td>" for value in row)
    return f"<tr>{''.join(cells)}</tr>"


def _kind(value: Any) -> str:
    if isinstance(value, datetime):
        return " class=instant"
    return " class=number" if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _list(lines: list[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>" if lines else ""
