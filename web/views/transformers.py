"""Transformers: the list by loading, one with its load, its way of supply and its outages, and its customers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from flask import Blueprint, Response
from pydantic import Field

from cis_power.customers.hanging_reads import ORDINARY, HangingPoint, subjects_of, usage_points_on
from cis_power.customers.read_rows import customer_rows
from cis_power.customers.records import CustomerRow
from cis_power.network.transformer_reads import (
    Transformer,
    find_transformer,
    list_transformers,
    matching,
    supplied_elements,
    way_up,
)
from cis_power.outages.history_reads import transformers_out
from cis_power.outages.place_reads import outages_at, points_out
from cis_power.telemetry.device_reads import measured_values, rough_loading
from cis_power.telemetry.measured import HEAVY_PERCENT, OVER_PERCENT, Load, load_of
from web.formats import Listing, columns_of, list_response
from web.gate import access
from web.lists import list_route
from web.live import live_response
from web.load_chart import LoadChart, load_chart
from web.paging import Page, make_cursor
from web.shell import now, reading, shell, viewer
from web.times import Period
from web.values import Sample, Text

transformers = Blueprint("transformers", __name__)

_USUAL = timedelta(days=7)
_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class LoadedRow:
    """A line of the list: a transformer and its load now, with quality and age."""

    transformer: str
    device_name: str | None
    feeder: str | None
    substation: str | None
    district: str | None
    owner: str
    phases: str
    rated_kva: float | None
    loading_percent: float | None
    loading: str
    basis: str | None
    load_kw: float | None
    quality: str
    measured_at: datetime | None
    age_seconds: float | None
    out: bool


class TransformerQuery(Page):
    """Which transformers, in which order."""

    feeder: Annotated[Text | None, Sample("feeder"), Field(max_length=120, description="name of a feeder")] = None
    substation: Annotated[
        Text | None, Sample("substation"), Field(max_length=120, description="name of a substation")
    ] = None
    owner: Annotated[Literal["utility", "customer"] | None, Field(description="whose it is")] = None
    loading: Annotated[
        Literal["heavy", "over", "unknown"] | None,
        Field(description="from 80 % of the rating on, from 100 % on, or not measured"),
    ] = None
    text: Annotated[Text | None, Sample("search"), Field(max_length=120, description="part of code or name")] = None
    sort: Annotated[Literal["loading", "transformer"], Field(description="the heaviest first, or by code")] = "loading"

    @property
    def filtered(self) -> bool:
        """Whether anything narrows the list."""
        return any((self.feeder, self.substation, self.owner, self.loading, self.text))


@list_route(transformers, "/transformers")
@access("network:model:read", query=TransformerQuery)
def transformer_list(query: TransformerQuery, file_format: str) -> Response:
    """Transformers with their loading, the heaviest first."""
    with reading() as session:
        version, everything = list_transformers(session, viewer(), now())
        rows = matching(
            everything, feeder=query.feeder, substation=query.substation, owner=query.owner, text=query.text
        )
        ratings = {row.element_id: (row.rated_kva, row.low_v) for row in rows}
        percent = rough_loading(session, viewer(), version.id, ratings) if version and rows else {}
        rows = _chosen(rows, percent, query.loading)
        page, following = _page(rows, percent, query)
        values = measured_values(
            session, viewer(), [row.element_id for row in page], now(), shell().settings.stale_after_seconds
        )
        out = transformers_out(session, viewer(), [row.transformer for row in page])
    found = [
        _loaded(row, load_of(values.get(row.element_id, []), row.rated_kva, row.low_v), row.transformer in out)
        for row in page
    ]
    listing = Listing("transformers", columns_of(LoadedRow), found, make_cursor(following))
    response = list_response(listing, file_format, "transformers.html", query=query, total=len(rows))
    if file_format != "html":
        return response
    return live_response(response, [(row.transformer, row.loading_percent, row.quality, row.out) for row in found])


def _chosen(rows: list[Transformer], percent: dict[int, float], loading: str | None) -> list[Transformer]:
    if loading == "unknown":
        return [row for row in rows if row.element_id not in percent]
    if loading is None:
        return rows
    least = HEAVY_PERCENT if loading == "heavy" else OVER_PERCENT
    return [row for row in rows if percent.get(row.element_id, 0.0) >= least]


def _page(
    rows: list[Transformer], percent: dict[int, float], query: TransformerQuery
) -> tuple[list[Transformer], list[float | str] | None]:
    """A page in the order asked for. Loads move between two pages: the next one goes on behind the last one's load."""

    def place(row: Transformer) -> tuple[float, str]:
        return (-percent.get(row.element_id, -1.0) if query.sort == "loading" else 0.0), row.transformer

    ordered = sorted(rows, key=place)
    position, limit = query.position(), query.rows()
    if position is not None:
        behind = (float(position[0]), str(position[1]))
        ordered = [row for row in ordered if place(row) > behind]
    return ordered[:limit], list(place(ordered[limit - 1])) if len(ordered) > limit else None


