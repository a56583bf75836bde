"""Reading the points of one device: blocks over a connection, split around addresses the device refuses."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from scada_bridge.backoff import Backoff
from scada_bridge.blocks import Block, plan, split
from scada_bridge.decode import REASONS, Decoder
from scada_bridge.modbus import DeviceRefused, ReadFailed
from scada_bridge.picture import Reading, nothing_read
from scada_bridge.points import BIT_TABLES, Point

_MOST_SPLITS_A_POLL = 64
_REFUSED_A_POLL = 8
_WORDS = np.array([None, *REASONS[1:]], np.object_)
_log = logging.getLogger(__name__)

Image = NDArray[np.uint16] | NDArray[np.bool_]


class Channel(Protocol):
    """What brings blocks out of a device; it raises ReadFailed or DeviceRefused."""

    async def read(self, table: str, address: int, count: int) -> Image: ...

    async def close(self) -> None: ...


class BlockPlan:
    """The blocks of some points of one device, and what was learnt about addresses that it refuses.

    Refused addresses are asked again alone, a few a poll in turn, so that they neither spoil nor slow down the others.
    """

    def __init__(self, points: Sequence[Point]) -> None:
        self.points = tuple(points)
        self._blocks: list[Block] = []
        self._refused: deque[Block] = deque()
        self._words: dict[int, str] = {}
        self.forget()

    def forget(self) -> None:
        """Begin with full blocks again; the device may have changed."""
        self._refused.clear()
        self._set(plan(self.points))

    def _set(self, blocks: list[Block]) -> None:
        self._blocks = blocks
        self._images = Images(self.points, blocks)

    async def read(self, channel: Channel) -> Reading:
        """One poll of all points. Raises PartlyRead when the connection fails in the middle."""
        reading = nothing_read(len(self.points), "not read")
        asked_again = [self._refused.popleft() for _ in range(min(len(self._refused), _REFUSED_A_POLL))]
        for block in self._refused:
            _give_reason(reading, [block], self._words[block.rows[0]])
        waiting = [*reversed(asked_again), *reversed(self._blocks)]
        kept, splits = list[Block](), 0
        came: list[tuple[Block, Image]] = []
        while waiting:
            block = waiting.pop()
            try:
                image = await channel.read(block.table, block.address, block.count)
            except DeviceRefused as refusal:
                smaller = split(self.points, block) if refusal.about_address else [block]
                if smaller != [block] and splits < _MOST_SPLITS_A_POLL:
                    splits += 1
                    waiting.extend(reversed(smaller))
                    continue
                _give_reason(reading, [block], refusal.reason)
                if smaller == [block] and refusal.about_address:
                    self._note_refused(block, refusal)
                else:
                    kept.append(block)
            except ReadFailed as failure:
                self._store(came, reading)
                _give_reason(reading, [block, *waiting], failure.reason)
                self.forget()
                raise PartlyRead(reading, failure) from failure
            else:
                kept.append(block)
                came.append((block, image))
        self._store(came, reading)
        self._learn(kept, asked_again, reading)
        return reading

    def _note_refused(self, block: Block, refusal: DeviceRefused) -> None:
        self._refused.append(block)
        for row in block.rows:
            if self._words.get(row) != refusal.reason:
                _log.warning("point %s: %s", self.points[row].point_id, refusal.reason)
            self._words[row] = refusal.reason

    def _learn(self, kept: list[Block], asked_again: list[Block], reading: Reading) -> None:
        """Plan the next poll: as this one went, or from full blocks where there is reason to."""
        came_back = [block for block in asked_again if block in kept]
        if reading.failed.all():
            self.forget()  # the device refuses everything: that is about the device, not about addresses
        elif came_back:
            for block in came_back:
                for row in block.rows:
                    self._words.pop(row, None)
            refused = {row for block in self._refused for row in block.rows}
            self._set(plan(self.points, [row for row in range(len(self.points)) if row not in refused]))
        elif kept != self._blocks:
            self._set(kept)

    def _store(self, came: Sequence[tuple[Block, Image]], reading: Reading) -> None:
        blocks = [block for block, _ in came]
        images = self._images if blocks == self._blocks else Images(self.points, blocks)
        images.decode_into(reading, [image for _, image in came])


class Images:
    """How the images of some blocks are decoded: all registers at once, all bits at once."""

    def __init__(self, points: Sequence[Point], blocks: Sequence[Block]) -> None:
        self._parts: list[tuple[list[int], NDArray[np.intp], Decoder]] = []  # blocks, rows, decoder
        for in_bits in (False, True):
            chosen = [place for place, block in enumerate(blocks) if (block.table in BIT_TABLES) == in_bits]
            rows: list[int] = []
            places: list[int] = []
            begin = 0
            for block in (blocks[place] for place in chosen):
                rows.extend(block.rows)
                places.extend(begin + points[row].address - block.address for row in block.rows)
                begin += block.count
            if chosen:
                decoder = Decoder([points[row] for row in rows], places)
                self._parts.append((chosen, np.array(rows, np.intp), decoder))

    def decode_into(self, reading: Reading, images: Sequence[Image]) -> None:
        """Enter what the images, one a block in the blocks' order, say of their points."""
        for chosen, rows, decoder in self._parts:
            decoded = decoder.decode(np.concatenate([images[place] for place in chosen]))
            reading.value[rows] = decoded.value
            reading.quality[rows] = decoded.quality
            reading.failed[rows] = False
            reading.reason[rows] = _WORDS[decoded.reason]


