"""Typed parameters: the query string and the body, read whole into declared models; every problem is named at once."""

from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import BadRequest

from cis_power.core.errors import InvalidInput, Problem

Model = TypeVar("Model", bound=BaseModel)


def parse_query(model: type[Model]) -> Model:
    """Return the query string as a model; empty values count as absent. Raises InvalidInput."""
    return _validated(model, {name: value for name, value in request.args.items() if value != ""})


def parse_body(model: type[Model]) -> Model:
    """Return a JSON or form body as a model. Raises InvalidInput, or BadRequest when it is not JSON at all."""
    if request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return _validated(model, {name: value for name, value in request.form.items() if value != ""})
    if not request.mimetype and not request.content_length:
        return _validated(model, {})
    try:
        content = request.get_json()
    except RecursionError:
        raise BadRequest("The body is nested too deeply.") from None
    if not isinstance(content, dict):
        raise InvalidInput("The body is wrong.", [Problem("not_an_object", "a JSON object is expected")])
    return _validated(model, content)


def _validated(model: type[Model], values: dict[str, Any]) -> Model:
    _refuse_unstorable(values)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = [
            Problem(item["type"], item["msg"], field=".".join(str(part) for part in item["loc"]) or None)
            for item in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise InvalidInput("The request is wrong.", problems) from None


def _refuse_unstorable(value: Any) -> None:
    """Refuse texts that no database and no file keeps: zero bytes and halves of surrogate pairs."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise BadRequest("The request holds text that cannot be stored.")
    elif isinstance(value, dict):
        for name, inner in value.items():
            _refuse_unstorable(name)
            _refuse_unstorable(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_unstorable(inner)
