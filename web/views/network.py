"""Feeders: the list, and one feeder with its equipment, positions and map."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response

from cis_power.network.feeder_reads import FeederDevice, FeederRow, feeder_devices, list_feeders
from web.formats import Listing, columns_of, list_response
from web.gate import access
from web.labels import label
from web.lists import list_route
from web.live import live_response
from web.paging import Page
from web.shell import now, reading, viewer

network = Blueprint("network", __name__)

_DEVICE_COLUMNS = tuple(name for name in columns_of(FeederDevice) if not name.endswith("_xy"))


@list_route(network, "/network")
@access("network:model:read", query=Page)
def feeders(query: Page, file_format: str) -> Response:
    """All feeders."""
    with reading() as session:
        rows = list_feeders(session, viewer(), now())
    return list_response(Listing("feeders", columns_of(FeederRow), rows), file_format, "feeders.html")


@list_route(network, "/network/<feeder:feeder>")
@access("network:model:read", query=Page)
def feeder(feeder: str, query: Page, file_format: str) -> Response:
    """One feeder: what stands where and how."""
    with reading() as session:
        rows = feeder_devices(session, viewer(), feeder, now())
    listing = Listing("feeder", _DEVICE_COLUMNS, rows)
    response = list_response(listing, file_format, "feeder.html", feeder=feeder, drawing=_drawing(rows))
    if file_format != "html":
        return response
    return live_response(response, [[row.device, row.position, row.open_phases] for row in rows])


def _drawing(rows: Sequence[FeederDevice]) -> dict[str, Any] | None:
    """The feeder as GeoJSON in the model's coordinates; None where it has none."""
    drawn = [row for row in rows if row.from_xy is not None and row.to_xy is not None]
    features = [feature for row in drawn for feature in _features(row)]
    return {"type": "FeatureCollection", "features": features} if features else None


def _features(row: FeederDevice) -> list[dict[str, Any]]:
    """A line for the equipment, and a mark on it for a switch or a transformer."""
    ends = [end for end in (row.from_xy, row.to_xy) if end is not None]
    properties = {
        "label": f"{row.device} · {label('equipment_kind', row.kind)} · {label('position', row.position)}",
        "kind": row.kind,
        "state": row.position,
    }
    line = {"type": "Feature", "geometry": {"type": "LineString", "coordinates": ends}, "properties": properties}
    if row.kind == "line":
        return [line]
    middle = [sum(end[axis] for end in ends) / len(ends) for axis in (0, 1)]
    return [line, {"type": "Feature", "geometry": {"type": "Point", "coordinates": middle}, "properties": properties}]
