"""A database with points, a spool that feeds it, and what ended up in it: for the tests of loading."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from cis_power.access.viewer import system_viewer
from cis_power.core.db import Database
from cis_power.series.reads import read_series
from cis_power.telemetry.models import Gap, LatestValue, Point, SignalEvent
from cis_power.telemetry.reads import SERIES_OWNER, series_of
from cis_power.telemetry.writes import post_points
from scada_bridge.batch import Batch, from_ms
from scada_bridge.loader import Loaded, Loader
from scada_bridge.points import Point as ListedPoint
from scada_bridge.posting import columns_of
from scada_bridge.sealed import ensure_key
from scada_bridge.spool import Spool
from tests.scada_bridge.making import START_MS

ROOM = 10**9
WHO = system_viewer("test")
BEGIN = from_ms(START_MS)


@dataclass
class Store:
    """A database and the run folder whose spool is loaded into it."""

    database: Database
    run_dir: Path

    @property
    def spool_folder(self) -> Path:
        return self.run_dir / "spool"

    def post(self, points: list[ListedPoint], now: datetime = BEGIN) -> Any:
        with self.database.transaction() as session:
            return post_points(session, WHO, columns_of(points), now)

    def spool(self, room: int = ROOM) -> Spool:
        return Spool(self.spool_folder, ensure_key(self.run_dir), room)

    def put(self, *batches: Batch) -> None:
        spool = self.spool()
        for batch in batches:
            spool.append(batch, batch.polled_ms + 10)

    def load(self) -> Loaded:
        loaded = Loader(self.database, self.run_dir).load_all()
        assert loaded is not None
        return loaded

    def latest(self) -> dict[str, tuple[Any, ...]]:
        query = select(
            Point.point_id, LatestValue.value, LatestValue.quality, LatestValue.reason, LatestValue.measured_at
        ).join(LatestValue, LatestValue.point_id == Point.id)
        with self.database.reading() as session:
            return {name: tuple(values) for name, *values in session.execute(query)}

    def events(self) -> list[tuple[Any, ...]]:
        query = (
            select(
                Point.point_id,
                SignalEvent.value,
                SignalEvent.previous_value,
                SignalEvent.occurred_at,
                SignalEvent.earliest_at,
                SignalEvent.time_uncertain,
            )
            .join(Point, Point.id == SignalEvent.point_id)
            .order_by(Point.point_id, SignalEvent.occurred_at)
        )
        with self.database.reading() as session:
            return [tuple(row) for row in session.execute(query)]

    def gaps(self) -> list[Gap]:
        with self.database.reading() as session:
            return list(session.scalars(select(Gap).order_by(Gap.began_at, Gap.first_number)))

    def history(self, point_id: str, hours: int = 48) -> list[tuple[datetime, float | None, int]]:
        with self.database.reading() as session:
            key = session.scalar(select(Point.id).where(Point.point_id == point_id))
            assert key is not None
            series = series_of(session, SERIES_OWNER, [key]).get(key)
            if series is None:
                return []
            found = read_series(session, series, BEGIN - timedelta(hours=hours), BEGIN + timedelta(hours=hours))
            at = [moment.replace(tzinfo=BEGIN.tzinfo) for moment in found.at.astype("datetime64[us]").tolist()]
            values = [None if math.isnan(value) else value for value in found.value.tolist()]
            return list(zip(at, values, found.quality.tolist(), strict=True))
