"""Lists of one customer: contacts, with the form that adds one, and interruptions."""

from datetime import datetime
from typing import Annotated, Any, Literal

from flask import Blueprint, Response, make_response, redirect
from pydantic import Field

from cis_power.customers.reads import read_own_account
from cis_power.customers.records import AccountRecord
from cis_power.outages.history_reads import InterruptionRow, interruption_positions
from cis_power.service.reads import ContactRow, contact_positions
from cis_power.service.writes import CHANNELS, KINDS, record_contact
from web.formats import Listing, columns_of, list_response
from web.gate import access
from web.lists import list_route
from web.paging import Page, make_cursor
from web.presentation import segment
from web.shell import acting, audit_subject, now, reading, viewer
from web.values import Input, Sample, Text

customer_lists = Blueprint("customer_lists", __name__)


class ContactQuery(Page):
    """Which contacts."""

    kind: Literal["trouble", "enquiry", "request", "complaint", "suggestion", "notice", "visit", "other"] | None = None
    channel: Literal["phone", "ivr", "mail", "web", "counter", "field", "social"] | None = None


class NewContact(Input):
    """One contact with a customer: through which channel, from whom to whom, about what."""

    kind: Literal["enquiry", "request", "complaint", "suggestion", "notice", "visit", "other"]
    channel: Literal["phone", "mail", "web", "counter", "field", "social"]
    direction: Literal["in", "out"] = "in"
    subject: Annotated[Text, Field(min_length=2, max_length=200), Sample("text")]
    text: Annotated[Text | None, Sample("text"), Field(description="the details")] = None


@list_route(customer_lists, "/customers/<account_no:account_no>/contacts")
@access("service:contact:read", query=ContactQuery)
def contacts(account_no: str, query: ContactQuery, file_format: str) -> Response:
    """Every contact with a customer, newest first."""
    with reading() as session:
        record = _own(session, account_no)
        found = contact_positions(
            session, viewer(), record.customer_id, kind=query.kind, channel=query.channel, before=_before(query),
            limit=query.rows() + 1,
        )  # fmt: skip
    listing = Listing("contacts", columns_of(ContactRow), *_page_of(found, query))
    return list_response(
        listing, file_format, "contacts.html", record=record, query=query, kinds=KINDS, channels=CHANNELS
    )


@customer_lists.post("/customers/<account_no:account_no>/contacts")
@access("service:contact:write", body=NewContact)
def add_contact(account_no: str, body: NewContact) -> Response:
    """Enter a contact; it is permanent."""
    with acting("service:contact:write", detail={"channel": body.channel, "kind": body.kind}) as session:
        record = read_own_account(session, viewer(), account_no, now())
        audit_subject("customer_account", record.id)
        record_contact(
            session, viewer(), now(), subject=body.subject, kind=body.kind, channel=body.channel,
            direction=body.direction, customer_id=record.customer_id, text=body.text or None,
        )  # fmt: skip
    return make_response(redirect(f"/customers/{segment(account_no)}#contacts", 303))


@list_route(customer_lists, "/customers/<account_no:account_no>/interruptions")
@access("outages:minutes:read", query=Page)
def interruptions(account_no: str, query: Page, file_format: str) -> Response:
    """Every interruption of a customer's usage points within the territory, newest first."""
    with reading() as session:
        record = _own(session, account_no)
        points = [point.id for point in record.usage_points if point.inside]
        found = interruption_positions(session, viewer(), points, now(), before=_before(query), limit=query.rows() + 1)
    listing = Listing("interruptions", columns_of(InterruptionRow), *_page_of(found, query))
    return list_response(listing, file_format, "interruptions.html", record=record)


def _own(session: Any, account_no: str) -> AccountRecord:
    record = read_own_account(session, viewer(), account_no, now())
    audit_subject("customer_account", record.id)
    return record


def _before(query: Page) -> tuple[datetime, int] | None:
    position = query.position()
    return (datetime.fromisoformat(position[0]), int(position[1])) if position else None


def _page_of(found: list[tuple[Any, tuple[datetime, int]]], query: Page) -> tuple[list[Any], str | None]:
    """The rows of a page, and the cursor behind it."""
    limit = query.rows()
    rows = [row for row, _ in found[:limit]]
    if len(found) <= limit:
        return rows, None
    at, key = found[limit - 1][1]
    return rows, make_cursor([at.isoformat(), key])
