"""A wrong frame never becomes a value (promise R6), and nothing but reading is ever sent (S5)."""

import asyncio
from contextlib import asynccontextmanager

import numpy as np
import pytest
from pymodbus.client import AsyncModbusTcpClient

from cis_power.core.errors import ConfigError
from scada_bridge import frames
from scada_bridge.modbus import Connection, DeviceRefused, Endpoint, ReadFailed, parse_url
from scada_bridge.simulator.memory import Memory
from scada_bridge.simulator.server import FAULTS, Device

TIMEOUT_SECONDS = 0.15


@asynccontextmanager
async def device_with(**attributes):
    memory = Memory()
    memory.put_raw("holding", 0, [(i * 7919) & 0xFFFF for i in range(300)])
    memory.put_raw("input", 0, list(range(10)))
    memory.put_raw("coil", 0, [i % 3 == 0 for i in range(2000)])
    memory.put_raw("discrete", 5, [1, 0, 1])
    device = Device({1: memory}, late_seconds=3 * TIMEOUT_SECONDS, **attributes)
    await device.start()
    try:
        yield device
    finally:
        await device.stop()


def connection_to(device, unit=1, identity=None):
    return Connection(Endpoint("127.0.0.1", device.port), unit, TIMEOUT_SECONDS, identity)


def expected(table, address, count):
    if table == "holding":
        return [(i * 7919) & 0xFFFF for i in range(address, address + count)]
    return [i % 3 == 0 for i in range(address, address + count)]


def test_reads_all_four_tables_and_nothing_else():
    async def play():
        async with device_with() as device:
            connection = connection_to(device)
            assert (await connection.read("holding", 3, 125)).tolist() == expected("holding", 3, 125)
            assert (await connection.read("input", 2, 3)).tolist() == [2, 3, 4]
            assert (await connection.read("coil", 1, 1999)).tolist() == expected("coil", 1, 1999)
            assert (await connection.read("discrete", 5, 3)).tolist() == [True, False, True]
            await connection.close()
            assert set(device.asked) == {"1", "2", "3", "4"}

    asyncio.run(play())


def test_the_stand_in_speaks_modbus_as_pymodbus_does():
    async def play():
        async with device_with() as device:
            client = AsyncModbusTcpClient("127.0.0.1", port=device.port)
            await client.connect()
            answer = await client.read_holding_registers(10, count=5, device_id=1)
            assert answer.registers == expected("holding", 10, 5)
            bits = await client.read_coils(0, count=20, device_id=1)
            assert bits.bits[:20] == expected("coil", 0, 20)
            assert (await client.read_holding_registers(5000, count=5, device_id=1)).exception_code == 2
            assert (await client.write_register(1, 5, device_id=1)).exception_code == 1
            client.close()

    asyncio.run(play())


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in ("none", "frozen")])
def test_no_fault_makes_a_wrong_value_and_the_next_read_is_right(fault):
    async def play():
        async with device_with() as device:
            connection = connection_to(device)
            for repetition in range(4):
                table, count = ("holding", 60) if repetition % 2 else ("coil", 77)
                await device.set_fault(fault)
                try:
                    values = await connection.read(table, repetition, count)
                    assert fault == "doubled"
                    assert values.tolist() == expected(table, repetition, count)
                except (ReadFailed, DeviceRefused) as failure:
                    assert failure.reason
                await device.set_fault("none")
                right = await connection.read(table, repetition + 1, count)
                assert right.tolist() == expected(table, repetition + 1, count)
            await connection.close()

    asyncio.run(play())


REASONS = {
    "short": "short answer", "long": "long answer", "half": "answer was cut off", "transaction": "wrong transaction",
    "unit": "wrong unit", "function": "wrong function", "garbage": "garbage: not a Modbus/TCP frame",
    "close": "connection closed by the device", "silent": "no answer", "refused": "cannot connect",
    "exception": "exception 4: device failure", "truncated": "answer was cut off", "late": "no answer",
    "slow": "answer was cut off",
}  # fmt: skip


@pytest.mark.parametrize("fault", REASONS)
def test_each_fault_is_named(fault):
    async def play():
        async with device_with(fault="none") as device:
            connection = connection_to(device)
            await device.set_fault(fault)
            with pytest.raises((ReadFailed, DeviceRefused)) as failure:
                await connection.read("holding", 0, 60)
            assert failure.value.reason == REASONS[fault]
            await connection.close()

    asyncio.run(play())


