"""Storing and reading the lists of rows by gram."""

from collections.abc import Iterable, Mapping
from typing import cast

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from cis_power.core.db import among, bulk_append
from cis_power.customers.models import SearchPosting, SearchRow
from cis_power.customers.search_grams import Group, Pairs, block_of, lists_of


def add_to_lists(session: Session, grams: Mapping[Group, Pairs]) -> None:
    """Add rows to the lists of their grams."""
    ids, members = lists_of(grams)
    bulk_append(session, cast(Table, SearchPosting.__table__), "members", ids, members)


def read_lists(session: Session, ids: Iterable[int]) -> dict[int, bytes]:
    """The lists of these keys, of those there are."""
    query = select(SearchPosting.id, SearchPosting.members).where(among(session, SearchPosting.id, ids))
    return dict(session.execute(query).all())


def count_blocks(session: Session) -> int:
    """How many blocks there are."""
    highest = session.scalar(select(func.max(SearchRow.id)))
    return 0 if highest is None else block_of(highest) + 1
