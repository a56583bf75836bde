"""Whether what came over a Modbus/TCP connection is the one right answer to what was asked; pure.

pymodbus takes answers of wrong length, function or transaction as good, so every frame is judged here first
(Modbus Messaging on TCP/IP, 3.1.3: transaction 2 bytes, protocol 2 bytes = 0, length 2 bytes, unit 1 byte, PDU).
"""

from collections.abc import Container
from dataclasses import dataclass

HEADER = 7
DATA = 9  # behind function and byte count
_LONGEST = 254  # of the length field: unit and PDU
_EXCEPTION = 0x80
_DEVICE_INFORMATION = 0x2B


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not a whole answer yet; `missing` says what a timeout would mean."""

    missing: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """Never an answer to the request: `reason` says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole right answer: `frame`, or the code of an `exception` that the device answered."""

    frame: bytes
    exception: int | None = None


Judgement = Waiting | Wrong | Answer


def judge(request: bytes, received: bytes, earlier: Container[int] = ()) -> Judgement:
    """Judge all bytes received since `request` was sent; copies of answers to `earlier` ones are passed over."""
    while True:
        if not received:
            return Waiting("no answer")
        fault = _header_fault(received)
        if fault:
            return Wrong(fault)
        if len(received) < 6:
            return Waiting("answer was cut off")
        size = 6 + int.from_bytes(received[4:6], "big")
        transaction = int.from_bytes(received[:2], "big")
        if transaction in earlier and received[:2] != request[:2]:
            if len(received) < size:
                return Waiting("only a copy of an earlier answer came")
            received = received[size:]
            continue
        return _judge_answer(request, received, size)


def _header_fault(received: bytes) -> str | None:
    if any(received[2:4]):
        return "garbage: not a Modbus/TCP frame"
    if len(received) >= 6 and not 3 <= int.from_bytes(received[4:6], "big") <= _LONGEST:
        return "garbage: impossible length"
    return None


def _judge_answer(request: bytes, received: bytes, size: int) -> Judgement:
    fault = _address_fault(request, received) or (_count_fault(request, received, size) if len(received) > 8 else None)
    if fault:
        return Wrong(fault)
    if len(received) < max(size, 9):
        return Waiting("answer was cut off")
    frame, rest = received[:size], received[size:]
    if rest and rest != frame[: len(rest)]:
        return Wrong("bytes after the answer")
    if frame[7] == _DEVICE_INFORMATION and not _objects_fit(frame[HEADER:]):
        return Wrong("broken device identification")
    return Answer(frame, frame[8] if frame[7] & _EXCEPTION else None)


def _address_fault(request: bytes, received: bytes) -> str | None:
    if received[:2] != request[:2]:
        return "wrong transaction"
    if received[6:7] not in (b"", request[6:7]):
        return "wrong unit"
    if len(received) > 7 and received[7] & ~_EXCEPTION != request[7]:
        return "wrong function"
    return None


def _objects_fit(pdu: bytes) -> bool:
    """Whether the list of objects of a device identification ends where the frame ends (Modbus 1.1b3, 6.21)."""
    if len(pdu) < 7:
        return False
    place = 7
    for _ in range(pdu[6]):
        if len(pdu) < place + 2:
            return False
        place += 2 + pdu[place + 1]
    return place == len(pdu)


def _count_fault(request: bytes, received: bytes, size: int) -> str | None:
    """Whether length field, byte count and the count that was asked for agree."""
    if received[7] & _EXCEPTION:
        return None if size == HEADER + 2 else "wrong length of an exception"
    if request[7] == _DEVICE_INFORMATION:
        return None
    count = int.from_bytes(request[10:12], "big")
    expected = 2 * count if request[7] in (3, 4) else (count + 7) // 8
    if received[8] != expected:
        return "short answer" if received[8] < expected else "long answer"
    if size != HEADER + 2 + expected:
        return "short answer" if size < HEADER + 2 + expected else "long answer"
    return None
