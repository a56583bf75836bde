"""A Modbus TCP server that can answer wrongly on purpose: what real devices and lines do, on request."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from scada_bridge.simulator.memory import Readable, Unreadable

FAULTS = {
    "none": "answers as it should",
    "short": "answers fewer registers than asked",
    "long": "answers more registers than asked",
    "half": "sends half of the answer and then nothing",
    "truncated": "sends an answer whose length field is right and whose end is missing, and closes",
    "transaction": "answers under another transaction number",
    "unit": "answers as another unit",
    "function": "answers with another function code",
    "exception": "answers every read with exception 4",
    "late": "answers after the reader has given up",
    "doubled": "sends every answer twice",
    "garbage": "sends bytes that are no frame",
    "close": "closes the connection instead of answering",
    "slow": "sends the answer byte by byte, slower than the reader waits",
    "refused": "refuses connections",
    "silent": "accepts connections and never answers",
    "frozen": "answers, but its values never change",
}
_READS = (1, 2, 3, 4)
_IDENTIFICATION = 0x2B
_ILLEGAL_FUNCTION, _ILLEGAL_ADDRESS, _ILLEGAL_VALUE, _DEVICE_FAILURE = 1, 2, 3, 4
_MOST = {1: 2000, 2: 2000, 3: 125, 4: 125}


@dataclass
class Device:
    """One listening device: its units' memories, its identity, the fault it has now, and what it was asked."""

    memories: Mapping[int, Readable]
    identity: tuple[str, str, str] = ("cis-power", "simulated RTU", "1")
    fault: str = "none"
    late_seconds: float = 1.0
    asked: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._address = ("127.0.0.1", 0)

    @property
    def port(self) -> int:
        return self._address[1]

    @property
    def listening(self) -> bool:
        return self._server is not None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one, `port` tells which."""
        server = await asyncio.start_server(self._serve, host, port)
        self._server = server
        self._address = (host, server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def set_fault(self, fault: str) -> None:
        """Begin a fault of FAULTS, or end it with `none`."""
        before, self.fault = self.fault, fault
        if fault == "refused":
            await self.stop()
        elif before == "refused":
            await self.start(*self._address)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            while True:
                header = await reader.readexactly(7)
                pdu = await reader.readexactly(max(int.from_bytes(header[4:6], "big") - 1, 0))
                if not pdu or not await self._respond(writer, header, pdu):
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _respond(self, writer: asyncio.StreamWriter, header: bytes, pdu: bytes) -> bool:
        """Answer one request, rightly or wrongly; False closes the connection."""
        self.asked[str(pdu[0]) if pdu[0] != _IDENTIFICATION else f"43/{pdu[1] if len(pdu) > 1 else 0}"] += 1
        answer = self._answer(header[6], pdu)
        frame = _framed(header, answer)
        match self.fault:
            case "silent":
                return True
            case "close":
                return False
            case "half":
                writer.write(frame[: len(frame) // 2])
            case "truncated":
                writer.write(frame[:-1])
                await writer.drain()
                return False
            case "late":
                await asyncio.sleep(self.late_seconds)
                writer.write(frame)
            case "slow":
                for byte in frame:
                    writer.write(bytes([byte]))
                    await asyncio.sleep(self.late_seconds / 4)
            case _:
                writer.write(_spoiled(self.fault, header, frame, answer))
        await writer.drain()
        return True

    def _answer(self, unit: int, pdu: bytes) -> bytes:
        function = pdu[0]
        if function == _IDENTIFICATION and len(pdu) == 4:
            return self._identification(pdu)
        if function not in _READS or len(pdu) != 5:
            return bytes([function | 0x80, _ILLEGAL_FUNCTION])
        cells = self._cells(unit, function, int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big"))
        if isinstance(cells, int):
            return bytes([function | 0x80, cells])
        data = _bits(cells) if function in (1, 2) else b"".join(cell.to_bytes(2, "big") for cell in cells)
        return bytes([function, len(data)]) + data

    def _cells(self, unit: int, function: int, address: int, count: int) -> list[int] | int:
        """What is asked for, or the exception that refuses it."""
        if self.fault == "exception":
            return _DEVICE_FAILURE
        if not 1 <= count <= _MOST[function]:
            return _ILLEGAL_VALUE
        memory = self.memories.get(unit)
        try:
            cells = memory.read(function, address, count) if memory is not None else None
        except Unreadable:
            return _DEVICE_FAILURE
        return _ILLEGAL_ADDRESS if cells is None else cells

    def _identification(self, pdu: bytes) -> bytes:
        objects = b"".join(bytes([i, len(text.encode())]) + text.encode() for i, text in enumerate(self.identity))
        return bytes([_IDENTIFICATION, 0x0E, pdu[2], 0x01, 0x00, 0x00, len(self.identity)]) + objects


def _bits(cells: list[int]) -> bytes:
    data = bytearray((len(cells) + 7) // 8)
    for place, cell in enumerate(cells):
        data[place // 8] |= (cell & 1) << (place % 8)
    return bytes(data)


def _framed(header: bytes, pdu: bytes) -> bytes:
    return header[:4] + (len(pdu) + 1).to_bytes(2, "big") + header[6:7] + pdu


def _spoiled(fault: str, header: bytes, frame: bytes, pdu: bytes) -> bytes:
    """The frame as a device with this fault sends it in one go."""
    other = (int.from_bytes(header[:2], "big") + 7) & 0xFFFF
    spoiled = {
        "short": _framed(header, bytes([pdu[0], max(pdu[1] - 2, 0)]) + pdu[2:-2]),
        "long": _framed(header, bytes([pdu[0], min(pdu[1] + 2, 255)]) + pdu[2:] + b"\x12\x34"),
        "transaction": other.to_bytes(2, "big") + frame[2:],
        "unit": frame[:6] + bytes([(frame[6] + 1) & 0xFF]) + frame[7:],
        "function": frame[:7] + bytes([frame[7] ^ 0x07]) + frame[8:],
        "doubled": frame + frame,
        "garbage": b"\xde\xad\xbe\xef" * 5,
    }
    return spoiled.get(fault, frame)
