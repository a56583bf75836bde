"""The outage board and the page of one outage."""

from datetime import datetime
from typing import Annotated, Any, Literal

from flask import Blueprint, Response, g, render_template
from pydantic import ConfigDict, Field

from cis_power.outages.customers_out import outage_customers
from cis_power.outages.reads import OutageFilter, list_positions, read_outage
from cis_power.outages.records import OutageCustomer, OutageRecord
from web.formats import Listing, columns_of, list_response
from web.gate import access
from web.lists import list_route
from web.live import live_response
from web.paging import Page, make_cursor
from web.shell import audit_subject, now, reading, shell, viewer
from web.times import read_instant
from web.values import Instant, Sample, Text

outages = Blueprint("outages", __name__)

COLUMNS = tuple(name for name in columns_of(OutageRecord) if name not in ("evidence", "estimated_restoration"))
CUSTOMER_COLUMNS = columns_of(OutageCustomer)


class Moment(Page):
    """About when, and as known when."""

    at: Annotated[Instant | None, Field(description="as it was known at this instant")] = None
    as_of: Annotated[Instant | None, Field(description="what is known now about this instant")] = None

    def times(self) -> dict[str, datetime | None]:
        """The two instants. Raises InvalidInput."""
        return {
            name: read_instant(text, name) if text else None for name, text in (("at", self.at), ("as_of", self.as_of))
        }


class OutageQuery(Moment):
    """Which outages; without any of these the open ones."""

    model_config = ConfigDict(**Moment.model_config, populate_by_name=True)

    everything: Annotated[bool, Field(alias="all", description="closed ones too")] = False
    from_: Annotated[Instant | None, Field(alias="from", description="that began then or later")] = None
    to: Annotated[Instant | None, Field(description="that began before")] = None
    kind: Annotated[Literal["planned", "unplanned"] | None, Field(description="kind of outage")] = None
    feeder: Annotated[Text | None, Sample("feeder"), Field(max_length=120, description="code of a feeder")] = None

    def wanted(self) -> OutageFilter:
        """The filter that this asks for. Raises InvalidInput."""
        position = self.position()
        return OutageFilter(
            everything=self.everything,
            from_at=read_instant(self.from_, "from") if self.from_ else None,
            to_at=read_instant(self.to, "to") if self.to else None,
            kind=self.kind,
            feeder=self.feeder,
            before=(datetime.fromisoformat(position[0]), int(position[1])) if position else None,
            limit=self.rows() + 1,
        )


@list_route(outages, "/outages")
@access("outages:outage:read", query=OutageQuery)
def board(query: OutageQuery, file_format: str) -> Response:
    """Outages, those with priority customers first; the page refreshes itself."""
    rows, cursor = found_outages(query)
    if file_format != "html":
        return list_response(outage_listing(rows, cursor), file_format, "")
    listing = Listing("outages", COLUMNS, rows, cursor)
    response = list_response(listing, file_format, "outages.html", query=query)
    return live_response(response, [row.as_dict() for row in rows])


def found_outages(query: OutageQuery) -> tuple[list[OutageRecord], str | None]:
    """A page of outages and the cursor behind it."""
    limit = query.rows()
    with reading() as session:
        found = list_positions(session, viewer(), now(), query.wanted(), **query.times())
    if len(found) <= limit:
        return [record for record, _ in found], None
    found.sort(key=lambda pair: pair[1], reverse=True)
    began, key = found[limit - 1][1]
    kept = sorted(found[:limit], key=lambda pair: _weight(pair[0]))
    return [record for record, _ in kept], make_cursor([began.isoformat(), key])


def _weight(record: OutageRecord) -> tuple[int, int, datetime]:
    return -record.priority_customers_out, -record.customers_out, record.began_at


def outage_listing(rows: list[OutageRecord], cursor: str | None) -> Listing:
    """Outages in the words of the contract."""
    return Listing("outages", COLUMNS, [row.as_dict(shell().settings.zone) for row in rows], cursor)


@outages.get("/outages/<outage_id:outage_id>")
@access("outages:outage:read", query=Moment)
def outage(outage_id: str, query: Moment) -> Response:
    """One outage with its usage points, those with priority first."""
    limit = query.rows()
    times = query.times()
    with reading() as session:
        detail = read_outage(session, viewer(), outage_id, now(), **times)
        members = outage_customers(session, viewer(), outage_id, now(), **times, after=_after(query), limit=limit + 1)
    audit_subject("outage", outage_id)
    g.rows_shown = len(members[:limit])
    page = render_template(
        "outage.html",
        detail=detail,
        outage=detail.outage,
        members=members[:limit],
        next=_following(query, members, limit),
        query=query,
    )
    content = [detail.as_dict(), [member.as_dict() for member in members]]
    return live_response(Response(page), content)


@list_route(outages, "/outages/<outage_id:outage_id>/customers")
@access("outages:outage:read", query=Moment)
def members(outage_id: str, query: Moment, file_format: str) -> Response:
    """The usage points of an outage as a list of its own."""
    listing = found_members(outage_id, query)
    return list_response(listing, file_format, "outage_customers.html", outage_id=outage_id)


def found_members(outage_id: str, query: Moment) -> Listing:
    """A page of the usage points of an outage."""
    limit = query.rows()
    with reading() as session:
        found = outage_customers(
            session, viewer(), outage_id, now(), **query.times(), after=_after(query), limit=limit + 1
        )
    audit_subject("outage", outage_id)
    return Listing("outage-customers", CUSTOMER_COLUMNS, found[:limit], _following(query, found, limit))


def _after(query: Moment) -> int:
    position = query.position()
    return int(position[0]) if position else 0


def _following(query: Moment, found: list[Any], limit: int) -> str | None:
    return make_cursor([_after(query) + limit]) if len(found) > limit else None
