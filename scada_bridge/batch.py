"""What travels through the spool: one poll of one source, as data. Times are whole milliseconds since 1970 (UTC)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (moment - _EPOCH) // _MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """The instant of whole milliseconds since 1970."""
    return _EPOCH + milliseconds * _MILLISECOND


@dataclass(frozen=True, slots=True)
class Change:
    """A discrete point (at `row`) was read with another value or quality than before.

    It lies between `earliest_ms` (the last good poll; None: there was none) and the poll that found it. `uncertain`:
    reads failed or the collector was away in between.
    """

    row: int
    previous: float | None
    earliest_ms: int | None
    uncertain: bool


@dataclass(frozen=True, slots=True)
class Loss:
    """Rows that were collected and then given up: between which times, why, and which batch numbers they had."""

    rows: int | None
    from_ms: int
    to_ms: int
    reason: str
    source: str | None = None
    first_number: int | None = None
    last_number: int | None = None


@dataclass(frozen=True, slots=True)
class PollRows:
    """Points of one poll as columns. A failed read keeps value and time of the last good one, quality STALE."""

    points: Sequence[str]
    values: Sequence[float | None]
    measured_ms: Sequence[int | None]
    quality: Sequence[int]
    reasons: Sequence[str | None]
    changes: Sequence[Change] = ()

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True, slots=True)
class Batch:
    """One poll of one source. `resumed_ms`: the last poll before the collector was away, in its first poll after."""

    source: str
    began_ms: int
    polled_ms: int
    poll_seconds: float
    rows: PollRows
    failed: dict[str, str] = field(default_factory=dict)  # device id → reason
    devices: int = 1
    resumed_ms: int | None = None

    def header(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "began_ms": self.began_ms,
            "polled_ms": self.polled_ms,
            "poll_seconds": self.poll_seconds,
            "rows": len(self.rows),
            "failed": self.failed,
            "devices": self.devices,
            "resumed_ms": self.resumed_ms,
        }

    def body(self) -> dict[str, Any]:
        rows = self.rows
        words = sorted({reason for reason in rows.reasons if reason})
        place = {word: number for number, word in enumerate(words, start=1)}
        return {
            "points": list(rows.points),
            "values": list(rows.values),
            "measured_ms": list(rows.measured_ms),
            "quality": list(rows.quality),
            "words": words,
            "reasons": [place.get(reason, 0) if reason else 0 for reason in rows.reasons],
            "changes": [[c.row, c.previous, c.earliest_ms, c.uncertain] for c in rows.changes],
        }


def batch_of(header: dict[str, Any], body: dict[str, Any]) -> Batch:
    """The batch that `header` and `body` were made from. Raises KeyError, TypeError or ValueError on anything else."""
    words = [None, *body["words"]]
    count = len(body["points"])
    rows = PollRows(
        body["points"],
        body["values"],
        body["measured_ms"],
        body["quality"],
        [words[number] for number in body["reasons"]],
        tuple(Change(*change) for change in body["changes"]),
    )
    if any(len(column) != count for column in (rows.values, rows.measured_ms, rows.quality, rows.reasons)):
        raise ValueError("columns differ in length")
    return Batch(
        header["source"],
        header["began_ms"],
        header["polled_ms"],
        header["poll_seconds"],
        rows,
        header["failed"],
        header["devices"],
        header["resumed_ms"],
    )
