"""Signal events: what was found changed, the latest first."""

from datetime import datetime
from typing import Annotated, Literal

from flask import Blueprint, Response
from pydantic import Field

from cis_power.telemetry.event_reads import EventFilter, page_events
from cis_power.telemetry.rows import EventRow
from web.formats import Listing, columns_of, list_response
from web.gate import access
from web.lists import list_route
from web.live import live_response
from web.paging import Page, make_cursor
from web.shell import now, reading, viewer
from web.times import read_instant
from web.values import Instant, Sample, Text
from web.views.points import QUALITIES

events = Blueprint("events", __name__)


class EventQuery(Page):
    """Which events."""

    since: Annotated[Instant | None, Field(description="first instant")] = None
    until: Annotated[Instant | None, Field(description="first instant that no longer belongs to it")] = None
    source: Annotated[Text | None, Sample("source"), Field(max_length=120, description="name of a source")] = None
    equipment: Annotated[Text | None, Sample("device"), Field(max_length=120, description="code of a device")] = None
    quality: Annotated[
        Literal["good", "substituted", "stale", "suspect", "bad", "missing"] | None, Field(description="quality found")
    ] = None
    to: Annotated[Literal["open", "closed"] | None, Field(description="positions found open, or closed")] = None
    text: Annotated[
        Text | None, Sample("search"), Field(max_length=120, description="part of the id or of the equipment's code")
    ] = None

    @property
    def filtered(self) -> bool:
        """Whether anything narrows the list."""
        chosen = (self.since, self.until, self.source, self.equipment, self.quality, self.to, self.text)
        return any(value is not None for value in chosen)


@list_route(events, "/events")
@access("telemetry:point:read", query=EventQuery)
def event_list(query: EventQuery, file_format: str) -> Response:
    """Events with their point, from which value to which, and quality."""
    wanted = EventFilter(
        from_at=read_instant(query.since, "since") if query.since else None,
        to_at=read_instant(query.until, "until") if query.until else None,
        source=query.source,
        equipment=query.equipment,
        quality=query.quality,
        to=query.to,
        text=query.text,
    )
    position = query.position()
    before = (datetime.fromisoformat(position[0]), int(position[1])) if position else None
    with reading() as session:
        rows, following = page_events(session, viewer(), now(), wanted, before=before, limit=query.rows())
    cursor = make_cursor([following[0].isoformat(), following[1]]) if following else None
    listing = Listing("events", columns_of(EventRow), rows, cursor)
    response = list_response(listing, file_format, "events.html", query=query, qualities=QUALITIES)
    return live_response(response, rows) if file_format == "html" else response
