"""Telemetered points over the API."""

from datetime import timedelta

from flask import Blueprint, Response, jsonify

from cis_power.telemetry.reads import find_point, point_history
from web.api.description import PREFIX, described
from web.api.schemas import History, Many, Point
from web.formats import Listing, json_list, json_value
from web.gate import access
from web.shell import now, reading, shell, viewer
from web.times import Period
from web.views.points import COLUMNS, PointQuery, read_points

api_points = Blueprint("api_points", __name__, url_prefix=PREFIX)

_USUAL = timedelta(days=1)


@api_points.get("/points")
@described("Points with their value, quality and age", Many[Point])
@access("telemetry:point:read", query=PointQuery)
def point_list(query: PointQuery) -> Response:
    """A page of points."""
    rows, cursor = read_points(query)
    return json_list(Listing("points", COLUMNS, [row.as_dict() for row in rows], cursor))


@api_points.get("/points/<point_id:point_id>")
@described("One point now", Point)
@access("telemetry:point:read")
def point(point_id: str) -> Response:
    """One point with value, quality and age."""
    with reading() as session:
        row = find_point(session, viewer(), point_id, now(), stale_after_seconds=shell().settings.stale_after_seconds)
    return jsonify(json_value(row.as_dict()))


@api_points.get("/points/<point_id:point_id>/history")
@described("Values of a point; the last day if no period is given", History)
@access("telemetry:point:read", query=Period)
def history(point_id: str, query: Period) -> Response:
    """Values of a point in a period."""
    from_at, to_at = query.bounds(now(), _USUAL)
    with reading() as session:
        found = point_history(session, viewer(), point_id, from_at, to_at, now())
    return jsonify(json_value(found.as_dict()))
