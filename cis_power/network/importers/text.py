"""Text files of unknown encoding: UTF-8 with or without BOM, else GBK, else a problem that names the place."""

from dataclasses import dataclass
from pathlib import Path

from cis_power.core.errors import Problem

MAX_FILE_BYTES = 2_000_000_000


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file's text, or why there is none."""

    name: str
    text: str = ""
    problem: Problem | None = None


def read_text(path: Path, name: str, max_bytes: int = MAX_FILE_BYTES) -> TextFile:
    """Text of a file; `name` is what problems call it. A file that cannot be read yields a problem instead."""
    try:
        size = path.stat().st_size
        if size > max_bytes:
            message = f"{size} bytes; at most {max_bytes} are read"
            return TextFile(name, problem=Problem("too_large", message, file=name))
        data = path.read_bytes()
    except OSError as error:
        return TextFile(name, problem=Problem("unreadable", error.strerror or str(error), file=name))
    return decode(data, name)


def decode(data: bytes, name: str) -> TextFile:
    """UTF-8 first because GBK accepts almost anything; the line of the first bad byte is named. NUL is no text."""
    if (nul := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, nul) + 1
        return TextFile(name, problem=Problem("encoding", "holds NUL bytes: not a text file", file=name, line=line))
    try:
        return TextFile(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        bad = error.start
    try:
        text = data.decode("gbk")
    except UnicodeDecodeError:
        line = data.count(b"\n", 0, bad) + 1
        return TextFile(name, problem=Problem("encoding", "neither UTF-8 nor GBK", file=name, line=line))
    return TextFile(name, text)
