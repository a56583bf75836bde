"""Importing a point list: file → checks → local store → published file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.access.trail import AuditTrail
from cis_power.access.viewer import Viewer
from cis_power.core.batches.ledger import (
    KEPT_PROBLEMS,
    POSTED,
    POSTING,
    REFUSED,
    BatchResult,
    begin_again,
    open_batch,
)
from cis_power.core.config import Settings
from cis_power.core.errors import NotFound, Problem
from cis_power.core.models import Batch
from cis_power.telemetry.models import Point as StoredPoint
from cis_power.telemetry.models import Source
from cis_power.telemetry.writes import PointsPosted, post_points
from scada_bridge.pointlist import PointList, parse_address
from scada_bridge.points import Point
from scada_bridge.published import publish
from scada_bridge.sealed import ensure_key

KIND = "points"


@dataclass(frozen=True, slots=True)
class PointFile:
    """A point list that was read: its name and what it holds."""

    name: str
    found: PointList

    @property
    def rows(self) -> int:
        return len(self.found.parsed.rows)


def columns_of(points: Sequence[Point]) -> dict[str, list[Any]]:
    """Points as the columns that telemetry stores."""
    same = (
        "point_id", "source", "device_id", "table", "datatype", "byte_order", "scale", "offset", "unit", "kind",
        "equipment", "quantity", "normal_state", "deadband", "poll_seconds",
    )  # fmt: skip
    columns = {name: [getattr(point, name) for point in points] for name in same}
    columns["address"] = [point.address_text for point in points]
    columns["min_value"] = [point.minimum for point in points]
    columns["max_value"] = [point.maximum for point in points]
    return columns


def stored_points(session: Session) -> list[Point]:
    """The points in force, as the collector takes them."""
    query = (
        select(StoredPoint, Source.name)
        .join(Source, Source.id == StoredPoint.source_id)
        .where(StoredPoint.retired_at.is_(None))
        .order_by(StoredPoint.point_id)
    )
    return [_point(row, source) for row, source in session.execute(query)]


def _point(row: StoredPoint, source: str) -> Point:
    # A stored address was checked when it came; written as hexadecimal it is not taken for 4xxxx notation again.
    number, _, bit = row.address.partition(".")
    address, _ = parse_address(hex(int(number)), row.table)
    return Point(
        point_id=row.point_id,
        source=source,
        device_id=row.device_id,
        table=row.table,
        address=address,
        datatype=row.datatype,
        bit=int(bit) if bit else None,
        byte_order=row.byte_order,
        scale=row.scale,
        offset=row.offset,
        unit=row.unit,
        kind=row.kind,
        equipment=row.equipment,
        quantity=row.quantity,
        normal_state=row.normal_state,
        minimum=row.min_value,
        maximum=row.max_value,
        deadband=row.deadband,
        poll_seconds=row.poll_seconds,
    )


def import_points(
    session: Session, viewer: Viewer, trail: AuditTrail, now: datetime, file: PointFile, settings: Settings
) -> BatchResult:
    """Post a point list, all or nothing. The same content again, when it is still what holds, changes nothing."""
    viewer.require("telemetry:point:write")
    parsed = file.found.parsed
    fresh = Batch(
        direction="in",
        kind=KIND,
        format="csv",
        source="scada",
        file_name=file.name,
        content_hash=parsed.sha256,
        status=POSTING,
        begun_by=viewer.actor,
        begun_at=now,
    )
    batch = open_batch(session, fresh)
    detail = {"batch": batch.id, "rows": file.rows}
    if file.found.refused or parsed.refused:
        problems = list(parsed.problems)
        if batch.status != POSTED:
            _close(batch, REFUSED, file.rows, 0, file.rows, problems, now)
        trail.append(session, viewer, "telemetry:points:import", now, outcome="refused", detail=detail)
        return BatchResult(batch.id, file.rows, 0, file.rows, 0, problems, refused=True)
    known_before = batch.status == POSTED
    posted = post_points(session, viewer, columns_of(file.found.points), now)
    problems = [*parsed.problems, *_warnings(file.found, posted, settings)]
    if known_before and not posted.changed and not posted.retired:
        return BatchResult(batch.id, file.rows, 0, 0, file.rows, ())
    if known_before:
        begin_again(batch, file.rows, {}, now)
    _close(batch, POSTED, file.rows, file.rows, 0, problems, now)
    trail.append(session, viewer, "telemetry:points:import", now, detail=detail)
    return BatchResult(batch.id, file.rows, file.rows, 0, 0, problems)


def _close(
    batch: Batch, status: str, rows: int, accepted: int, rejected: int, problems: Sequence[Problem], now: datetime
) -> None:
    batch.status, batch.rows, batch.rows_done, batch.finished_at = status, rows, rows, now
    batch.accepted, batch.rejected = accepted, rejected
    batch.problems = [problem.as_dict() for problem in problems[:KEPT_PROBLEMS]]


def _warnings(found: PointList, posted: PointsPosted, settings: Settings) -> list[Problem]:
    """One warning a source that is not configured, and a device that the network does not know (yet)."""
    problems = []
    first_of_source: dict[str, int] = {}
    first_of_device: dict[str, int] = {}
    for point, line in zip(found.points, found.lines, strict=True):
        first_of_source.setdefault(point.source, line)
        if point.equipment:
            first_of_device.setdefault(point.equipment, line)
    for name, line in first_of_source.items():
        if name not in settings.sources:
            message = f"source {name!r} is not configured (yet): its points cannot be polled"
            problems.append(Problem("unknown_source", message, "warning", None, line, "source"))
    for name in posted.unlinked:
        if name in first_of_device:
            message = f"equipment {name!r} is not in the network (yet): its signals change nothing"
            problems.append(Problem("unknown_equipment", message, "warning", None, first_of_device[name], "equipment"))
    return problems


def publish_points(session: Session, folder: Path, run_dir: Path, now: datetime) -> int:
    """Publish the points in force to a folder: the collector's run_dir, or one to be carried to another zone.

    Answers their number. A foreign folder gets the key too, so that its batches are taken here.
    """
    points = stored_points(session)
    if not points:
        raise NotFound("there are no points to publish: `cis-power points import FILE`")
    key = ensure_key(run_dir)
    if folder.resolve() != run_dir.resolve():
        _carry_key(folder, key)
    publish(folder, points, "", now, key)
    return len(points)


def _carry_key(folder: Path, key: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "spool.key"
    if not file.exists() or file.read_bytes().strip() != key:
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(key + b"\n")
