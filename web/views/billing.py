"""What was exchanged with other systems: batches, and one batch with its problems and rejects.

A batch belongs to no district: whoever has a territory sees none, because its counts and rows would tell of others.
"""

from typing import Annotated

from flask import Blueprint, Response, g, render_template
from pydantic import Field

from cis_power.core.batches.reads import BatchRow, batch_details, batches
from cis_power.core.errors import NotFound
from web.formats import Listing, columns_of, list_response
from web.gate import access
from web.lists import list_route
from web.paging import Page, make_cursor
from web.shell import audit_subject, reading, viewer
from web.values import Sample, Text

billing = Blueprint("billing", __name__)


class BatchQuery(Page):
    """Which batches."""

    kind: Annotated[Text | None, Sample("layout"), Field(max_length=60, description="layout, e.g. customers")] = None


@list_route(billing, "/billing")
@access("exchange:batch:read", query=BatchQuery)
def batch_list(query: BatchQuery, file_format: str) -> Response:
    """The newest batches."""
    position, limit = query.position(), query.rows()
    rows: list[BatchRow] = []
    if viewer().districts is None:
        with reading() as session:
            before = int(position[0]) if position else None
            rows = batches(session, limit=limit + 1, kind=query.kind, before=before)
    cursor = make_cursor([rows[limit - 1].batch]) if len(rows) > limit else None
    columns = tuple(name for name in columns_of(BatchRow) if name != "control")
    listing = Listing("batches", columns, rows[:limit], cursor)
    return list_response(listing, file_format, "billing.html", query=query)


@billing.get("/billing/<number:number>")
@access("exchange:batch:read")
def batch(number: int) -> Response:
    """One batch: figures, problems, rejected rows."""
    if viewer().districts is not None:
        raise NotFound("no such batch")
    with reading() as session:
        details = batch_details(session, number)
    audit_subject("batch", number)
    g.rows_shown = len(details.rejects)
    return Response(render_template("batch.html", details=details, batch=details.batch))
