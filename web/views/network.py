"""Feeders: the list, and one feeder with its diagram, its map and its equipment."""

from collections.abc import Mapping
from dataclasses import asdict

from flask import Blueprint, Response

from cis_power.network.feeder_reads import FeederDevice, FeederRow, list_feeders, read_feeder
from cis_power.network.feeder_tree import LINE, TRANSFORMER
from cis_power.outages.history_reads import transformers_out
from cis_power.telemetry.device_reads import measured_values, position_signals
from web.feeder_drawing import DeviceNow, devices_now, diagram_of, drawing
from web.feeder_map import map_data
from web.formats import Listing, columns_of, list_response
from web.gate import access
from web.lists import list_route
from web.live import live_response
from web.paging import Page
from web.shell import now, reading, shell, viewer

network = Blueprint("network", __name__)

_DEVICE_COLUMNS = (*(name for name in columns_of(FeederDevice) if not name.endswith("_xy")), "out", "signal_quality")


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
    limit = shell().settings.stale_after_seconds
    with reading() as session:
        found = read_feeder(session, viewer(), feeder, now())
        everything = (*found.plan.devices, *found.plan.ties)
        out = transformers_out(
            session, viewer(), [item.device for item in found.plan.devices if item.kind == TRANSFORMER]
        )
        signals = position_signals(
            session, viewer(), [item.element_id for item in everything if item.kind != TRANSFORMER], now(), limit
        )
        measured = measured_values(
            session,
            viewer(),
            [item.element_id for item in found.plan.devices if item.kind != TRANSFORMER],
            now(),
            limit,
        )
        diagram = diagram_of(session, viewer(), found)
    if file_format != "html":
        quality = {
            item.device: signals[item.element_id].quality.name for item in everything if item.element_id in signals
        }
        rows = [
            asdict(item) | {"out": item.device in out, "signal_quality": quality.get(item.device)}
            for item in found.devices
        ]
        return list_response(Listing("feeder", _DEVICE_COLUMNS, rows), file_format, "")
    devices, dead = devices_now(found, diagram, out, signals)
    shown = sorted((item for item in devices.values() if item.device.kind != LINE or item.abnormal), key=_order)
    values = sorted(
        (value for group in measured.values() for value in group), key=lambda value: (value.element_id, value.point_id)
    )
    names = {item.element_id: item.device for item in everything}
    response = list_response(
        Listing("feeder", _DEVICE_COLUMNS, shown),
        "html",
        "feeder.html",
        feeder=feeder,
        plan=found.plan,
        one_line=drawing(diagram, devices, dead),
        map=map_data(diagram, devices),
        measured=[(names[value.element_id], value) for value in values],
        counts=_counts(devices),
    )
    state = [[item.device.device, item.state, item.device.open_phases, item.dead] for item in shown]
    return live_response(response, [state, [(value.shown, value.quality) for value in values]])


def _order(item: DeviceNow) -> tuple[int, str]:
    """What is abnormal, then switches, then transformers, then lines."""
    if item.dead or item.abnormal or item.state == "unknown":
        return 0, item.device.device
    return {TRANSFORMER: 2, LINE: 3}.get(item.device.kind, 1), item.device.device


def _counts(devices: Mapping[str, DeviceNow]) -> dict[str, int]:
    """How many of the devices shown are what."""
    transformers = [item for item in devices.values() if item.device.kind == TRANSFORMER]
    return {
        "transformers": len(transformers),
        "out": sum(item.dead for item in transformers),
        "switches": sum(item.device.kind not in (TRANSFORMER, LINE) for item in devices.values()),
        "abnormal": sum(item.abnormal for item in devices.values()),
        "unknown": sum(item.state == "unknown" for item in devices.values()),
    }
