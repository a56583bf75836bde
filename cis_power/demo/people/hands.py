"""Carrying out what people decide, by public interfaces only: HTTP with a machine key, files and commands, and the
hands of the field (the simulator's control folder)."""

import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta, tzinfo
from pathlib import Path
from typing import Any

from cis_power.core.errors import CisError, Unavailable
from cis_power.demo.people.acts import Act, Call, Drop, Estimate, Fetch, Finding, Move, Repair, Report
from cis_power.demo.people.exchange import Exchange
from cis_power.demo.people.telephone import Telephone
from scada_bridge.control import ask

_COMMAND_SECONDS = 120.0
_CONTROL_SECONDS = 5.0
_LOOK_BACK = timedelta(minutes=30)
Told = Callable[[Act, str], None]
_log = logging.getLogger(__name__)


class Commands:
    """Runs `cis-power …` one after another; the running one is ended when everything ends."""

    def __init__(self) -> None:
        self._running: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._over = False

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr; -15 when everything ends."""
        with self._lock:
            if self._over:
                return -signal.SIGTERM, "", ""
            command = [sys.executable, "-m", "cis_power", *words]
            pipe = subprocess.PIPE
            self._running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)  # noqa: S603 - our own commands
        try:
            out, err = self._running.communicate(timeout=_COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            self._running.kill()
            out, err = self._running.communicate()
        return self._running.returncode, out, err

    def end(self) -> None:
        """End what runs, and run nothing more."""
        with self._lock:
            self._over = True
            if self._running is not None and self._running.poll() is None:
                self._running.terminate()


class Hands:
    """Does acts: moves at once; calls and commands aside, each kind in turn, so that nobody waits for them."""

    def __init__(
        self, telephone: Telephone, commands: Commands, control: Path, exchange: Exchange, zone: tzinfo
    ) -> None:
        self._telephone, self._commands, self._control, self._exchange = telephone, commands, control, exchange
        self._zone = zone
        self._calls = ThreadPoolExecutor(1, thread_name_prefix="calls")
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="commands")

    def do(self, act: Act, told: Told) -> None:
        """Do an act; `told` hears how it ended, now or later, in whatever thread."""
        match act:
            case Call():
                done = self._calls.submit(self._telephone.call, act)
                done.add_done_callback(lambda future: told(act, _ending(future)))
            case Move():
                told(act, self._ask({"do": "move", "device": act.device, "closed": act.closed}))
            case Repair():
                told(act, self._ask({"do": "repair", "equipment": act.equipment}))
            case _:
                done = self._aside.submit(self._command, act)
                done.add_done_callback(lambda future: told(act, _ending(future)))

    def close(self) -> None:
        """End all commands."""
        self._commands.end()
        for waiting in (self._calls, self._aside):
            waiting.shutdown(wait=True, cancel_futures=True)

    def _ask(self, request: dict[str, Any]) -> str:
        try:
            ask(self._control, request, _CONTROL_SECONDS)
        except Unavailable as error:
            return f"no simulator: {error.message}"
        except CisError as error:
            return f"refused: {error.message}"
        return "done"

    def _command(self, act: Act) -> str:
        match act:
            case Report():
                return self._run(*_words_of_report(act))
            case Estimate():
                return self._estimate(act)
            case Finding():
                return self._finding(act)
            case Drop():
                file = self._exchange.drop(act)
                code, out, _ = self._commands("import", act.kind, str(file), "--json")
                return self._exchange.taken(act, file, code, out)
            case Fetch():
                file = self._exchange.outbox(act)
                first = (act.at - timedelta(days=act.days_ago)).astimezone(self._zone).date()
                days = ("--from", f"{first}", "--to", f"{first + timedelta(days=1)}")
                return self._run("export", act.kind, *days, "-o", str(file))
            case _:
                raise TypeError(act)

    def _run(self, *words: str) -> str:
        code, _out, err = self._commands(*words)
        return "done" if code == 0 else f"exit {code}: {err.strip()[-300:]}"

    def _estimate(self, act: Estimate) -> str:
        outages = [found for found in self._telephone.outages({}) if found["device"] in act.devices]
        window = ("--earliest", act.earliest_at.isoformat(), "--latest", act.latest_at.isoformat())
        words = [
            ("outage", "estimate", found["id"], *window, "--source", act.source, "--by", act.by) for found in outages
        ]
        return self._all(words)

    def _finding(self, act: Finding) -> str:
        span = {"from": (act.since - _LOOK_BACK).isoformat(), "to": act.at.isoformat()}
        outages = [
            found for found in self._telephone.outages(span)
            if found["device"] in act.devices and found["restored_at"] and found["kind"] == "unplanned"
        ]  # fmt: skip
        words = [
            ("outage", "correct", found["id"], "--cause", act.cause, "--by", act.by, "--reason", "crew report")
            for found in outages
        ]
        return self._all(words)

    def _all(self, commands: Sequence[tuple[str, ...]]) -> str:
        ended = [self._run(*words) for words in commands]
        return "; ".join(dict.fromkeys(ended)) or "no such outage"


def _words_of_report(act: Report) -> list[str]:
    words = [
        "switch",
        "close" if act.closed else "open",
        act.device,
        "--at",
        act.happened_at.isoformat(),
        "--by",
        act.by,
    ]
    for name, value in act.about.items():
        words += [f"--{name}", value]
    return words


def _ending(future: Future[str]) -> str:
    if future.cancelled():
        return "cancelled"
    error = future.exception()
    if error is None:
        return future.result()
    if not isinstance(error, CisError | OSError | ValueError):
        _log.error("an act failed", exc_info=error)
    return f"failed: {error}"
