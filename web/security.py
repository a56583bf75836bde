"""What every answer carries, and how cookies are set: strict by default, relaxed only on this machine itself."""

import os
import secrets
from pathlib import Path

from flask import Flask, Response, g, request
from flask.sessions import SecureCookieSessionInterface

from cis_power.core.errors import Unavailable
from web.hosts import host_name, is_loopback

MAX_BODY_BYTES = 1 << 20
_EMPTY_STYLE = (
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"  # Plotly makes an empty style element and fills it
)
_MAP_STYLE = "'sha256-ji27qzEtxXZW+7dun6UwjHXJ18e6WAin1VvNtkzIE/o='"  # of the map library inside Plotly 7.1
CONTENT_SECURITY_POLICY = "; ".join((
    "default-src 'none'",
    "script-src 'self'",
    f"style-src 'self' {_EMPTY_STYLE} {_MAP_STYLE}",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
))  # fmt: skip
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class SessionCookie(SecureCookieSessionInterface):
    """The signed cookie that carries a session's token: Secure unless this machine itself is asked."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return not is_loopback(host_name(request.host))


def install_security(app: Flask, run_dir: Path) -> None:
    """Set limits, cookies and headers."""
    app.secret_key = installation_secret(run_dir)
    app.session_interface = SessionCookie()
    app.config.update(
        SESSION_COOKIE_NAME="cis_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES,
        MAX_FORM_PARTS=200,
        PROVIDE_AUTOMATIC_OPTIONS=False,
        PROPAGATE_EXCEPTIONS=False,
        WTF_CSRF_CHECK_DEFAULT=False,  # the gate checks, after it knows who asks
        WTF_CSRF_TIME_LIMIT=None,  # a token lives as long as its session
    )
    app.before_request_funcs.setdefault(None, []).insert(0, _name_request)
    app.after_request(_add_headers)


def installation_secret(run_dir: Path) -> bytes:
    """Return the secret that signs cookies and cursors, made at random on first use, the same for every web process."""
    file = run_dir / "web.secret"
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        draft = run_dir / f".web.secret.{secrets.token_hex(8)}"
        if not file.exists():
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(secrets.token_bytes(32))
            try:
                os.link(draft, file)  # the first process wins, whole
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return file.read_bytes()
    except OSError as error:
        raise Unavailable(f"the web's secret cannot be kept in {run_dir}: {error.strerror}") from error


def _name_request() -> None:
    g.request_id = secrets.token_hex(8)


def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "private, no-store")
    response.headers["X-Request-ID"] = g.get("request_id", "")
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return response
