"""One batch of the spool into the local store, inside the caller's transaction; nothing here commits."""

import logging
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from cis_power.telemetry import gaps, samples
from cis_power.telemetry.models import Source, SpoolBatch
from cis_power.telemetry.samples import Found, PointDirectory, Sample
from cis_power.telemetry.writes import ensure_sources
from scada_bridge.batch import Batch, from_ms
from scada_bridge.sealed import Damaged
from scada_bridge.spool import Spooled

_log = logging.getLogger(__name__)


def is_loaded(session: Session, collector: str, number: int) -> bool:
    """Whether a batch of this number was loaded."""
    query = select(SpoolBatch.id).where(SpoolBatch.collector == collector, SpoolBatch.number == number)
    return session.scalars(query).first() is not None


def load_batch(session: Session, directory: PointDirectory, spooled: Spooled, now: datetime) -> int | None:
    """Load one batch; answers the number of signal events, or None when it was loaded before.

    Raises Damaged for another batch under a number that is taken, and for a number that was settled long ago.
    """
    batch = spooled.batch
    earlier = session.scalars(
        select(SpoolBatch).where(SpoolBatch.collector == spooled.collector, SpoolBatch.number == spooled.number)
    ).first()
    if earlier is not None:
        if earlier.content_hash != spooled.batch_id:
            raise Damaged("another batch was loaded under this number")
        return None
    highest, settled, told_at = _numbers(session, spooled.collector)
    if spooled.number <= settled:
        raise Damaged("its number was settled long ago: replayed")
    polled_at = from_ms(batch.polled_ms)
    session.execute(
        insert(SpoolBatch).values(
            collector=spooled.collector,
            number=spooled.number,
            content_hash=spooled.batch_id,
            samples=len(batch.rows),
            settled=False,
            loaded_at=now,
        )
    )
    gaps.note_number(session, spooled.collector, highest, spooled.number, told_at, polled_at)
    source = session.get_one(Source, ensure_sources(session, [batch.source])[batch.source])
    told = samples_of(session, directory, batch)
    _note_losses(session, spooled)
    known = [sample for sample in told if sample is not None]
    samples.put_latest(session, known, spooled.number, polled_at, now)
    samples.put_history(session, directory, known, batch.polled_ms)
    complete = highest == spooled.number - 1 and not gaps.missing_numbers(session, spooled.collector, 0)
    events = _events(session, directory, spooled, told, complete=complete)
    _note_gaps(session, source, batch, known, polled_at)
    _note_source(source, batch, polled_at)
    return samples.put_events(session, events, now)


def _numbers(session: Session, collector: str) -> tuple[int, int, datetime | None]:
    """(highest number, number up to which all is settled, when the last was loaded) of a collector."""
    known = SpoolBatch.collector == collector
    highest, at = session.execute(
        select(func.max(SpoolBatch.number), func.max(SpoolBatch.loaded_at)).where(known)
    ).one()
    settled = session.scalar(select(func.max(SpoolBatch.number)).where(known, SpoolBatch.settled))
    return highest or 0, settled or 0, at


def samples_of(session: Session, directory: PointDirectory, batch: Batch) -> list[Sample]:
    """The rows of points that are known; a point that left the list meanwhile has nowhere to go."""
    points = directory.points(session, batch.rows.points)
    columns = zip(
        batch.rows.points,
        batch.rows.values,
        batch.rows.measured_ms,
        batch.rows.quality,
        batch.rows.reasons,
        strict=True,
    )
    return [
        Sample(points[name], value, measured, quality, reason, measured == batch.polled_ms)
        for name, value, measured, quality, reason in columns
        if name in points
    ]


def _events(
    session: Session, directory: PointDirectory, spooled: Spooled, told: Sequence[Sample], *, complete: bool
) -> list[Found]:
    """Signal events of a batch: what it tells, and (where batches are missing) what is seen against the store."""
    batch, rows = spooled.batch, spooled.batch.rows
    points = directory.points(session, rows.points)
    at = from_ms(batch.polled_ms)
    found = []
    for change in batch.rows.changes:
        point = points.get(rows.points[change.row])
        if point is None:
            continue
        found.append(
            Found(
                point,
                rows.values[change.row],
                rows.quality[change.row],
                rows.reasons[change.row],
                at,
                change.previous,
                None if change.earliest_ms is None else from_ms(change.earliest_ms),
                change.uncertain,
                spooled.number,
            )
        )
    if complete:
        return found
    said = {event.point.key for event in found}
    quiet = [s for s in told if s.point.kind == "discrete" and s.read and s.point.key not in said]
    states = samples.states_at(session, [sample.point.key for sample in quiet], at)
    for sample in quiet:
        state = states.get(sample.point.key)
        if state is None or state[:2] != (sample.value, sample.quality):
            value, since = (None, None) if state is None else (state[0], state[2])
            found.append(
                Found(
                    sample.point,
                    sample.value,
                    sample.quality,
                    sample.reason,
                    at,
                    value,
                    since,
                    True,
                    spooled.number,
                    derived=True,
                )
            )
    return found


def _note_losses(session: Session, spooled: Spooled) -> None:
    named = [loss.source for loss in spooled.losses if loss.source]
    sources = ensure_sources(session, named) if named else {}
    for loss in spooled.losses:
        if loss.first_number is not None and loss.last_number is not None:
            gaps.explain_numbers(session, spooled.collector, loss.first_number, loss.last_number)
        gaps.note_gap(
            session,
            sources.get(loss.source or ""),
            from_ms(loss.from_ms),
            from_ms(loss.to_ms),
            loss.reason,
            values_missing=loss.rows,
            collector=spooled.collector,
            numbers=(loss.first_number, loss.last_number),
        )
        _log.error("%s rows of %s were lost before loading: %s", loss.rows, loss.source, loss.reason)


def _note_gaps(session: Session, source: Source, batch: Batch, known: Sequence[Sample], polled_at: datetime) -> None:
    if batch.resumed_ms is not None and batch.polled_ms - batch.resumed_ms > 2_500 * batch.poll_seconds:
        gaps.note_gap(session, source.id, from_ms(batch.resumed_ms), polled_at, gaps.COLLECTOR_DOWN)
    if source.last_poll_at is not None and polled_at < source.last_poll_at:
        return  # a late batch tells nothing of how it stands now
    failed = [sample.point.key for sample in known if not sample.read]
    answered = [sample.point.key for sample in known if sample.read]
    since = source.last_good_poll_at or from_ms(batch.began_ms)
    gaps.note_silence(session, source, failed, answered, since, polled_at)


def _note_source(source: Source, batch: Batch, polled_at: datetime) -> None:
    source.polls += 1
    failing = bool(batch.failed)
    source.polls_failed += failing
    if source.last_poll_at is not None and polled_at < source.last_poll_at:
        return
    source.last_poll_at = polled_at
    if len(batch.failed) < batch.devices:
        source.last_good_poll_at = polled_at
    state = "down" if len(batch.failed) >= batch.devices else "up"
    reason = "; ".join(f"device {device}: {words}" for device, words in sorted(batch.failed.items())) or None
    if (source.state, source.state_reason) != (state, reason):
        source.state, source.state_reason, source.state_at = state, reason, polled_at
