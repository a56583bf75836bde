"""The outage board and the page of one outage."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from flask import Blueprint, Response, g, make_response, redirect, render_template
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from cis_power.access.looks import is_to_note, marked_since, note_look
from cis_power.access.reads import in_district
from cis_power.access.viewer import Viewer
from cis_power.core.errors import Unavailable
from cis_power.outages.call_reads import CallFilter, CallRecord, list_calls
from cis_power.outages.customers_out import outage_customers
from cis_power.outages.reads import (
    OutageFilter,
    list_positions,
    read_board,
    read_outage,
    restored_since,
    weight,
)
from cis_power.outages.records import OutageCustomer, OutageRecord
from cis_power.outages.timeline import outage_timeline
from web.formats import Listing, columns_of, list_response
from web.gate import access
from web.lists import list_route
from web.live import live_response
from web.paging import Page, make_cursor
from web.presentation import segment
from web.shell import audit_subject, now, reading, shell, viewer
from web.times import read_instant
from web.values import DistrictCode, Instant, Sample, Text

outages = Blueprint("outages", __name__)

_NOT_IN_FILES = frozenset({"evidence", "estimated_restoration", "changed_at", "recorded_at"})
COLUMNS = tuple(name for name in columns_of(OutageRecord) if name not in _NOT_IN_FILES)
PAGE = "outages"  # under which looks are noted
OPEN_STATUSES = ("predicted", "confirmed", "partially_restored")
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
    district: Annotated[DistrictCode | None, Field(description="code of a district: what it put out there")] = None
    status: Annotated[
        Literal["predicted", "confirmed", "partially_restored", "restored", "cancelled"] | None,
        Field(description="state of the outage"),
    ] = None

    @property
    def is_live(self) -> bool:
        """Whether it asks for the open outages as they are now."""
        return not (self.at or self.as_of or self.everything or self.from_ or self.to)

    def open_only(self) -> OutageFilter:
        """The filter for the board."""
        return OutageFilter(kind=self.kind, feeder=self.feeder, status=self.status)

    def wanted(self) -> OutageFilter:
        """The filter that this asks for. Raises InvalidInput."""
        position = self.position()
        return OutageFilter(
            everything=self.everything,
            from_at=read_instant(self.from_, "from") if self.from_ else None,
            to_at=read_instant(self.to, "to") if self.to else None,
            kind=self.kind,
            feeder=self.feeder,
            status=self.status,
            before=(datetime.fromisoformat(position[0]), int(position[1])) if position else None,
            limit=self.rows() + 1,
        )


@list_route(outages, "/outages")
@access("outages:outage:read", query=OutageQuery)
def board(query: OutageQuery, file_format: str) -> Response:
    """The open outages by hazards, priority users and size, with what changed marked; or a list of past ones."""
    if not query.is_live:
        rows, cursor = found_outages(query)
        return _listed(query, rows, cursor, file_format)
    with reading() as session:
        narrowed = _narrowed(session, query)
        limit, after = query.rows(), _after(query)
        found = read_board(session, narrowed, now(), query.open_only(), after=after, limit=limit)
        since = marked_since(session, viewer(), PAGE, now()) if file_format == "html" else None
        over = restored_since(session, narrowed, now(), since) if since else []
        dangers = _loose_hazards(session, narrowed) if file_format == "html" else []
        to_note = file_format == "html" and is_to_note(session, viewer(), PAGE, now())
    if to_note:
        with suppress(Unavailable), shell().database.transaction() as write:  # the next look writes it down
            note_look(write, viewer(), PAGE, now())
    cursor = make_cursor([after + limit]) if found.more else None
    return _listed(query, list(found.rows), cursor, file_format, board=found, since=since, over=over, dangers=dangers)


def _listed(
    query: OutageQuery, rows: list[OutageRecord], cursor: str | None, file_format: str, *,
    since: datetime | None = None, **more: Any,
) -> Response:  # fmt: skip
    """The list in its form; on the page of the board what changed behind `since` is marked."""
    if file_format != "html":
        return list_response(outage_listing(rows, cursor), file_format, "")
    listing = Listing("outages", COLUMNS, rows, cursor)
    if since is not None:
        more["news"] = [row.id for row in rows if row.recorded_at > since]
        more["moved"] = [row.id for row in rows if row.changed_at > since]
    waited_for = ((row.id, row.estimated_restoration) for row in rows if not row.restored_at)
    lapsed = [outage_id for outage_id, estimate in waited_for if estimate and estimate.latest < now()]
    shown = {"board": None, "over": [], "dangers": [], "lapsed": lapsed, "news": [], "moved": []} | more
    response = list_response(
        listing, file_format, "outages.html", query=query, statuses=OPEN_STATUSES, since=since, **shown
    )
    return live_response(response, [[row.as_dict() for row in rows], shown])


@outages.post("/outages/seen")
@access("outages:outage:read")
def seen() -> Response:
    """Take everything up to now as seen: from here on only later changes are marked."""
    with shell().database.transaction() as session:
        note_look(session, viewer(), PAGE, now(), seen=True)
    return make_response(redirect("/outages", 303))


def _narrowed(session: Session, query: OutageQuery) -> Viewer:
    return viewer() if query.district is None else in_district(session, viewer(), query.district)


def _loose_hazards(session: Session, asking: Viewer) -> list[CallRecord]:
    """Calls of the last day that tell of danger and belong to no outage that is known."""
    if not asking.may("outages:call:read"):
        return []
    wanted = CallFilter(hazard=True, without_outage=True, from_at=now() - timedelta(days=1), limit=10)
    return [record for record, _ in list_calls(session, asking, now(), wanted)]


def found_outages(query: OutageQuery) -> tuple[list[OutageRecord], str | None]:
    """A page of outages, newest first, and the cursor behind it; within the page open ones are by their weight."""
    limit = query.rows()
    with reading() as session:
        found = list_positions(session, _narrowed(session, query), now(), query.wanted(), **query.times())
    if len(found) <= limit:
        return [record for record, _ in found], None
    found.sort(key=lambda pair: pair[1], reverse=True)
    began, key = found[limit - 1][1]
    kept = found[:limit]
    if query.wanted().only_open:
        kept.sort(key=lambda pair: weight(pair[0]))
    return [record for record, _ in kept], make_cursor([began.isoformat(), key])


def outage_listing(rows: list[OutageRecord], cursor: str | None) -> Listing:
    """Outages in the words of the contract."""
    return Listing("outages", COLUMNS, [row.as_dict(shell().settings.zone) for row in rows], cursor)


@outages.get("/outages/<outage_id:outage_id>")
@access("outages:outage:read", query=Moment)
def outage(outage_id: str, query: Moment) -> Response:
    """One outage with its usage points, those with priority first; one that became another leads to that."""
    limit = query.rows()
    times = query.times()
    with reading() as session:
        detail = read_outage(session, viewer(), outage_id, now(), **times)
        if detail.outage.id != outage_id:
            return make_response(redirect(f"/outages/{segment(detail.outage.id)}", 303))
        members = outage_customers(session, viewer(), outage_id, now(), **times, after=_after(query), limit=limit + 1)
        timeline = outage_timeline(session, viewer(), detail.outage, now(), **times)
    audit_subject("outage", outage_id)
    g.rows_shown = len(members[:limit])
    page = render_template(
        "outage.html",
        detail=detail,
        outage=detail.outage,
        timeline=timeline,
        members=members[:limit],
        next=_following(query, members, limit),
        query=query,
    )
    content = [detail.as_dict(), timeline, [member.as_dict() for member in members]]
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
