"""Feeders: the list, and one feeder with its equipment, positions and map."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response

from cis_power.network.feeder_reads import FeederDevice, FeederRow, feeder_devices, list_feeders
from cis_power.outages.history_reads import transformers_out
from web.formats import Listing, columns_of, list_response
from web.gate import access
from web.labels import label
from web.lists import list_route
from web.live import live_response
from web.paging import Page
from web.shell import now, reading, viewer

network = Blueprint("network", __name__)

_DEVICE_COLUMNS = (*(name for name in columns_of(FeederDevice) if not name.endswith("_xy")), "out")


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
    """One feeder: what stands where and how; what is not as it should be comes first."""
    with reading() as session:
        devices = feeder_devices(session, viewer(), feeder, now())
        codes = [device.device for device in devices if device.kind == "transformer"]
        dead = transformers_out(session, viewer(), codes)
    rows = sorted(devices, key=lambda device: (_weight(device, dead), device.device))
    listing = Listing("feeder", _DEVICE_COLUMNS, [asdict(row) | {"out": row.device in dead} for row in rows])
    drawing = _drawing(rows, dead)
    response = list_response(listing, file_format, "feeder.html", feeder=feeder, drawing=drawing)
    if file_format != "html":
        return response
    return live_response(response, [[row.device, row.position, row.open_phases, row.device in dead] for row in rows])


def _weight(row: FeederDevice, dead: frozenset[str]) -> int:
    """What is abnormal, then switches, then transformers, then lines."""
    if row.device in dead or (row.position != "closed") != row.normal_open:
        return 0
    return {"transformer": 2, "line": 3}.get(row.kind, 1)


def _drawing(rows: Sequence[FeederDevice], dead: frozenset[str]) -> dict[str, Any] | None:
    """The feeder as GeoJSON in the model's coordinates; None where it has none."""
    drawn = [row for row in rows if row.from_xy is not None and row.to_xy is not None]
    features = [feature for row in drawn for feature in _features(row, row.device in dead)]
    return {"type": "FeatureCollection", "features": features} if features else None


def _features(row: FeederDevice, out: bool) -> list[dict[str, Any]]:
    """A line for the equipment, and a mark on it for a switch or a transformer."""
    ends = [end for end in (row.from_xy, row.to_xy) if end is not None]
    state = label("energized", "none") if out else label("position", row.position)
    properties = {
        "label": f"{row.device} · {label('equipment_kind', row.kind)} · {state}",
        "kind": row.kind,
        "state": row.position,
        "out": out,
    }
    line = {"type": "Feature", "geometry": {"type": "LineString", "coordinates": ends}, "properties": properties}
    if row.kind == "line":
        return [line]
    middle = [sum(end[axis] for end in ends) / len(ends) for axis in (0, 1)]
    return [line, {"type": "Feature", "geometry": {"type": "Point", "coordinates": middle}, "properties": properties}]
