"""Customers, accounts and their contacts, as a business system tells them; for many rows at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from cis_power.core.db import among, chunked
from cis_power.customers.changes import Changes
from cis_power.customers.contact_forms import Contact
from cis_power.customers.keys import customer_keys
from cis_power.customers.models import ContactPoint, Customer, CustomerAccount

_CHUNK = 10_000
_CUSTOMER_FIELDS = ("name", "kind", "vip", "language")


@dataclass(frozen=True, slots=True)
class PartyTold:
    """What one row says of an account and the customer who holds it; None says nothing."""

    account_no: str
    name: str | None = None
    kind: str | None = None
    vip: bool | None = None
    language: str | None = None
    phones: tuple[Contact, ...] = ()
    emails: tuple[Contact, ...] = ()
    status: str | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None


@dataclass(slots=True)
class Party:
    """An account and its customer as they are after what was told so far."""

    account_id: int
    customer_id: int
    account: dict[str, Any]
    customer: dict[str, Any]
    contacts: dict[tuple[str, str], tuple[int, str | None]] = field(default_factory=dict)


class Parties:
    """The accounts of some rows, read at once; `post` tells each row."""

    def __init__(self, changes: Changes, numbers: Iterable[str]) -> None:
        self._changes = changes
        self._by_number: dict[str, Party] = {}
        wanted = sorted(set(numbers))
        for part in chunked(wanted, _CHUNK):
            self._load(part)
        self._free = customer_keys(changes.session, (number for number in wanted if number not in self._by_number))

    def _load(self, numbers: list[str]) -> None:
        session = self._changes.session
        query = (
            select(CustomerAccount, Customer)
            .join(Customer, Customer.id == CustomerAccount.customer_id)
            .where(among(session, CustomerAccount.account_no, numbers))
        )
        by_customer: dict[int, list[Party]] = {}
        for account, customer in session.execute(query):
            now_account = {name: getattr(account, name) for name in ("status", "opened_at", "closed_at")}
            now_customer = {name: getattr(customer, name) for name in (*_CUSTOMER_FIELDS, "source")}
            party = Party(account.id, customer.id, now_account, now_customer)
            self._by_number[account.account_no] = party
            by_customer.setdefault(customer.id, []).append(party)
        for part in chunked(sorted(by_customer), _CHUNK):
            points = select(
                ContactPoint.customer_id, ContactPoint.id, ContactPoint.kind, ContactPoint.text, ContactPoint.normal
            ).where(
                among(session, ContactPoint.customer_id, part),
                ContactPoint.valid_to.is_(None),
                ContactPoint.contact_person_id.is_(None),
            )
            for customer_id, key, kind, text, normal in session.execute(points):
                for party in by_customer[customer_id]:
                    party.contacts[kind, text] = (key, normal)

    def find(self, account_no: str) -> Party | None:
        """The account, if it is known."""
        return self._by_number.get(account_no)

    def post(self, told: PartyTold) -> Party | None:
        """Make or change an account and its customer; None where a new one has no name."""
        party = self._by_number.get(told.account_no)
        if party is None:
            if told.name is None:
                return None
            party = self._create(told, told.name)
        else:
            self._change(party, told)
        self._post_contacts(party, told.phones, "phone")
        self._post_contacts(party, told.emails, "email")
        return party

    def _create(self, told: PartyTold, name: str) -> Party:
        changes = self._changes
        kind = told.kind or "residential"
        customer_id = self._free.get(told.account_no)
        fields = {"name": name, "kind": kind, "vip": bool(told.vip), "language": told.language}
        if customer_id is None:
            customer_id = changes.new_id(Customer)
            changes.insert(
                Customer,
                id=customer_id,
                customer_no=told.account_no,
                party_kind="person" if kind == "residential" else "organisation",
                **fields,
                consent_marketing=False,
                legal_hold=False,
                source=changes.origin.source,
                created_at=changes.origin.now,
            )
        else:
            changes.update(Customer, customer_id, **fields)
        account_id = changes.new_id(CustomerAccount)
        account = {"status": told.status or "active", "opened_at": told.opened_at, "closed_at": told.closed_at}
        changes.insert(CustomerAccount, id=account_id, account_no=told.account_no, customer_id=customer_id, **account)
        party = Party(account_id, customer_id, account, {**fields, "source": changes.origin.source})
        self._by_number[told.account_no] = party
        return party

    def _change(self, party: Party, told: PartyTold) -> None:
        source = party.customer["source"]
        for name in _CUSTOMER_FIELDS:
            new = getattr(told, name)
            if new is None or new == party.customer[name]:
                continue
            if self._changes.change(Customer, party.customer_id, name, party.customer[name], new, source):
                party.customer[name] = new
        for name in ("status", "opened_at", "closed_at"):
            new = getattr(told, name)
            if new is None or new == party.account[name]:
                continue
            if self._changes.change(CustomerAccount, party.account_id, name, party.account[name], new, source):
                party.account[name] = new

    def _post_contacts(self, party: Party, contacts: tuple[Contact, ...], kind: str) -> None:
        """Phones (or e-mail addresses) given take the place of those there are; none given says nothing."""
        if not contacts:
            return
        given = {(kind, contact.text) for contact in contacts}
        there = {key for key in party.contacts if key[0] == kind}
        if given == there:
            return
        changes, source = self._changes, party.customer["source"]
        old, new = ("; ".join(sorted(text for _, text in keys)) or None for keys in (there, given))
        if not changes.may_change(ContactPoint, party.customer_id, kind, new, source):
            return
        for key in sorted(there - given):
            changes.update(ContactPoint, party.contacts.pop(key)[0], valid_to=changes.origin.now)
        for place, contact in enumerate(contacts):
            if (kind, contact.text) in there:
                continue
            contact_id = changes.new_id(ContactPoint)
            changes.insert(
                ContactPoint,
                id=contact_id,
                customer_id=party.customer_id,
                kind=kind,
                text=contact.text,
                normal=contact.normal,
                preferred=place == 0,
                valid_from=changes.origin.now if there else None,
            )
            party.contacts[kind, contact.text] = (contact_id, contact.normal)
        if there:
            changes.note(Customer, party.customer_id, kind, old, new)
