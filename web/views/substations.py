"""Substations: the list, and one with its feeders, its buses and its transformers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response

from cis_power.customers.hanging_reads import Group, usage_points_by_feeder
from cis_power.network.substation_reads import (
    FeederHead,
    by_substation,
    feeder_heads,
    require_substation,
    substation_equipment,
)
from cis_power.outages.place_reads import out_by_feeder
from cis_power.telemetry.device_reads import PositionSignal, measured_values, position_signals
from cis_power.telemetry.measured import Measured, first, load_of
from web.formats import Listing, columns_of, list_response
from web.gate import access
from web.lists import list_route
from web.live import live_response
from web.paging import Page
from web.shell import now, reading, shell, viewer

substations = Blueprint("substations", __name__)


@dataclass(frozen=True, slots=True)
class SubstationRow:
    """A substation with what its feeders carry now; `load_kw` is the sum over `feeders_measured` of `feeders`."""

    substation: str
    feeders: int
    feeders_measured: int
    load_kw: float | None
    usage_points: int
    out_now: int
    breakers_open: int


@dataclass(frozen=True, slots=True)
class FeederLoadRow:
    """A feeder at its head: breaker, load, current and voltage, each with its own quality; and who hangs on it."""

    feeder: str
    breaker: str | None
    position: str | None
    position_quality: str | None
    load_kw: float | None
    load_quality: str | None
    current_a: float | None
    current_quality: str | None
    voltage_v: float | None
    voltage_quality: str | None
    measured_at: datetime | None
    age_seconds: float | None
    usage_points: int
    out_now: int

    @property
    def sure(self) -> bool:
        """Whether the breaker's position may be believed."""
        return self.position_quality in (None, "GOOD", "SUBSTITUTED")


@list_route(substations, "/substations")
@access("network:model:read", query=Page)
def substation_list(query: Page, file_format: str) -> Response:
    """All substations."""
    with reading() as session:
        version, heads = feeder_heads(session, viewer(), now())
        points = usage_points_by_feeder(session, viewer(), version.id, now()) if version else {}
        out = out_by_feeder(session, viewer(), version.id, now()) if version else {}
        keys = [head.element_id for head in heads if head.element_id is not None]
        values = measured_values(session, viewer(), keys, now(), shell().settings.stale_after_seconds)
    rows = [_summed(name, group, values, points, out) for name, group in by_substation(heads).items()]
    listing = Listing("substations", columns_of(SubstationRow), rows)
    response = list_response(listing, file_format, "substations.html")
    return live_response(response, rows) if file_format == "html" else response


def _summed(
    name: str, heads: Sequence[FeederHead], values: Mapping[int, list[Measured]], points: Mapping[Group, int],
    out: Mapping[Group, int],
) -> SubstationRow:  # fmt: skip
    loads = [first(values.get(head.element_id or 0, []), "power_kw") for head in heads]
    measured = [load.value for load in loads if load is not None and load.value is not None and load.quality.decides]
    station = heads[0].substation_id
    return SubstationRow(
        substation=name,
        feeders=len(heads),
        feeders_measured=len(measured),
        load_kw=sum(measured) if measured else None,
        usage_points=sum(count for (_, key), count in points.items() if key == station),
        out_now=sum(count for (_, key), count in out.items() if key == station),
        breakers_open=sum(head.position == "open" for head in heads),
    )


@list_route(substations, "/substations/<substation:substation>")
@access("network:model:read", query=Page)
def substation(substation: str, query: Page, file_format: str) -> Response:
    """One substation: its feeders with load, current, breaker and customers; its own equipment."""
    limit = shell().settings.stale_after_seconds
    with reading() as session:
        version, heads = feeder_heads(session, viewer(), now(), substation)
        own = substation_equipment(session, viewer(), version.id, substation) if version else []
        require_substation(heads, own, substation)
        points = usage_points_by_feeder(session, viewer(), version.id, now()) if version else {}
        out = out_by_feeder(session, viewer(), version.id, now()) if version else {}
        keys = [item for head in heads if (item := head.element_id) is not None] + [item.element_id for item in own]
        values = measured_values(session, viewer(), keys, now(), limit)
        signals = position_signals(session, viewer(), keys, now(), limit)
    rows = [_feeder(head, values, signals, points, out) for head in heads]
    listing = Listing("substation", columns_of(FeederLoadRow), rows)
    equipment = [
        (item, signals.get(item.element_id), values.get(item.element_id, []),
         load_of(values.get(item.element_id, []), item.rated_kva, None) if item.kind == "transformer" else None)
        for item in own
    ]  # fmt: skip
    response = list_response(listing, file_format, "substation.html", substation=substation, equipment=equipment)
    if file_format != "html":
        return response
    shown = [[value.shown for value in group] + [item.position] for item, _, group, _ in equipment]
    return live_response(response, [[_without_age(row) for row in rows], shown])


def _without_age(row: FeederLoadRow) -> list[object]:
    return [getattr(row, name) for name in columns_of(FeederLoadRow) if name not in ("age_seconds", "measured_at")]


def _feeder(
    head: FeederHead, values: Mapping[int, list[Measured]], signals: Mapping[int, PositionSignal],
    points: Mapping[Group, int], out: Mapping[Group, int],
) -> FeederLoadRow:  # fmt: skip
    mine = values.get(head.element_id or 0, [])
    load, current, voltage = (first(mine, what) for what in ("power_kw", "current_a", "voltage_v"))
    oldest = max(
        (item for item in (load, current, voltage) if item), key=lambda item: item.age_seconds or 0, default=None
    )
    signal = signals.get(head.element_id or 0)
    return FeederLoadRow(
        feeder=head.feeder,
        breaker=head.breaker,
        position=head.position,
        position_quality=None if signal is None else signal.quality.name,
        load_kw=None if load is None else load.value,
        load_quality=None if load is None else load.quality.name,
        current_a=None if current is None else current.value,
        current_quality=None if current is None else current.quality.name,
        voltage_v=None if voltage is None else voltage.value,
        voltage_quality=None if voltage is None else voltage.quality.name,
        measured_at=None if oldest is None else oldest.measured_at,
        age_seconds=None if oldest is None else oldest.age_seconds,
        usage_points=sum(count for (key, _), count in points.items() if key == head.feeder_id),
        out_now=sum(count for (key, _), count in out.items() if key == head.feeder_id),
    )
