"""The text of rows as they came, read again for those that must be kept as rejects."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from cis_power.core.layouts.source import BrokenRecord, Records, Source

SURPLUS = "+"
BROKEN = "?"


class RawRows:
    """Reads a file once more, forward only, and answers rows by their physical line as column → text.

    Fields behind the last column stand under "+", a row with broken quoting under "?".
    """

    def __init__(self, content: bytes | Path, sha256: str, encoding: str) -> None:
        self._source = Source(content, sha256, 0, encoding)
        self._text: TextIO | None = None
        self._records: Iterator[tuple[int, list[str]]] | None = None
        self._header: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._text is not None:
            self._text.close()

    def fetch(self, lines: Iterable[int]) -> dict[int, dict[str, str]]:
        """The rows that begin on these lines. Lines must not be before those fetched earlier."""
        wanted = sorted(lines)
        found: dict[int, dict[str, str]] = {}
        if not wanted:
            return found
        records = self._opened()
        remaining = set(wanted)
        for line, fields in records:
            if line in remaining:
                remaining.discard(line)
                found[line] = self._content(fields)
            if line >= wanted[-1]:
                break
        return found

    def _opened(self) -> Iterator[tuple[int, list[str]]]:
        if self._records is None:
            self._text = self._source.open_text()
            self._records = iter(Records(self._text))
            _, header = next(self._records)
            self._header = [name.strip().lower() for name in header]
        return self._records

    def _content(self, fields: list[str]) -> dict[str, str]:
        if isinstance(fields, BrokenRecord):
            return {BROKEN: fields[0]}
        content = {name: text for name, text in zip(self._header, fields, strict=False) if name and text}
        surplus = fields[len(self._header) :]
        if surplus:
            content[SURPLUS] = ",".join(surplus)
        return content