def _loaded(row: Transformer, load: Load, out: bool) -> LoadedRow:
    return LoadedRow(
        transformer=row.transformer,
        device_name=row.device_name,
        feeder=row.feeder,
        substation=row.substation,
        district=row.district,
        owner=row.owner,
        phases=row.phases,
        rated_kva=row.rated_kva,
        loading_percent=load.percent,
        loading=load.band,
        basis=load.basis,
        load_kw=load.kw,
        quality=load.quality.name,
        measured_at=load.measured_at,
        age_seconds=load.age_seconds,
        out=out,
    )


@transformers.get("/transformers/<device:transformer>")
@access("network:model:read", query=Period)
def transformer(transformer: str, query: Period) -> Response:
    """One transformer: load now and of the last days, way of supply, usage points, outages of a year."""
    from_at, to_at = query.bounds(now(), _USUAL)
    with reading() as session:
        version, found = find_transformer(session, viewer(), transformer, now())
        values = measured_values(
            session, viewer(), [found.element_id], now(), shell().settings.stale_after_seconds
        ).get(found.element_id, [])
        points = usage_points_on(session, viewer(), supplied_elements(session, version.id, found), now())
        keys = [point.id for point in points]
        out = transformers_out(session, viewer(), [found.transformer])
        lost = points_out(session, viewer(), keys, now())
        suffered = outages_at(session, viewer(), keys, now() - _YEAR, now())
        steps = way_up(session, viewer(), version.id, found)
        chart = load_chart(session, viewer(), values, found.rated_kva, from_at, to_at, now())
    load = load_of(values, found.rated_kva, found.low_v)
    listing = Listing("transformer", (), values)
    response = list_response(
        listing,
        "html",
        "transformer.html",
        transformer=found,
        load=load,
        values=values,
        out=bool(out),
        usage_points=_usage_points(points, lost),
        outages=suffered,
        steps=steps,
        chart=chart,
        from_at=from_at,
        to_at=to_at,
    )
    return live_response(response, [values_shown(load, chart), bool(out), sorted(lost), suffered])


def values_shown(load: Load, chart: LoadChart | None) -> list[object]:
    """What of load and chart changes a page."""
    return [load.percent, load.quality, load.kw, None if chart is None else (chart.peak, chart.values)]


def _usage_points(points: list[HangingPoint], lost: frozenset[int]) -> dict[str, int]:
    """How many usage points there are, with priority, by a standby connection, out now."""
    return {
        "all": len(points),
        "priority": sum(point.service_priority != ORDINARY for point in points),
        "standby": sum(point.role != "main" for point in points),
        "out": len(lost),
    }


@list_route(transformers, "/transformers/<device:transformer>/customers")
@access("customers:record:read", query=Page)
def transformer_customers(transformer: str, query: Page, file_format: str) -> Response:
    """Who is supplied by a transformer, personal fields by role."""
    position = query.position()
    first = int(position[0]) if position else 0
    with reading() as session:
        version, found = find_transformer(session, viewer(), transformer, now())
        points = usage_points_on(session, viewer(), supplied_elements(session, version.id, found), now())
        subjects = subjects_of(session, [point.id for point in points], now())
        rows = customer_rows(session, viewer(), subjects[first : first + query.rows()], now())
    behind = first + len(rows)
    cursor = make_cursor([behind]) if behind < len(subjects) else None
    listing = Listing("transformer-customers", columns_of(CustomerRow), rows, cursor)
    return list_response(listing, file_format, "transformer_customers.html", transformer=found)
