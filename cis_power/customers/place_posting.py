"""Usage points: address, place, status, terms and district by date, as a business system tells them; many at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from cis_power.core.db import among, chunked
from cis_power.customers.changes import Changes
from cis_power.customers.models import (
    Place,
    ServiceLocation,
    UsagePoint,
    UsagePointDistrict,
    UsagePointStatus,
    UsagePointTerms,
)
from cis_power.customers.service_dates import EVER, Span, Told, changed_time_line, first_time_line

_CHUNK = 10_000
_TERMS = ("rated_kva", "nominal_v", "service_priority")
_KEPT_TERMS = ("operating_kva", "own_emergency_supply", "tolerable_minutes", "generation_kw", "may_island",
               "tariff_category", "industry_code")  # fmt: skip


@dataclass(frozen=True, slots=True)
class PointTold:
    """What one row says of a usage point; None says nothing."""

    code: str
    address: str | None = None
    place: str | None = None
    district_id: int | None = None
    rated_kva: float | None = None
    nominal_v: float | None = None
    service_priority: str | None = None


@dataclass(slots=True)
class Point:
    """A usage point as it is after what was told so far; `status` is its time line with the rows' keys."""

    usage_point_id: int
    location_id: int | None = None
    address: str | None = None
    place_id: int | None = None
    district: tuple[int, int] | None = None
    terms: dict[str, Any] | None = None
    status: list[tuple[int, Span]] = field(default_factory=list)


