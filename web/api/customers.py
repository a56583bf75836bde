"""Customers over the API."""

from typing import Annotated, Any

from flask import Blueprint, Response, g, jsonify
from pydantic import Field

from cis_power.customers.reads import read_account
from cis_power.metering.meters import meters_at
from cis_power.outages.supply_answer import supply_answer
from web.api.description import PREFIX, described
from web.api.schemas import Customer, CustomerLine, Many, Supply
from web.formats import json_list, json_value
from web.gate import access
from web.shell import audit_subject, now, reading, shell, viewer
from web.times import read_instant
from web.values import Input, Instant
from web.views.customers import CustomerQuery, found_customers

api_customers = Blueprint("api_customers", __name__, url_prefix=PREFIX)
_INTERNAL = ("id", "customer_id")


@api_customers.get("/customers")
@described("Search customers", Many[CustomerLine])
@access("customers:record:read", query=CustomerQuery)
def search(query: CustomerQuery) -> Response:
    """What a search finds."""
    return json_list(found_customers(query))


@api_customers.get("/customers/<account_no:account_no>")
@described("One customer with usage points, agreements and connections", Customer)
@access("customers:record:read")
def account(account_no: str) -> Response:
    """One account."""
    with reading() as session:
        record = read_account(session, viewer(), account_no, now())
        own = {point.id: point.usage_point for point in record.usage_points if point.inside}
        meters = meters_at(session, viewer(), list(own))
    audit_subject("customer_account", record.id)
    g.rows_shown = 1
    return jsonify(_without_keys(json_value(record)) | {"meters": json_value(meters)})


class SupplyQuery(Input):
    """About when."""

    at: Annotated[Instant | None, Field(description="as it was known at this instant")] = None
    as_of: Annotated[Instant | None, Field(description="what is known now about this instant")] = None


@api_customers.get("/customers/<account_no:account_no>/supply")
@described("Whether the account is in supply, since when not, by which outage, and how we know", Supply)
@access("customers:supply:read", query=SupplyQuery)
def supply(account_no: str, query: SupplyQuery) -> Response:
    """The supply answer."""
    times = {name: read_instant(text, name) for name, text in (("at", query.at), ("as_of", query.as_of)) if text}
    with reading() as session:
        answer = supply_answer(session, viewer(), account_no, now(), **times)
    return jsonify(json_value(answer.as_dict(shell().settings.zone)))


def _without_keys(content: dict[str, Any]) -> dict[str, Any]:
    """Surrogate keys stay inside."""
    content["usage_points"] = [
        {name: value for name, value in point.items() if name not in _INTERNAL} for point in content["usage_points"]
    ]
    return {name: value for name, value in content.items() if name not in _INTERNAL}
