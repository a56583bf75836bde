"""Telemetered points: a list that refreshes itself, and one point with its trend, quality and age."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Literal

import numpy as np
from flask import Blueprint, Response, g, render_template
from pydantic import Field

from cis_power.telemetry.reads import PointHistory, PointRow, find_point, list_points, point_history
from web.charts import Curve, Figure, curve_figure
from web.formats import Listing, list_response
from web.gate import access
from web.lists import list_route
from web.live import live_response
from web.paging import Page, make_cursor
from web.shell import now, reading, shell, viewer
from web.times import Period
from web.values import Sample, Text

points = Blueprint("points", __name__)

COLUMNS = (
    "point_id", "value", "unit", "quality", "reason", "measured_at", "received_at", "age_seconds", "source",
    "equipment", "quantity", "kind", "normal_state", "alarm", "held",
)  # fmt: skip
_USUAL = timedelta(hours=24)


class PointQuery(Page):
    """Which points."""

    source: Annotated[Text | None, Sample("source"), Field(max_length=120, description="name of a source")] = None
    equipment: Annotated[Text | None, Sample("device"), Field(max_length=120, description="code of a device")] = None
    kind: Annotated[Literal["analog", "discrete", "accumulator"] | None, Field(description="kind of point")] = None


@list_route(points, "/points")
@access("telemetry:point:read", query=PointQuery)
def point_list(query: PointQuery, file_format: str) -> Response:
    """Points with value, quality and age."""
    rows, cursor = read_points(query)
    if file_format != "html":
        return list_response(Listing("points", COLUMNS, [row.as_dict() for row in rows], cursor), file_format, "")
    response = list_response(Listing("points", COLUMNS, rows, cursor), file_format, "points.html", query=query)
    return live_response(response, [asdict(row) | {"age_seconds": None} for row in rows])


def read_points(query: PointQuery) -> tuple[list[PointRow], str | None]:
    """A page of points and the cursor behind it."""
    position, limit = query.position(), query.rows()
    with reading() as session:
        rows = list_points(
            session,
            viewer(),
            now(),
            stale_after_seconds=shell().settings.stale_after_seconds,
            source=query.source,
            equipment=query.equipment,
            kind=query.kind,
            after=str(position[0]) if position else None,
            limit=limit + 1,
        )
    more = len(rows) > limit
    return rows[:limit], make_cursor([rows[limit - 1].point_id]) if more else None


@points.get("/points/<point_id:point_id>")
@access("telemetry:point:read", query=Period)
def point(point_id: str, query: Period) -> Response:
    """One point: its value now and its trend."""
    from_at, to_at = query.bounds(now(), _USUAL)
    with reading() as session:
        row = find_point(session, viewer(), point_id, now(), stale_after_seconds=shell().settings.stale_after_seconds)
        history = point_history(session, viewer(), point_id, from_at, to_at, now())
    g.rows_shown = 1
    good = sum(1 for _, _, quality in history.rows if quality == 0)
    page = render_template(
        "point.html",
        point=row,
        figure=_trend(row, history) if history.rows else None,
        from_at=from_at,
        to_at=to_at,
        values=len(history.rows),
        good_share=good / len(history.rows) if history.rows else None,
        recent=list(reversed(history.rows))[:50],
    )
    return Response(page)


def _trend(row: PointRow, history: PointHistory) -> Figure:
    at = np.array([moment.replace(tzinfo=None) for moment, _, _ in history.rows], "datetime64[us]")
    value = np.array([np.nan if value is None else value for _, value, _ in history.rows])
    quality = np.array([quality for _, _, quality in history.rows], np.uint8)
    return curve_figure([Curve(row.point_id, at, value, quality)], row.unit, steps=row.kind != "analog")
