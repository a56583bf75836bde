"""The gap ledger: what is missing, since when, why, and what filled it. Nothing here commits."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from cis_power.telemetry.models import Gap, Source

NO_ANSWER = "no_answer"
COLLECTOR_DOWN = "collector_down"
BATCH_MISSING = "batch_missing"
BATCH_DAMAGED = "batch_damaged"


def note_gap(
    session: Session,
    source_id: int | None,
    began_at: datetime,
    ended_at: datetime | None,
    reason: str,
    *,
    point_id: int | None = None,
    values_missing: int | None = None,
    collector: str | None = None,
    numbers: tuple[int | None, int | None] = (None, None),
) -> Gap:
    """Write a gap once: the same source, point, beginning and reason again changes only what is known more of it."""
    found = session.scalars(
        select(Gap).where(
            _is(Gap.source_id, source_id),
            _is(Gap.point_id, point_id),
            Gap.began_at == began_at,
            Gap.reason == reason,
            _is(Gap.first_number, numbers[0]),
        )
    ).first()
    if found is None:
        found = Gap(source_id=source_id, point_id=point_id, began_at=began_at, reason=reason)
        found.collector, (found.first_number, found.last_number) = collector, numbers
        session.add(found)
    found.ended_at = ended_at if ended_at is not None else found.ended_at
    found.values_missing = values_missing if values_missing is not None else found.values_missing
    session.flush()
    return found


def _is(column: Any, value: Any) -> Any:
    return column.is_(None) if value is None else column == value


def open_silences(session: Session, source_id: int) -> dict[int | None, Gap]:
    """Gaps for lack of an answer that have not ended, by point (None: the whole source)."""
    query = select(Gap).where(Gap.source_id == source_id, Gap.reason == NO_ANSWER, Gap.ended_at.is_(None))
    return {gap.point_id: gap for gap in session.scalars(query)}


def note_silence(
    session: Session,
    source: Source,
    failed: Sequence[int],
    answered: Sequence[int],
    since: datetime,
    polled_at: datetime,
) -> None:
    """Begin and end gaps by what one poll brought: `failed` and `answered` are keys of points.

    When nothing answered it is one gap of the source, else one a point. `since`: the last good poll.
    """
    known = open_silences(session, source.id)
    if answered and None in known:
        known[None].ended_at = polled_at
    if failed and not answered:
        if None not in known:
            note_gap(session, source.id, since, None, NO_ANSWER)
        return
    good = set(answered)
    for key, gap in known.items():
        if key in good:
            gap.ended_at = polled_at
    for key in failed:
        if key not in known:
            note_gap(session, source.id, since, None, NO_ANSWER, point_id=key)
    session.flush()


def note_number(
    session: Session, collector: str, highest: int, number: int, before_at: datetime | None, at: datetime
) -> None:
    """Keep account of batch numbers: a jump makes a gap, a late one fills its place in the gap.

    `highest` is the largest number seen so far (0: none), told at `before_at`.
    """
    fill_number(session, collector, number, at)
    if not highest or number <= highest + 1:
        return
    damaged = session.scalars(
        _missing(collector, highest + 1, number - 1).where(Gap.reason == BATCH_DAMAGED).order_by(Gap.first_number)
    )
    begin = highest + 1
    for known in [*(gap.first_number or begin for gap in damaged), number]:
        if known > begin:
            numbers = (begin, known - 1)
            note_gap(session, None, before_at or at, at, BATCH_MISSING, collector=collector, numbers=numbers)
        begin = known + 1


def fill_number(session: Session, collector: str, number: int, now: datetime) -> None:
    """A batch that was thought missing came: it leaves its gap, which may fall into two."""
    for gap in session.scalars(_missing(collector, number, number)):
        first, last = gap.first_number or number, gap.last_number or number
        if first == last:
            gap.filled_at, gap.filled_from = now, "late batch"
            continue
        if number in (first, last):
            gap.first_number, gap.last_number = (first + 1, last) if number == first else (first, last - 1)
            continue
        gap.last_number = number - 1
        session.add(
            Gap(
                source_id=gap.source_id,
                began_at=gap.began_at,
                ended_at=gap.ended_at,
                reason=gap.reason,
                collector=collector,
                first_number=number + 1,
                last_number=last,
            )
        )
    session.flush()


def explain_numbers(session: Session, collector: str, first: int, last: int) -> None:
    """The collector says itself what became of these numbers: they are no longer merely missing."""
    for gap in list(session.scalars(_missing(collector, first, last))):
        old_first, old_last = gap.first_number or first, gap.last_number or last
        for low, high in ((old_first, first - 1), (last + 1, old_last)):
            if low <= high:
                session.add(
                    Gap(
                        source_id=None,
                        began_at=gap.began_at,
                        ended_at=gap.ended_at,
                        reason=gap.reason,
                        collector=collector,
                        first_number=low,
                        last_number=high,
                    )
                )
        session.delete(gap)
    session.flush()


def missing_numbers(session: Session, collector: str, since: int) -> bool:
    """Whether batches behind number `since` are missing (and may still come)."""
    query = select(Gap.id).where(
        Gap.collector == collector, Gap.last_number >= since, Gap.filled_at.is_(None), Gap.first_number.is_not(None)
    )
    return session.scalars(query.limit(1)).first() is not None


def _missing(collector: str, first: int, last: int) -> Select[Gap]:
    return select(Gap).where(
        Gap.collector == collector,
        Gap.reason.in_((BATCH_MISSING, BATCH_DAMAGED)),
        Gap.first_number <= last,
        Gap.last_number >= first,
        Gap.filled_at.is_(None),
    )


def fill_gaps(
    session: Session,
    times: Mapping[int, Sequence[datetime]],
    source_of: Mapping[int, int],
    slack: timedelta,
    filled_from: str,
    now: datetime,
) -> int:
    """History was pulled: `times` of values by point. A gap that ended and has values inside is filled.

    `slack`: how much longer than its data a gap may last, because a poll has to find its end. Answers how many.
    """
    by_source: dict[int | None, list[datetime]] = {None: []}
    for key, moments in times.items():
        by_source.setdefault(source_of[key], []).extend(moments)
        by_source[None].extend(moments)
    by_place = {source: sorted(moments) for source, moments in by_source.items()}
    open_gaps = select(Gap).where(Gap.filled_at.is_(None), Gap.ended_at.is_not(None))
    filled = 0
    for gap in session.scalars(open_gaps):
        moments = by_place.get(gap.source_id, []) if gap.point_id is None else sorted(times.get(gap.point_id, ()))
        place = bisect_left(moments, gap.began_at)
        last = bisect_right(moments, gap.ended_at) - 1 if gap.ended_at else -1
        if place <= last and gap.ended_at is not None and gap.ended_at - moments[last] <= max(slack, timedelta(0)):
            gap.filled_at, gap.filled_from = now, filled_from
            filled += 1
    session.flush()
    return filled
