"""The loader: from the spool into the local store, one transaction a batch; a batch loaded twice changes nothing."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, func, select, update

from cis_power.core.db import Database
from cis_power.core.errors import Unavailable
from cis_power.core.locks import ProcessLock
from cis_power.core.time import utc_now
from cis_power.telemetry import gaps, samples
from cis_power.telemetry.models import SpoolBatch
from cis_power.telemetry.samples import PointDirectory
from scada_bridge import spool
from scada_bridge.batch import from_ms
from scada_bridge.loading import is_loaded, load_batch, samples_of
from scada_bridge.sealed import Damaged, ensure_key
from scada_bridge.spool import SpoolFile

LOCK = "telemetry-loader"
KEPT = timedelta(days=7)
_LIVE_FIRST_FROM = 20
_WAIT_SECONDS = 60.0
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Loaded:
    """What a pass of the loader did."""

    batches: int = 0
    samples: int = 0
    events: int = 0
    repeated: int = 0
    quarantined: int = 0

    def __str__(self) -> str:
        words = f"{self.batches} batches, {self.samples} samples, {self.events} signal events"
        return words + (f", {self.quarantined} put aside" if self.quarantined else "")


class Loader:
    """Loads a spool into a database; keeps nothing that a fresh one could not read again."""

    def __init__(self, database: Database, run_dir: Path, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock
        self._folder = run_dir / "spool"
        self._run_dir = run_dir
        self._directory = PointDirectory()
        self._kept: set[str] = set()  # names that are loaded and stay in the folder

    def load_all(
        self, *, wait_seconds: float = _WAIT_SECONDS, stopping: Callable[[], bool] = lambda: False
    ) -> Loaded | None:
        """Load what waits; None when another process is loading still after `wait_seconds`."""
        if all(file.path.name in self._kept for file in spool.files(self._folder)):
            return Loaded()
        lock = ProcessLock(self._database, LOCK)
        try:
            if not lock.acquire(wait_seconds):
                return None
            self._directory.forget()  # another process may have changed the points meanwhile
            return self._load_waiting(stopping)
        finally:
            lock.close()

    def _load_waiting(self, stopping: Callable[[], bool]) -> Loaded:
        key = ensure_key(self._run_dir)
        waiting, loaded = spool.files(self._folder), Loaded()
        if len(waiting) >= _LIVE_FIRST_FROM:
            self._show_newest(waiting, key)
        newest = {file.collector: file.number for file in waiting}
        kept = set()
        for file in waiting:
            if stopping():
                return loaded
            self._load_file(file, key, loaded)
            # The newest name of each collector stays, so that its numbers go on even if its own state is lost.
            if file.number == newest[file.collector]:
                kept.add(file.path.name)
            else:
                file.path.unlink(missing_ok=True)
        self._kept = kept
        return loaded

    def _load_file(self, file: SpoolFile, key: bytes, loaded: Loaded) -> None:
        try:
            with self._database.reading() as session:
                if is_loaded(session, file.collector, file.number):
                    loaded.repeated += 1
                    return
            spooled = spool.read(file, key)
            with self._database.transaction() as session:
                counts = load_batch(session, self._directory, spooled, self._clock())
        except FileNotFoundError:
            return
        except Damaged as damage:
            self._put_aside(file, damage)
            loaded.quarantined += 1
            return
        if counts is None:
            loaded.repeated += 1
            return
        loaded.batches += 1
        loaded.samples += len(spooled.batch.rows)
        loaded.events += counts

    def _put_aside(self, file: SpoolFile, damage: Damaged) -> None:
        _log.error("%s is refused and put aside: %s", file.path.name, damage)
        now = self._clock()
        with self._database.transaction() as session:
            numbers = (file.number, file.number)
            gaps.note_gap(session, None, now, now, gaps.BATCH_DAMAGED, collector=file.collector, numbers=numbers)
        spool.quarantine(file)

    def _show_newest(self, waiting: Sequence[SpoolFile], key: bytes) -> None:
        """Live values first: the newest batches are shown before the long way through all that waits."""
        seen: set[tuple[str, float]] = set()
        deadline = time.monotonic() + 5
        for file in sorted(waiting, key=lambda file: -file.number)[:200]:
            if time.monotonic() > deadline:
                return
            try:
                spooled = spool.read(file, key)
            except (Damaged, FileNotFoundError):
                continue
            group = (spooled.batch.source, spooled.batch.poll_seconds)
            if group in seen:
                continue
            seen.add(group)
            with self._database.transaction() as session:
                told = samples_of(session, self._directory, spooled.batch)
                samples.put_latest(session, told, spooled.number, from_ms(spooled.batch.polled_ms), self._clock())


def forget_batches(database: Database, now: datetime) -> int:
    """Settle the numbers of batches loaded long ago, and delete the memory of all but the last. Answers how many."""
    old = SpoolBatch.loaded_at < now - KEPT
    forgotten = 0
    with database.transaction() as session:
        newest = select(SpoolBatch.collector, func.max(SpoolBatch.number)).where(old).group_by(SpoolBatch.collector)
        for collector, number in session.execute(newest).all():
            own = SpoolBatch.collector == collector
            session.execute(update(SpoolBatch).where(own, SpoolBatch.number == number).values(settled=True))
            gone = session.execute(delete(SpoolBatch).where(own, SpoolBatch.number < number))
            forgotten += int(getattr(gone, "rowcount", 0))
    return forgotten


def load_now(database: Database, run_dir: Path) -> Loaded:
    """Load what waits, once. Raises Unavailable when another process goes on loading."""
    loaded = Loader(database, run_dir).load_all()
    if loaded is None:
        raise Unavailable("another process is still loading the spool")
    return loaded
