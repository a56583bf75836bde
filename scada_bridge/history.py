"""History of points given as values of their own times: out of an archive, or as arrays by a program.

Both fill what is missing and never replace anything better; the packed rows that result are equal.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from cis_power.access.installation import Installation
from cis_power.core.batches.ledger import KEPT_PROBLEMS, POSTED, BatchResult, open_batch
from cis_power.core.columns import Coded, combined
from cis_power.core.errors import Problem
from cis_power.core.models import Batch
from cis_power.core.quality import Quality
from cis_power.core.time import utc_now
from cis_power.series.packing import Rule, epoch_seconds, on_grid
from cis_power.series.reads import read_series
from cis_power.series.writes import fold, put_values
from cis_power.telemetry.quality import series_step
from cis_power.telemetry.samples import KnownPoint, PointDirectory

KIND = "history"
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class HistoryColumns:
    """Values of points as columns of one length.

    `point_id`: the owner's ids. `at`: datetime64 (UTC) or whole epoch seconds. `value`: in the point's unit, NaN where
    it is missing. `quality`: codes of `Quality`; None: all good.
    """

    point_id: Coded
    at: NDArray[np.generic]
    value: NDArray[np.floating]
    quality: NDArray[np.uint8] | None = None

    def sha256(self, step_seconds: int | None) -> str:
        """A mark of what is said."""
        digest = hashlib.sha256(f"{step_seconds}\n".encode() + "\n".join(self.point_id.values).encode())
        parts = [np.asarray(self.point_id.codes, np.int64), epoch_seconds(self.at), self.value, self.quality]
        for part in parts:
            digest.update(b"\n" if part is None else np.ascontiguousarray(part).view(np.uint8).data)
        return digest.hexdigest()


def post_history(
    here: Installation, columns: HistoryColumns, *, step_seconds: int | None, name: str, now: datetime | None = None
) -> BatchResult:
    """Post history as a batch of this name, exactly once; the same content again changes nothing.

    `step_seconds`: every value is the mean of so many seconds from its instant on; None: values of an instant, kept on
    the grid of their points. Rows of points that are not known, or that are signals, are rejected.
    """
    at = now or utc_now()
    rows = len(columns.at)
    with here.database.transaction() as session:
        batch = open_batch(session, _fresh(here, columns, step_seconds, name, at))
        if batch.status == POSTED:
            return BatchResult(batch.id, rows, 0, 0, rows)
        here.trail.append(
            session, here.viewer, "telemetry:history:import", at, object_kind="batch", object_id=batch.id,
            detail={"rows": rows, "sha256": batch.content_hash},
        )  # fmt: skip
        directory, ids = PointDirectory(), columns.point_id.compact()
        known = directory.points(session, ids.values)
        problems = _problems(ids, known)
        kept = ids.holds(lambda point: point in known and known[point].kind != "discrete")
        points = Coded(ids.codes[kept], [known.get(point) for point in ids.values])
        quality = None if columns.quality is None else columns.quality[kept]
        seconds = epoch_seconds(columns.at)[kept]
        changed = fill_history(session, directory, points, seconds, columns.value[kept], quality, step_seconds)
        batch.rows, batch.rows_done, batch.rejected = rows, rows, int((~kept).sum())
        batch.accepted, batch.unchanged = changed, rows - changed - batch.rejected
        batch.status, batch.finished_at = POSTED, at
        batch.problems = [problem.as_dict() for problem in problems[:KEPT_PROBLEMS]]
        return BatchResult(batch.id, rows, batch.accepted, batch.rejected, batch.unchanged, problems)


def _fresh(here: Installation, columns: HistoryColumns, step: int | None, name: str, now: datetime) -> Batch:
    return Batch(
        direction="in",
        kind=KIND,
        format="arrays",
        source="scada",
        file_name=name,
        content_hash=columns.sha256(step),
        status="posting",
        begun_by=here.viewer.actor,
        begun_at=now,
    )


def _problems(ids: Coded, known: Mapping[str, KnownPoint]) -> list[Problem]:
    found = []
    for point in ids.values:
        if point not in known:
            found.append(Problem("unknown_point", f"point {point!r} is not known", field="point_id"))
        elif known[point].kind == "discrete":
            found.append(
                Problem("not_a_quantity", f"point {point!r} is a signal: its history is events", field="point_id")
            )
    return found


def fill_history(
    session: Session,
    directory: PointDirectory,
    points: Coded,
    at: NDArray[np.int64],
    value: NDArray[np.floating],
    quality: NDArray[np.uint8] | None,
    step_seconds: int | None = None,
) -> int:
    """Fill packed history where there is nothing, or something worse; answers how many values were news.

    `points` holds `KnownPoint`s. Live values are packed before, to be seen.
    """
    codes = np.zeros(len(at), np.uint8) if quality is None else quality
    codes = np.where(np.isnan(value) & (codes <= Quality.SUBSTITUTED), np.uint8(Quality.MISSING), codes)
    used = points.compact()
    grids = [step_seconds or series_step(point.poll_seconds) for point in used.values]
    series = directory.series(session, used.values)
    news_count = 0
    for step in sorted(set(grids)):
        chosen = np.array([grid == step for grid in grids], np.bool_)[used.codes]
        own, seconds = series[used.codes[chosen]], at[chosen]
        news = _is_news(session, own, on_grid(seconds, step), codes[chosen], step)
        if not news.any():
            continue
        while fold(session, datetime.fromtimestamp(int(seconds[news].max()) + _DAY_SECONDS, UTC)):
            pass
        given = value[chosen][news], codes[chosen][news]
        put_values(session, own[news], seconds[news], *given, step_seconds=step, rule=Rule.FILL, polled=True)
        news_count += int(news.sum())
    return news_count


def _is_news(
    session: Session, series: NDArray[np.int64], slot: NDArray[np.int64], quality: NDArray[np.uint8], step: int
) -> NDArray[np.bool_]:
    """Which values fall into slots that hold nothing, or something of worse quality."""
    begin, end = int(slot.min()), int(slot.max()) + step
    stored = read_series(
        session, np.unique(series), datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(end, UTC)
    )
    held = np.full(len(series), int(Quality.MISSING), np.int64)
    if len(stored):
        keys = combined([np.append(series, stored.series_id), np.append(slot, epoch_seconds(stored.at))])
        given, there = keys[: len(series)], keys[len(series) :]
        order = np.argsort(there, kind="stable")
        place = np.minimum(np.searchsorted(there[order], given), len(there) - 1)
        found = there[order][place] == given
        codes = np.where(np.isnan(stored.value), np.uint8(Quality.MISSING), stored.quality)[order]
        held[found] = codes[place[found]]
    news: NDArray[np.bool_] = quality < held
    return news
