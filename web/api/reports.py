"""Reports over the API."""

from flask import Blueprint, Response, jsonify

from web.api.description import PREFIX, described
from web.api.schemas import Report
from web.formats import json_value
from web.gate import access
from web.shell import viewer
from web.views.reports import PERMISSIONS, ReportQuery, given_texts, made_report, permitted_report

api_reports = Blueprint("api_reports", __name__, url_prefix=PREFIX)


@api_reports.get("/reports/<report:report>")
@described("One report; `from` and `to` are needed, and its own parameters come beside them", Report)
@access(*PERMISSIONS, query=ReportQuery)
def report(report: str, query: ReportQuery) -> Response:
    """Make a report now."""
    declaration = permitted_report(viewer(), report)
    made = made_report(declaration, given_texts(declaration, query))
    return jsonify(json_value(made.as_dict()))
