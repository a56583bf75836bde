"""The real `cis-power` command, run in processes of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self

from tests.waiting import wait_for
from tests.warm import OPTIONS, Kitchen

PROGRAM = [sys.executable, *OPTIONS, "-m", "cis_power"]


@cache
def _kitchen() -> Kitchen:
    return Kitchen()


@dataclass(frozen=True)
class Answer:
    """What a finished command left: its exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout read as JSON."""
        return json.loads(self.out)


class Running:
    """A command that goes on running; its lines are read as they come, stdout and stderr in one list."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_line(self, part: str, seconds: float = 60) -> str:
        """The first line that holds `part`; AssertionError with all lines when none came in time."""

        def found() -> str | None:
            line = next((line for line in list(self.lines) if part in line), None)
            if line is None and self.process.poll() is not None:
                self._reader.join(5)
                line = next((line for line in self.lines if part in line), None)
                assert line, f"ended with {self.process.returncode} before {part!r}: {self.lines}"
            return line

        try:
            return wait_for(found, seconds, f"a line with {part!r}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it printed {self.lines}") from None

    def stop(self, with_signal: int = signal.SIGTERM, seconds: float = 30) -> int:
        """Send a signal (when it still runs) and answer the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise AssertionError(f"still running {seconds:g} s after signal {with_signal}: {self.lines}") from None
        self._reader.join(5)
        return code


@dataclass
class CommandLine:
    """Calls of the command with one database and one configuration, in one folder.

    `cli("outage", "list", "--json").json`; `cli(…, expect=1)` when an error is the point; `cli.start("web")` for what
    goes on running. `cli.configure(text)` writes the configuration file.
    """

    folder: Path
    database_url: str
    environ: dict[str, str] = field(default_factory=dict)
    _running: list[Running] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "cis.toml"

    @property
    def run_dir(self) -> Path:
        return self.folder / "run"

    def configure(self, text: str) -> Self:
        self.config.write_text(text, encoding="utf-8")
        return self

    def environment(self) -> dict[str, str]:
        """The environment a command gets: nothing of ours but database, run folder and configuration."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CIS_")}
        ours = {"CIS_DATABASE": self.database_url, "CIS_RUN_DIR": str(self.run_dir), "PYTHONUNBUFFERED": "1"}
        if self.config.exists():
            ours["CIS_CONFIG"] = str(self.config)
        return kept | ours | self.environ

    def __call__(
        self, *words: object, expect: int | None = 0, input: str | None = None, seconds: float = 120
    ) -> Answer:
        """Run to the end. The exit code must be `expect` (None: any)."""
        run = self._cold if os.environ.get("CIS_TEST_COLD") else self._warm
        answer = run(words, input, seconds)
        if expect is not None:
            assert answer.code == expect, f"{words}: exit {answer.code}\n{answer.out}\n{answer.err}"
        return answer

    def _warm(self, words: tuple[object, ...], given: str | None, seconds: float) -> Answer:
        code, out, err = _kitchen().run([*map(str, words)], self.folder, self.environment(), given, seconds)
        return Answer(code, out.replace("\r\n", "\n"), err)

    def _cold(self, words: tuple[object, ...], given: str | None, seconds: float) -> Answer:
        done = subprocess.run(
            [*PROGRAM, *map(str, words)],
            cwd=self.folder,
            env=self.environment(),
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def start(self, *words: object) -> Running:
        """Start a command that goes on running, in a process group of its own."""
        process = subprocess.Popen(
            [*PROGRAM, *map(str, words)],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        running = Running(process)
        self._running.append(running)
        return running

    def stop_all(self) -> None:
        """End everything that was started and still runs, children too."""
        for running in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.process.pid, signal.SIGKILL)
            running.process.wait(10)
            assert running.process.stdout is not None
            running.process.stdout.close()
