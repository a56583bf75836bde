"""From the owners' ids to our keys, many at a time."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.core.db import among, chunked
from cis_power.customers.models import Customer, CustomerAccount, UsagePoint

_CHUNK = 10_000


class AccountKey(NamedTuple):
    """An account and the customer who holds it."""

    account_id: int
    customer_id: int


def account_keys(session: Session, numbers: Iterable[str]) -> dict[str, AccountKey]:
    """Keys by account number, of those there are."""
    columns = (CustomerAccount.account_no, CustomerAccount.id, CustomerAccount.customer_id)
    found: dict[str, AccountKey] = {}
    for part in chunked(sorted(set(numbers)), _CHUNK):
        rows = session.execute(select(*columns).where(among(session, CustomerAccount.account_no, part)))
        found.update({number: AccountKey(account, customer) for number, account, customer in rows})
    return found


def customer_keys(session: Session, numbers: Iterable[str]) -> dict[str, int]:
    """Keys by customer number, of those there are."""
    found: dict[str, int] = {}
    for part in chunked(sorted(set(numbers)), _CHUNK):
        query = select(Customer.customer_no, Customer.id).where(among(session, Customer.customer_no, part))
        found.update(session.execute(query).all())
    return found


def usage_point_keys(session: Session, codes: Iterable[str]) -> dict[str, int]:
    """Keys by usage point id, of those there are."""
    found: dict[str, int] = {}
    for part in chunked(sorted(set(codes)), _CHUNK):
        query = select(UsagePoint.code, UsagePoint.id).where(among(session, UsagePoint.code, part))
        found.update(session.execute(query).all())
    return found
