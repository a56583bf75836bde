"""Errors as answers: a page for people, problem+json for programs, with the same words and the request's id.

No answer repeats what was asked for, so that a foreign id and a missing one read alike.
"""

import json
import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, render_template, request
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from cis_power.core.errors import CisError, NotFound
from web.gate import is_api
from web.said import said

_LOG = logging.getLogger(__name__)
_NOT_FOUND = "There is nothing here that you may see."
# What a person can do about it.
_ADVICE = {
    401: _l("Sign in again; a session ends after a while without use."),
    403: _l("If your work needs it, ask the security administrator for another role."),
    404: _l("Look for it through the search box or the sections above."),
    409: _l("Somebody or something was quicker. Load the page again and look at the present state."),
    413: _l("Send less at once."),
    422: _l("Correct what is named here and send it again."),
    429: _l("Wait a little, then try again."),
    500: _l("Try again. If it stays so, tell your administrator the number of the request."),
    503: _l("Try again in a moment. If it stays so, tell your administrator the number of the request."),
}


def install_errors(app: Flask) -> None:
    """Answer every kind of error in the same manner."""
    app.register_error_handler(CisError, _of_ours)
    app.register_error_handler(CSRFError, _of_csrf)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _unexpected)


def _of_ours(error: CisError) -> Response:
    if isinstance(error, NotFound):
        return _answer(404, "not_found", _NOT_FOUND)
    if error.status >= 500:
        _LOG.error("%s: %s", error.code, error.message)
    problems = [
        {name: value for name, value in problem.as_dict().items() if value is not None}
        | {"message": said(problem.message)}
        for problem in error.problems
    ]
    return _answer(error.status, error.code, error.message, problems)


def _of_csrf(_error: CSRFError) -> Response:
    return _answer(403, "csrf", "This form is out of date or not ours. Load the page again and repeat the act.")


def _of_http(error: HTTPException) -> Response:
    status = error.code or 500
    words = _NOT_FOUND if status == 404 else error.description or HTTPStatus(status).phrase
    answer = _answer(status, HTTPStatus(status).phrase.lower().replace(" ", "_"), words)
    answer.headers.extend((name, value) for name, value in error.get_headers() if name in ("Allow", "Retry-After"))
    return answer


def _unexpected(error: Exception) -> Response:
    _LOG.error("unexpected error in request %s", g.get("request_id"), exc_info=error)
    return _answer(500, "internal", "Something went wrong on our side. It is recorded under the request's id.")


def _answer(status: int, code: str, words: str, problems: list[dict[str, Any]] | None = None) -> Response:
    title = HTTPStatus(status).phrase
    if wants_json():
        content = {
            "type": "about:blank", "title": title, "status": status, "code": code, "detail": said(words),
            "request_id": g.get("request_id"),
        }  # fmt: skip
        if problems:
            content["problems"] = problems
        return Response(json.dumps(content), status, mimetype="application/problem+json")
    page = render_template(
        "error.html",
        status=status,
        title=title,
        words=said(words),
        problems=problems or [],
        advice=_ADVICE.get(status),
    )
    return Response(page, status)


def wants_json() -> bool:
    """Say whether the answer should be for a program: asked for by path, by key, or by what it accepts."""
    if is_api() or request.path.endswith((".json", ".csv", ".xlsx")):
        return True
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
