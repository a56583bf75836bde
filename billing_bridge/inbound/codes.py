"""Posting entries of code tables."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing_bridge.inbound.common import changes_of
from cis_power.core.batches import Outcome, Posting
from cis_power.core.layouts import Row, Rows
from cis_power.core.models import Code

_FIELDS = ("label_en", "label_zh", "attributes", "active")


def post(session: Session, rows: Rows, posting: Posting) -> Outcome:
    """Make or change entries; empty fields leave what is there."""
    outcome, changes = Outcome(rows), changes_of(session, posting)
    kinds = sorted(set(rows.plain("kind")))
    known = {(entry.kind, entry.code): entry for entry in session.scalars(select(Code).where(Code.kind.in_(kinds)))}
    told: dict[tuple[str, str], Row] = {}
    for place, row in enumerate(rows):
        key = row["kind"], row["code"]
        entry, earlier = known.get(key), told.setdefault(key, row)
        if earlier is not row:
            outcome.unchanged(place)
        elif entry is None:
            changes.insert(Code, kind=key[0], code=key[1], **_values(row, None))
        elif not [
            changes.change(Code, entry.id, name, getattr(entry, name), value)
            for name, value in _values(row, entry).items()
            if value != getattr(entry, name)
        ]:
            outcome.unchanged(place)
    changes.write((Code,))
    return outcome


def _values(row: Row, present: Code | None) -> dict[str, object]:
    """The fields as they shall be: what the row leaves empty stays, or is made of the code."""
    attributes = dict(present.attributes) if present else {}
    if row["group"] is not None:
        attributes["group"] = row["group"]
    label = row["label_en"] or (present.label_en if present else row["code"])
    values = (
        label,
        row["label_zh"] or (present.label_zh if present else label),
        attributes,
        row["active"] if row["active"] is not None else present is None or present.active,
    )
    return dict(zip(_FIELDS, values, strict=True))
