"""Signing in and out."""

from flask import Blueprint, Response, make_response, redirect, render_template, request, session
from flask_babel import gettext

from cis_power.access.login import DEVICE_KNOWN_FOR, Attempt, log_in
from cis_power.access.sessions import close_session
from cis_power.core.errors import InvalidInput
from web.gate import SESSION_TOKEN, WANTED_PAGE, access
from web.hosts import host_name, is_loopback
from web.language import chosen_language, keep_language
from web.parameters import parse_body
from web.shell import acting, now, shell
from web.values import Input, Text

login = Blueprint("login", __name__)

DEVICE_COOKIE = "cis_device"


class Credentials(Input):
    """What the form sends; passwords are taken as they are, blanks included."""

    model_config = Input.model_config | {"str_strip_whitespace": False}

    username: Text
    password: Text


@login.get("/login")
def form() -> Response:
    """Show the form."""
    return make_response(render_template("login.html", wrong=False))


@login.post("/login")
def submit() -> Response:
    """Sign in: a new session replaces whatever the browser had. Every failure reads alike."""
    try:
        given = parse_body(Credentials)
    except InvalidInput:
        return _refused()
    source = request.remote_addr or "unknown"
    attempt = Attempt(given.username, given.password, source, request.cookies.get(DEVICE_COOKIE))
    welcome = log_in(shell().database, shell().trail, attempt, now())
    if welcome is None:
        return _refused()
    wanted = session.get(WANTED_PAGE, "/")
    language = chosen_language()
    session.clear()
    keep_language(language)
    session[SESSION_TOKEN] = welcome.session_token
    response = make_response(redirect(wanted, 303))
    response.set_cookie(
        DEVICE_COOKIE,
        welcome.device,
        max_age=DEVICE_KNOWN_FOR,
        secure=not is_loopback(host_name(request.host)),
        httponly=True,
        samesite="Lax",
        path="/login",
    )
    return response


@login.post("/logout")
@access("session:self:use")
def logout() -> Response:
    """End the session on the server, so that no copy of the cookie is worth anything."""
    token = session.get(SESSION_TOKEN)
    if token is not None:
        with acting("session:self:logout") as write:
            close_session(write, token, now())
    session.clear()
    return make_response(redirect("/login", 303))


def _refused() -> Response:
    words = gettext(
        "The name or the password is wrong, or there were too many attempts: then wait a quarter of an hour."
    )
    return make_response(render_template("login.html", wrong=True, words=words), 401)
