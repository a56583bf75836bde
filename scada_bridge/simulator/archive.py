"""The stand-in DMS's own archive: an SQLite file of every point's values, out of which history is pulled.

Table `history`: `point_id`, `measured_at` (seconds since 1970), `value`, `quality` (a word of ours).
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from scada_bridge.simulator.field import Flags, Floats

FILE = "archive.db"
_TABLE = (
    "CREATE TABLE IF NOT EXISTS history (measured_at REAL NOT NULL, point_id TEXT NOT NULL, value REAL, quality TEXT,"
    " PRIMARY KEY (measured_at, point_id)) WITHOUT ROWID"
)
_LONGEST_FILL_S = 86_400.0
_FIRST_FILL_S = 6 * 3600.0
_MOST_FILL_ROWS = 1_000_000
_KEPT_S, _MOST_KEPT_ROWS = 3 * 86_400.0, 6_000_000
_log = logging.getLogger(__name__)

Row = tuple[float, str, float | None, str]


class Archive:
    """Writes beside the field, in a thread of its own; trouble with the disk is told once and stops nothing."""

    def __init__(self, folder: Path, point_ids: Sequence[str], step_seconds: float) -> None:
        self._file = folder / FILE
        self._ids = tuple(point_ids)
        self.step_seconds = step_seconds
        self._kept_seconds = min(_KEPT_S, _MOST_KEPT_ROWS / max(len(self._ids), 1) * step_seconds)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="archive")
        self._connection: sqlite3.Connection | None = None
        self._trouble = False
        self._next_at = -np.inf
        self._ending = False
        self._cut = False  # a filling was not finished: nothing later is kept, so that the next start finds the hole

    def due(self, now: float) -> bool:
        """Whether every value is to be kept now: once a step."""
        return now >= self._next_at

    def keep(self, now: float, values: Floats, quality: Sequence[str], ahead: Floats) -> None:
        """Keep what every point shows at the last full step; `ahead` (points): how wrong its clock is, in seconds."""
        at = now // self.step_seconds * self.step_seconds
        self._next_at = at + self.step_seconds
        moments = (at + ahead).tolist()
        self._write(list(zip(moments, self._ids, values.tolist(), quality, strict=True)), at - self._kept_seconds)

    def keep_some(self, at: float, chosen: Flags, values: Floats, quality: Sequence[str], ahead: Floats) -> None:
        """Keep what some points show at an instant: positions that changed."""
        rows = np.flatnonzero(chosen).tolist()
        if rows:
            self._write([(at + float(ahead[row]), self._ids[row], float(values[row]), quality[row]) for row in rows])

    def fill(self, now: float, values_at: Callable[[float], Floats]) -> None:
        """Keep what was while nobody simulated: from the last value on, a day at most; at first six hours."""
        self._thread.submit(self._fill, now, values_at)

    def _fill(self, now: float, values_at: Callable[[float], Floats]) -> None:
        try:
            connection = self._open()
            (last,) = connection.execute(
                "SELECT max(measured_at) FROM history WHERE measured_at <= ?", (now,)
            ).fetchone()
        except sqlite3.Error as error:
            self._tell(error)
            return
        step = self.step_seconds
        room = _MOST_FILL_ROWS // max(len(self._ids), 1) * step
        begin = max(now - _FIRST_FILL_S if last is None else last + step, now - _LONGEST_FILL_S, now - room)
        for number in range(int(np.ceil(begin / step)), int(now // step)):
            at = number * step
            self._insert(
                [(at, name, value, "GOOD") for name, value in zip(self._ids, values_at(at).tolist(), strict=True)]
            )
            self._cut = self._ending
            if self._trouble or self._cut:
                return

    def _write(self, rows: list[Row], forget_before: float | None = None) -> None:
        self._thread.submit(self._insert, rows, forget_before)

    def _insert(self, rows: list[Row], forget_before: float | None = None) -> None:
        if self._cut:
            return
        try:
            connection = self._open()
            with connection:
                connection.executemany("INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?)", rows)
                if forget_before is not None:
                    connection.execute("DELETE FROM history WHERE measured_at < ?", (forget_before,))
        except sqlite3.Error as error:
            self._tell(error)
            return
        if self._trouble:
            _log.info("the archive is written again")
        self._trouble = False

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(self._file, timeout=30)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            with connection:
                connection.execute(_TABLE)
            self._connection = connection
        return self._connection

    def _tell(self, error: sqlite3.Error) -> None:
        if not self._trouble:
            _log.error("the archive cannot be written: %s; the field goes on", error)
        self._trouble = True

    def wait(self) -> None:
        """Wait until everything given so far is written."""
        self._thread.submit(lambda: None).result()

    def close(self) -> None:
        """Write what waits and close the file; a filling that is under way goes on at the next start."""
        self._ending = True
        self._thread.submit(self._close)
        self._thread.shutdown(cancel_futures=False)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
