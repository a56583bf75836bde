"""Serving the application with granian: one process listens, workers answer."""

import http.client
import multiprocessing
import socket
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from multiprocessing.synchronize import Semaphore
from typing import Any

from granian import Granian
from granian.constants import Interfaces

from cis_power.core.config import Settings
from cis_power.core.db import Database, open_database
from cis_power.core.errors import Unavailable
from cis_power.core.logs import start_logging
from web.app import create_app

_READY_WITHIN_SECONDS = 60.0
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
    """Serve until told to stop, and announce it once the first worker answers.

    Raises ConfigError at once when the database is not the one this program works with.
    """
    open_database(settings).dispose()
    loaded = multiprocessing.Semaphore(0)
    waiting = (settings.host, port, loaded, workers, announce)
    threading.Thread(target=_announce_when_ready, args=waiting, daemon=True).start()
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
    server.serve(target_loader=_application(settings, loaded), wrap_loader=False)


def _announce_when_ready(host: str, port: int, loaded: Semaphore, workers: int, announce: Callable[[], None]) -> None:
    """Call `announce` as soon as somebody who reads it can be answered.

    Workers are forked from this process. Until all of them stand, nothing is done that may hold a lock (of an import,
    say): a worker forked just then would wait for it for ever.
    """
    for _ in range(workers):
        loaded.acquire(timeout=_READY_WITHIN_SECONDS)
    own = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - the address to listen on, not to call
    ends_at = time.monotonic() + _READY_WITHIN_SECONDS
    while time.monotonic() < ends_at:
        connection = http.client.HTTPConnection(own, port, timeout=5)
        try:
            connection.request("GET", "/healthz", headers={"Host": f"localhost:{port}"})
            if connection.getresponse().status == HTTPStatus.OK:
                break
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    announce()


def _application(settings: Settings, loaded: Semaphore) -> Callable[[], Any]:
    def load() -> Any:
        """Make the application in the worker, so that no connection is shared between processes."""
        start_logging("web")
        app = create_app(Database(settings.database), settings)
        loaded.release()
        return app

    return load
