"""The gate: nobody passes by default.

Every view declares by `access` which permissions open it, and which query and body it takes. One function looks at
every request before any view: host, who asks, CSRF, permission. A view that declares nothing answers 403 to everybody.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, make_response, redirect, request, session
from pydantic import BaseModel
from werkzeug.exceptions import BadRequest, HTTPException

from cis_power.access.permissions import PERMISSIONS
from cis_power.access.sessions import needs_touch, touch_session, viewer_of_bearer, viewer_of_session
from cis_power.access.viewer import Viewer
from cis_power.core.errors import Forbidden, Unauthenticated
from web.hosts import host_is_allowed
from web.parameters import parse_body, parse_query
from web.shell import shell, viewer

OPEN_VIEWS = frozenset(
    {"login.form", "login.submit", "health.healthz", "health.readyz", "health.metrics", "assets.file"}
)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SESSION_TOKEN = "token"  # noqa: S105 - the name of a field
WANTED_PAGE = "wanted"
AUDITED_READS = frozenset({"customers:record:read", "customers:segment:export", "service:contact:read"})
AUDITED_FORMATS = frozenset({"csv", "xlsx", "pdf"})

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Access:
    """What a view declares: any one of `permissions` opens it; `query` and `body` say what it takes."""

    permissions: frozenset[str]
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None


def access(
    *permissions: str, query: type[BaseModel] | None = None, body: type[BaseModel] | None = None
) -> Callable[[View], View]:
    """Declare which permissions open a view (any one of them does), and the models of its query and body.

    The parsed models are passed to the view as `query` and `body`. Raises KeyError for a permission not in the table.
    """
    unknown = set(permissions) - PERMISSIONS.keys()
    if unknown or not permissions:
        raise KeyError(f"not in the table of permissions: {sorted(unknown)}")
    declared = Access(frozenset(permissions), query, body)

    def mark(view: View) -> View:
        @wraps(view)
        def run(**values: Any) -> Response:
            if query is not None:
                values["query"] = parse_query(query)
            if body is not None:
                values["body"] = parse_body(body)
            response = make_response(view(**values))
            _audit_what_was_shown(declared, response)
            return response

        run.access = declared  # type: ignore[attr-defined]
        return run  # type: ignore[return-value]

    return mark


def declared_access(app: Flask, endpoint: str) -> Access | None:
    """Return what a view declares; None when it declares nothing."""
    return getattr(app.view_functions.get(endpoint), "access", None)


def install_gate(app: Flask) -> None:
    """Put the gate before every view."""
    app.before_request(_gate)


def _gate() -> Response | None:
    g.viewer, g.now = None, shell().clock()
    if not host_is_allowed(request.environ.get("HTTP_HOST", ""), shell().settings):
        raise BadRequest("This server does not answer to that host name.")
    if "\x00" in request.path or "\x00" in request.query_string.decode("latin-1") or "%00" in request.full_path:
        raise BadRequest("The address holds a zero byte.")
    g.viewer = _identify()
    if request.endpoint in OPEN_VIEWS:
        _check_csrf()
        return None
    if g.viewer is None:
        return _ask_to_log_in()
    _check_csrf()
    _check_permission(g.viewer)
    return None


def _identify() -> Viewer | None:
    """Say who asks: the bearer of a key, which must be good, or the person of a live session."""
    if "Authorization" in request.headers:
        scheme, _, key = request.headers["Authorization"].partition(" ")
        with shell().database.reading() as read:
            found = viewer_of_bearer(read, key.strip(), g.now) if scheme.lower() == "bearer" else None
        if found is None:
            raise Unauthenticated("The key is not valid.")
        return found
    token = session.get(SESSION_TOKEN)
    if token is None:
        return None
    with shell().database.reading() as read:
        found = viewer_of_session(read, token, g.now)
        stale = found is not None and needs_touch(read, token, g.now)
    if stale:
        with shell().database.transaction() as write:
            touch_session(write, token, g.now)
    return found


def _ask_to_log_in() -> Response:
    if is_api():
        raise Unauthenticated("Log in, or send a key.")
    if request.method in SAFE_METHODS:
        session[WANTED_PAGE] = request.full_path.rstrip("?")[:500]
    return make_response(redirect("/login", 303))


def _check_csrf() -> None:
    """Refuse an unsafe request of a browser that does not carry its session's token; a key proves itself."""
    if request.method not in SAFE_METHODS and "Authorization" not in request.headers:
        current_app.extensions["csrf"].protect()


def _check_permission(asking: Viewer) -> None:
    """Refuse, and record, unless the view's declaration names a permission of the viewer's role."""
    if isinstance(request.routing_exception, HTTPException):
        return  # no view at all: routing answers 404 or 405
    declared = declared_access(current_app, request.endpoint or "")
    if declared is not None and asking.may_any(declared.permissions):
        return
    with shell().database.transaction() as write:
        detail = {"method": request.method, "view": request.endpoint}
        shell().trail.append(write, asking, "access:view:open", g.now, outcome="refused", detail=detail)
    raise Forbidden("Your role does not allow this.")


def is_api() -> bool:
    """Say whether the request comes from a program rather than from a person's browser."""
    return request.path.startswith("/api/") or "Authorization" in request.headers


def _audit_what_was_shown(declared: Access, response: Response) -> None:
    """Record, before anything leaves, that personal data was shown or rows were exported."""
    if response.status_code >= 300 or request.method not in SAFE_METHODS:
        return
    form = (request.view_args or {}).get("file_format") or getattr(request, "export_format", None)
    if not (declared.permissions & AUDITED_READS or form in AUDITED_FORMATS):
        return
    kind, surrogate_id = g.pop("audit_subject", (None, None))
    detail = {"view": request.endpoint, "form": form or "page", "rows": g.get("rows_shown")}
    with shell().database.transaction() as write:
        shell().trail.append(
            write, viewer(), "access:data:shown", g.now, object_kind=kind, object_id=surrogate_id, detail=detail
        )
