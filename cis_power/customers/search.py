"""One search box: accounts by number, name, pinyin, phone, address, place, meter, usage point, transformer, feeder.

Only kinds of fields that the viewer may see are searched, and only in his territory; whoever takes calls searches
everywhere, and sees personal fields masked outside his territory. The index proposes rows and their text decides, so
that the answer equals a scan.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    SQLColumnExpression,
    and_,
    case,
    cast,
    column,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    table,
    tuple_,
    union,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, aliased
from sqlalchemy.types import Text

from cis_power.access.masking import Personal, may_search
from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.customers.models import (
    CustomerAccount,
    CustomerAgreement,
    SearchTerm,
    SupplyConnection,
    UsagePoint,
    UsagePointDistrict,
)
from cis_power.customers.search_text import Clause, Query, TermKind, document, grams, parse_query
from cis_power.network.models import Element, EquipmentState
from cis_power.network.reads import version_at

PERSONAL: dict[TermKind, Personal] = {
    TermKind.NAME: Personal.NAME,
    TermKind.PHONE: Personal.PHONE,
    TermKind.ADDRESS: Personal.ADDRESS,
}
MAX_LIMIT = 10_000
Position = tuple[int, str, int]  # rank, number, key


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
    """Find accounts and vacant usage points; those whose number is just what was typed come first."""
    query = parse_query(text, region)
    found = _subjects(session, viewer, query, now)
    if found is None:
        return Found(subjects=(), next=None)
    limit = max(1, min(limit, MAX_LIMIT))
    rows = session.execute(_ranked(found, query, after).limit(limit + 1)).all()
    subjects = tuple(_subject(row.subject) for row in rows[:limit])
    following = tuple(rows[limit - 1]) if len(rows) > limit else None
    return Found(subjects=subjects, next=following)


def _subject(key: int) -> Subject:
    return Subject(account_id=key, usage_point_id=None) if key > 0 else Subject(account_id=None, usage_point_id=-key)


def _subjects(session: Session, viewer: Viewer, query: Query, now: datetime) -> Select[tuple[int]] | None:
    """Keys of what is found: an account's key, or a vacant usage point's with a minus. None: nothing can be found."""
    everywhere = viewer.may("customers:place:find")
    kinds = tuple(kind for kind in TermKind if kind not in PERSONAL or may_search(viewer, PERSONAL[kind]))
    finder = _Finder(session, None if everywhere else viewer, kinds, now)
    alternatives = [finder.all_of(clauses) for clauses in query.alternatives]
    if not alternatives:
        return None
    merged = union(*alternatives).subquery() if len(alternatives) > 1 else alternatives[0].subquery()
    return select(merged.c.subject)


@dataclass(frozen=True, slots=True)
class _Finder:
    """Builds the queries of one search; `viewer` is None when the whole utility is searched."""

    session: Session
    viewer: Viewer | None
    kinds: tuple[TermKind, ...]
    now: datetime

    def all_of(self, clauses: Sequence[Clause]) -> Select[tuple[int]]:
        first, *others = (self._one(clause) for clause in clauses)
        base = first.subquery()
        query = select(base.c.subject)
        for other in others:
            query = query.where(base.c.subject.in_(select(other.subquery().c.subject)))
        return query.distinct()

    def _one(self, clause: Clause) -> Any:
        kinds = tuple(kind for kind in self.kinds if not clause.kinds or kind in clause.kinds)
        hits = select(SearchTerm.account_id, SearchTerm.usage_point_id).where(*self._holds(clause, kinds)).cte()
        points = select(hits.c.usage_point_id).where(hits.c.usage_point_id.is_not(None))
        parts = [self._accounts(hits), self._usage_points(points)]
        if not clause.kinds:
            feeders = self._feeders(clause.needle)
            if feeders:
                parts.append(self._usage_points(self._fed_by(feeders)))
        return union_all(*parts)

    def _accounts(self, hits: CTE) -> Select[Any]:
        """Accounts in the territory: by what they hold now; one that holds nothing any more, by what it held."""
        query = select(hits.c.account_id.label("subject")).where(hits.c.account_id.is_not(None))
        if self.viewer is None:
            return query
        agreement, other = aliased(CustomerAgreement), aliased(CustomerAgreement)
        elsewhere = exists().where(
            other.account_id == agreement.account_id,
            other.superseded_at.is_(None),
            valid_at(other.began_at, other.ended_at, self.now),
        )
        inside = exists().where(
            agreement.account_id == hits.c.account_id,
            agreement.superseded_at.is_(None),
            UsagePointDistrict.usage_point_id == agreement.usage_point_id,
            or_(valid_at(agreement.began_at, agreement.ended_at, self.now), ~elsewhere),
            *self._inside(),
        )
        return query.where(inside)

    def _usage_points(self, usage_points: Select[Any]) -> Select[Any]:
        """Subjects of usage points: the accounts that have or had an agreement there; without any, the point itself."""
        subject = func.coalesce(CustomerAgreement.account_id, -UsagePoint.id).label("subject")
        query = (
            select(subject)
            .select_from(UsagePoint)
            .outerjoin(
                CustomerAgreement,
                and_(CustomerAgreement.usage_point_id == UsagePoint.id, CustomerAgreement.superseded_at.is_(None)),
            )
            .where(UsagePoint.id.in_(usage_points))
        )
        if self.viewer is None:
            return query
        return query.join(UsagePointDistrict, UsagePointDistrict.usage_point_id == UsagePoint.id).where(*self._inside())

    def _inside(self) -> list[ColumnElement[bool]]:
        assert self.viewer is not None
        return [
            in_territory(self.viewer, UsagePointDistrict.district_id),
            valid_at(UsagePointDistrict.began_at, UsagePointDistrict.ended_at, self.now),
        ]

    def _holds(self, clause: Clause, kinds: Sequence[TermKind]) -> list[ColumnElement[bool]]:
        proposed = grams(clause.needle)
        conditions: list[ColumnElement[bool]] = [SearchTerm.kind.in_(kinds)]
        if self.session.get_bind().dialect.name == "postgresql":
            stored = func.string_to_array(SearchTerm.grams, literal_column("' '"), type_=ARRAY(Text))
            conditions.append(stored.contains(cast(list(proposed), ARRAY(Text))))
            conditions.append(func.strpos(SearchTerm.text, clause.needle) > 0)
        else:
            index = table("search_term_fts", column("rowid"), column("search_term_fts"))
            wanted = " AND ".join(f'"{gram}"' for gram in proposed)
            conditions.append(
                SearchTerm.id.in_(select(index.c.rowid).where(index.c.search_term_fts.op("MATCH")(wanted)))
            )
            conditions.append(func.instr(SearchTerm.text, clause.needle) > 0)
        return conditions

    def _feeders(self, needle: str) -> list[int]:
        """Feeders are few: their codes are looked through."""
        feeders = self.session.execute(select(Element.id, Element.code).where(Element.kind == "feeder"))
        return [key for key, code in feeders if needle in document([code])]

    def _fed_by(self, feeder_ids: Sequence[int]) -> Select[Any]:
        """Usage points connected to equipment, or to a node behind equipment, whose normal feeder is one of these."""
        version = version_at(self.session, self.now)
        active = version.id if version is not None else None
        fed = and_(EquipmentState.version_id == active, EquipmentState.feeder_id.in_(feeder_ids))
        equipment = select(EquipmentState.element_id).where(fed)
        nodes = select(EquipmentState.to_node_id).where(fed, EquipmentState.normal_open.is_(False))
        return select(SupplyConnection.usage_point_id).where(
            or_(SupplyConnection.element_id.in_(equipment), SupplyConnection.element_id.in_(nodes)),
            SupplyConnection.superseded_at.is_(None),
            valid_at(SupplyConnection.began_at, SupplyConnection.ended_at, self.now),
        )


def valid_at(
    began_at: SQLColumnExpression[Any], ended_at: SQLColumnExpression[Any], now: datetime
) -> ColumnElement[bool]:
    """Whether a row's from/to, half-open, empty meaning ever, holds at an instant."""
    return and_(or_(began_at.is_(None), began_at <= now), or_(ended_at.is_(None), ended_at > now))


def _ranked(found: Select[tuple[int]], query: Query, after: Position | None) -> Select[Any]:
    keys = found.distinct().subquery()
    number = func.coalesce(CustomerAccount.account_no, UsagePoint.code)
    rank = case((func.lower(number) == query.whole, literal_column("0")), else_=literal_column("1"))
    ranked = (
        select(keys.c.subject, rank.label("rank"), number.label("number"))
        .select_from(keys)
        .outerjoin(CustomerAccount, CustomerAccount.id == keys.c.subject)
        .outerjoin(UsagePoint, UsagePoint.id == -keys.c.subject)
        .subquery()
    )
    place = (ranked.c.rank, ranked.c.number, ranked.c.subject)
    ordered = select(*place).order_by(*place)
    return ordered if after is None else ordered.where(tuple_(*place) > tuple_(*(literal(value) for value in after)))
