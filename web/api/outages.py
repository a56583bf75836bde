"""Outages over the API."""

from flask import Blueprint, Response, g, jsonify

from cis_power.outages.reads import read_outage
from web.api.description import PREFIX, described
from web.api.schemas import Many, Outage, OutageCustomer
from web.formats import json_list, json_value
from web.gate import access
from web.shell import now, reading, shell, viewer
from web.views.outages import Moment, OutageQuery, found_members, found_outages, outage_listing

api_outages = Blueprint("api_outages", __name__, url_prefix=PREFIX)


@api_outages.get("/outages")
@described("Outages; without any selection the open ones, those with priority customers first", Many[Outage])
@access("outages:outage:read", query=OutageQuery)
def outage_list(query: OutageQuery) -> Response:
    """A page of outages."""
    return json_list(outage_listing(*found_outages(query)))


@api_outages.get("/outages/<outage_id:outage_id>")
@described("One outage with its evidence", Outage)
@access("outages:outage:read", query=Moment)
def outage(outage_id: str, query: Moment) -> Response:
    """One outage."""
    with reading() as session:
        detail = read_outage(session, viewer(), outage_id, now(), **query.times())
    g.rows_shown = 1
    return jsonify(json_value(detail.as_dict(shell().settings.zone)))


@api_outages.get("/outages/<outage_id:outage_id>/customers")
@described("The usage points of an outage, those with priority first", Many[OutageCustomer])
@access("outages:outage:read", query=Moment)
def members(outage_id: str, query: Moment) -> Response:
    """A page of usage points."""
    return json_list(found_members(outage_id, query))
