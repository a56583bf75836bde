"""Building the demo utility: files through the importers, thirteen months of its past as arrays; seconds by stage.

Ours: the whole build by the demo's own functions, and the rows a second of its bills, which are checked, resolved, kept
in a batch and indexed. Peer: pandas' `to_sql` of the same bills into a table of the same columns and indices. Limit:
the driver's own bulk load (executemany, COPY) of ready-made tuples into a bare table.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Column, Index, MetaData, Table, create_engine, select

from bench.result import Result, peak_memory_mb, seconds_of
from bench.stores import fresh, kinds
from cis_power.core.config import load_settings
from cis_power.core.db import Database
from cis_power.core.db.bulk import _bound, _copy, _executemany
from cis_power.core.models import Batch
from cis_power.customers.models import Bill
from cis_power.demo import build
from cis_power.demo.post import post_past

SIZES = {"small": 2_000, "full": 20_000}
COMPARED_ROWS = 200_000
SEED = 7


def run(size: int, databases: str) -> Result:
    """Measure on each database; the ratios are the worse of them, for bills."""
    found = {}
    for kind in kinds(databases):
        with fresh(kind) as database, tempfile.TemporaryDirectory(prefix="cis-bench-") as folder:
            ours = _ours(database, size, Path(folder))
            found[kind] = {"ours": ours, "peer": _peer(database), "limit": _limit(database)}
    parts = {part: {kind: figures[part] for kind, figures in found.items()} for part in ("ours", "peer", "limit")}
    ratios = {
        other: min(figures["ours"]["bills_per_s"] / figures[other]["bills_per_s"] for figures in found.values())
        for other in ("peer", "limit")
    }
    rows = next(iter(found.values()))["ours"]["rows"]
    return Result(
        "demo",
        {"usage_points": size, "rows_and_values": sum(rows.values())},
        **parts,
        ratio_to_peer=ratios["peer"],
        ratio_to_limit=ratios["limit"],
        memory_mb=peak_memory_mb(),
    )


def _ours(database: Database, size: int, folder: Path) -> dict[str, Any]:
    for name in [name for name in os.environ if name.startswith("CIS_")]:
        del os.environ[name]
    (folder / "cis.toml").write_text('timezone = "Asia/Shanghai"\n')
    os.environ["CIS_CONFIG"] = str(folder / "cis.toml")
    os.environ["CIS_DATABASE"] = database.url.render_as_string(hide_password=False)
    wish = build.Wish(size, build.end_of_past(datetime.now(UTC)), SEED)
    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        answers: list[Any] = []
        seconds[name] = seconds_of(lambda: answers.append(work()))
        print(f"{database.dialect}: {name} {seconds[name]:.1f} s", file=sys.stderr)
        return answers[0]

    begun = time.process_time()
    timed("files", lambda: build.build(load_settings(), wish, lambda _: None, roles=()))
    past = timed("past", lambda: post_past(wish.plan, wish.until))
    rows = {stage: count for stage, (count, _) in past.items()}
    return {
        "build_s": seconds["files"] + seconds["past"],
        "build_cpu_s": time.process_time() - begun,
        "seconds": {**seconds, **{stage: took for stage, (_, took) in past.items()}},
        "rows": rows,
        "bills_per_s": rows["bills"] / past["bills"][1],
        "values_per_s": rows["values of points"] / past["values of points"][1],
        "database_mb": _megabytes(database),
    }


def _megabytes(database: Database) -> float | None:
    if database.dialect != "sqlite":
        return None
    return sum(file.stat().st_size for file in Path(str(database.url.database)).parent.iterdir()) / 1e6


def _bills(database: Database) -> dict[str, list[Any]]:
    table = Bill.__table__
    with database.reading() as session:
        rows = session.execute(select(*table.columns).limit(COMPARED_ROWS)).all()
        batch = session.scalar(select(Batch.id).limit(1))
    columns = [column.name for column in table.columns if column.name != "id"]
    found = {name: [getattr(row, name) for row in rows] for name in columns}
    return found | {"batch_id": [batch] * len(rows)}


def _peer(database: Database) -> dict[str, Any]:
    """pandas into a table with the indices that bills have."""
    bills = _bills(database)
    frame = pd.DataFrame(bills | {"amount": [int(amount * 100) for amount in bills["amount"]]})
    metadata = MetaData()
    table = _table("bench_frame", metadata)
    Index("bench_frame_no", table.c.bill_no, unique=True)
    Index("bench_frame_account", table.c.account_id, table.c.issued_on)
    Index("bench_frame_issued", table.c.issued_on)
    url = database.url.set(drivername="postgresql+psycopg") if database.dialect == "postgresql" else database.url
    engine = create_engine(url)
    metadata.create_all(engine)
    took = seconds_of(lambda: frame.to_sql("bench_frame", engine, if_exists="append", index=False, chunksize=10_000))
    engine.dispose()
    return {"rows": len(frame), "bills_per_s": len(frame) / took}


def _limit(database: Database) -> dict[str, Any]:
    """The driver's bulk load of ready-made rows into a table without an index."""
    bills = _bills(database)
    table = _table("bench_bare", MetaData())
    with database.transaction() as session:
        table.create(session.connection())
        names = list(bills)
        rows = list(zip(*(_bound(session, table, name, bills[name]) for name in names), strict=True))
        load = _copy if database.dialect == "postgresql" else _executemany
        took = seconds_of(lambda: load(session, table, names, rows, None))
    return {"rows": len(rows), "bills_per_s": len(rows) / took}


def _table(name: str, metadata: MetaData) -> Table:
    """A table with the columns of bills, and nothing else."""
    columns = (Column(column.name, column.type) for column in Bill.__table__.columns if column.name != "id")
    return Table(name, metadata, *columns)
