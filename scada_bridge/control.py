"""Asking a running process of ours for something, through files in its own folder under run_dir.

The process holds a lock on the folder for as long as it lives; a request is a file, its answer another one.
"""

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cis_power.core.errors import CisError, Conflict, Unavailable
from scada_bridge.sealed import write_whole

_LOCK = "lock"
_LISTENING_SECONDS = 0.05
_log = logging.getLogger(__name__)
Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


@contextmanager
def holding(folder: Path, what: str) -> Iterator[None]:
    """Be the one process of this folder while the block lasts. Raises Conflict when another one is, CisError."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CisError(f"the folder {folder} cannot be used: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"{what} runs already (lock {folder / _LOCK})") from None
        yield
    finally:
        os.close(descriptor)


def is_held(folder: Path) -> bool:
    """Whether a process holds the folder now."""
    try:
        with holding(folder, ""):
            return False
    except Conflict:
        return True


def ask(folder: Path, request: dict[str, Any], wait_seconds: float) -> dict[str, Any]:
    """Ask the process that holds the folder. Raises Unavailable when none answers, CisError with its refusal."""
    name = secrets.token_hex(8)
    question, answer = folder / f"{name}.request", folder / f"{name}.answer"
    write_whole(question, json.dumps(request).encode(), 0o600)
    deadline = time.monotonic() + wait_seconds
    try:
        while not answer.exists():
            if time.monotonic() > deadline:
                raise Unavailable(f"no answer within {wait_seconds:g} s")
            if not is_held(folder):
                raise Unavailable("the process ended before it answered")
            time.sleep(_LISTENING_SECONDS / 2)
        found: dict[str, Any] = json.loads(answer.read_bytes())
    finally:
        question.unlink(missing_ok=True)
        answer.unlink(missing_ok=True)
    if "refused" in found:
        raise CisError(found["refused"])
    return found


async def listen(folder: Path, handle: Handler) -> None:
    """Answer requests until cancelled, each in a task of its own. A CisError of the handler is the answer."""
    for left in (*folder.glob("*.request"), *folder.glob("*.answer")):
        left.unlink(missing_ok=True)
    tasks: set[asyncio.Task[None]] = set()
    try:
        while True:
            for question in sorted(folder.glob("*.request")):
                task = asyncio.create_task(_answer(question, _take(question), handle))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            await asyncio.sleep(_LISTENING_SECONDS)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _take(question: Path) -> dict[str, Any]:
    content = b""
    with contextlib.suppress(FileNotFoundError):  # who asked gave up
        content = question.read_bytes()
        question.unlink()
    try:
        request = json.loads(content)
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}


async def _answer(question: Path, request: dict[str, Any], handle: Handler) -> None:
    try:
        found = await handle(request)
    except CisError as error:
        found = {"refused": error.message}
    except OSError as error:
        _log.error("a request failed: %s", error)
        found = {"refused": f"the machine does not allow it: {error.strerror}"}
    try:
        write_whole(question.with_suffix(".answer"), json.dumps(found).encode(), 0o600)
    except OSError as error:
        _log.error("a request could not be answered: %s", error)