def test_a_late_answer_is_not_taken_for_the_next_one():
    """The device answers each request a little too late, again and again; never may answer n serve request n + 1."""

    async def play():
        async with device_with(fault="late") as device:
            connection = connection_to(device)
            for address in range(3):
                with pytest.raises(ReadFailed):
                    await connection.read("holding", address, 10)
                await asyncio.sleep(TIMEOUT_SECONDS)
            device.fault = "none"
            assert (await connection.read("holding", 50, 10)).tolist() == expected("holding", 50, 10)
            await connection.close()

    asyncio.run(play())


def test_an_exception_leaves_the_connection_open():
    async def play():
        async with device_with() as device:
            connection = connection_to(device)
            with pytest.raises(DeviceRefused) as refusal:
                await connection.read("holding", 5000, 2)
            assert refusal.value.about_address
            assert connection.connected
            await connection.close()

    asyncio.run(play())


@pytest.mark.parametrize("identity", ["simulated RTU", "cis-power simulated RTU 1"])
def test_the_identity_is_asked_first_and_accepted(identity):
    async def play():
        async with device_with() as device:
            connection = connection_to(device, identity=identity)
            assert (await connection.read("holding", 0, 1)).tolist() == [0]
            assert list(device.asked) == ["43/14", "3"]
            await connection.close()

    asyncio.run(play())


def test_another_device_is_refused_before_anything_is_read():
    async def play():
        async with device_with() as device:
            connection = connection_to(device, identity="RTU 7")
            with pytest.raises(ReadFailed, match="another device answers"):
                await connection.read("holding", 0, 1)
            assert "3" not in device.asked
            await connection.close()

    asyncio.run(play())


def test_without_identity_function_43_is_never_sent():
    async def play():
        async with device_with() as device:
            connection = connection_to(device)
            await connection.read("holding", 0, 1)
            await connection.close()
            assert set(device.asked) == {"3"}

    asyncio.run(play())


REQUEST = bytes.fromhex("000500000006010300000002")
ANSWER = bytes.fromhex("000500000007010304aabbccdd")


@pytest.mark.parametrize(
    ("received", "verdict"),
    [
        (ANSWER, frames.Answer),
        (ANSWER + ANSWER, frames.Answer),
        (bytes.fromhex("0004") + ANSWER[2:] + ANSWER, frames.Answer),
        (bytes.fromhex("0004") + ANSWER[2:], frames.Waiting),
        (bytes.fromhex("0000") + ANSWER[2:], frames.Wrong),
        (ANSWER[:-1], frames.Waiting),
        (ANSWER + b"\x00", frames.Answer),
        (ANSWER + b"\x07", frames.Wrong),
        (bytes.fromhex("0005000000050103020001"), frames.Wrong),
        (bytes.fromhex("000500000009010304aabbccddeeff"), frames.Wrong),
        (bytes.fromhex("000500000007010404aabbccdd"), frames.Wrong),
        (bytes.fromhex("000500000007020304aabbccdd"), frames.Wrong),
        (bytes.fromhex("000500000003018302"), frames.Answer),
        (bytes.fromhex("00050000000401830200"), frames.Wrong),
        (bytes.fromhex("000500010007010304aabbccdd"), frames.Wrong),
        (b"", frames.Waiting),
    ],
)
def test_frames_are_judged(received, verdict):
    assert isinstance(frames.judge(REQUEST, received, range(1, 5)), verdict)


def test_every_flip_of_a_header_bit_is_noticed():
    """A changed bit anywhere but in the data itself is never an answer to the request."""
    for place in range(9):
        for bit in range(8):
            data = bytearray(ANSWER)
            data[place] ^= 1 << bit
            found = frames.judge(REQUEST, bytes(data), ())
            assert not isinstance(found, frames.Answer) or found.exception is not None, (place, bit)


def test_urls():
    assert parse_url("modbus://10.0.0.7:1502") == Endpoint("10.0.0.7", 1502)
    assert parse_url("modbus://rtu?unit=9") == Endpoint("rtu", 502, None, 9)
    assert parse_url("modbus+tls://rtu").port == 802
    for wrong in ("modbus://", "modbus://rtu:x", "modbus://rtu/path", "modbus://rtu?unt=1", "modbus://rtu?unit=300"):
        with pytest.raises(ConfigError):
            parse_url(wrong)


def test_answers_are_numpy_arrays_of_their_own():
    async def play():
        async with device_with() as device:
            connection = connection_to(device)
            words = await connection.read("holding", 0, 2)
            await connection.close()
            assert words.dtype == np.uint16

    asyncio.run(play())
