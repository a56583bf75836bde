"""The collector: polls the sources on their schedule and puts what they say into the spool. It needs no database."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from cis_power.core.config import Settings
from cis_power.core.errors import CisError, NotFound
from cis_power.core.quality import Quality
from cis_power.core.time import utc_now
from scada_bridge.batch import Batch, from_ms, to_ms
from scada_bridge.control import holding, listen
from scada_bridge.lifetime import until_signalled
from scada_bridge.points import Point
from scada_bridge.published import point_list_file, read_published
from scada_bridge.sealed import ensure_key
from scada_bridge.source_task import Clock, Outcome, SourceTask
from scada_bridge.spool import Spool

CONTROL = "collector"
SOURCE, SPOOL = "source", "spool"  # what failed, where it is no device
_WATCH_SECONDS = 0.5
_log = logging.getLogger(__name__)


def spool_folder(run_dir: Path) -> Path:
    """Where the spool stands."""
    return run_dir / "spool"


def control_folder(run_dir: Path) -> Path:
    """Where a collector is asked for a pass."""
    return run_dir / CONTROL


class Collector:
    """Polls. Whoever makes one holds `control_folder`, so that the spool has one writer."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or Clock()
        key = ensure_key(settings.run_dir)
        self._spool = Spool(spool_folder(settings.run_dir), key, settings.spool_max_mb * 1024 * 1024)
        self._writing = asyncio.Lock()
        self._waiting: list[tuple[Batch, asyncio.Future[int | None]]] = []
        self._tasks: dict[str, SourceTask] = {}
        self._polling: dict[str, asyncio.Lock] = {}
        self.polls_missed = 0

    @property
    def tasks(self) -> dict[str, SourceTask]:
        """The sources that are polled, by name."""
        return self._tasks

    async def take_points(self, points: Iterable[Point]) -> None:
        """Poll these points from now on; what is known of them is kept."""
        by_source: dict[str, list[Point]] = {}
        for point in points:
            by_source.setdefault(point.source, []).append(point)
        async with contextlib.AsyncExitStack() as quiet:
            for lock in self._polling.values():
                await quiet.enter_async_context(lock)  # a poll that is under way ends first
            await self.close()
            self._tasks = {}
            for name, own in sorted(by_source.items()):
                task = SourceTask(name, self._settings.sources.get(name), own, self._clock)
                if task.unusable is not None:
                    _log.error("source %s with %d points cannot be polled: %s", name, len(own), task.unusable)
                task.restore(self._spool.last_batches(name))
                self._tasks[name] = task

    async def poll(self, name: str, groups: Sequence[float], *, insist: bool = False) -> Outcome:
        """Poll groups of a source, all as of one instant, and spool what came."""
        async with self._polling.setdefault(name, asyncio.Lock()):
            task = self._tasks[name]
            if task.unusable is not None:
                return Outcome(name, task.points, 0, {SOURCE: task.unusable}, None)
            batches = await task.poll(groups, insist=insist)
            numbers = [await self._keep(batch) for batch in batches]
        failed = {device: reason for batch in batches for device, reason in batch.failed.items()}
        if None in numbers:
            failed[SPOOL] = "no room on the disk"
        points = sum(len(batch.rows) for batch in batches)
        missing = sum(code >= Quality.STALE for batch in batches for code in batch.rows.quality)
        return Outcome(name, points, points - missing, failed, numbers[-1])

    async def _keep(self, batch: Batch) -> int | None:
        """Spool a batch and answer its number; what comes while the disk is busy is written together afterwards."""
        kept: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, kept))
        async with self._writing:
            group, self._waiting = self._waiting, []
            if group:
                await self._write_group(group)
        return await kept

    async def _write_group(self, group: Sequence[tuple[Batch, asyncio.Future[int | None]]]) -> None:
        try:
            now_ms = to_ms(self._clock.now())
            numbers = await asyncio.to_thread(self._spool.append_all, [batch for batch, _ in group], now_ms)
        except OSError as error:
            for _, kept in group:
                kept.set_exception(error)
            return
        for (batch, kept), number in zip(group, numbers, strict=True):
            if number is None:
                _log.error("no room for a poll of %s: %d rows are given up", batch.source, len(batch.rows))
                self._spool.give_up(batch, "disk_full")
            kept.set_result(number)

    async def pass_once(self, source: str | None = None) -> list[Outcome]:
        """Poll every group of one or all sources now, whatever the schedule and the back-off say."""
        names = [source] if source else list(self._tasks)
        if source and source not in self._tasks:
            raise NotFound(f"no source {source!r} in the published point list")
        polls = (self.poll(name, self._tasks[name].poll_groups, insist=True) for name in names)
        return list(await asyncio.gather(*polls))

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer a request of another process."""
        outcomes = await self.pass_once(request.get("source"))
        return {"outcomes": [outcome.as_dict() for outcome in outcomes]}

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(task.close() for task in self._tasks.values()))


async def collect_once(settings: Settings, source: str | None) -> list[Outcome]:
    """One pass without a running collector. The caller holds `control_folder`."""
    collector = Collector(settings)
    await collector.take_points(read_published(settings.run_dir).points)
    try:
        return await collector.pass_once(source)
    finally:
        await collector.close()


class _Schedule:
    """The polls of a collector on APScheduler, following the published point list."""

    def __init__(self, collector: Collector, run_dir: Path) -> None:
        self._collector = collector
        self._run_dir = run_dir
        self._seen: tuple[int, int] | None = (0, 0)  # no file is like this, so that a missing one is told too
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._scheduler.add_listener(self._count_missed, EVENT_JOB_MAX_INSTANCES | EVENT_JOB_MISSED)

    def _count_missed(self, _event: Any) -> None:
        self._collector.polls_missed += 1

    async def run(self) -> None:
        """Poll until cancelled."""
        self._scheduler.start()
        try:
            while True:
                await self._follow()
                await asyncio.sleep(_WATCH_SECONDS)
        finally:
            self._scheduler.shutdown(wait=False)
            await self._collector.close()

    async def _follow(self) -> None:
        mark = _mark(point_list_file(self._run_dir))
        if mark == self._seen:
            return
        self._seen = mark
        if mark is None:
            _log.warning("no point list is published in %s: nothing to poll yet", self._run_dir)
            return
        try:
            published = read_published(self._run_dir)
        except CisError as error:
            _log.error("%s; the list that was read before goes on", error.message)
            return
        self._scheduler.remove_all_jobs()
        await self._collector.take_points(published.points)
        self._plan()
        _log.info("polling %d points of %d sources", len(published.points), len(self._collector.tasks))

    async def _poll(self, name: str, groups: Sequence[float]) -> None:
        """A poll by schedule; one that is cut short by the end of the collector is no error."""
        with contextlib.suppress(asyncio.CancelledError):
            await self._collector.poll(name, groups)

    def _plan(self) -> None:
        for name, task in self._collector.tasks.items():
            for seconds in () if task.unusable else task.poll_groups:
                step = round(seconds * 1000)
                begin = from_ms(to_ms(utc_now()) // step * step)
                self._scheduler.add_job(
                    self._poll,
                    IntervalTrigger(seconds=seconds, start_date=begin, timezone="UTC"),
                    args=(name, (seconds,)),
                    id=f"{name}/{seconds:g}",
                    next_run_time=utc_now(),
                    max_instances=1,
                    coalesce=True,
                    misfire_grace_time=None,
                )


def _mark(file: Path) -> tuple[int, int] | None:
    try:
        state = file.stat()
    except FileNotFoundError:
        return None
    return state.st_mtime_ns, state.st_ino


async def _run(settings: Settings) -> None:
    collector = Collector(settings)
    await until_signalled(
        _Schedule(collector, settings.run_dir).run(),
        listen(control_folder(settings.run_dir), collector.answer),
    )


def run_collector(settings: Settings) -> None:
    """Poll until SIGTERM or SIGINT. Raises Conflict when a collector runs already."""
    with holding(control_folder(settings.run_dir), "a collector"):
        asyncio.run(_run(settings))
