"""One search box: accounts by number, name, pinyin, phone, e-mail, address, place, meter, usage point, transformer,
feeder.

Only kinds of fields that the viewer may see are searched, and only in his territory; whoever takes calls searches
everywhere, and sees personal fields masked outside his territory. Lists by gram propose rows and their text decides, so
that the answer equals a scan. Rows are looked at in their order, no more of them than the page needs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.access.masking import Personal, may_search
from cis_power.access.viewer import Viewer
from cis_power.customers.models import SearchRow
from cis_power.customers.search_grams import block_of, chosen_grams
from cis_power.customers.search_judge import Judge, Row
from cis_power.customers.search_plan import Plan, Wanted
from cis_power.customers.search_postings import count_blocks, read_lists
from cis_power.customers.search_text import Clause, Query, TermKind, document, parse_query
from cis_power.network.models import Element

PERSONAL: dict[TermKind, Personal] = {
    TermKind.NAME: Personal.NAME,
    TermKind.PHONE: Personal.PHONE,
    TermKind.EMAIL: Personal.EMAIL,
    TermKind.ADDRESS: Personal.ADDRESS,
}
MAX_LIMIT = 10_000
_FIRST_ROWS, _MOST_ROWS = 64, 4_096
_MORE = 4  # each look takes in as many times more blocks, and rows, than the one before
Position = tuple[int, int]  # rank, row


@dataclass(frozen=True, slots=True)
class Subject:
    """What a search finds: an account, or a usage point that nobody has an agreement for."""

    account_id: int | None
    usage_point_id: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """A page of subjects, best first, and the position of its last one if more follow."""

    subjects: tuple[Subject, ...]
    next: Position | None


def search_customers(
    session: Session,
    viewer: Viewer,
    text: str,
    *,
    region: str,
    now: datetime,
    limit: int = 50,
    after: Position | None = None,
) -> Found:
    """Find accounts and vacant usage points, in the order in which they became known.

    Those whose number is just what was typed come first.
    """
    query = parse_query(text, region)
    if not query.alternatives:
        return Found(subjects=(), next=None)
    limit = max(1, min(limit, MAX_LIMIT))
    rank, beyond = after or (0, 0)
    finder = _Finder(session, viewer, query, now)
    exact = {subject: row for row, subject in finder.exact()}
    found = [((0, row), subject) for subject, row in exact.items() if rank == 0 and row > beyond]
    for row, subject in finder.all(beyond if rank else 0):
        if len(found) > limit:
            break
        if subject not in exact:
            found.append(((1, row), subject))
    following = found[limit - 1][0] if len(found) > limit else None
    return Found(subjects=tuple(subject for _, subject in found[:limit]), next=following)


class _Finder:
    """The hits of one search, in the order of their rows."""

    def __init__(self, session: Session, viewer: Viewer, query: Query, now: datetime) -> None:
        self._session, self._query = session, query
        self._kinds = tuple(kind for kind in TermKind if kind not in PERSONAL or may_search(viewer, PERSONAL[kind]))
        self._viewer = None if viewer.districts is None or viewer.may("customers:place:find") else viewer
        self._now = now
        districts = None if self._viewer is None else tuple(sorted(self._viewer.districts or ()))
        feeders = _feeders(session)
        self._plan = Plan(
            tuple(tuple(self._wanted(clause, feeders) for clause in clauses) for clauses in query.alternatives),
            districts,
        )
        self._judge = Judge(session, self._plan, self._viewer, now)
        self._blocks = count_blocks(session)

    def _wanted(self, clause: Clause, feeders: dict[int, str]) -> Wanted:
        kinds = tuple(kind for kind in self._kinds if not clause.kinds or kind in clause.kinds)
        named = () if clause.kinds else tuple(key for key, text in feeders.items() if clause.needle in text)
        return Wanted(clause.needle, kinds, chosen_grams(clause.needle), named)

    def exact(self) -> Iterator[tuple[int, Subject]]:
        """Hits whose account number, or the usage point's where there is no account, is just what was typed."""
        query = select(SearchRow.id).where(SearchRow.number == self._query.whole)
        rows = self._judge.load(self._session.scalars(query).all())
        met: set[Subject] = set()
        for row in self._judge.matching(rows):
            if _subject(row) not in met:
                met.add(_subject(row))
                yield row.id, _subject(row)

    def all(self, beyond: int) -> Iterator[tuple[int, Subject]]:
        """Hits behind a row, each subject where it is met first."""
        met: set[Subject] = set()
        for keys, fed in self._proposed(beyond):
            rows = self._judge.matching(self._judge.load(keys, fed))
            earlier = self._judge.met_before(rows, beyond) if beyond else set()
            for row in rows:
                if _subject(row) not in met and row.account_id not in earlier:
                    met.add(_subject(row))
                    yield row.id, _subject(row)

    def _proposed(self, beyond: int) -> Iterator[tuple[list[int], list[int]]]:
        """Keys of rows that may be meant, in ascending order, and those of them that a feeder may supply.

        Few at first, as these often suffice.
        """
        begin, width, size = block_of(beyond), 1, _FIRST_ROWS
        while begin < self._blocks:
            blocks = range(begin, min(begin + width, self._blocks))
            lists = read_lists(self._session, self._plan.keys(blocks))
            for block in blocks:
                keys = self._plan.rows(lists, block)
                keys, fed = keys[keys > beyond], self._plan.fed(lists, block)
                while len(keys):
                    yield keys[:size].tolist(), np.intersect1d(keys[:size], fed, assume_unique=True).tolist()
                    keys, size = keys[size:], min(size * _MORE, _MOST_ROWS)
            begin, width = blocks.stop, width * _MORE


def _subject(row: Row) -> Subject:
    return Subject(row.account_id, row.usage_point_id if row.account_id is None else None)


def _feeders(session: Session) -> dict[int, str]:
    """Feeders are few: their codes are looked through."""
    rows = session.execute(select(Element.id, Element.code).where(Element.kind == "feeder").order_by(Element.id))
    return {key: _feeder_text(code) for key, code in rows}


@lru_cache(maxsize=100_000)
def _feeder_text(code: str) -> str:
    return document([code])
