"""Posting persons to talk to at customers, with their phones and e-mail addresses."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from billing_bridge.inbound.common import changes_of
from cis_power.core.batches import Outcome, Posting
from cis_power.core.db import chunked
from cis_power.core.layouts import Row, Rows
from cis_power.customers.changes import Changes
from cis_power.customers.contact_forms import Contact, read_email, read_phones
from cis_power.customers.keys import account_keys
from cis_power.customers.models import ContactPerson, ContactPoint
from cis_power.customers.search_terms import write_terms

_CHUNK = 10_000
_FIELDS = ("company", "position")


def post(session: Session, rows: Rows, posting: Posting) -> Outcome:
    """Make or change contact persons of known accounts' customers; empty fields say nothing."""
    outcome, changes = Outcome(rows), changes_of(session, posting)
    accounts = account_keys(session, rows.column("account_no"))
    persons = _Persons(session, changes, sorted({account.customer_id for account in accounts.values()}))
    touched: set[int] = set()
    for place, row in enumerate(rows):
        account = accounts.get(row["account_no"])
        if account is None:
            outcome.reject(place, "unknown_account", f"account {row['account_no']!r} is not known", "account_no")
            continue
        contacts = [*(read_phones(row["phone"], posting.region) if row["phone"] else ())]
        contacts += [read_email(row["email"])] if row["email"] else []
        for contact in contacts:
            if contact.normal is None:
                message = f"{contact.kind} cannot be read and is kept as text"
                outcome.warn(place, f"unreadable_{contact.kind}", message, contact.kind)
        before = changes.count
        persons.post(account.customer_id, row, contacts)
        if changes.count == before:
            outcome.unchanged(place)
        else:
            touched.add(account.account_id)
    changes.write((ContactPerson, ContactPoint))
    write_terms(session, touched, ())
    return outcome


class _Persons:
    """The contact persons of some customers, read at once, by customer and name."""

    def __init__(self, session: Session, changes: Changes, customers: list[int]) -> None:
        self._changes = changes
        self._persons: dict[tuple[int, str], dict[str, Any]] = {}
        self._points: dict[int, dict[tuple[str, str], int]] = {}
        for part in chunked(customers, _CHUNK):
            names = ContactPerson.customer_id, ContactPerson.name, ContactPerson.id, ContactPerson.company
            query = select(*names, ContactPerson.position).where(ContactPerson.customer_id.in_(part))
            for customer, name, key, company, position in session.execute(
                query.where(ContactPerson.valid_to.is_(None))
            ):
                self._persons[customer, name] = {"id": key, "company": company, "position": position}
            points = select(
                ContactPoint.contact_person_id, ContactPoint.kind, ContactPoint.text, ContactPoint.id
            ).where(
                ContactPoint.customer_id.in_(part),
                ContactPoint.contact_person_id.is_not(None),
                ContactPoint.valid_to.is_(None),
            )
            for person, kind, text, key in session.execute(points):
                self._points.setdefault(person or 0, {})[kind, text] = key

    def post(self, customer: int, row: Row, contacts: list[Contact]) -> None:
        changes, person = self._changes, self._persons.get((customer, row["name"]))
        if person is None:
            person = {"id": changes.new_id(ContactPerson), "company": row["company"], "position": row["position"]}
            changes.insert(ContactPerson, customer_id=customer, name=row["name"], **person)
            self._persons[customer, row["name"]] = person
        for name in _FIELDS:
            if row[name] is not None and row[name] != person[name]:
                changes.change(ContactPerson, person["id"], name, person[name], row[name])
                person[name] = row[name]
        there = self._points.setdefault(person["id"], {})
        for kind in ("phone", "email"):
            given = {contact.text: contact for contact in contacts if contact.kind == kind}
            old = {text for of, text in there if of == kind}
            if not given or given.keys() == old:
                continue
            for text in sorted(old - given.keys()):
                changes.update(ContactPoint, there.pop((kind, text)), valid_to=changes.origin.now)
            for text, contact in given.items():
                if text not in old:
                    there[kind, text] = self._insert(
                        customer, person["id"], contact, preferred=text == next(iter(given))
                    )

    def _insert(self, customer: int, person: int, contact: Contact, *, preferred: bool) -> int:
        key = self._changes.new_id(ContactPoint)
        self._changes.insert(
            ContactPoint,
            id=key,
            customer_id=customer,
            contact_person_id=person,
            kind=contact.kind,
            text=contact.text,
            normal=contact.normal,
            preferred=preferred,
        )
        return key
