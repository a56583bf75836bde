"""`cis-power run`: collector, scheduler and web as children of one process, started again when one of them dies."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 60.0
HEALTHY_SECONDS = 60.0
GRACE_SECONDS = 30.0
_PR_SET_PDEATHSIG = 1
# Each thread takes from a heap of its own and keeps what it frees: with two heaps the scheduler, whose jobs run in
# threads, holds half the memory.
_FEW_HEAPS = {"MALLOC_ARENA_MAX": "2"}


def _end_with_parent() -> None:
    """In the child: be told to end when the parent dies, however it dies."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """One `cis-power` command that is kept running."""

    words: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause_seconds: float = 0.0
    next_start_at: float = field(default=0.0)

    @property
    def name(self) -> str:
        return self.words[0]

    def start(self, now: float) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own commands
            [sys.executable, "-m", "cis_power", *self.words],
            stdin=subprocess.DEVNULL,
            env=_FEW_HEAPS | os.environ,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - this process has one thread while it starts children
        )
        self.started_at = now

    def tend(self, now: float) -> None:
        """Note a death, and start (again) when the pause is over; each early death doubles the pause."""
        if self.process is not None and (code := self.process.poll()) is not None:
            if now - self.started_at >= HEALTHY_SECONDS:
                self.pause_seconds = 0.0
            self.next_start_at = now + self.pause_seconds
            log.warning("%s ended with %d: starting it again in %g s", self.name, code, self.pause_seconds)
            self.pause_seconds = min(max(1.0, self.pause_seconds * 2), LONGEST_PAUSE_SECONDS)
            self.process = None
        if self.process is None and now >= self.next_start_at:
            self.start(now)


def supervise(commands: Sequence[Sequence[str]], stop: threading.Event) -> None:
    """Keep these commands running until `stop` is set, then end them: politely first, after a grace by force."""
    children = [Child(tuple(words)) for words in commands]
    try:
        while not stop.is_set():
            for child in children:
                child.tend(time.monotonic())
            stop.wait(0.2)
    finally:
        _end(children)


def _end(children: Sequence[Child]) -> None:
    running = [child.process for child in children if child.process is not None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for process in running:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("process %d did not end in %g s: killed", process.pid, GRACE_SECONDS)
            process.kill()
            process.wait()
