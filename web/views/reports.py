"""Reports: which there are for the reader, and one of them as a page or a file."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated

from flask import Blueprint, Response, g, render_template, request
from pydantic import ConfigDict, Field

from cis_power.access.viewer import Viewer
from cis_power.core.errors import Forbidden
from reports.model import Report
from reports.parameters import read_parameters
from reports.registry import ReportDeclaration, build_report, find_report, reports
from reports.renderers.formats import FORMATS
from reports.renderers.words import MOST_ROWS_TO_READ
from web.gate import access
from web.lists import list_route
from web.shell import now, reading, shell, viewer
from web.values import DistrictCode, Input, Instant, Text

report_pages = Blueprint("reports", __name__)

PERMISSIONS = (
    "reports:load:read", "reports:voltage:read", "reports:reliability:read", "reports:outage:read",
    "reports:business:read", "reports:marketing:read",
)  # fmt: skip


class ReportQuery(Input):
    """What every report takes; its own parameters come beside these under their names."""

    model_config = ConfigDict(**Input.model_config, populate_by_name=True)

    from_: Annotated[Instant | None, Field(alias="from", description="first day or instant")] = None
    to: Annotated[Instant | None, Field(description="first day or instant that no longer belongs to it")] = None
    district: Annotated[DistrictCode | None, Field(description="code of a district; may be given several times")] = None
    by: Annotated[Text | None, Field(max_length=60, description="load: usage_point, transformer, feeder …")] = None


@report_pages.get("/reports")
@access(*PERMISSIONS)
def choice() -> Response:
    """The reports that the reader's role opens."""
    return Response(render_template("reports.html", reports=permitted(viewer())))


@list_route(report_pages, "/reports/<report:report>")
@access(*PERMISSIONS, query=ReportQuery)
def report(report: str, query: ReportQuery, file_format: str) -> Response:
    """One report. As a page without a period it asks for one."""
    declaration = permitted_report(viewer(), report)
    texts = given_texts(declaration, query)
    if file_format == "html":
        return _page(declaration, query, texts)
    made = made_report(declaration, texts)
    form = FORMATS[file_format]
    response = Response(form.render(made, shell().settings.zone), content_type=form.media_type)
    if file_format != "json":
        response.headers["Content-Disposition"] = f'attachment; filename="{declaration.name}.{file_format}"'
    return response


def permitted(asking: Viewer) -> list[ReportDeclaration]:
    """Reports whose permission the viewer holds."""
    return [declaration for declaration in reports().values() if asking.may(declaration.permission)]


def permitted_report(asking: Viewer, name: str) -> ReportDeclaration:
    """A report by name. Raises NotFound, or Forbidden when the viewer does not hold its permission."""
    declaration = find_report(name)
    if not asking.may(declaration.permission):
        raise Forbidden("Your role does not allow this.")
    return declaration


def given_texts(declaration: ReportDeclaration, query: ReportQuery) -> dict[str, str | None]:
    """The texts of the parameters that this report declares."""
    texts: dict[str, str | None] = {"from": query.from_, "to": query.to}
    return texts | {parameter.name: request.args.get(parameter.name) for parameter in declaration.parameters}


def made_report(declaration: ReportDeclaration, texts: Mapping[str, str | None]) -> Report:
    """Make it now. Raises InvalidInput naming every wrong parameter."""
    districts = [code for code in request.args.getlist("district") if code]
    parameters = read_parameters(declaration.parameters, texts, districts, shell().settings.zone)
    with reading() as session:
        made = build_report(session, viewer(), declaration, parameters, now())
    g.rows_shown = sum(len(table.rows) for table in made.tables)
    return made


def _page(declaration: ReportDeclaration, query: ReportQuery, texts: dict[str, str | None]) -> Response:
    first, last = _last_month(now())
    asked = bool(query.from_ and query.to)
    made = made_report(declaration, texts) if asked else None
    page = render_template(
        "report.html",
        declaration=declaration,
        report=made,
        texts={name: text or "" for name, text in texts.items()},
        districts=request.args.getlist("district"),
        usual={"from": first, "to": last},
        most_rows=MOST_ROWS_TO_READ,
    )
    return Response(page)


def _last_month(moment: datetime) -> tuple[str, str]:
    """The last whole local month, as the form proposes it."""
    there = moment.astimezone(shell().settings.zone).date().replace(day=1)
    return (there - timedelta(days=1)).replace(day=1).isoformat(), there.isoformat()
