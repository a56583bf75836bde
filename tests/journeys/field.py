"""A field device for journeys: pymodbus' own server in a thread, independent of our simulator."""

import asyncio
import struct
import threading
from concurrent.futures import Future
from typing import Any

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

COILS, REGISTERS = 64, 64


class FieldDevice:
    """Unit 1 with 64 coils (function 1) and 64 holding registers (function 3) on a free port of loopback."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = 0
        self._server: ModbusTcpServer = self._do(self._open())

    def _do(self, work: Any) -> Any:
        future: Future = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(10)

    async def _open(self) -> ModbusTcpServer:
        blocks = (
            [SimData(0, values=[True] * COILS, datatype=DataType.BITS)],
            [SimData(0, values=[True] * COILS, datatype=DataType.BITS)],
            [SimData(0, values=[0] * REGISTERS, datatype=DataType.REGISTERS)],
            [SimData(0, values=[0] * REGISTERS, datatype=DataType.REGISTERS)],
        )
        server = ModbusTcpServer(SimDevice(1, simdata=blocks), address=("127.0.0.1", self.port))
        await server.serve_forever(background=True)
        self.port = server.transport.sockets[0].getsockname()[1]
        return server

    @property
    def url(self) -> str:
        return f"modbus://127.0.0.1:{self.port}"

    def coil(self, address: int, closed: bool) -> None:
        self._do(self._server.async_setValues(1, 5, address, [closed]))

    def float32(self, address: int, value: float) -> None:
        self._do(self._server.async_setValues(1, 16, address, list(struct.unpack(">HH", struct.pack(">f", value)))))

    def disappear(self) -> None:
        """Close the port; every connection breaks."""
        self._do(self._server.shutdown())

    def appear(self) -> None:
        """Listen on the same port again, with everything closed."""
        self._server = self._do(self._open())

    def close(self) -> None:
        self._do(self._server.shutdown())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
