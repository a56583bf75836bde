"""The spool: a folder of numbered, sealed batches between collector and loader.

A batch is a file `<collector>-<number>.batch`. Its number is one more than the last, also after a restart, so that a
missing one is seen by number alone and the folder may cross a one-way device. A batch counts as taken only when file
and folder are on the disk. The folder is bounded: the oldest batches are given up first, counted, and the next batch
says so.
"""

import contextlib
import errno
import logging
import re
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from scada_bridge.batch import Batch, Loss, batch_of
from scada_bridge.sealed import Damaged, read_header, read_sealed, sealed, sync_folder, write_whole

FORMAT = "cis-power-spool/1"
_NAME = re.compile(r"([0-9a-f]{12})-(\d{12})\.batch")
_STATE = "state.json"
_QUARANTINE = "quarantine"
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)  # some file systems know no second names
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_LAST = "last"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, order=True)
class SpoolFile:
    """A batch by its name."""

    collector: str
    number: int
    path: Path


@dataclass(frozen=True, slots=True)
class Spooled:
    """A batch as the loader reads it."""

    collector: str
    number: int
    made_ms: int
    batch_id: str
    losses: tuple[Loss, ...]
    batch: Batch


class SpoolFull(Exception):
    """There is no room on the disk: nothing was taken, and what is there is whole."""


def files(folder: Path) -> list[SpoolFile]:
    """Batches in the folder, by collector and number."""
    if not folder.is_dir():
        return []
    return sorted(found for path in folder.iterdir() if (found := _named(path)) is not None)


def _named(path: Path) -> SpoolFile | None:
    match = _NAME.fullmatch(path.name)
    return SpoolFile(match[1], int(match[2]), path) if match else None


def read(file: SpoolFile, key: bytes) -> Spooled:
    """Read and check one batch. Raises Damaged; FileNotFoundError when somebody else took it."""
    header, body = read_sealed(file.path, key)
    if (header.get("format"), header.get("collector"), header.get("number")) != (FORMAT, file.collector, file.number):
        raise Damaged("the name does not belong to the content")
    try:
        losses = tuple(Loss(**loss) for loss in header["lost"])
        batch = batch_of(header, body)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise Damaged(f"not a batch: {error!r}") from error
    return Spooled(file.collector, file.number, header["made_ms"], header["id"], losses, batch)


def quarantine(file: SpoolFile) -> None:
    """Put a damaged file aside, where nothing reads it and a person can."""
    aside = file.path.parent / _QUARANTINE
    aside.mkdir(exist_ok=True)
    file.path.replace(aside / f"{file.path.name}.{secrets.token_hex(4)}")


