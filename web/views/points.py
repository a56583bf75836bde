"""Telemetered points: a list that refreshes itself, and one point with its trend, its changes and its gaps."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Literal

import numpy as np
from flask import Blueprint, Response, g, render_template
from pydantic import Field

from cis_power.telemetry.event_reads import EventFilter, page_events
from cis_power.telemetry.point_list import PointFilter, page_points
from cis_power.telemetry.reads import find_point, point_history
from cis_power.telemetry.rows import PointHistory, PointRow
from cis_power.telemetry.source_reads import point_gaps
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
QUALITIES = ("good", "substituted", "stale", "suspect", "bad", "missing")
_USUAL = timedelta(hours=24)

Quality = Literal["not_good", "good", "substituted", "stale", "suspect", "bad", "missing"]


class PointQuery(Page):
    """Which points, in which order."""

    source: Annotated[Text | None, Sample("source"), Field(max_length=120, description="name of a source")] = None
    equipment: Annotated[Text | None, Sample("device"), Field(max_length=120, description="code of a device")] = None
    kind: Annotated[Literal["analog", "discrete", "accumulator"] | None, Field(description="kind of point")] = None
    quantity: Annotated[Text | None, Sample("text"), Field(max_length=60, description="what it measures")] = None
    quality: Annotated[Quality | None, Field(description="quality as shown; not_good: all but good")] = None
    older_than: Annotated[
        float | None, Sample("limit"), Field(ge=0, le=1e9, description="last measured so many seconds ago, or never")
    ] = None
    text: Annotated[
        Text | None, Sample("search"), Field(max_length=120, description="part of the id or of the equipment's code")
    ] = None
    sort: Annotated[
        Literal["point", "age", "quality"], Field(description="by id, the oldest first, or the worst first")
    ] = "point"

    @property
    def filtered(self) -> bool:
        """Whether anything narrows the list."""
        chosen = (self.source, self.equipment, self.kind, self.quantity, self.quality, self.older_than, self.text)
        return any(value is not None for value in chosen)


@list_route(points, "/points")
@access("telemetry:point:read", query=PointQuery)
def point_list(query: PointQuery, file_format: str) -> Response:
    """Points with value, quality and age."""
    rows, cursor = read_points(query)
    if file_format != "html":
        return list_response(Listing("points", COLUMNS, [row.as_dict() for row in rows], cursor), file_format, "")
    response = list_response(
        Listing("points", COLUMNS, rows, cursor), file_format, "points.html", query=query, qualities=QUALITIES
    )
    return live_response(response, [asdict(row) | {"age_seconds": None} for row in rows])


def read_points(query: PointQuery) -> tuple[list[PointRow], str | None]:
    """A page of points and the cursor behind it."""
    wanted = PointFilter(
        source=query.source,
        equipment=query.equipment,
        kind=query.kind,
        quantity=query.quantity,
        quality=query.quality,
        older_than_seconds=query.older_than,
        text=query.text,
        sort=query.sort,
    )
    with reading() as session:
        rows, following = page_points(
            session,
            viewer(),
            now(),
            wanted,
            stale_after_seconds=shell().settings.stale_after_seconds,
            after=query.position(),
            limit=query.rows(),
        )
    return rows, make_cursor(following)


@points.get("/points/<point_id:point_id>")
@access("telemetry:point:read", query=Period)
def point(point_id: str, query: Period) -> Response:
    """One point: its value now and its trend."""
    from_at, to_at = query.bounds(now(), _USUAL)
    with reading() as session:
        row = find_point(session, viewer(), point_id, now(), stale_after_seconds=shell().settings.stale_after_seconds)
        history = point_history(session, viewer(), point_id, from_at, to_at, now())
        gaps = point_gaps(session, viewer(), point_id, from_at, to_at)
        period = EventFilter(from_at=from_at, to_at=to_at, point_id=point_id)
        events, more = page_events(session, viewer(), now(), period) if row.kind == "discrete" else ([], None)
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
        recent=list(reversed(history.rows))[:50] if row.kind != "discrete" else [],
        gaps=gaps,
        events=events,
        more_events=more is not None,
    )
    return Response(page)


def _trend(row: PointRow, history: PointHistory) -> Figure:
    at = np.array([moment.replace(tzinfo=None) for moment, _, _ in history.rows], "datetime64[us]")
    value = np.array([np.nan if value is None else value for _, value, _ in history.rows])
    quality = np.array([quality for _, _, quality in history.rows], np.uint8)
    return curve_figure([Curve(row.point_id, at, value, quality)], row.unit, steps=row.kind != "analog")
