"""What was exchanged with other systems: batches, one batch with its problems, rows that wait for repair.

A batch belongs to no district: whoever has a territory sees none, because its counts and rows would tell of others.
"""

from typing import Annotated, Literal

from flask import Blueprint, Response, g, make_response, redirect, render_template
from pydantic import Field

from billing_bridge.importing import retry_rejects
from cis_power.access.installation import Installation
from cis_power.core.batches.reads import (
    BatchRow,
    KeptRow,
    batch_details,
    batches,
    count_open_rejects,
    list_rejects,
    open_rejects,
)
from cis_power.core.errors import Conflict, NotFound
from cis_power.customers.money_totals import money_sums
from web.formats import Listing, columns_of, list_response
from web.gate import access
from web.lists import list_route
from web.paging import Page, make_cursor
from web.shell import audit_subject, reading, shell, viewer
from web.values import Sample, Text

billing = Blueprint("billing", __name__)

_SHOWN = 50  # problems and rejects on the page of a batch
_MOST_AT_ONCE = 2_000  # rejects that one request posts again


class BatchQuery(Page):
    """Which batches."""

    kind: Annotated[Text | None, Sample("layout"), Field(max_length=60, description="layout, e.g. customers")] = None
    status: Literal["posting", "posted", "refused", "reentered", "delivered"] | None = None
    direction: Literal["in", "out"] | None = None


class RejectQuery(Page):
    """Which kept rows."""

    kind: Annotated[Text | None, Sample("layout"), Field(max_length=60, description="layout, e.g. payments")] = None
    state: Literal["open", "reentered", "withdrawn"] | None = None
    batch: Annotated[int | None, Sample("number"), Field(ge=1, le=10**17, description="number of a batch")] = None


@list_route(billing, "/billing")
@access("exchange:batch:read", query=BatchQuery)
def batch_list(query: BatchQuery, file_format: str) -> Response:
    """The newest batches, with what waits for repair and what is owed."""
    position, limit = query.position(), query.rows()
    rows: list[BatchRow] = []
    with reading() as session:
        waiting = [] if viewer().districts is not None else open_rejects(session)
        sums = money_sums(session, viewer())
        if viewer().districts is None:
            rows = batches(
                session,
                limit=limit + 1,
                kind=query.kind,
                status=query.status,
                direction=query.direction,
                before=int(position[0]) if position else None,
            )
    cursor = make_cursor([rows[limit - 1].batch]) if len(rows) > limit else None
    columns = tuple(name for name in columns_of(BatchRow) if name != "control")
    listing = Listing("batches", columns, rows[:limit], cursor)
    return list_response(listing, file_format, "billing/batches.html", query=query, waiting=waiting, sums=sums)


@list_route(billing, "/billing/rejects")
@access("exchange:batch:read", query=RejectQuery)
def reject_list(query: RejectQuery, file_format: str) -> Response:
    """Rows that could not be posted, the newest first."""
    position, limit = query.position(), query.rows()
    rows: list[KeptRow] = []
    if viewer().districts is None:
        with reading() as session:
            rows = list_rejects(
                session,
                limit=limit + 1,
                batch=query.batch,
                kind=query.kind,
                state=query.state,
                before=int(position[0]) if position else None,
            )
    cursor = make_cursor([rows[limit - 1].reject]) if len(rows) > limit else None
    listing = Listing("rejects", columns_of(KeptRow), rows[:limit], cursor)
    return list_response(listing, file_format, "billing/rejects.html", query=query)


@billing.get("/billing/<number:number>")
@access("exchange:batch:read")
def batch(number: int) -> Response:
    """One batch: figures, problems, rejected rows."""
    if viewer().districts is not None:
        raise NotFound("no such batch")
    with reading() as session:
        details = batch_details(session, number, limit=_SHOWN + 1)
        waiting = count_open_rejects(session, number)
    audit_subject("batch", number)
    g.rows_shown = len(details.rejects)
    page = render_template(
        "batch.html", details=details, batch=details.batch, most=_SHOWN, waiting=waiting, at_once=_MOST_AT_ONCE
    )
    return Response(page)


@billing.post("/billing/<number:number>/retry")
@access("exchange:file:import")
def retry(number: int) -> Response:
    """Post the rejects of a batch again, as a batch of its own."""
    if viewer().districts is not None:
        raise NotFound("no such batch")
    with reading() as session:
        batch_details(session, number, limit=0)
        waiting = count_open_rejects(session, number)
    if waiting > _MOST_AT_ONCE:
        raise Conflict("There are too many rows for one request: use “cis-power batch retry”.")
    if not waiting:
        raise Conflict("No row of this batch waits for repair.")
    here = Installation(shell().settings, shell().database, shell().trail, viewer())
    result = retry_rejects(here, number)
    return make_response(redirect(f"/billing/{result.batch}", 303))
