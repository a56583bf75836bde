"""Customers over the API."""

from typing import Any

from flask import Blueprint, Response, g, jsonify

from cis_power.customers.reads import read_account
from web.api.description import PREFIX, described
from web.api.schemas import Customer, CustomerLine, Many
from web.formats import json_list, json_value
from web.gate import access
from web.shell import audit_subject, now, reading, viewer
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
    audit_subject("customer_account", record.id)
    g.rows_shown = 1
    return jsonify(_without_keys(json_value(record)))


def _without_keys(content: dict[str, Any]) -> dict[str, Any]:
    """Surrogate keys stay inside."""
    content["usage_points"] = [
        {name: value for name, value in point.items() if name not in _INTERNAL} for point in content["usage_points"]
    ]
    return {name: value for name, value in content.items() if name not in _INTERNAL}
