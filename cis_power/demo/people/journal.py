"""What a later process of people has to know: what stands otherwise than normal, and what the system believes open."""

import json
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from cis_power.core.time import utc_now
from cis_power.demo.people.acts import Act, Report
from scada_bridge.sealed import write_whole

DONE = "done"
_TRIES = 5
_PAUSE = timedelta(seconds=5)


class Journal:
    """Kept in a file. `moved`: devices that people put out of their normal position; `reported`: entered as open last.

    A report that was refused for the moment is made again a few times; one that was cut short still counts as not made.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._tries: dict[tuple[str, datetime], int] = {}
        self._again: list[tuple[datetime, Report]] = []
        try:
            known = json.loads(file.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            known = {"moved": [], "reported": []}
        self._kept: dict[str, list[str]] = known
        self.moved = set(known["moved"])
        self.reported = set(known["reported"])

    def note(self, act: Act, ending: str) -> None:
        """Take in how a report ended, in whatever thread."""
        if not isinstance(act, Report):
            return
        with self._lock:
            if ending == DONE:
                (self.reported.discard if act.closed else self.reported.add)(act.device)
                return
            key = act.device, act.happened_at
            self._tries[key] = self._tries.get(key, 0) + 1
            if ending.startswith(("exit", "failed")) and self._tries[key] < _TRIES:
                self._again.append((utc_now() + _PAUSE, act))

    def again(self, now: datetime) -> list[Report]:
        """Reports that are to be made again by now."""
        with self._lock:
            ready = [report for at, report in self._again if at <= now]
            self._again = [(at, report) for at, report in self._again if at > now]
        return ready

    def keep(self, moved: Iterable[str]) -> None:
        """Write it down, if anything changed."""
        with self._lock:
            known = {"moved": sorted(moved), "reported": sorted(self.reported)}
        if known != self._kept:
            self._kept = known
            write_whole(self._file, json.dumps(known).encode(), 0o600)
