"""Posting what is agreed for usage points beyond the convenience layout: tariff, capacity in operation, generation."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing_bridge.inbound.common import changes_of, midnight
from cis_power.core.batches import Outcome, Posting
from cis_power.core.db import chunked
from cis_power.core.layouts import Rows
from cis_power.customers.keys import usage_point_keys
from cis_power.customers.models import UsagePoint, UsagePointTerms

FIELDS = ("operating_kva", "own_emergency_supply", "tolerable_minutes", "generation_kw", "may_island",
          "tariff_category", "industry_code")  # fmt: skip
_KEPT = ("rated_kva", "nominal_v", "service_priority")
_CHUNK = 10_000


def post(session: Session, rows: Rows, posting: Posting) -> Outcome:
    """Complete or change the terms in force of known usage points; empty fields say nothing."""
    outcome, changes = Outcome(rows), changes_of(session, posting)
    points = usage_point_keys(session, rows.column("usage_point"))
    present = _present(session, list(points.values()))
    now = posting.now
    for place, row in enumerate(rows):
        point = points.get(row["usage_point"])
        if point is None:
            message = f"usage point {row['usage_point']!r} is not known"
            outcome.reject(place, "unknown_usage_point", message, "usage_point")
            continue
        former = present.get(point) or {"id": None, "began_at": None, **dict.fromkeys((*_KEPT, *FIELDS))}
        told = {name: row[name] for name in FIELDS if row[name] is not None and row[name] != former[name]}
        told = {name: value for name, value in told.items() if changes.may_change(UsagePoint, point, name, value)}
        if not told:
            outcome.unchanged(place)
            continue
        since = midnight(row["from"], posting.zone)
        if since is not None and former["began_at"] is not None and since <= former["began_at"]:
            message = "the terms in force began later; earlier ones are not changed"
            outcome.reject(place, "before_present", message, "from")
            continue
        for name, value in told.items():
            changes.note(UsagePoint, point, name, former[name], value)
        untouched = all(former[name] in (None, False) for name in told)
        if former["id"] is not None and since is None and (untouched or former["began_at"] == now):
            changes.update(UsagePointTerms, former["id"], **told)
            former.update(told)
            continue
        if former["id"] is not None:
            changes.update(UsagePointTerms, former["id"], ended_at=since or now)
        begins = since if former["id"] is None else since or now
        present[point] = _insert(changes, point, {**former, **told, "began_at": begins})
    changes.write((UsagePointTerms,))
    return outcome


def _present(session: Session, points: list[int]) -> dict[int, dict[str, Any]]:
    row, found = UsagePointTerms, dict[int, dict[str, Any]]()
    names = ("id", "usage_point_id", "began_at", *_KEPT, *FIELDS)
    for part in chunked(sorted(points), _CHUNK):
        query = select(*(getattr(row, name) for name in names))
        for item in session.execute(query.where(row.usage_point_id.in_(part), row.ended_at.is_(None))):
            found[item.usage_point_id] = dict(zip(names, item, strict=True))
    return found


def _insert(changes: Any, point: int, values: dict[str, Any]) -> dict[str, Any]:
    usual = {"own_emergency_supply": False, "may_island": False, "service_priority": "ordinary"}
    terms = {name: values[name] if values[name] is not None else usual.get(name) for name in (*_KEPT, *FIELDS)}
    terms |= {"id": changes.new_id(UsagePointTerms), "usage_point_id": point, "began_at": values["began_at"]}
    changes.insert(UsagePointTerms, **terms)
    return terms
