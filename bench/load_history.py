"""Interval history in and out: packed chunks (ours), a row a value (peer), the same blobs stored bare (limit).

Metering data: quarter-hour values of many meters, a day a transaction, thirty days. The peer loads the same values into
an ordinary table with a key (series, instant), by the same bulk insert; at most a million of them, as its speed falls
with size. The limit stores ready-made blobs of the same sizes without packing, merging or checking anything.
"""

import statistics
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import BigInteger, Column, Float, LargeBinary, MetaData, SmallInteger, Table, select

from bench.result import Result, peak_memory_mb, seconds_of
from bench.stores import fresh, kinds
from cis_power.core.db import Database, bulk_insert
from cis_power.series.reads import read_series
from cis_power.series.writes import ensure_series, put_values

SIZES = {"small": 576_000, "full": 5_760_000}
STEP_SECONDS = 900
SLOTS = 96
DAYS = 30
PEER_VALUES = 1_000_000
BEGIN = datetime(2026, 9, 1, tzinfo=UTC)

PEER = Table(
    "bench_value",
    MetaData(),
    Column("series_id", BigInteger, primary_key=True, autoincrement=False),
    Column("at_seconds", BigInteger, primary_key=True, autoincrement=False),
    Column("value", Float(53), nullable=False),
    Column("quality", SmallInteger, nullable=False),
)
LIMIT = Table(
    "bench_blob",
    MetaData(),
    Column("series_id", BigInteger, primary_key=True, autoincrement=False),
    Column("first_at_seconds", BigInteger, primary_key=True, autoincrement=False),
    Column("blob", LargeBinary, nullable=False),
)


def run(size: int, databases: str) -> Result:
    """Measure on each database; the ratios are the worse of them, for values in."""
    meters = max(1, size // (SLOTS * DAYS))
    found = {}
    for kind in kinds(databases):
        with fresh(kind) as database:
            sides = {"ours": _ours, "peer": _peer, "limit": _limit}
            found[kind] = {name: measure(database, meters) for name, measure in sides.items()}
    parts = {part: {kind: figures[part] for kind, figures in found.items()} for part in ("ours", "peer", "limit")}
    ratios = {
        other: min(figures["ours"]["in_values_per_s"] / figures[other]["in_values_per_s"] for figures in found.values())
        for other in ("peer", "limit")
    }
    return Result(
        "load-history",
        {"values": meters * SLOTS * DAYS, "series": meters, "days": DAYS, "step_seconds": STEP_SECONDS},
        **parts,
        ratio_to_peer=ratios["peer"],
        ratio_to_limit=ratios["limit"],
        memory_mb=peak_memory_mb(),
    )


def _day(series_ids: np.ndarray, day: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Series, instants and values of one day, meter by meter as meter data comes."""
    first = int((BEGIN + timedelta(days=day)).timestamp())
    at = np.tile(first + np.arange(SLOTS) * STEP_SECONDS, len(series_ids))
    values = np.random.default_rng(day).gamma(2.0, 0.2, len(at)).round(3)
    return np.repeat(series_ids, SLOTS), at, values


def _ours(database: Database, meters: int) -> dict[str, Any]:
    with database.transaction() as session:
        series_ids = ensure_series(session, "channel", range(1, meters + 1), step_seconds=STEP_SECONDS, wide=True)
    days = [_day(series_ids, day) for day in range(DAYS)]

    def load() -> None:
        for ids, at, values in days:
            with database.transaction() as session:
                put_values(session, ids, at, values, step_seconds=STEP_SECONDS)

    loading = seconds_of(load)
    until = BEGIN + timedelta(days=DAYS)
    with database.reading() as session:
        checked = read_series(session, int(series_ids[-1]), BEGIN, until)
        assert len(checked) == SLOTS * DAYS
        assert np.array_equal(checked.value[-SLOTS:], days[-1][2][-SLOTS:])
        picked = np.random.default_rng(1).choice(series_ids, min(200, meters), replace=False)
        month = statistics.median(
            seconds_of(lambda key=int(key): read_series(session, key, BEGIN, until)) for key in picked
        )
        reading = seconds_of(lambda: read_series(session, series_ids, BEGIN, until))
    count = meters * SLOTS * DAYS
    return {
        "in_values_per_s": count / loading,
        "out_values_per_s": count / reading,
        "month_of_one_series_ms": month * 1000,
    }


def _peer(database: Database, meters: int) -> dict[str, Any]:
    days = max(1, min(DAYS, PEER_VALUES // (meters * SLOTS)))
    meters = min(meters, PEER_VALUES // SLOTS)
    with database.transaction() as session:
        PEER.create(session.connection())
    rows = [_day(np.arange(1, meters + 1), day) for day in range(days)]

    def load() -> None:
        for ids, at, values in rows:
            columns = {"series_id": ids, "at_seconds": at, "value": values, "quality": np.zeros(len(at), np.int64)}
            with database.transaction() as session:
                bulk_insert(session, PEER, columns)

    loading = seconds_of(load)
    count = meters * SLOTS * days
    with database.reading() as session:
        query = select(PEER.c.at_seconds, PEER.c.value, PEER.c.quality)
        picked = np.random.default_rng(1).choice(meters, min(50, meters), replace=False) + 1
        one = statistics.median(
            seconds_of(lambda key=int(key): session.execute(query.where(PEER.c.series_id == key)).all())
            for key in picked
        )
        reading = seconds_of(lambda: session.execute(select(PEER)).all())
    return {
        "values": count,
        "in_values_per_s": count / loading,
        "out_values_per_s": count / reading,
        "month_of_one_series_ms": one * 1000 * DAYS / days,
    }


def _limit(database: Database, meters: int) -> dict[str, Any]:
    with database.transaction() as session:
        LIMIT.create(session.connection())
    blobs = [bytes(SLOTS * 8)] * meters
    keys = np.arange(1, meters + 1)

    def load() -> None:
        for day in range(DAYS):
            columns = {"series_id": keys, "first_at_seconds": np.full(meters, day), "blob": blobs}
            with database.transaction() as session:
                bulk_insert(session, LIMIT, columns)

    loading = seconds_of(load)
    with database.reading() as session:
        reading = seconds_of(lambda: session.execute(select(LIMIT)).all())
    count = meters * SLOTS * DAYS
    return {"in_values_per_s": count / loading, "out_values_per_s": count / reading}
