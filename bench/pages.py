"""The pages that people keep open, over HTTP from the real web process: time and weight.

Ours: home for each role, the outage board, an outage, customers, feeders, the search and the list of points, of a demo
utility with its past and some open outages, asked one after the other and by four clients at once. Peer: the same
bytes from a bare Flask view under the same server. Limit: the same bytes from a bare socket. The demo stays in
build/bench for the next run.
"""

import concurrent.futures
import gzip
import http.client
import os
import random
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.result import Result, peak_memory_of, percentile
from cis_power.access import sandbox
from cis_power.core.config import load_settings
from cis_power.core.db import Database
from cis_power.demo import build, codes, occupancy, start
from cis_power.migrations.integrity import find_problems

SIZES = {"small": 2_000, "full": 200_000}
PLACE = Path("build") / "bench"
SEED = 7
CLIENTS = 4
MOST_TIMES = 30
WARM = 2
CHART_LIBRARY = "plotly"
_ASSET = re.compile(r"/assets/[^\"'\s)]+")
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@dataclass(frozen=True)
class Seen:
    """A kind of page: who looks, and at which addresses."""

    kind: str
    role: str
    paths: tuple[str, ...]


def run(size: int, _databases: str) -> Result:
    folder = (PLACE / f"pages-{size}").resolve()
    for name in [name for name in os.environ if name.startswith("CIS_")]:
        del os.environ[name]
    os.environ["CIS_DATABASE"] = f"sqlite:///{folder / 'cis.db'}"
    wish = _built(folder, size)
    pages, times = _pages(wish), min(MOST_TIMES, 2 + size // 100)
    with _web(folder) as (port, pid):
        passwords = _passwords(sorted({page.role for page in pages}))
        clients = {role: Client(port, role, password) for role, password in passwords.items()}
        ours: dict[str, Any] = {page.kind: _alone(clients[page.role], page, times) for page in pages}
        bodies = {page.kind: clients[page.role].get(page.paths[0]) for page in pages}
        for kind, seconds in _together(port, passwords, pages, times).items():
            ours[kind] |= {f"p95_ms_{CLIENTS}_clients": 1000 * percentile(seconds, 0.95)}
        memory = peak_memory_of(pid)
    peer, limit = _bare_flask(folder, bodies), _bare_socket(bodies)
    worst = max(ours, key=lambda kind: float(ours[kind]["p95_ms"]))
    ours |= {"worst": worst, "worst_p95_ms": ours[worst]["p95_ms"]}
    return Result(
        "pages",
        {"customers": size, "times": times, "clients": CLIENTS},
        ours=ours,
        peer=peer,
        limit=limit,
        ratio_to_peer=peer[worst]["p95_ms"] / ours[worst]["p95_ms"],
        ratio_to_limit=limit[worst]["p95_ms"] / ours[worst]["p95_ms"],
        memory_mb=memory,
    )


def _built(folder: Path, size: int) -> build.Wish:
    """Build the demo with its past unless an earlier run of the same tables did, and let some feeders lose supply."""
    database = Database(os.environ["CIS_DATABASE"])
    found = sandbox.look(load_settings()) if folder.exists() else sandbox.Sandbox("absent")
    fresh = found.state != "complete" or bool(find_problems(database))
    database.dispose()
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        wish = build.Wish(size, build.end_of_past(datetime.now(UTC)), SEED)
        start.make_new(load_settings(), wish, lambda words: print(words, file=sys.stderr))
        for feeder in range(0, wish.plan.feeders, 4):
            device = codes.breaker_code(feeder)
            at = datetime.now(UTC).isoformat()
            build.run("switch", "open", device, "--at", at, "--by", "bench")
        build.run("engine", "--once")
        return wish
    os.environ["CIS_CONFIG"] = str(folder / "run" / "demo.toml")
    return start.settle(found, None, None, datetime.now(UTC), rebuild=False)[0]


def _pages(wish: build.Wish) -> list[Seen]:
    town, chance = wish.plan, random.Random(SEED)
    held = occupancy.occupancy(town)
    living = [
        i for i in chance.sample(range(town.customers), min(town.customers, 40)) if held.state[i] == occupancy.ACTIVE
    ]
    accounts = tuple(f"/customers/{occupancy.account_no(town, i)}" for i in living[:12])
    feeders = tuple(
        f"/network/{codes.feeder_code(i)}" for i in chance.sample(range(town.feeders), min(town.feeders, 12))
    )
    terms = ("王", "朝阳", "138", "wang", codes.feeder_code(1))
    homes = [Seen(f"home of {role}", role, ("/",)) for role in build.ROLES]
    return [
        *homes,
        Seen("customer, to an agent", "agent", accounts),
        Seen("customer, to billing", "billing", accounts),
        Seen("search", "agent", tuple(f"/customers?q={urllib.parse.quote(term)}" for term in terms)),
        Seen("outage board", "dispatcher", ("/outages",)),
        Seen("feeder", "engineer", feeders),
        Seen("points", "engineer", ("/points",)),
    ]


@contextmanager
def _web(folder: Path) -> Iterator[tuple[int, int]]:
    """The web alone, on a free port."""
    with (folder / "web.log").open("wb") as log:
        command = [sys.executable, "-m", "cis_power", "web", "--port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True)
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            yield int(said.rstrip().rstrip("/").rpartition(":")[2]), process.pid
        finally:
            process.terminate()
            process.wait(60)


def _passwords(roles: Sequence[str]) -> dict[str, str]:
    found = {}
    for role in roles:
        found[role] = secrets.token_urlsafe(12)
        build.run("user", "password", role, "--password-stdin", entered=found[role] + "\n")
    return found


class Client:
    """Somebody with a browser: logged in, on one connection that stays open."""

    def __init__(self, port: int, name: str, password: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._cookie = ""
        token = _TOKEN.search(_unpacked(self.get("/login")))
        assert token is not None
        form = urllib.parse.urlencode({"username": name, "password": password, "csrf_token": token[1]})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        status, _ = self._ask("POST", "/login", form, kind)
        assert status == 303, f"logging in as {name} answered {status}"

    def get(self, path: str) -> bytes:
        status, body = self._ask("GET", path, None, {"Accept-Encoding": "gzip"})
        if status != 200:
            raise RuntimeError(f"{path} answered {status}")
        return body

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[int, bytes]:
        cookie = {"Cookie": self._cookie} if self._cookie else {}
        try:
            self._connection.request(method, path, body, headers | cookie)
            answer = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):  # it was idle for too long
            self._connection.close()
            self._connection.request(method, path, body, headers | cookie)
            answer = self._connection.getresponse()
        told = answer.read()
        for line in answer.headers.get_all("Set-Cookie") or ():
            self._cookie = line.partition(";")[0]
        return answer.status, told


def _unpacked(body: bytes) -> str:
    return (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode()


def _timed(client: Client, page: Seen, times: int) -> list[float]:
    seconds = []
    for turn in range(times + WARM):
        begin = time.perf_counter()
        client.get(page.paths[turn % len(page.paths)])
        seconds.append(time.perf_counter() - begin)
    return seconds[WARM:]


def _alone(client: Client, page: Seen, times: int) -> dict[str, Any]:
    seconds = _timed(client, page, times)
    return {
        "p50_ms": 1000 * percentile(seconds, 0.5),
        "p95_ms": 1000 * percentile(seconds, 0.95),
        **_weight(client, page),
    }


def _weight(client: Client, page: Seen) -> dict[str, float]:
    """Bytes of the heaviest of its pages, and with all that it loads but the chart library, as they are sent."""
    bodies = [client.get(path) for path in page.paths]
    body = max(bodies, key=len)
    loaded = {name for name in _ASSET.findall(_unpacked(body)) if CHART_LIBRARY not in name}
    return {"html_kb": len(body) / 1000, "all_kb": (len(body) + sum(len(client.get(name)) for name in loaded)) / 1000}


def _together(port: int, passwords: dict[str, str], pages: Sequence[Seen], times: int) -> dict[str, list[float]]:
    """Every kind of page asked while other clients ask for other kinds."""
    found: dict[str, list[float]] = {page.kind: [] for page in pages}
    lock = threading.Lock()

    def work(number: int) -> None:
        clients = {role: Client(port, role, password) for role, password in passwords.items()}
        order = [*pages]
        random.Random(number).shuffle(order)
        for page in order:
            seconds = _timed(clients[page.role], page, -(-times // CLIENTS))
            with lock:
                found[page.kind].extend(seconds)

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(work, range(CLIENTS)))
    return found


_BARE = """
import pathlib, sys
from flask import Flask
from granian import Granian
app = Flask("bare")
FOLDER = pathlib.Path({folder!r})
BODIES = {{path.name: path.read_bytes() for path in FOLDER.iterdir()}}
@app.get("/<name>")
def page(name):
    return BODIES[name]
if __name__ == "__main__":
    port = int(sys.argv[1])
    Granian("bare:app", address="127.0.0.1", port=port, interface="wsgi", workers=1, log_enabled=False).serve()
"""


def _bare_flask(folder: Path, bodies: dict[str, bytes]) -> dict[str, Any]:
    """The same bytes without a session, a database or a template."""
    place = folder / "bare"
    shutil.rmtree(place, ignore_errors=True)
    (place / "bodies").mkdir(parents=True)
    names = {kind: f"page{number}" for number, kind in enumerate(bodies)}
    for kind, body in bodies.items():
        (place / "bodies" / names[kind]).write_bytes(body)
    (place / "bare.py").write_text(_BARE.format(folder=str(place / "bodies")))
    with socket.create_server(("127.0.0.1", 0)) as trial:
        port = trial.getsockname()[1]
    process = subprocess.Popen([sys.executable, "bare.py", str(port)], cwd=place, stdin=subprocess.DEVNULL)
    try:
        connection = _waited(port)
        return {kind: _figures(_requests(connection, f"/{names[kind]}")) for kind in bodies}
    finally:
        process.terminate()
        process.wait(30)


def _waited(port: int) -> http.client.HTTPConnection:
    for _ in range(300):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.connect()
        except OSError:
            time.sleep(0.1)
        else:
            return connection
    raise RuntimeError("the bare server did not come up")


def _requests(connection: http.client.HTTPConnection, path: str) -> Callable[[], None]:
    def ask() -> None:
        connection.request("GET", path)
        connection.getresponse().read()

    return ask


def _figures(ask: Callable[[], None]) -> dict[str, float]:
    seconds = []
    for _ in range(MOST_TIMES + WARM):
        begin = time.perf_counter()
        ask()
        seconds.append(time.perf_counter() - begin)
    return {"p50_ms": 1000 * percentile(seconds[WARM:], 0.5), "p95_ms": 1000 * percentile(seconds[WARM:], 0.95)}


def _bare_socket(bodies: dict[str, bytes]) -> dict[str, Any]:
    """The same bytes through a loopback socket."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        bound = list(bodies.values())

        def serve() -> None:
            peer, _ = listening.accept()
            with peer:
                while asked := peer.recv(1):
                    peer.sendall(bound[asked[0]])

        threading.Thread(target=serve, daemon=True).start()
        with socket.create_connection(("127.0.0.1", port)) as own:

            def asking(number: int) -> Callable[[], None]:
                def ask() -> None:
                    own.sendall(bytes([number]))
                    missing = len(bound[number])
                    while missing:
                        missing -= len(own.recv(min(missing, 1 << 16)))

                return ask

            return {kind: _figures(asking(number)) for number, kind in enumerate(bodies)}
