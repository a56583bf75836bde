"""Whether this process lives, whether it can serve, and figures for monitoring, all out of tables."""

from flask import Blueprint, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST

from cis_power.core.errors import Unauthenticated
from web.hosts import is_loopback
from web.metrics import metrics_text
from web.shell import now, reading

health = Blueprint("health", __name__)


@health.get("/healthz")
def healthz() -> Response:
    """Say that the process lives."""
    return Response("ok\n", mimetype="text/plain")


@health.get("/readyz")
def readyz() -> Response:
    """Say that the database answers; 503 when it does not."""
    with reading() as session:
        session.connection()
    return Response("ready\n", mimetype="text/plain")


@health.get("/metrics")
def metrics() -> Response:
    """Give figures to whoever asks from this machine itself, or with a key; behind a proxy only with a key."""
    if g.viewer is None and not _asked_from_here():
        raise Unauthenticated("Figures are given on this machine itself, or for a key.")
    with reading() as session:
        return Response(metrics_text(session, now()), content_type=CONTENT_TYPE_LATEST)


def _asked_from_here() -> bool:
    forwarded = any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Real-IP"))
    return not forwarded and is_loopback(request.remote_addr or "")
