"""Serving the application with granian: one process listens, workers answer."""

import socket
from collections.abc import Callable
from typing import Any

from granian import Granian
from granian.constants import Interfaces

from cis_power.core.config import Settings
from cis_power.core.db import Database, open_database
from cis_power.core.errors import Unavailable
from cis_power.core.logs import start_logging
from web.app import create_app

_THREADS = 8
_WAITING = 256  # requests that wait for a thread of one worker; further ones wait in the socket's queue


def choose_port(host: str, port: int) -> int:
    """Return the port to listen on, a free one for 0. Raises Unavailable when another program has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            raise Unavailable(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
        chosen: int = trial.getsockname()[1]
        return chosen


def url_of(host: str, port: int) -> str:
    """Return the address that a browser on this machine can use."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


def serve(settings: Settings, port: int, workers: int, announce: Callable[[], None]) -> None:
    """Serve until told to stop. Raises ConfigError at once when the database is not the one this program works with."""
    open_database(settings).dispose()
    announce()
    server = Granian(
        "web.app",
        address=settings.host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=_THREADS,
        backpressure=_WAITING,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        log_enabled=False,
    )
    server.serve(target_loader=_application(settings), wrap_loader=False)


def _application(settings: Settings) -> Callable[[], Any]:
    def load() -> Any:
        """Make the application in the worker, so that no connection is shared between processes."""
        start_logging("web")
        return create_app(Database(settings.database), settings)

    return load
