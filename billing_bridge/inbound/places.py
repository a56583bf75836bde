"""Posting places: compounds, buildings, villages, and what lies in what."""

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing_bridge.inbound.common import changes_of
from cis_power.core.batches import Outcome, Posting
from cis_power.core.layouts import Row, Rows
from cis_power.customers.changes import Changes
from cis_power.customers.models import Place


def post(session: Session, rows: Rows, posting: Posting) -> Outcome:
    """Make or change places by name. A parent must be known or stand further up; no place lies in itself."""
    outcome, changes = Outcome(rows), changes_of(session, posting)
    query = select(Place.name, func.min(Place.id)).group_by(Place.name)
    keys: dict[str, int] = dict(session.execute(query).all())
    known = {
        key: (kind, parent) for key, kind, parent in session.execute(select(Place.id, Place.kind, Place.parent_id))
    }
    parents = {key: parent for key, (_, parent) in known.items()}
    for place, row in enumerate(rows):
        name, parent = row["place"], row["parent"]
        parent_id = keys.get(parent) if parent else None
        if parent and parent_id is None:
            outcome.reject(place, "unknown_parent", f"place {parent!r} is not known", "parent")
        elif name in keys and parent_id is not None and _lies_in(parent_id, keys[name], parents):
            outcome.reject(place, "circular_parent", f"place {name!r} would lie in itself", "parent")
        elif name not in keys:
            keys[name] = changes.new_id(Place)
            changes.insert(Place, id=keys[name], name=name, kind=row["kind"], parent_id=parent_id)
            known[keys[name]] = (row["kind"], parent_id)
            parents[keys[name]] = parent_id
        elif not _change(changes, keys[name], known, row, parent_id):
            outcome.unchanged(place)
        else:
            parents[keys[name]] = known[keys[name]][1]
    changes.write((Place,))
    return outcome


_Known = dict[int, tuple[str | None, int | None]]


def _change(changes: Changes, key: int, known: _Known, row: Row, parent_id: int | None) -> bool:
    """Write what the row says otherwise; empty fields say nothing."""
    kind, parent = known[key]
    before = changes.count
    if row["kind"] is not None and row["kind"] != kind and changes.change(Place, key, "kind", kind, row["kind"]):
        kind = row["kind"]
    if parent_id is not None and parent_id != parent and changes.change(Place, key, "parent_id", parent, parent_id):
        parent = parent_id
    known[key] = (kind, parent)
    return changes.count != before


def _lies_in(inner: int, outer: int, parents: Mapping[int, int | None]) -> bool:
    """Whether a place is another one or lies within it."""
    step: int | None = inner
    seen: set[int] = set()
    while step is not None and step not in seen:
        if step == outer:
            return True
        seen.add(step)
        step = parents.get(step)
    return False