class PartlyRead(Exception):
    """The connection failed in the middle of a poll; `reading` holds what came before."""

    def __init__(self, reading: Reading, failure: ReadFailed) -> None:
        super().__init__(failure.reason)
        self.reading = reading
        self.failure = failure


def _give_reason(reading: Reading, blocks: Sequence[Block], reason: str) -> None:
    for block in blocks:
        for row in block.rows:
            reading.reason[row] = reason


class DeviceReader:
    """One device: its polling groups share a connection. A silent device is asked aside, so that it delays nobody."""

    def __init__(
        self,
        name: str,
        channel: Channel,
        groups: Mapping[float, Sequence[Point]],
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """`seconds`: a clock that only goes forward."""
        self.name = name
        self._seconds = seconds
        self._channel = channel
        self._plans = {poll_seconds: BlockPlan(points) for poll_seconds, points in groups.items()}
        self._lock = asyncio.Lock()
        self._backoff = Backoff()
        self._probe: asyncio.Task[None] | None = None
        self.trouble: str | None = None

    async def poll(self, poll_seconds: float, *, insist: bool = False) -> Reading:
        """Read a group's points now. `insist`: ask even a device that is thought silent, and wait for it."""
        block_plan = self._plans[poll_seconds]
        if self._backoff.down and not insist:
            if self._probe is None and self._backoff.due(self._seconds()):
                self._probe = asyncio.create_task(self._ask_aside(block_plan))
            return nothing_read(len(block_plan.points), self.trouble or "no answer")
        return await self._read(block_plan)

    async def close(self) -> None:
        """End the probe and the connection."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        await self._channel.close()

    async def _ask_aside(self, block_plan: BlockPlan) -> None:
        try:
            await self._read(block_plan)
        finally:
            self._probe = None

    async def _read(self, block_plan: BlockPlan) -> Reading:
        async with self._lock:
            try:
                reading = await block_plan.read(self._channel)
            except PartlyRead as partly:
                self._note_failure(partly.failure)
                return partly.reading
        if self.trouble is not None:
            _log.info("%s answers again", self.name)
            for each in self._plans.values():
                each.forget()
        self._backoff.succeeded()
        self.trouble = None
        return reading

    def _note_failure(self, failure: ReadFailed) -> None:
        if failure.silent:
            self._backoff.failed(self._seconds())
        if self.trouble is None:
            _log.warning("%s: %s", self.name, failure.reason)
        self.trouble = failure.reason
