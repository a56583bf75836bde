"""Keeping the search rows and their lists: whoever changes what is searched calls this in the same transaction.

A row is an account at one of its usage points; where there is no other side, an account or a usage point alone. Texts
of meters come from the wing above. Lists only grow: what a row holds no longer is found out by its text.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np
from sqlalchemy import Table, delete, select, update
from sqlalchemy.orm import Session

from cis_power.core.db import among, bulk_insert, bulk_upsert, chunked
from cis_power.core.db.identity import reserve_ids
from cis_power.core.db.serial import one_at_a_time
from cis_power.customers.models import CustomerAgreement, SearchRow, SupplyConnection, UsagePointDistrict
from cis_power.customers.search_feeders import feeders_of
from cis_power.customers.search_grams import Group, Pairs, text_grams
from cis_power.customers.search_plan import GROUP_KINDS
from cis_power.customers.search_postings import add_to_lists
from cis_power.customers.search_text import EDGE, OF_ACCOUNTS, TermKind, document
from cis_power.customers.search_texts import account_texts, usage_point_texts
from cis_power.network.reads import timeline

_CHUNK = 10_000
_LISTED_AT_ONCE = 20_000  # rows; their grams take some hundred bytes each while they are sorted
_KINDS = tuple(TermKind)
_COLUMNS = ("id", "account_id", "usage_point_id", "number", *(kind.value for kind in _KINDS), "marks")
_Who = tuple[int | None, int | None]  # account, usage point
_Row = dict[str, Any]


def write_terms(
    session: Session,
    account_ids: Iterable[int] = (),
    usage_point_ids: Iterable[int] = (),
    meters: Mapping[int, Sequence[str]] | None = None,
) -> None:
    """Write anew by what these accounts and usage points are found, from what the tables say now.

    `meters`: the numbers of the meters that stand at usage points; what is said of no meter stays.
    """
    session.flush()
    one_at_a_time(session, "search")
    accounts, points, meters = set(account_ids), set(usage_point_ids), meters or {}
    points |= meters.keys()
    if not accounts and not points:
        return
    present = _rows(session, SearchRow.account_id, accounts) | _rows(session, SearchRow.usage_point_id, points)
    pairs = _agreements(session, CustomerAgreement.account_id, accounts)
    further = {point for _, point in pairs} | {row["usage_point_id"] for row in present.values()} - {None}
    present |= _rows(session, SearchRow.usage_point_id, further - points)
    points |= further
    pairs |= _agreements(session, CustomerAgreement.usage_point_id, points)
    accounts |= {row["account_id"] for row in present.values()} - {None}
    present |= _rows(session, SearchRow.account_id, accounts, alone=True)
    wanted = _wanted(session, accounts, points, pairs)
    _write(session, present, wanted, meters)


def _wanted(session: Session, accounts: set[int], points: set[int], pairs: set[tuple[int, int]]) -> list[_Who]:
    """The rows that there must be, accounts first, in the order in which they became known."""
    holders = {account for account, _ in pairs}
    holders |= {account for account, _ in _agreements(session, CustomerAgreement.account_id, accounts - holders)}
    held = {point for _, point in pairs}
    alone = [(account, None) for account in accounts - holders]
    return [
        *sorted([*pairs, *alone], key=lambda who: (who[0], who[1] or 0)),
        *((None, p) for p in sorted(points - held)),
    ]


def _write(
    session: Session, present: Mapping[_Who, _Row], wanted: Sequence[_Who], meters: Mapping[int, Sequence[str]]
) -> None:
    gone = [present[who]["id"] for who in present.keys() - set(wanted)]
    for part in chunked(sorted(gone), _CHUNK):
        session.execute(delete(SearchRow).where(SearchRow.id.in_(part)))
    account_ids = {account for account, _ in wanted if account is not None}
    point_ids = {point for _, point in wanted if point is not None}
    texts = account_texts(session, account_ids) | usage_point_texts(session, point_ids)
    texts[TermKind.METER] = {row["usage_point_id"]: row["meter"] for row in present.values()}
    texts[TermKind.METER] |= {point: document(numbers) for point, numbers in meters.items()}
    marks = _marks(session, point_ids)
    new: list[_Row] = []
    changed: list[tuple[_Row, _Row]] = []
    for who in wanted:
        account, point = who
        row: _Row = {"account_id": account, "usage_point_id": point, "number": ""}
        for kind in _KINDS:
            row[kind.value] = texts[kind].get((account if kind in OF_ACCOUNTS else point) or 0, "")
        row["number"] = (row["supply"] if account is None else row["account"])[1:].partition(EDGE)[0]
        row["marks"] = " ".join(sorted(marks.get(point or 0, ())))
        old = present.get(who)
        if old is None:
            new.append(row)
            continue
        row["id"] = old["id"]
        row["marks"] = " ".join(sorted({*old["marks"].split(), *row["marks"].split()}))
        if row != old:
            changed.append((old, row))
    for key, row in zip(reserve_ids(session, _TABLE, len(new)), new, strict=True):
        row["id"] = key
    bulk_insert(session, _TABLE, _columns(new))
    bulk_upsert(session, _TABLE, _columns([row for _, row in changed]), ("id",))
    before = _listed([old for old, _ in changed])
    after = _listed([row for _, row in changed])
    add_to_lists(session, {group: _beyond(after[group], before[group]) for group in Group})
    for some in chunked(new, _LISTED_AT_ONCE):
        add_to_lists(session, _listed(some))


_TABLE = cast(Table, SearchRow.__table__)


def _columns(rows: Sequence[_Row]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in _COLUMNS}


def _listed(rows: Sequence[_Row]) -> dict[Group, Pairs]:
    """What rows are listed under: grams, districts and feeders, with the rows' keys."""
    keys = np.array([row["id"] for row in rows], np.int64)
    found: dict[Group, Pairs] = {}
    for group, kinds in GROUP_KINDS.items():
        grams, places = text_grams(["".join([row[kind.value] for kind in kinds]) for row in rows])
        found[group] = grams, keys[places]
    return found | _marked((row["id"], row["marks"].split()) for row in rows)


