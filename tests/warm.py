"""Runs commands in processes forked from one that has imported the libraries already.

A cold start of the command costs more than most commands do. Each call still is a process of its own: own memory, own
environment, own working folder, own exit code; it differs from a cold one in nothing but what is imported at its
beginning. `CIS_TEST_COLD=1` starts every command cold.
"""

import array
import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

OPTIONS = ("-W", "error::RuntimeWarning")


class Kitchen:
    """The process that commands are forked from, started at the first call."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="cis-warm-")
        self._address = str(Path(self._folder.name) / "socket")
        self._process = subprocess.Popen(
            [sys.executable, *OPTIONS, "-m", "tests.warm", self._address],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != b"ready\n":
            raise RuntimeError("the process that commands are forked from did not start")
        atexit.register(self.close)

    def close(self) -> None:
        """End it; commands that still run go on."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)
        self._folder.cleanup()

    def run(
        self, words: Sequence[str], folder: Path, environ: Mapping[str, str], given: str | None, seconds: float
    ) -> tuple[int, str, str]:
        """Run `cis-power WORDS` in a folder and answer exit code, stdout, stderr. Raises TimeoutError."""
        request = json.dumps({"words": list(words), "folder": str(folder), "environ": dict(environ)}).encode()
        with (
            tempfile.TemporaryFile() as into,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
            socket.socket(socket.AF_UNIX) as line,
        ):
            into.write((given or "").encode())
            into.seek(0)
            line.settimeout(seconds)
            line.connect(self._address)
            handed = array.array("i", [into.fileno(), out.fileno(), err.fileno()])
            line.sendmsg([len(request).to_bytes(8, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, handed.tobytes())])
            line.sendall(request)
            pid = int.from_bytes(_exactly(line, 8), "big")
            try:
                code = int.from_bytes(_exactly(line, 8), "big")
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise
            except EOFError:
                code = -signal.SIGKILL
            out.seek(0)
            err.seek(0)
            return code, out.read().decode(), err.read().decode()


def _exactly(line: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = line.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def _import_everything() -> None:
    from importlib.metadata import entry_points

    import cis_power.access.installation
    import cis_power.core.logs
    import cis_power.migrations
    from cis_power.core.entries import load_items

    for point in entry_points(group="cis_power.commands"):
        point.load()
    for group in ("cis_power.models", "cis_power.layouts"):
        load_items(group)
    assert cis_power.access.installation
    assert cis_power.core.logs
    assert cis_power.migrations


def _serve(address: str) -> None:
    _import_everything()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        ready, _, _ = select.select([listener, 0], [], [])
        if 0 in ready:
            return
        line, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _cook(line)
        line.close()


def _cook(line: socket.socket) -> NoReturn:
    """In the fork: take the request, become the command, tell how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    head, extra, _, _ = line.recvmsg(8, socket.CMSG_LEN(3 * array.array("i").itemsize))
    handed = array.array("i")
    for _, _, data in extra:
        handed.frombytes(data)
    request = json.loads(_exactly(line, int.from_bytes(head, "big")))
    for number, descriptor in enumerate(handed):
        os.dup2(descriptor, number)
        os.close(descriptor)
    line.sendall(os.getpid().to_bytes(8, "big"))
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environ"])
    sys.path[0] = request["folder"]
    sys.argv = ["cis-power", *request["words"]]
    sys.modules["__main__"].__package__ = ""  # so that usage is told under the command's own name
    code = _run()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    line.sendall((code & 0xFF).to_bytes(8, "big"))
    os._exit(code)


def _run() -> int:
    from cis_power.cli import main

    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
            return 1
        return int(end.code or 0)
    except BaseException:  # noqa: BLE001 - what the interpreter does with an error nobody took
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    _serve(sys.argv[1])
