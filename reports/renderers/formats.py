"""The formats a report can be had in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo

from reports.model import Report
from reports.renderers.as_csv import render_csv
from reports.renderers.as_html import render_html
from reports.renderers.as_json import render_json
from reports.renderers.as_pdf import render_pdf
from reports.renderers.as_xlsx import render_xlsx


@dataclass(frozen=True, slots=True)
class Format:
    """`render(report, zone)` answers the whole file; times are shown in `zone`."""

    name: str
    media_type: str
    render: Callable[[Report, tzinfo], bytes]


FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format("html", "text/html; charset=utf-8", render_html),
        Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", render_xlsx),
        Format("csv", "text/csv; charset=utf-8", render_csv),
        Format("pdf", "application/pdf", render_pdf),
        Format("json", "application/json", render_json),
    )
}
