"""The published point list: a sealed file that the collector reads without a database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cis_power.core.errors import CisError, NotFound
from scada_bridge.batch import from_ms, to_ms
from scada_bridge.points import POINT_FIELDS, Point
from scada_bridge.sealed import Damaged, ensure_key, read_sealed, sealed, write_whole

FORMAT = "cis-power-points/1"
_FILE = "points.json"


@dataclass(frozen=True, slots=True)
class Published:
    """A point list as published."""

    points: tuple[Point, ...]
    published_at: datetime
    content_hash: str


def point_list_file(folder: Path) -> Path:
    """Where a folder holds its published point list."""
    return folder / _FILE


def publish(folder: Path, points: Sequence[Point], content_hash: str, now: datetime, key: bytes | None = None) -> None:
    """Publish a point list to a folder, at once and whole; `key`: default the folder's own, made if absent."""
    folder.mkdir(parents=True, exist_ok=True)
    header = {"format": FORMAT, "published_ms": to_ms(now), "content_hash": content_hash, "fields": POINT_FIELDS}
    body = [[getattr(point, field) for field in POINT_FIELDS] for point in points]
    write_whole(point_list_file(folder), sealed(header, body, key or ensure_key(folder)))


def read_published(folder: Path) -> Published:
    """The published point list of a folder. Raises NotFound, or CisError when the file is not ours."""
    file = point_list_file(folder)
    try:
        header, body = read_sealed(file, ensure_key(folder))
        if header.get("format") != FORMAT:
            raise Damaged(f"not of the form {FORMAT}")
        points = tuple(Point(**dict(zip(header["fields"], row, strict=True))) for row in body)
        return Published(points, from_ms(header["published_ms"]), header["content_hash"])
    except FileNotFoundError:
        raise NotFound(f"no point list is published in {folder}: `cis-power points import FILE`") from None
    except (Damaged, KeyError, TypeError, ValueError) as error:
        raise CisError(f"the published point list {file} cannot be used: {error}") from error