class Spool:
    """The writing end; one process holds it at a time."""

    def __init__(self, folder: Path, key: bytes, max_bytes: int) -> None:
        """Open or make the spool. Drafts are swept away, a damaged newest batch is put aside and counted as lost."""
        self.folder = folder
        self._key = key
        self._max_bytes = max_bytes
        folder.mkdir(parents=True, exist_ok=True)
        for draft in folder.glob(".*.tmp"):
            draft.unlink(missing_ok=True)
        state = self._read_state()
        self.collector: str = state.get("collector") or secrets.token_hex(6)
        self._pending = [Loss(**loss) for loss in state.get("pending", ())]
        self.rows_lost: int = state.get("rows_lost", 0)
        self._next = max(int(state.get("next", 1)), self._highest() + 1)
        self._unnoted: list[tuple[Path, Batch]] = []
        self._repair()
        self._bytes = sum(file.path.stat().st_size for file in files(folder))

    def append(self, batch: Batch, made_ms: int) -> int:
        """Take a batch for good and answer its number. Raises SpoolFull; other faults of the disk raise OSError."""
        (number,) = self.append_all([batch], made_ms)
        if number is None:
            raise SpoolFull("no room on the disk")
        return number

    def append_all(self, batches: Sequence[Batch], made_ms: int) -> list[int | None]:
        """Take batches for good, together forced to the disk; answers their numbers, None where there was no room.

        Other faults of the disk raise OSError.
        """
        numbers: list[int | None] = []
        try:
            for batch in batches:
                numbers.append(self._write(batch, made_ms))
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
        if numbers:
            sync_folder(self.folder)
            self._keep_books()
        return numbers + [None] * (len(batches) - len(numbers))

    def _write(self, batch: Batch, made_ms: int) -> int:
        number, pending = self._next, list(self._pending)
        header = {
            "format": FORMAT,
            "collector": self.collector,
            "number": number,
            "id": secrets.token_hex(16),
            "made_ms": made_ms,
            "lost": [asdict(loss) for loss in pending],
            **batch.header(),
        }
        content = sealed(header, batch.body(), self._key)
        path = self.folder / f"{self.collector}-{number:012d}.batch"
        write_whole(path, content, sync_name=False)
        self._next = number + 1
        self._pending = self._pending[len(pending) :]
        self._bytes += len(content)
        self._unnoted.append((path, batch))
        return number

    def _keep_books(self) -> None:
        """What can wait for room on the disk: second names, the bound, the state."""
        try:
            while self._unnoted:
                self._keep_last(*self._unnoted[0])
                self._unnoted.pop(0)
            self._drop_oldest()
            self._write_state()
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            self._unnoted.clear()
            _log.warning("batches are kept, the spool's bookkeeping waits for room on the disk")

    def give_up(self, batch: Batch, reason: str) -> None:
        """Count a batch that could not be taken; the next one that can be says so."""
        self._lose(Loss(len(batch.rows), batch.began_ms, batch.polled_ms, reason, batch.source))

    def last_batches(self, source: str) -> list[Batch]:
        """The last batch of each polling group of a source, oldest first: what was known before a restart."""
        found = []
        for path in sorted((self.folder / _LAST).glob(f"{_safe(source)}~*.batch")):
            try:
                header, body = read_sealed(path, self._key)
                found.append(batch_of(header, body))
            except (Damaged, KeyError, TypeError, ValueError, IndexError):
                _log.warning("%s is damaged: what was known of %s before is read anew", path.name, source)
                path.unlink(missing_ok=True)
        return sorted((batch for batch in found if batch.source == source), key=lambda batch: batch.polled_ms)

    def depth(self) -> tuple[int, int]:
        """(batches, bytes) that wait."""
        waiting = files(self.folder)
        return len(waiting), sum(file.path.stat().st_size for file in waiting if file.path.exists())

    def _keep_last(self, path: Path, batch: Batch) -> None:
        """A second name for the newest batch of a polling group, so that it survives being loaded."""
        (self.folder / _LAST).mkdir(exist_ok=True)
        name = self.folder / _LAST / f"{_safe(batch.source)}~{batch.poll_seconds:g}.batch"
        draft = name.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):  # the loader was quicker: the batch is known there
            try:
                draft.hardlink_to(path)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                shutil.copyfile(path, draft)
            draft.replace(name)

    def _drop_oldest(self) -> None:
        if self._bytes <= self._max_bytes:
            return
        waiting = files(self.folder)
        sizes = [file.path.stat().st_size if file.path.exists() else 0 for file in waiting]
        total = sum(sizes)
        dropped = 0
        for file, size in zip(waiting[:-1], sizes, strict=False):
            if total <= self._max_bytes:
                break
            self._count_drop(file)
            self._write_state()  # counted before it goes, so that a kill cannot hide the loss
            file.path.unlink(missing_ok=True)
            total -= size
            dropped += 1
        self._bytes = total
        if dropped:
            _log.error(
                "the spool is full: the %d oldest batches were given up, %d rows so far", dropped, self.rows_lost
            )

    def _count_drop(self, file: SpoolFile) -> None:
        try:
            header = read_header(file.path)
            loss = Loss(
                header["rows"],
                header["began_ms"],
                header["polled_ms"],
                "spool_dropped",
                header["source"],
                file.number,
                file.number,
            )
            earlier = [Loss(**loss) for loss in header["lost"]]
        except (Damaged, KeyError, TypeError, FileNotFoundError):
            return  # loaded or put aside meanwhile; a missing number shows by itself
        self._pending.extend(earlier)
        self._lose(loss)

    def _lose(self, loss: Loss) -> None:
        self.rows_lost += loss.rows or 0
        last = self._pending[-1] if self._pending else None
        if last and (last.reason, last.source) == (loss.reason, loss.source) and _follows(last, loss):
            self._pending[-1] = replace(
                last,
                rows=(last.rows or 0) + (loss.rows or 0),
                from_ms=min(last.from_ms, loss.from_ms),
                to_ms=max(last.to_ms, loss.to_ms),
                last_number=loss.last_number,
            )
        else:
            self._pending.append(loss)

    def _repair(self) -> None:
        """Put a damaged newest batch aside; the loader finds older ones itself, a missing number shows by itself."""
        own = [file for file in files(self.folder) if file.collector == self.collector]
        if not own:
            return
        try:
            read(own[-1], self._key)
        except Damaged as damage:
            _log.error("%s is damaged (%s) and was put aside", own[-1].path.name, damage)
            quarantine(own[-1])

    def _highest(self) -> int:
        """The highest number this collector ever gave, as far as names tell."""
        names: Sequence[Path] = [
            path for place in (self.folder, self.folder / _QUARANTINE) if place.is_dir() for path in place.iterdir()
        ]
        own = [match for path in names if (match := _NAME.match(path.name)) and match[1] == self.collector]
        return max((int(match[2]) for match in own), default=0)

    def _read_state(self) -> dict[str, Any]:
        try:
            _, state = read_sealed(self.folder / _STATE, self._key)
        except FileNotFoundError:
            state = None
        except Damaged:
            _log.error("the spool's state file is damaged; its numbers go on from the names of the batches")
            state = None
        if isinstance(state, dict):
            return state
        owners = sorted({file.collector for file in files(self.folder)})
        return {"collector": owners[0]} if len(owners) == 1 else {}

    def _write_state(self) -> None:
        state = {
            "collector": self.collector,
            "next": self._next,
            "pending": [asdict(loss) for loss in self._pending],
            "rows_lost": self.rows_lost,
        }
        write_whole(self.folder / _STATE, sealed({"format": FORMAT}, state, self._key))


def _follows(last: Loss, loss: Loss) -> bool:
    return (last.last_number is None) == (loss.first_number is None) and (
        last.last_number is None or last.last_number + 1 == loss.first_number
    )


def _safe(name: str) -> str:
    """A source's name as a file name."""
    return re.sub(r"[^A-Za-z0-9_.-]", lambda match: f"%{ord(match[0]):x}", name)
