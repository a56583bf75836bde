"""From the bytes of a file to its records: limits, encoding and CSV quoting, with physical line numbers."""

import csv
import hashlib
import io
import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cis_power.core.errors import Problem

_BLOCK = 1 << 20
_LONGEST_LINE = 1 << 20
_PROBE = 1 << 18
_ZONE_LINE = re.compile(r'"?#TZ=([^,;"]*)"?[,;\s]*')
_HANZI_PAIR = re.compile(rb"[\x81-\xfe][\x40-\xfe]")
_COMMON_PAIR = re.compile(rb"[\xa1-\xa9\xb0-\xf7][\xa1-\xfe]")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may measure at most; checked before and while it is read."""

    size_bytes: int = 1 << 30
    header_length: int = 16_384
    columns: int = 300
    rows: int = 5_000_000
    problems: int = 100_000


class FileFault(Exception):
    """The file cannot be read as a whole; `problem` says why."""

    def __init__(self, code: str, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.problem = Problem(code, message, line=line)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was found readable: its fingerprint and how to open it."""

    content: bytes | Path
    sha256: str
    size_bytes: int
    encoding: str

    def open_text(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(_open(self.content), encoding=self.encoding, newline="")


def inspect(content: bytes | Path, limits: Limits) -> Source:
    """Check size, NUL bytes, header length and encoding in one pass. Raises FileFault."""
    size_bytes = content.stat().st_size if isinstance(content, Path) else len(content)
    if size_bytes > limits.size_bytes:
        raise FileFault("too_large", f"{size_bytes:,} bytes, at most {limits.size_bytes:,} are allowed")
    with _open(content) as stream:
        _check_header_length(stream.read(_PROBE), limits)
        stream.seek(0)
        return _fingerprint(content, stream, size_bytes, limits)


def fingerprint(content: bytes | Path, limits: Limits) -> str:
    """SHA-256 of the content, whatever it is; of the beginning only where it is larger than may be read."""
    size_bytes = content.stat().st_size if isinstance(content, Path) else len(content)
    digest = hashlib.sha256()
    with _open(content) as stream:
        if size_bytes > limits.size_bytes:
            return hashlib.sha256(stream.read(_BLOCK) + str(size_bytes).encode()).hexdigest()
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _open(content: bytes | Path) -> BinaryIO:
    return content.open("rb") if isinstance(content, Path) else io.BytesIO(content)


def _check_header_length(start: bytes, limits: Limits) -> None:
    lines = re.split(rb"\r\n|\r|\n", start, maxsplit=2)
    heads = lines[:2] if lines[0].lstrip(b'\xef\xbb\xbf"').startswith(b"#TZ=") else lines[:1]
    for number, head in enumerate(heads, start=1):
        if len(head) > limits.header_length:
            raise FileFault("header_too_long", f"the header is longer than {limits.header_length:,} bytes", number)


def _fingerprint(content: bytes | Path, stream: BinaryIO, size_bytes: int, limits: Limits) -> Source:
    digest, decoder = hashlib.sha256(), getincrementaldecoder("utf-8")("strict")
    utf8, lines = True, 1
    while block := stream.read(_BLOCK):
        digest.update(block)
        if (place := block.find(b"\0")) >= 0:
            line = lines + block.count(b"\n", 0, place)
            raise FileFault("nul_byte", "a NUL byte: this is not a text file in UTF-8 or GBK", line)
        lines += block.count(b"\n")
        if lines > limits.rows + 3:
            raise FileFault("too_many_rows", f"more than {limits.rows:,} rows")
        if utf8:
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                utf8 = False
    if utf8:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            utf8 = False
    if not utf8:
        _check_gbk(stream)
    return Source(content, digest.hexdigest(), size_bytes, "utf-8-sig" if utf8 else "gb18030")


def _check_gbk(stream: BinaryIO) -> None:
    """Refuse what is neither UTF-8 nor GBK: broken UTF-8 and Latin letters often decode as GBK, but into rare signs."""
    stream.seek(0)
    decoder = getincrementaldecoder("gb18030")("strict")
    pairs = common = valid = broken = 0
    number = 0
    gbk_fault: int | None = None
    utf8_fault: int | None = None
    for number, raw in enumerate(iter(lambda: stream.readline(_LONGEST_LINE), b""), start=1):
        if raw.isascii():
            continue
        text = raw.decode("utf-8", errors="replace")
        replaced = text.count("\ufffd")
        if replaced and utf8_fault is None:
            utf8_fault = number
        broken += replaced
        valid += sum(1 for sign in text if sign > "\x7f") - replaced
        pairs += len(_HANZI_PAIR.findall(raw))
        common += len(_COMMON_PAIR.findall(raw))
        if gbk_fault is None:
            try:
                decoder.decode(raw)
            except UnicodeDecodeError:
                gbk_fault = number
    looks_like_utf8 = valid > broken
    if looks_like_utf8 or gbk_fault is not None or common * 2 < pairs:
        line = utf8_fault if looks_like_utf8 or gbk_fault is None else gbk_fault
        raise FileFault("bad_encoding", "the text is neither UTF-8 nor GBK", line)


class BrokenRecord(list[str]):
    """The text of a record whose quoting is broken."""


@dataclass(slots=True)
class Records:
    """The records of an open text after its `#TZ` line: iterate for (first physical line, fields).

    Blank lines and records of empty fields only are passed over. A record whose quoting is broken comes as the one
    field of its last line, a `BrokenRecord`. Raises FileFault where quoting never ends.
    """

    text: io.TextIOWrapper
    zone: ZoneInfo | None = None
    _skipped: int = 0
    _first: str = ""
    _last: str = ""

    def __post_init__(self) -> None:
        first = self.text.readline(_LONGEST_LINE)
        if match := _ZONE_LINE.fullmatch(first.strip()):
            self.zone = _zone(match.group(1).strip())
            self._skipped, first = 1, ""
        self._first = first

    def _lines(self) -> Iterator[str]:
        if self._first:
            yield self._first
        readline = self.text.readline
        while line := readline(_LONGEST_LINE):
            if len(line) == _LONGEST_LINE:
                raise FileFault("line_too_long", f"a line is longer than {_LONGEST_LINE:,} characters")
            self._last = line
            yield line

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(self._lines(), strict=True)
        before = self._skipped
        fields: list[str] | None
        while True:
            try:
                fields = next(reader, None)
            except csv.Error as error:
                if "expected after" not in str(error):
                    raise FileFault("bad_quoting", f"a quote opens and never closes: {error}", before + 1) from None
                fields = BrokenRecord([self._last.rstrip("\r\n")])
            if fields is None:
                return
            line, before = before + 1, self._skipped + reader.line_num
            if any(fields):
                yield line, fields


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise FileFault("bad_zone", f"#TZ={name!r} is not a time zone", 1) from None
