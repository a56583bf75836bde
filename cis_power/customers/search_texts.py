"""The texts by which accounts and usage points are found, from what the tables say now."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from cis_power.core.db import among, chunked
from cis_power.customers.models import (
    ContactPerson,
    ContactPoint,
    Customer,
    CustomerAccount,
    CustomerAgreement,
    Place,
    ServiceLocation,
    SupplyConnection,
    UsagePoint,
)
from cis_power.customers.search_text import TermKind, document, name_terms, phone_terms

_CHUNK = 10_000
Texts = dict[TermKind, dict[int, str]]  # kind → account or usage point → document
_Terms = dict[int, list[str | None]]


def account_texts(session: Session, account_ids: Collection[int]) -> Texts:
    """Account number; names, phones and e-mail addresses of everybody who answers for the account."""
    names: _Terms = defaultdict(list)
    phones: _Terms = defaultdict(list)
    emails: _Terms = defaultdict(list)
    numbers: dict[int, str] = {}
    accounts_of: dict[int, list[int]] = defaultdict(list)
    for part in chunked(sorted(account_ids), _CHUNK):
        query = select(CustomerAccount.id, CustomerAccount.account_no).where(among(session, CustomerAccount.id, part))
        numbers.update((key, document([number])) for key, number in session.execute(query))
        for account_id, customer_id in session.execute(_parties(session, part)):
            accounts_of[customer_id].append(account_id)
    for part in chunked(sorted(accounts_of), _CHUNK):
        for customer_id, name in _names(session, part):
            terms = name_terms(name)
            for account_id in accounts_of[customer_id]:
                names[account_id].extend(terms)
        for customer_id, kind, text in _contacts(session, part):
            for account_id in accounts_of[customer_id]:
                if kind == "phone":
                    phones[account_id].extend(phone_terms(text))
                elif kind == "email":
                    emails[account_id].append(text)
    return {
        TermKind.ACCOUNT: numbers,
        TermKind.NAME: _documents(names),
        TermKind.PHONE: _documents(phones),
        TermKind.EMAIL: _documents(emails),
    }


def usage_point_texts(session: Session, usage_point_ids: Collection[int]) -> Texts:
    """Usage point and what supplies it; address and the places that it lies in."""
    supply: _Terms = defaultdict(list)
    located: dict[int, tuple[str | None, int | None]] = {}
    for part in chunked(sorted(usage_point_ids), _CHUNK):
        query = (
            select(UsagePoint.id, UsagePoint.code, ServiceLocation.address, ServiceLocation.place_id)
            .outerjoin(ServiceLocation, ServiceLocation.id == UsagePoint.service_location_id)
            .where(among(session, UsagePoint.id, part))
        )
        for key, code, address, place_id in session.execute(query):
            supply[key].append(code)
            located[key] = address, place_id
        supplied = select(SupplyConnection.usage_point_id, SupplyConnection.transformer).where(
            among(session, SupplyConnection.usage_point_id, part),
            SupplyConnection.superseded_at.is_(None),
            SupplyConnection.ended_at.is_(None),
        )
        for key, transformer in session.execute(supplied):
            supply[key].append(transformer)
    places = _place_names(session, {place_id for _, place_id in located.values() if place_id is not None})
    addresses = {key: [address, *places.get(place_id or 0, ())] for key, (address, place_id) in located.items()}
    return {TermKind.SUPPLY: _documents(supply), TermKind.ADDRESS: _documents(addresses)}


def _documents(terms: Mapping[int, Iterable[str | None]]) -> dict[int, str]:
    return {key: document(told) for key, told in terms.items()}


def _names(session: Session, customer_ids: Sequence[int]) -> Iterable[tuple[int, str]]:
    """Names of customers and of their contact persons. Each table is asked by its customers alone:

    a further equality would lead SQLite, which knows no statistics, over an index of the whole table.
    """
    names = select(Customer.id, Customer.name).where(among(session, Customer.id, customer_ids))
    yield from session.execute(names)
    persons = select(ContactPerson.customer_id, ContactPerson.name, ContactPerson.valid_to)
    for customer_id, name, valid_to in session.execute(
        persons.where(among(session, ContactPerson.customer_id, customer_ids))
    ):
        if valid_to is None:
            yield customer_id, name


def _contacts(session: Session, customer_ids: Sequence[int]) -> Iterable[tuple[int, str, str]]:
    """Customer, kind (phone | email) and normal form of the ways to reach him that are valid."""
    point = ContactPoint
    query = select(point.customer_id, point.kind, point.text, point.normal, point.valid_to)
    for customer_id, kind, text, normal, valid_to in session.execute(
        query.where(among(session, point.customer_id, customer_ids))
    ):
        if valid_to is None:
            yield customer_id, kind, normal or text


def _parties(session: Session, account_ids: Sequence[int]) -> Select[int, int]:
    """Account and customer: who pays, and who stands in its agreements that have not ended."""
    payers = select(CustomerAccount.id.label("account_id"), CustomerAccount.customer_id).where(
        among(session, CustomerAccount.id, account_ids)
    )
    users = select(CustomerAgreement.account_id, CustomerAgreement.customer_id).where(
        among(session, CustomerAgreement.account_id, account_ids),
        CustomerAgreement.superseded_at.is_(None),
        CustomerAgreement.ended_at.is_(None),
    )
    both = payers.union(users).subquery()
    return select(both.c.account_id, both.c.customer_id).order_by(both.c.account_id, both.c.customer_id)


def _place_names(session: Session, ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Place → its name and those of all places around it."""
    known: dict[int, tuple[str, int | None]] = {}
    wanted = set(ids)
    while wanted:
        for part in chunked(sorted(wanted), _CHUNK):
            for place_id, name, parent_id in session.execute(
                select(Place.id, Place.name, Place.parent_id).where(among(session, Place.id, part))
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