def _marked(rows: Iterable[tuple[int, Iterable[str]]]) -> dict[Group, Pairs]:
    """What rows are listed under by their marks."""
    pairs: dict[str, list[tuple[int, int]]] = {"d": [], "f": []}
    for key, marks in rows:
        for mark in marks:
            pairs[mark[0]].append((int(mark[1:]), key))
    return {Group.DISTRICT: _as_pairs(pairs["d"]), Group.FEEDER: _as_pairs(pairs["f"])}


def _as_pairs(pairs: Sequence[tuple[int, int]]) -> Pairs:
    both = np.array(pairs, np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _beyond(after: Pairs, before: Pairs) -> Pairs:
    """The pairs that were not there before."""
    known = set(zip(before[0].tolist(), before[1].tolist(), strict=True))
    return _as_pairs([pair for pair in zip(after[0].tolist(), after[1].tolist(), strict=True) if pair not in known])


def _rows(session: Session, owner: Any, ids: Collection[int], *, alone: bool = False) -> dict[_Who, _Row]:
    """Rows there are of some accounts or usage points; `alone`: only accounts without any."""
    found: dict[_Who, _Row] = {}
    for part in chunked(sorted(ids), _CHUNK):
        query = select(*(getattr(SearchRow, name) for name in _COLUMNS)).where(among(session, owner, part))
        if alone:
            query = query.where(SearchRow.usage_point_id.is_(None))
        for row in session.execute(query):
            found[row.account_id, row.usage_point_id] = dict(zip(_COLUMNS, row, strict=True))
    return found


def _agreements(session: Session, owner: Any, ids: Collection[int]) -> set[tuple[int, int]]:
    """(account, usage point) of agreements that are held true, whenever they were."""
    found: set[tuple[int, int]] = set()
    for part in chunked(sorted(ids), _CHUNK):
        query = select(CustomerAgreement.account_id, CustomerAgreement.usage_point_id)
        found.update(
            session.execute(query.where(among(session, owner, part), CustomerAgreement.superseded_at.is_(None)))
        )
    return found


def _marks(session: Session, usage_point_ids: Collection[int]) -> dict[int, set[str]]:
    """Usage point → the districts (d1) and feeders (f1) where it ever was, by any version of the network."""
    found: dict[int, set[str]] = defaultdict(set)
    elements: dict[int, list[int]] = defaultdict(list)
    for part in chunked(sorted(usage_point_ids), _CHUNK):
        districts = select(UsagePointDistrict.usage_point_id, UsagePointDistrict.district_id)
        for point, district in session.execute(
            districts.where(among(session, UsagePointDistrict.usage_point_id, part))
        ):
            found[point].add(f"d{district}")
        links = select(SupplyConnection.usage_point_id, SupplyConnection.element_id, SupplyConnection.superseded_at)
        for point, element, superseded_at in session.execute(
            links.where(among(session, SupplyConnection.usage_point_id, part))
        ):
            if element is not None and superseded_at is None:
                elements[element].append(point)
    for version in timeline(session):
        for element, feeders in feeders_of(session, version.id, elements).items():
            for point in elements[element]:
                found[point].update(f"f{feeder}" for feeder in feeders)
    return found


def mark_feeders(session: Session) -> None:
    """List rows also under the feeders that the network says now: to be called when a version is put in force."""
    one_at_a_time(session, "search")
    query = select(SearchRow.id, SearchRow.usage_point_id, SearchRow.marks).order_by(SearchRow.id)
    rows = session.execute(query.where(SearchRow.usage_point_id.is_not(None))).all()
    marks = _marks(session, {row.usage_point_id for row in rows})
    told = [(row.id, set(row.marks.split()), marks.get(row.usage_point_id, set())) for row in rows]
    fresh = [(key, had, now - had) for key, had, now in told if now - had]
    columns = {"id": [key for key, _, _ in fresh], "marks": [" ".join(sorted(had | new)) for _, had, new in fresh]}
    for part in chunked(zip(*columns.values(), strict=True), _CHUNK):
        session.execute(update(SearchRow), [{"id": key, "marks": text} for key, text in part])
    add_to_lists(session, _marked((key, new) for key, _, new in fresh))
