"""Trouble calls and the telephone system over the API."""

from typing import Annotated, Literal

from flask import Blueprint, Response, jsonify, request
from pydantic import BeforeValidator, ConfigDict, Field

from cis_power.core.errors import InvalidInput, Problem
from cis_power.outages.calls import identify, record_cti_event
from web.api.description import PREFIX, described
from web.api.schemas import Call, CtiEvent
from web.calls import CallBody, take_call
from web.formats import json_value
from web.gate import access
from web.shell import acting, audit_subject, now, reading, shell, viewer
from web.values import Input, Phone, Sample, Text

api_calls = Blueprint("api_calls", __name__, url_prefix=PREFIX)

_KEY_LENGTH = 200
_KEY_HEADER = "Idempotency-Key"


@api_calls.post("/calls")
@described(
    "Take a trouble call: it is kept once, and answered at once",
    Call,
    headers={_KEY_HEADER: "the same key again is the same call, and changes nothing"},
    status=201,
)
@access("outages:call:write", body=CallBody)
def take(body: CallBody) -> tuple[Response, int]:
    """Record a call; 201 for a new one, 200 for one that was recorded before."""
    answer = take_call(body, _idempotency_key() or body.key)
    return jsonify(json_value(answer.as_dict(shell().settings.zone))), 200 if answer.repeated else 201


def _withheld(number: object) -> object:
    """A number that is not shown comes empty."""
    return None if isinstance(number, str) and not number.strip() else number


class CtiBody(Input):
    """An event as call centres send it."""

    model_config = ConfigDict(**Input.model_config, populate_by_name=True, coerce_numbers_to_str=True)

    event: Literal["newCall", "answer", "hangup"]
    call_id: Annotated[Text, Field(alias="callId", min_length=1, max_length=200), Sample("text")]
    from_: Annotated[Phone | None, Field(alias="from"), BeforeValidator(_withheld)] = None
    to: Annotated[Phone | None, BeforeValidator(_withheld)] = None
    direction: Annotated[Text | None, Field(max_length=20)] = None
    user: Annotated[Text | None, Field(max_length=200)] = None
    queue: Annotated[Text | None, Field(max_length=200)] = None


@api_calls.post("/cti/events")
@described(
    "Keep an event of the telephone system; a new call is answered with who may be calling", CtiEvent, status=201
)
@access("outages:call:write", body=CtiBody)
def cti(body: CtiBody) -> tuple[Response, int]:
    """Keep an event, and look up the caller of a new call."""
    with acting("outages:call:cti") as session:
        record_cti_event(
            session,
            viewer(),
            now(),
            event=body.event,
            call_id=body.call_id,
            caller=body.from_,
            called=body.to,
            direction=body.direction,
            user=body.user,
            queue=body.queue,
        )
        audit_subject("call_event", body.call_id)
    candidates = []
    if body.event == "newCall" and body.from_ and viewer().may("customers:place:find"):
        with reading() as session:
            candidates = list(identify(session, viewer(), body.from_, shell().settings.region, now()))
    content = {"event": body.event, "callId": body.call_id, "received_at": now(), "candidates": candidates}
    return jsonify(json_value(content)), 201


def _idempotency_key() -> str | None:
    key = request.headers.get(_KEY_HEADER, "").strip()
    if len(key) > _KEY_LENGTH or not key.isprintable():
        problem = Problem("wrong_key", f"{_KEY_HEADER}: at most {_KEY_LENGTH} printable characters")
        raise InvalidInput("The request is wrong.", [problem])
    return key or None
