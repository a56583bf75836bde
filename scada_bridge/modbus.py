"""Reading from Modbus TCP devices: functions 1 to 4, and 43/14 where an identity is configured; nothing else."""

import asyncio
import logging
import secrets
import ssl
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import numpy as np
from numpy.typing import NDArray
from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException, ModbusIOException
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.mei_message import ReadDeviceInformationRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest
from pymodbus.transport import CommParams, CommType

from cis_power.core.errors import ConfigError
from scada_bridge import frames
from scada_bridge.points import BIT_TABLES

# pymodbus logs whole hex histories; every failure is reported here by its reason instead.
logging.getLogger("pymodbus.logging").addFilter(lambda _record: False)

_REQUESTS = {
    "coil": ReadCoilsRequest,
    "discrete": ReadDiscreteInputsRequest,
    "holding": ReadHoldingRegistersRequest,
    "input": ReadInputRegistersRequest,
}
EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledge",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target does not answer",
}
_RECEIVE_BUFFER = 8192
_BASIC, _REGULAR = 1, 2


class ReadFailed(Exception):
    """Nothing trustworthy came; the connection is closed. `silent`: the device did not answer (in time) at all."""

    def __init__(self, reason: str, *, silent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.silent = silent


class DeviceRefused(Exception):
    """The device answered with a Modbus exception: the connection is good, this block is not."""

    def __init__(self, exception_code: int) -> None:
        self.exception_code = exception_code
        self.reason = f"exception {exception_code}: {EXCEPTIONS.get(exception_code, 'unknown')}"
        super().__init__(self.reason)

    @property
    def about_address(self) -> bool:
        """Whether other addresses may well be readable."""
        return self.exception_code in (2, 3, 4)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a Modbus source listens. `unit`: overrides the device ids of the point list."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    unit: int | None = None


def parse_url(url: str) -> Endpoint:
    """Endpoint of `modbus://host[:port][?unit=N]` or `modbus+tls://host[:port][?ca=FILE&cert=FILE&key=FILE&unit=N]`."""
    parts = urlsplit(url)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    allowed = {"unit"} | ({"ca", "cert", "key"} if parts.scheme == "modbus+tls" else set())
    try:
        port = parts.port
        unit = int(options["unit"]) if "unit" in options else None
    except ValueError:
        raise ConfigError(f"{url!r}: port and unit are numbers") from None
    if not parts.hostname or parts.path not in ("", "/") or not set(options) <= allowed:
        raise ConfigError(f"{url!r} is not of the form {parts.scheme}://host:port")
    if unit is not None and not 0 <= unit <= 255:
        raise ConfigError(f"{url!r}: a unit is 0 to 255")
    if parts.scheme == "modbus":
        return Endpoint(parts.hostname, port or 502, None, unit)
    try:
        context = ssl.create_default_context(cafile=options.get("ca"))
        if "cert" in options:
            context.load_cert_chain(options["cert"], options.get("key"))
    except OSError as error:
        raise ConfigError(f"{url!r}: a certificate file cannot be used: {error}") from None
    return Endpoint(parts.hostname, port or 802, context, unit)


class _Unread(ModbusPDU):
    """A read's answer that pymodbus need not take apart: its bytes were judged, and are decoded as whole arrays."""

    def decode(self, data: bytes) -> None:
        """Leave the data alone."""


_UNREAD = tuple(
    type(f"_Unread{function}", (_Unread,), {"function_code": function, "rtu_byte_count_pos": 2})
    for function in (1, 2, 3, 4)
)


class _Client(AsyncModbusTcpClient):
    """pymodbus' client with the plain framer over TLS too: its own TLS framer takes cut frames as whole ones."""

    def __init__(self, endpoint: Endpoint, timeout_seconds: float, **traces) -> None:  # type: ignore[no-untyped-def]
        if endpoint.tls is not None:
            self.comm_params = CommParams(
                comm_type=CommType.TLS,
                host=endpoint.host,
                port=endpoint.port,
                comm_name="modbus",
                reconnect_delay=0,
                timeout_connect=timeout_seconds,
                sslctx=endpoint.tls,
            )
        super().__init__(
            endpoint.host,
            port=endpoint.port,
            framer=FramerType.SOCKET,
            reconnect_delay=0,
            timeout=timeout_seconds,
            retries=0,
            **traces,
        )


class Connection:
    """One connection to one unit. Each failure closes it; the next read opens a new one, so no late answer survives."""

    def __init__(self, endpoint: Endpoint, unit: int, timeout_seconds: float, identity: str | None = None) -> None:
        self._endpoint = endpoint
        self._unit = unit if endpoint.unit is None else endpoint.unit
        self._timeout_seconds = timeout_seconds
        self._identity = identity
        self._client: _Client | None = None
        self._first_transaction = 0
        self._sent = b""
        self._seen: frames.Judgement = frames.Waiting("no answer")

    @property
    def connected(self) -> bool:
        return self._client is not None and self._client.connected

    async def read(self, table: str, address: int, count: int) -> NDArray[np.uint16] | NDArray[np.bool_]:
        """Registers or bits. Raises ReadFailed (connection closed) or DeviceRefused (an exception answer)."""
        await self._connect()
        await self._ask(_REQUESTS[table](address=address, count=count, dev_id=self._unit))
        seen = self._judged()
        assert isinstance(seen, frames.Answer)
        if table in BIT_TABLES:
            packed = np.frombuffer(seen.frame, np.uint8, offset=frames.DATA)
            return np.unpackbits(packed, count=count, bitorder="little").astype(np.bool_)
        return np.frombuffer(seen.frame, ">u2", count, frames.DATA).astype(np.uint16)

    async def close(self) -> None:
        """Close; a later read connects anew."""
        if self._client is not None:
            self._client.close()
            self._client = None
            await asyncio.sleep(0)  # lets the transport go

    async def _connect(self) -> None:
        if self.connected:
            return
        await self.close()
        client = _Client(
            self._endpoint, self._timeout_seconds, trace_packet=self._trace_packet, trace_connect=self._trace_connect
        )
        client.ctx.max_buffer_size = _RECEIVE_BUFFER
        for response in _UNREAD:
            client.register(response)
        if not await client.connect():
            client.close()
            raise ReadFailed("cannot connect", silent=True)
        # Each connection counts from a place of its own, so that an answer meant for another one never fits.
        self._first_transaction = client.ctx.next_tid = secrets.randbelow(30_000)
        self._client = client
        if self._identity is not None:
            await self._check_identity(self._identity)

    async def _check_identity(self, expected: str) -> None:
        found: list[str] = []
        for read_code in (_BASIC, _REGULAR):
            try:
                answer = await self._ask(ReadDeviceInformationRequest(read_code=read_code, dev_id=self._unit))
            except DeviceRefused as refusal:
                found.append(refusal.reason)
                continue
            words = [value.decode("utf-8", "replace") for _, value in sorted(_objects(answer).items())]
            if expected in words or expected == " ".join(words):
                return
            found = words
        await self.close()
        raise ReadFailed(f"another device answers: {' '.join(found)[:80]!r} instead of {expected!r}", silent=True)

    async def _ask(self, request: ModbusPDU) -> ModbusPDU:
        client = self._client
        if client is None:
            raise ReadFailed("connection closed")
        self._seen = frames.Waiting("no answer")
        try:
            answer: ModbusPDU = await client.execute(False, request)
        except (ModbusException, OSError) as error:
            seen = self._judged()
            await self.close()
            if isinstance(seen, frames.Wrong):
                raise ReadFailed(seen.reason) from error
            missing = seen.missing if isinstance(seen, frames.Waiting) else "connection closed"
            raise ReadFailed(missing, silent=missing == "no answer") from error
        except asyncio.CancelledError:
            await self.close()  # its answer may still come
            raise
        seen = self._judged()
        if not isinstance(seen, frames.Answer) or answer.transaction_id != request.transaction_id:
            await self.close()
            raise ReadFailed("answer does not belong to the request")
        if seen.exception is not None:
            raise DeviceRefused(seen.exception)
        return answer

    def _judged(self) -> frames.Judgement:
        """What the packets that came meanwhile were found to be."""
        return self._seen

    def _trace_packet(self, sending: bool, data: bytes) -> bytes:
        """Judge every packet before pymodbus sees it; what is wrong fails the waiting request at once."""
        if sending:
            self._sent = data
            return data
        if self._client is None or isinstance(self._seen, frames.Answer):
            return data  # a copy of the answer that was taken; pymodbus has no request for it
        transaction = int.from_bytes(self._sent[:2], "big")
        self._seen = frames.judge(self._sent, data, range(self._first_transaction + 1, transaction))
        if isinstance(self._seen, frames.Answer):
            return data
        if isinstance(self._seen, frames.Wrong):
            self._fail(self._seen.reason)
        return b""

    def _trace_connect(self, connected: bool) -> None:
        if not connected:
            if self._seen == frames.Waiting("no answer"):
                self._seen = frames.Waiting("connection closed by the device")
            self._fail("connection closed")

    def _fail(self, reason: str) -> None:
        if self._client is not None and not self._client.ctx.response_future.done():
            self._client.ctx.response_future.set_exception(ModbusIOException(reason))


def _objects(answer: ModbusPDU) -> dict[int, bytes]:
    information = getattr(answer, "information", {})
    return {number: value for number, value in information.items() if isinstance(value, bytes)}