class Points:
    """The usage points of some rows, read at once; `post` tells each row."""

    def __init__(self, changes: Changes, codes: Iterable[str], places: Iterable[str]) -> None:
        self._changes = changes
        self._by_code: dict[str, Point] = {}
        for part in chunked(sorted(set(codes)), _CHUNK):
            self._load(part)
        self._places: dict[str, int] = {}
        for part in chunked(sorted(set(places)), _CHUNK):
            query = (
                select(Place.name, func.min(Place.id))
                .where(among(changes.session, Place.name, part))
                .group_by(Place.name)
            )
            self._places.update(changes.session.execute(query).all())

    def _load(self, codes: list[str]) -> None:
        session = self._changes.session
        query = (
            select(
                UsagePoint.code, UsagePoint.id, ServiceLocation.id, ServiceLocation.address, ServiceLocation.place_id
            )
            .outerjoin(ServiceLocation, ServiceLocation.id == UsagePoint.service_location_id)
            .where(among(session, UsagePoint.code, codes))
        )
        by_id: dict[int, Point] = {}
        for code, key, location_id, address, place_id in session.execute(query):
            by_id[key] = self._by_code[code] = Point(key, location_id, address, place_id)
        for part in chunked(sorted(by_id), _CHUNK):
            self._load_dated(by_id, part)

    def _load_dated(self, by_id: dict[int, Point], keys: list[int]) -> None:
        session, terms, status, district = self._changes.session, UsagePointTerms, UsagePointStatus, UsagePointDistrict
        names = ("id", "usage_point_id", "began_at", *_TERMS, *_KEPT_TERMS)
        query = select(*(getattr(terms, name) for name in names))
        for row in session.execute(query.where(among(session, terms.usage_point_id, keys), terms.ended_at.is_(None))):
            by_id[row.usage_point_id].terms = dict(zip(names, row, strict=True))
        districts = select(district.usage_point_id, district.id, district.district_id)
        for point_id, key, district_id in session.execute(
            districts.where(among(session, district.usage_point_id, keys), district.ended_at.is_(None))
        ):
            by_id[point_id].district = (key, district_id)
        spans = (
            select(status.usage_point_id, status.id, status.status, status.began_at, status.ended_at)
            .where(among(session, status.usage_point_id, keys), status.superseded_at.is_(None))
            .order_by(status.began_at.nulls_first(), status.id)
        )
        for point_id, key, name, began_at, ended_at in session.execute(spans):
            by_id[point_id].status.append((key, Span(name, began_at, ended_at)))

    def find(self, code: str) -> Point | None:
        """The usage point, if it is known."""
        return self._by_code.get(code)

    def post(self, told: PointTold) -> Point:
        """Make or change a usage point; its status is told apart, by `post_status`."""
        point = self._by_code.get(told.code)
        if point is None:
            point = self._create(told)
        else:
            self._change_location(point, told)
        self._post_district(point, told.district_id)
        self._post_terms(point, told)
        return point

    def _create(self, told: PointTold) -> Point:
        changes = self._changes
        key = changes.new_id(UsagePoint)
        point = self._by_code[told.code] = Point(key, address=told.address)
        if told.address is not None or told.place is not None:
            point.place_id = self._place(told.place)
            point.location_id = changes.new_id(ServiceLocation)
            location = {"address": told.address, "place_id": point.place_id}
            changes.insert(ServiceLocation, id=point.location_id, **location)
        changes.insert(
            UsagePoint,
            id=key,
            code=told.code,
            service_location_id=point.location_id,
            metering="metered",
            created_at=changes.origin.now,
        )
        return point

    def _place(self, name: str | None) -> int | None:
        if name is None:
            return None
        found = self._places.get(name)
        if found is None:
            found = self._places[name] = self._changes.new_id(Place)
            self._changes.insert(Place, id=found, name=name)
        return found

    def _change_location(self, point: Point, told: PointTold) -> None:
        place_id = self._place(told.place)
        if point.location_id is None:
            if told.address is None and place_id is None:
                return
            point.location_id = self._changes.new_id(ServiceLocation)
            self._changes.insert(ServiceLocation, id=point.location_id, address=told.address, place_id=place_id)
            self._changes.update(UsagePoint, point.usage_point_id, service_location_id=point.location_id)
            point.address, point.place_id = told.address, place_id
            return
        for name, old, new in (("address", point.address, told.address), ("place_id", point.place_id, place_id)):
            if (
                new is not None
                and new != old
                and self._changes.change(ServiceLocation, point.location_id, name, old, new)
            ):
                setattr(point, name, new)

    def _post_district(self, point: Point, district_id: int | None) -> None:
        if district_id is None or (point.district is not None and point.district[1] == district_id):
            return
        changes, moved_at = self._changes, None
        if point.district is not None:
            if not changes.may_change(UsagePoint, point.usage_point_id, "district", district_id):
                return
            moved_at = changes.origin.now
            changes.update(UsagePointDistrict, point.district[0], ended_at=moved_at)
            changes.note(UsagePoint, point.usage_point_id, "district", point.district[1], district_id)
        key = changes.new_id(UsagePointDistrict)
        changes.insert(
            UsagePointDistrict, id=key, usage_point_id=point.usage_point_id, district_id=district_id, began_at=moved_at
        )
        point.district = (key, district_id)

    def _post_terms(self, point: Point, told: PointTold) -> None:
        given = {name: getattr(told, name) for name in _TERMS if getattr(told, name) is not None}
        changes, former = self._changes, point.terms
        if former is None:
            point.terms = self._insert_terms(point, {"began_at": None, "service_priority": "ordinary", **given})
            return
        changed = {
            name: value
            for name, value in given.items()
            if value != former[name] and changes.may_change(UsagePoint, point.usage_point_id, name, value)
        }
        if not changed:
            return
        for name, value in changed.items():
            changes.note(UsagePoint, point.usage_point_id, name, former[name], value)
        if former["began_at"] == changes.origin.now:
            changes.update(UsagePointTerms, former["id"], **changed)
            former.update(changed)
            return
        changes.update(UsagePointTerms, former["id"], ended_at=changes.origin.now)
        point.terms = self._insert_terms(point, {**former, **changed, "began_at": changes.origin.now})

    def _insert_terms(self, point: Point, values: dict[str, Any]) -> dict[str, Any]:
        key = self._changes.new_id(UsagePointTerms)
        empty = {"own_emergency_supply": False, "may_island": False}
        terms = {name: values.get(name, empty.get(name)) for name in ("began_at", *_TERMS, *_KEPT_TERMS)}
        terms |= {"id": key, "usage_point_id": point.usage_point_id}
        self._changes.insert(UsagePointTerms, **terms)
        return terms

    def post_status(self, point: Point, told: Told) -> None:
        """The status of the only account that answers for a usage point."""
        line = [span for _, span in point.status]
        self.put_status(
            point, changed_time_line(line, told, self._changes.origin.now) if line else first_time_line(told)
        )

    def put_status(self, point: Point, line: Iterable[Span]) -> None:
        """Replace the time line of a usage point; rows that are not in it any more are superseded."""
        changes, wanted = self._changes, list(line)
        kept: list[tuple[int, Span]] = []
        had_some = bool(point.status)
        for key, span in point.status:
            if span in wanted:
                wanted.remove(span)
                kept.append((key, span))
            elif (UsagePointStatus, key) in changes.fresh:
                changes.forget(UsagePointStatus, key)
            else:
                changes.update(UsagePointStatus, key, superseded_at=changes.origin.now)
        for span in wanted:
            key = changes.new_id(UsagePointStatus)
            changes.insert(
                UsagePointStatus,
                id=key,
                usage_point_id=point.usage_point_id,
                status=span.status,
                began_at=span.began_at,
                ended_at=span.ended_at,
                recorded_at=changes.origin.now,
            )
            kept.append((key, span))
            if had_some:
                changes.note(UsagePoint, point.usage_point_id, "status", None, _words(span))
        point.status = sorted(kept, key=lambda item: (item[1].began_at or EVER, item[0]))


def _words(span: Span) -> str:
    ends = [moment.isoformat() if moment else "…" for moment in (span.began_at, span.ended_at)]
    return f"{span.status} {ends[0]} – {ends[1]}"
