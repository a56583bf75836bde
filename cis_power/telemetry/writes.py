"""Points, and what people hold them at. Nothing here commits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.db import bulk_upsert, chunked
from cis_power.core.errors import Conflict, InvalidInput, NotFound
from cis_power.network.models import Element
from cis_power.telemetry.models import LatestValue, Point, PointOverride, SignalEvent, Source

POSITION = "position"
PERMISSION = "telemetry:point:write"


@dataclass(frozen=True, slots=True)
class PointsPosted:
    """What a point list changed: rows new or changed, rows as before, points no longer in the list."""

    changed: int
    unchanged: int
    retired: int
    unlinked: tuple[str, ...]


def ensure_sources(session: Session, names: Sequence[str]) -> dict[str, int]:
    """Keys of sources by name; those that are not there yet are made."""
    wanted = sorted(set(names))
    bulk_upsert(
        session,
        Source.__table__,  # type: ignore[arg-type]
        {
            "name": wanted,
            "state": ["unknown"] * len(wanted),
            "polls": [0] * len(wanted),
            "polls_failed": [0] * len(wanted),
        },
        key=("name",),
        update=(),
    )
    rows = session.execute(select(Source.name, Source.id).where(Source.name.in_(wanted)))
    return dict(rows.all())


def post_points(session: Session, viewer: Viewer, columns: Mapping[str, Sequence[Any]], now: datetime) -> PointsPosted:
    """Take a whole point list: `columns` are those of the table `point` but for keys, with `source` by name.

    Points of the sources in the list that it no longer names are retired; their history stays. Sources that the list
    does not speak of keep their points.
    """
    viewer.require(PERMISSION)
    sources = ensure_sources(session, columns["source"])
    values = {name: list(column) for name, column in columns.items() if name != "source"}
    values["source_id"] = [sources[name] for name in columns["source"]]
    values["retired_at"] = [None] * len(values["point_id"])
    names = list(values)
    before = {
        row.point_id: tuple(getattr(row, name) for name in names)
        for part in chunked(values["point_id"], 5_000)
        for row in session.scalars(select(Point).where(Point.point_id.in_(part)))
    }
    rows = list(zip(*values.values(), strict=True))
    place = names.index("point_id")
    changed = [row for row in rows if before.get(row[place]) != row]
    bulk_upsert(
        session,
        Point.__table__,  # type: ignore[arg-type]
        dict(zip(names, zip(*changed, strict=True), strict=True)) if changed else {name: [] for name in names},
        key=("point_id",),
    )
    retired = _retire(session, set(sources.values()), set(values["point_id"]), now)
    session.expire_all()
    unlinked = link_points(session)
    return PointsPosted(len(changed), len(rows) - len(changed), retired, unlinked)


def _retire(session: Session, source_ids: set[int], kept: set[str], now: datetime) -> int:
    active = select(Point.id, Point.point_id).where(Point.source_id.in_(source_ids), Point.retired_at.is_(None))
    gone = [key for key, name in session.execute(active) if name not in kept]
    for part in chunked(gone, 5_000):
        session.execute(update(Point).where(Point.id.in_(part)).values(retired_at=now))
    return len(gone)


def link_points(session: Session) -> tuple[str, ...]:
    """Link points to the equipment they name, as far as it is known; answers the names that are not.

    Signals that came before the link are told once more (with fresh keys), so that whoever follows them sees them.
    """
    wanted = session.execute(
        select(Point.id, Point.equipment, Point.element_id).where(
            Point.equipment.is_not(None), Point.retired_at.is_(None)
        )
    )
    points = [(key, str(name), element) for key, name, element in wanted]
    known = _elements(session, {name for _, name, _ in points})
    newly = []
    for key, name, element in points:
        if name in known and known[name] != element:
            session.execute(update(Point).where(Point.id == key).values(element_id=known[name]))
            newly.append(key)
    for part in chunked(newly, 5_000):
        _tell_again(session, part)
    return tuple(sorted({name for _, name, _ in points if name not in known}))


def _elements(session: Session, names: set[str]) -> dict[str, int]:
    """Keys of equipment by the name a point list gives: the code, else without regard to case, else `class.code`.

    As `network.reads.find_element`, for many names at once.
    """
    found: dict[str, int] = {}
    for part in chunked(sorted(names), 5_000):
        query = select(Element.code, Element.id).where(Element.kind == "equipment", Element.code.in_(part))
        found.update(session.execute(query).all())
    missing = names - found.keys()
    if not missing:
        return found
    folded: dict[str, list[int]] = {}
    for code, key in session.execute(select(Element.code, Element.id).where(Element.kind == "equipment")):
        folded.setdefault(code.lower(), []).append(key)
    for name in missing:
        for text in (name.lower(), name.lower().partition(".")[2]):
            keys = folded.get(text, ())
            if len(keys) == 1:
                found[name] = keys[0]
                break
    return found


def _tell_again(session: Session, keys: Sequence[int]) -> None:
    table: Any = SignalEvent.__table__
    names = [column.name for column in table.columns if column.name != "id"]
    rows = session.execute(
        select(*(table.c[name] for name in names)).where(table.c.point_id.in_(keys)).order_by(table.c.id)
    ).all()
    if not rows:
        return
    session.execute(delete(SignalEvent).where(SignalEvent.point_id.in_(keys)))
    session.execute(insert(SignalEvent), [dict(zip(names, row, strict=True)) for row in rows])


def find_point_key(session: Session, point_id: str) -> Point:
    """The point of that id. Raises NotFound."""
    point = session.scalar(select(Point).where(Point.point_id == point_id, Point.retired_at.is_(None)))
    if point is None:
        raise NotFound(f"no point {point_id!r}")
    return point


def set_point(
    session: Session, viewer: Viewer, point_id: str, value: float, by: str, now: datetime, reason: str | None = None
) -> PointOverride:
    """Hold a point at a value until it is released. Raises InvalidInput for a position that is neither 0 nor 1."""
    viewer.require(PERMISSION)
    point = find_point_key(session, point_id)
    if point.quantity == POSITION and point.kind == "discrete" and value not in (0.0, 1.0):
        raise InvalidInput(f"{point_id} is a position: 1 is closed, 0 is open")
    return _hold(session, point, PointOverride(kind="set", value=value), by, now, reason)


def tag_point(
    session: Session, viewer: Viewer, point_id: str, tag: str, by: str, now: datetime, reason: str | None = None
) -> PointOverride:
    """Tag a point: until released it stays what it is now, whatever signals say."""
    viewer.require(PERMISSION)
    point = find_point_key(session, point_id)
    if not tag.strip():
        raise InvalidInput("a tag needs a kind")
    newest = (PointOverride.began_at.desc(), PointOverride.id.desc())
    held = session.scalar(_holding(point.id).order_by(*newest).limit(1))
    latest = session.get(LatestValue, point.id)
    value = held.value if held is not None else (latest.value if latest is not None else None)
    return _hold(session, point, PointOverride(kind="tag", tag=tag.strip(), value=value), by, now, reason)


def release_point(session: Session, viewer: Viewer, point_id: str, by: str, now: datetime) -> int:
    """Release whatever holds a point; answers how many holds ended. Raises Conflict when nothing holds it."""
    viewer.require(PERMISSION)
    point = find_point_key(session, point_id)
    held = list(session.scalars(_holding(point.id)))
    if not held:
        raise Conflict(f"nothing holds {point_id}")
    for override in held:
        override.ended_at, override.ended_by = now, by
    session.flush()
    return len(held)


def _holding(key: int) -> Any:
    return select(PointOverride).where(PointOverride.point_id == key, PointOverride.ended_at.is_(None))


def _hold(
    session: Session, point: Point, override: PointOverride, by: str, now: datetime, reason: str | None
) -> PointOverride:
    """The newest hold counts; what held before goes on beneath it, so that nothing changes in between."""
    override.point_id, override.begun_by, override.began_at, override.reason = point.id, by, now, reason
    session.add(override)
    session.flush()
    return override
