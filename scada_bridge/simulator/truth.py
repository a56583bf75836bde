"""The truth log: what really happened in the simulated field, a JSON object a line; nobody in the system reads it."""

import json
import logging
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from scada_bridge.simulator.happenings import Happening

FILE = "truth.jsonl"
_LARGEST = 64 * 1024 * 1024
_MOST_WAITING = 4 * 1024 * 1024
_log = logging.getLogger(__name__)


class TruthLog:
    """Appends lines, each on the disk's side of the process before `write` returns.

    What a full disk refuses waits and is written when there is room; what no longer fits in memory is given up whole
    lines at a time. The field goes on.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._waiting = b""
        self._trouble = False
        self._descriptor: int | None = None

    def _open(self) -> int:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._file.is_file() and self._file.stat().st_size > _LARGEST:
            self._file.replace(self._file.with_suffix(".jsonl.1"))
        opened = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        size = os.fstat(opened).st_size
        if size and os.pread(opened, 1, size - 1) != b"\n":
            self._waiting = b"\n" + self._waiting  # a process that was killed left half a line
        return opened

    def write(self, happenings: Iterable[Happening]) -> None:
        """Append what happened."""
        news = b"".join(_line(one) for one in happenings)
        if not news and not self._waiting:
            return
        if len(self._waiting) + len(news) <= _MOST_WAITING:
            self._waiting += news
        try:
            if self._descriptor is None:
                self._descriptor = self._open()
            while self._waiting:
                self._waiting = self._waiting[os.write(self._descriptor, self._waiting) :]
        except OSError as error:
            if not self._trouble:
                _log.error("the truth log cannot be written: %s; the field goes on", error.strerror)
            self._trouble = True
            return
        if self._trouble:
            _log.info("the truth log is written again")
        self._trouble = False

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)


def _line(one: Happening) -> bytes:
    at = datetime.fromtimestamp(one.at, UTC).isoformat(timespec="milliseconds")
    return json.dumps({"at": at, "event": one.event, **one.facts}, ensure_ascii=False).encode() + b"\n"
