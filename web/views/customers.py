"""The search for customers and the page of one."""

from typing import Annotated

from flask import Blueprint, Response, g, render_template
from pydantic import Field

from cis_power.customers.read_rows import customer_rows
from cis_power.customers.reads import read_account
from cis_power.customers.records import CustomerRow
from cis_power.customers.search import Position, search_customers
from web.customer_page import customer_page
from web.formats import Listing, columns_of, list_response
from web.gate import access
from web.lists import list_route
from web.live import live_response
from web.paging import Page, make_cursor
from web.shell import audit_subject, now, reading, shell, viewer
from web.values import SearchTerm

customers = Blueprint("customers", __name__)


class CustomerQuery(Page):
    """What the search box asks."""

    q: Annotated[SearchTerm, Field(description="account, phone, name, address, meter, transformer, feeder")] = ""


@list_route(customers, "/customers")
@access("customers:record:read", query=CustomerQuery)
def search(query: CustomerQuery, file_format: str) -> Response:
    """What the search box finds; an empty box finds nothing."""
    return list_response(found_customers(query), file_format, "customers.html", searched=query.q)


def found_customers(query: CustomerQuery) -> Listing:
    """A page of what a search finds, as the viewer may see it."""
    position = query.position()
    after: Position | None = (int(position[0]), int(position[1])) if position else None
    with reading() as session:
        found = search_customers(
            session,
            viewer(),
            query.q,
            region=shell().settings.region,
            now=now(),
            limit=query.rows(),
            after=after,
        )
        rows = customer_rows(session, viewer(), found.subjects, now())
    following = make_cursor(list(found.next)) if found.next else None
    return Listing("customers", columns_of(CustomerRow), rows, following)


@customers.get("/customers/<account_no:account_no>")
@access("customers:record:read")
def account(account_no: str) -> Response:
    """One customer on one page: supply first."""
    with reading() as session:
        record = read_account(session, viewer(), account_no, now())
        audit_subject("customer_account", record.id)
        g.rows_shown = 1
        page = customer_page(session, viewer(), record, now(), shell().settings.zone)
    response = Response(render_template("customer.html", page=page, record=record))
    return live_response(response, [record, page.supply, page.interruptions, page.contacts, page.money])
