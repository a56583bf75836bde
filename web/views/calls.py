"""Trouble calls: the list, and the form that takes one and answers at once."""

from datetime import datetime
from typing import Annotated

from flask import Blueprint, Response, g, render_template
from pydantic import Field

from cis_power.outages.call_reads import CallFilter, CallRecord, list_calls
from web.calls import CallBody, spoken_points, take_call
from web.formats import Listing, columns_of, list_response
from web.gate import access
from web.labels import LABELS
from web.lists import list_route
from web.live import live_response
from web.paging import Page, make_cursor
from web.shell import now, reading, shell, viewer
from web.values import AccountNo, Sample, Text

calls = Blueprint("calls", __name__)

COLUMNS = tuple("place" if name == "place_name" else name for name in columns_of(CallRecord))


class CallQuery(Page):
    """Which calls; `account` fills the form."""

    account: Annotated[AccountNo | None, Field(description="calls of one account")] = None
    outage: Annotated[Text | None, Sample("outage_id"), Field(max_length=120, description="calls of an outage")] = None
    hazard: Annotated[bool, Field(description="only those that tell of danger")] = False


@list_route(calls, "/calls")
@access("outages:call:read", query=CallQuery)
def call_list(query: CallQuery, file_format: str) -> Response:
    """The newest calls; the page refreshes itself."""
    rows, cursor = _found(query)
    if file_format != "html":
        plain = [row.as_dict(shell().settings.zone) for row in rows]
        return list_response(Listing("calls", COLUMNS, plain, cursor), file_format, "")
    response = list_response(
        Listing("calls", COLUMNS, rows, cursor),
        file_format,
        "calls.html",
        query=query,
        codes=LABELS["trouble_code"],
    )
    return live_response(response, [row.as_dict() for row in rows])


@calls.post("/calls")
@access("outages:call:write", body=CallBody)
def take(body: CallBody) -> Response:
    """Record a call; the answer is for the caller who waits."""
    answer = take_call(body, f"form {body.key}" if body.key else None)
    g.rows_shown = len(answer.supply) + len(answer.candidates)
    return Response(render_template("call.html", answer=answer, spoken=spoken_points(answer)))


def _found(query: CallQuery) -> tuple[list[CallRecord], str | None]:
    position, limit = query.position(), query.rows()
    wanted = CallFilter(
        outage_id=query.outage,
        account_no=query.account,
        hazard=query.hazard,
        before=(datetime.fromisoformat(position[0]), int(position[1])) if position else None,
        limit=limit + 1,
    )
    with reading() as session:
        found = list_calls(session, viewer(), now(), wanted)
    cursor = None
    if len(found) > limit:
        at, key = found[limit - 1][1]
        cursor = make_cursor([at.isoformat(), key])
    return [record for record, _ in found[:limit]], cursor
