"""The real server: its address comes first, it serves pages, and it says clearly why it cannot start."""

import http.client
import multiprocessing
import re
import socket
import stat
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import pytest

from tests.command_line import CommandLine
from web.serve import _announce_when_ready


def ask(url: str, path: str, **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


def test_it_prints_its_real_address_first_and_serves(cli: CommandLine):
    cli("user", "add", "ann", "--role", "agent", "--password-stdin", input="correct horse\n")
    server = cli.start("web", "--port", "0")
    url = server.wait_line("http://").strip()
    assert server.lines[0] == url
    assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d+", url)
    wait_until_served(url)
    status, headers, page = ask(url, "/login")
    assert (status, b"csrf_token" in page) == (200, True)
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert ask(url, "/")[0] == 303
    assert ask(url, "/api/v1/outages")[0] == 401
    assert ask(url, "/login", Host="evil.example")[0] == 400
    assert ask(url, "/metrics")[0] == 200
    secret = cli.run_dir / "web.secret"
    assert (stat.S_IMODE(secret.stat().st_mode), len(secret.read_bytes())) == (0o600, 32)
    assert not [line for line in server.lines if "correct horse" in line]
    server.stop()


def test_no_worker_is_forked_while_readiness_is_asked_for():
    """A worker forked amid an import of the asking thread would wait for that import's lock for ever."""
    asked, announced, loaded = threading.Event(), threading.Event(), multiprocessing.Semaphore(0)

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.set()
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        waiting = ("127.0.0.1", port, loaded, 2, announced.set)
        threading.Thread(target=_announce_when_ready, args=waiting, daemon=True).start()
        loaded.release()
        assert not asked.wait(0.3), "one of two workers may be yet to fork"
        loaded.release()
        assert announced.wait(20)
        server.shutdown()


def wait_until_served(url: str) -> None:
    from tests.waiting import wait_for

    def served() -> bool:
        try:
            return ask(url, "/healthz")[0] == 200
        except OSError:
            return False

    wait_for(served, 30, "an answer of /healthz")


def test_a_port_of_another_program_is_named(cli: CommandLine):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        answer = cli("web", "--port", port, expect=1)
    assert f"cannot listen on 127.0.0.1 port {port}" in answer.err
    assert answer.out == ""


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_wrong_port_is_wrong_use(cli: CommandLine, port: str):
    assert cli("web", "--port", port, expect=2).out == ""


def test_a_database_without_tables_is_named_before_anything_is_served(cli: CommandLine, tmp_path):
    cli.database_url = f"sqlite:///{tmp_path / 'empty.db'}"
    answer = cli("web", "--port", "0", expect=1)
    assert "db upgrade" in answer.err
    assert answer.out == ""
