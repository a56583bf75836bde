"""When the readings of usage points end: where a chart should look if the last days have none."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cis_power.core.db import chunked
from cis_power.metering.reads import installed_channels
from cis_power.metering.writes import SERIES_OWNER
from cis_power.series.models import SeriesChunk
from cis_power.series.reads import read_series, series_of


def last_reading_at(session: Session, usage_points: Sequence[int]) -> datetime | None:
    """The end of the last interval that has a value, for callers that checked who asks; None without any."""
    channels = [channel.channel_id for channel in installed_channels(session, usage_points)]
    series = list(series_of(session, SERIES_OWNER, channels).values())
    last: int | None = None
    for part in chunked(series, 5_000):
        found = session.scalar(select(func.max(SeriesChunk.first_at_seconds)).where(SeriesChunk.series_id.in_(part)))
        last = max(filter(None, (last, found)), default=None)
    if last is None:
        return None
    history = read_series(session, series, datetime.fromtimestamp(last, UTC), datetime.max.replace(tzinfo=UTC))
    if not len(history):
        return None
    ends = history.at.astype("datetime64[s]").astype("int64") + history.step_seconds
    return datetime.fromtimestamp(int(ends.max()), UTC)
