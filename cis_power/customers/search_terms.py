"""Keeping the table of search documents: whoever changes what is searched calls this in the same transaction.

Posting of customers, accounts, agreements and connections calls `write_terms`; wings above write documents of their own
kind with `replace_documents` (metering: `TermKind.METER`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import cast

from sqlalchemy import Select, Table, delete, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from cis_power.core.db import bulk_insert, chunked
from cis_power.customers.models import (
    ContactPerson,
    ContactPoint,
    Customer,
    CustomerAccount,
    CustomerAgreement,
    Place,
    SearchTerm,
    ServiceLocation,
    SupplyConnection,
    UsagePoint,
)
from cis_power.customers.search_text import TermKind, document, grams, name_terms, phone_terms

_CHUNK = 10_000
Documents = dict[tuple[int, TermKind], list[str | None]]


def write_terms(session: Session, account_ids: Iterable[int] = (), usage_point_ids: Iterable[int] = ()) -> None:
    """Write the documents of these accounts and usage points anew, from what the tables say now."""
    for ids in chunked(sorted(set(account_ids)), _CHUNK):
        _replace(session, SearchTerm.account_id, ids, _account_documents(session, ids), _ACCOUNT_KINDS)
    for ids in chunked(sorted(set(usage_point_ids)), _CHUNK):
        _replace(session, SearchTerm.usage_point_id, ids, _usage_point_documents(session, ids), _USAGE_POINT_KINDS)


def replace_documents(session: Session, kind: TermKind, terms: Mapping[int, Sequence[str]]) -> None:
    """Write anew the documents of one kind of usage points: key → terms; no terms, no document."""
    for ids in chunked(sorted(terms), _CHUNK):
        documents: Documents = {(usage_point_id, kind): list(terms[usage_point_id]) for usage_point_id in ids}
        _replace(session, SearchTerm.usage_point_id, ids, documents, (kind,))


_ACCOUNT_KINDS = (TermKind.ACCOUNT, TermKind.NAME, TermKind.PHONE)
_USAGE_POINT_KINDS = (TermKind.SUPPLY, TermKind.ADDRESS)


def _replace(
    session: Session,
    owner: InstrumentedAttribute[int | None],
    ids: Collection[int],
    documents: Documents,
    kinds: Sequence[TermKind],
) -> None:
    session.flush()
    session.execute(delete(SearchTerm).where(owner.in_(ids), SearchTerm.kind.in_(kinds)))
    rows = [(key, kind, text) for (key, kind), terms in documents.items() if (text := document(terms))]
    bulk_insert(
        session,
        cast(Table, SearchTerm.__table__),
        {
            owner.key: [key for key, _, _ in rows],
            "kind": [kind.value for _, kind, _ in rows],
            "text": [text for _, _, text in rows],
            "grams": [" ".join(grams(text)) for _, _, text in rows],
        },
    )


def _account_documents(session: Session, ids: Sequence[int]) -> Documents:
    """Account number; names and phones of everybody who answers for the account."""
    documents: Documents = defaultdict(list)
    accounts = select(CustomerAccount.id, CustomerAccount.account_no).where(CustomerAccount.id.in_(ids))
    for account_id, account_no in session.execute(accounts):
        documents[account_id, TermKind.ACCOUNT].append(account_no)
    accounts_of: dict[int, list[int]] = defaultdict(list)
    for account_id, customer_id in session.execute(_parties(ids)):
        accounts_of[customer_id].append(account_id)
    for part in chunked(sorted(accounts_of), _CHUNK):
        _add_names_and_phones(session, part, accounts_of, documents)
    return documents


def _add_names_and_phones(
    session: Session, customer_ids: Sequence[int], accounts_of: Mapping[int, list[int]], documents: Documents
) -> None:
    """Names and phones of customers, to the documents of their accounts. Each table is asked by its customers alone:

    a further equality would lead SQLite, which knows no statistics, over an index of the whole table.
    """
    persons = select(ContactPerson.customer_id, ContactPerson.name, ContactPerson.valid_to)
    names = session.execute(select(Customer.id, Customer.name).where(Customer.id.in_(customer_ids))).all()
    found = session.execute(persons.where(ContactPerson.customer_id.in_(customer_ids))).all()
    told = [(customer_id, name) for customer_id, name in names]
    told += [(customer_id, name) for customer_id, name, valid_to in found if valid_to is None]
    for customer_id, name in told:
        terms = name_terms(name)
        for account_id in accounts_of[customer_id]:
            documents[account_id, TermKind.NAME].extend(terms)
    points = select(
        ContactPoint.customer_id, ContactPoint.kind, ContactPoint.text, ContactPoint.normal, ContactPoint.valid_to
    ).where(ContactPoint.customer_id.in_(customer_ids))
    for customer_id, kind, text, normal, valid_to in session.execute(points):
        if kind == "phone" and valid_to is None:
            for account_id in accounts_of[customer_id]:
                documents[account_id, TermKind.PHONE].extend(phone_terms(normal or text))


def _parties(account_ids: Sequence[int]) -> Select[int, int]:
    """Account and customer: who pays, and who stands in its agreements that have not ended."""
    payers = select(CustomerAccount.id.label("account_id"), CustomerAccount.customer_id).where(
        CustomerAccount.id.in_(account_ids)
    )
    users = select(CustomerAgreement.account_id, CustomerAgreement.customer_id).where(
        CustomerAgreement.account_id.in_(account_ids),
        CustomerAgreement.superseded_at.is_(None),
        CustomerAgreement.ended_at.is_(None),
    )
    both = payers.union(users).subquery()
    return select(both.c.account_id, both.c.customer_id)


def _usage_point_documents(session: Session, ids: Sequence[int]) -> Documents:
    """Usage point and what supplies it; address and the places that it lies in."""
    documents: Documents = defaultdict(list)
    located = (
        select(UsagePoint.id, UsagePoint.code, ServiceLocation.address, ServiceLocation.place_id)
        .outerjoin(ServiceLocation, ServiceLocation.id == UsagePoint.service_location_id)
        .where(UsagePoint.id.in_(ids))
    )
    rows = session.execute(located).all()
    places = _place_names(session, {row.place_id for row in rows if row.place_id is not None})
    for usage_point_id, code, address, place_id in rows:
        documents[usage_point_id, TermKind.SUPPLY].append(code)
        documents[usage_point_id, TermKind.ADDRESS].extend(
            [address, *(places[place_id] if place_id is not None else ())]
        )
    supplied = select(SupplyConnection.usage_point_id, SupplyConnection.transformer).where(
        SupplyConnection.usage_point_id.in_(ids),
        SupplyConnection.superseded_at.is_(None),
        SupplyConnection.ended_at.is_(None),
    )
    for usage_point_id, transformer in session.execute(supplied):
        documents[usage_point_id, TermKind.SUPPLY].append(transformer)
    return documents


def _place_names(session: Session, ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Place → its name and those of all places around it."""
    known: dict[int, tuple[str, int | None]] = {}
    wanted = set(ids)
    while wanted:
        for part in chunked(sorted(wanted), _CHUNK):
            for place_id, name, parent_id in session.execute(
                select(Place.id, Place.name, Place.parent_id).where(Place.id.in_(part))
            ):
                known[place_id] = (name, parent_id)
        wanted = {parent for _, parent in known.values() if parent is not None} - known.keys()
    return {place_id: _with_parents(known, place_id) for place_id in ids}


def _with_parents(known: Mapping[int, tuple[str, int | None]], place_id: int) -> tuple[str, ...]:
    names: list[str] = []
    seen: set[int] = set()
    step: int | None = place_id
    while step is not None and step not in seen:
        seen.add(step)
        name, parent = known[step]
        names.append(name)
        step = parent
    return tuple(names)
