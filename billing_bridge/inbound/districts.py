"""Posting districts: all rows of a file at once, because they refer to one another."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing_bridge.inbound.common import changes_of
from cis_power.access.models import District
from cis_power.core.batches import Outcome, Posting
from cis_power.core.db import chunked
from cis_power.core.layouts import Rows
from cis_power.customers.changes import Changes


def post(session: Session, rows: Rows, posting: Posting) -> Outcome:
    """Make or change districts. A parent must be in the file or known; a district never lies in itself."""
    outcome = Outcome(rows)
    told: _Told = {}
    for place, row in enumerate(rows):
        if row["code"] in told:
            outcome.unchanged(place)
        else:
            told[row["code"]] = (place, row["name"], row["parent"])
    known = {district.code: district for district in session.scalars(select(District))}
    parents = {code: district.parent_id for code, district in known.items()}
    codes = {district.id: code for code, district in known.items()}
    tree = {code: codes.get(parent_id) if parent_id else None for code, parent_id in parents.items()}
    _reject_unknown_parents(told, set(known), outcome)
    good = {code: item for code, item in told.items() if outcome.states[item[0]] == 0}
    tree |= {code: parent or tree.get(code) for code, (_, _, parent) in good.items()}
    for code in _circular(tree) & good.keys():
        outcome.reject(good.pop(code)[0], "circular_parent", f"district {code!r} would lie in itself", "parent")
    changes = changes_of(session, posting)
    keys = {code: district.id for code, district in known.items()}
    keys |= {code: changes.new_id(District) for code in good if code not in known}
    for code in _parents_first(good, tree):
        place, name, parent = good[code]
        before = changes.count
        parent_id = keys[parent] if parent else None
        if code not in known:
            changes.insert(District, id=keys[code], code=code, name=name or code, parent_id=parent_id)
            continue
        district = known[code]
        if name is not None and name != district.name:
            changes.change(District, district.id, "name", district.name, name)
        if parent_id is not None and parent_id != district.parent_id:
            changes.change(District, district.id, "parent_id", district.parent_id, parent_id)
        if changes.count == before:
            outcome.unchanged(place)
    changes.write((District,))
    return outcome


_Told = dict[str, tuple[int, str | None, str | None]]


def _reject_unknown_parents(told: _Told, known: set[str], outcome: Outcome) -> None:
    """Reject rows whose parent is nowhere; what lies in a rejected district is rejected too."""
    good = dict(told)
    while True:
        bad = [code for code, (_, _, parent) in good.items() if parent and parent not in good and parent not in known]
        if not bad:
            return
        for code in bad:
            place, _, parent = good.pop(code)
            outcome.reject(place, "unknown_parent", f"parent {parent!r} is not known", "parent")


def _circular(tree: dict[str, str | None]) -> set[str]:
    circular = set()
    for code, parent in tree.items():
        seen, step = {code}, parent
        while step is not None and step not in seen:
            seen.add(step)
            step = tree.get(step)
        if step == code:
            circular.add(code)
    return circular


def _parents_first(good: _Told, tree: dict[str, str | None]) -> Iterable[str]:
    def depth(code: str) -> int:
        steps, step = 0, tree.get(code)
        while step is not None:
            steps, step = steps + 1, tree.get(step)
        return steps

    return sorted(good, key=depth)


def district_keys(session: Session, codes: Iterable[str], changes: Changes) -> tuple[dict[str, int], set[str]]:
    """Keys by code; codes that are not known yet are made. Answers the keys and which codes were made."""
    found: dict[str, int] = {}
    wanted = sorted(set(codes))
    for part in chunked(wanted, 10_000):
        found.update(session.execute(select(District.code, District.id).where(District.code.in_(part))).all())
    made = {code for code in wanted if code not in found}
    for code in sorted(made):
        found[code] = changes.new_id(District)
        changes.insert(District, id=found[code], code=code, name=code, parent_id=None)
    return found, made
