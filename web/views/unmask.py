"""Showing one masked field of a person: an act with a reason, kept in the audit; too many of them raise an alarm."""

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Literal

from flask import Blueprint, Response, make_response, render_template
from pydantic import Field

from cis_power.access.permissions import SYSTEM_ROLE
from cis_power.access.reads import count_acts
from cis_power.customers.reads import read_account
from cis_power.customers.records import AccountRecord
from web.gate import access
from web.shell import acting, audit_subject, now, viewer
from web.values import Input, Sample, Text

unmask = Blueprint("unmask", __name__)

ACT = "customers:personal:unmask"
MANY = 20
MANY_WITHIN = timedelta(hours=1)
_LOG = logging.getLogger(__name__)


class Unmasking(Input):
    """Which field, and why."""

    field: Literal["name", "phones", "emails", "address"]
    reason: Annotated[Text, Field(min_length=5, max_length=500), Sample("text")]


@unmask.post("/customers/<account_no:account_no>/unmask")
@access(ACT, body=Unmasking)
def show(account_no: str, body: Unmasking) -> Response:
    """Show one field in full, of a customer in the own territory."""
    with acting(ACT, detail={"field": body.field, "reason": body.reason}) as session:
        record = read_account(session, viewer(), account_no, now())  # a foreign account is missing here as everywhere
        full = read_account(session, replace(viewer(), role=SYSTEM_ROLE), account_no, now())
        audit_subject("customer_account", record.id)
        recent = count_acts(session, viewer(), ACT, since=now() - MANY_WITHIN)
    if recent >= MANY:
        _LOG.warning("%s unmasked %d fields within %s", viewer().actor, recent + 1, MANY_WITHIN)
    values = _values(full, body.field)
    return make_response(render_template("unmasked.html", account_no=account_no, field=body.field, values=values))


def _values(record: AccountRecord, field: str) -> tuple[str, ...]:
    if field == "address":
        return tuple(point.address for point in record.usage_points if point.inside and point.address)
    return {"name": (record.name,), "phones": record.phones, "emails": record.emails}[field]
