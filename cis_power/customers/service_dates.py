"""When a usage point was served, as a time line of statuses; pure."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

ACTIVE, DISCONNECTED, CLOSED = "active", "disconnected", "closed"
EVER = datetime.min.replace(tzinfo=UTC)
_RANK = {ACTIVE: 0, DISCONNECTED: 1, CLOSED: 2}


class Span(NamedTuple):
    """A status from/to; an empty beginning is ever, an empty end is open."""

    status: str
    began_at: datetime | None
    ended_at: datetime | None


class Told(NamedTuple):
    """What one row says: fields that are empty say nothing."""

    status: str | None
    connected_at: datetime | None
    closed_at: datetime | None


def first_time_line(told: Told) -> tuple[Span, ...]:
    """The time line of a usage point that was unknown: independent of when it became known."""
    status = told.status or ACTIVE
    if told.closed_at is not None:
        before = ACTIVE if status == CLOSED else status
        return (Span(before, told.connected_at, told.closed_at), Span(CLOSED, told.closed_at, None))
    return (Span(status, told.connected_at, None),)


def changed_time_line(line: Sequence[Span], told: Told, now: datetime) -> tuple[Span, ...]:
    """The time line after one more row: dates given correct it, a status without a date holds from `now` on."""
    if not line:
        return first_time_line(told)
    spans = list(line)
    if told.connected_at is not None:
        first, last = spans[0], spans[-1]
        if last.status == CLOSED and told.status == ACTIVE and len(spans) > 1 and told.connected_at >= _begins(last):
            return (*spans[:-1], last._replace(ended_at=told.connected_at), Span(ACTIVE, told.connected_at, None))
        if first.ended_at is None or told.connected_at < first.ended_at:
            spans[0] = first._replace(began_at=told.connected_at)
    if told.closed_at is not None:
        return tuple(_closed(spans, told.closed_at))
    current = status_at(spans, now)
    if told.status is not None and told.status != current:
        spans = [span for span in spans if _begins(span) < now]
        if spans:
            spans[-1] = spans[-1]._replace(ended_at=now)
        spans.append(Span(told.status, now if spans else told.connected_at, None))
    return tuple(spans)


def status_at(line: Iterable[Span], at: datetime) -> str | None:
    """The status at an instant; None where nothing is said about it."""
    for span in line:
        if _begins(span) <= at and (span.ended_at is None or at < span.ended_at):
            return span.status
    return None


def joint_time_line(agreements: Iterable[Span]) -> tuple[Span, ...]:
    """The time line of a usage point that several accounts answer for: at any time the best status of any of them."""
    spans = [span for span in agreements if span.status != CLOSED]
    if not spans:
        return (Span(CLOSED, None, None),)
    edges = sorted({_begins(span) for span in spans} | {span.ended_at for span in spans if span.ended_at is not None})
    line: list[Span] = []
    for place, edge in enumerate(edges):
        status = min((span.status for span in spans if _holds(span, edge)), key=_RANK.__getitem__, default=CLOSED)
        end = edges[place + 1] if place + 1 < len(edges) else None
        if line and line[-1].status == status:
            line[-1] = line[-1]._replace(ended_at=end)
        else:
            line.append(Span(status, None if edge == EVER else edge, end))
    return tuple(line)


def _closed(spans: list[Span], closed_at: datetime) -> list[Span]:
    while spans and spans[-1].status == CLOSED:
        spans.pop()
    kept = [span for span in spans if _begins(span) < closed_at]
    if kept:
        kept[-1] = kept[-1]._replace(ended_at=closed_at)
    return [*kept, Span(CLOSED, closed_at if kept else None, None)]


def _begins(span: Span) -> datetime:
    return EVER if span.began_at is None else span.began_at


def _holds(span: Span, at: datetime) -> bool:
    return _begins(span) <= at and (span.ended_at is None or at < span.ended_at)
