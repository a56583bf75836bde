"""The search rows after any changes are those that writing everything anew would make; and search over many blocks."""

import random

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.db import Database
from cis_power.customers.models import (
    Customer,
    CustomerAccount,
    CustomerAgreement,
    SearchRow,
    UsagePoint,
    UsagePointDistrict,
)
from cis_power.customers.search import search_customers
from cis_power.customers.search_grams import BLOCK_ROWS
from cis_power.customers.search_terms import write_terms
from cis_power.customers.search_text import TermKind
from tests.customers.town import NOW, House, district, settle

Rows = dict[tuple[int | None, int | None], tuple[str, ...]]


def _rows(session: Session) -> Rows:
    names = ("number", *(kind.value for kind in TermKind))
    return {
        (row.account_id, row.usage_point_id): tuple(getattr(row, name) for name in names)
        for row in session.scalars(select(SearchRow))
    }


def _expected(session: Session) -> set[tuple[int | None, int | None]]:
    """A row for each agreement held true, and for each account and usage point without any."""
    held = select(CustomerAgreement.account_id, CustomerAgreement.usage_point_id)
    pairs = {tuple(row) for row in session.execute(held.where(CustomerAgreement.superseded_at.is_(None)))}
    accounts = set(session.scalars(select(CustomerAccount.id))) - {account for account, _ in pairs}
    points = set(session.scalars(select(UsagePoint.id))) - {point for _, point in pairs}
    return pairs | {(account, None) for account in accounts} | {(None, point) for point in points}


def _change(session: Session, rng: random.Random) -> None:
    """What posting does: change something, then name what was touched."""
    accounts = list(session.scalars(select(CustomerAccount.id)))
    points = list(session.scalars(select(UsagePoint.id)))
    account, point = rng.choice(accounts), rng.choice(points)
    match rng.randrange(5):
        case 0:
            customer = session.get_one(CustomerAccount, account).customer_id
            session.add(
                CustomerAgreement(account_id=account, customer_id=customer, usage_point_id=point, recorded_at=NOW)
            )
            write_terms(session, [account])
        case 1:
            of = CustomerAgreement.account_id == account
            session.execute(update(CustomerAgreement).where(of).values(superseded_at=NOW))
            write_terms(session, [account])
        case 2:
            session.execute(update(Customer).values(name=rng.choice(["王明", "Li Lei"])))
            write_terms(session, accounts)
        case 3:
            write_terms(session, meters={point: [f"M{rng.randrange(100)}"]})
        case 4:
            session.execute(update(UsagePoint).where(UsagePoint.id == point).values(code=f"N{rng.randrange(10**6)}"))
            write_terms(session, [], [point])


@pytest.mark.parametrize("seed", range(4))
def test_rows_follow_every_change(database: Database, seed: int) -> None:
    rng = random.Random(seed)
    with database.transaction() as session:
        settle(session, *(House(f"UP{i}", None if i % 4 == 0 else f"A{i}", f"Name {i}") for i in range(8)))
    for _ in range(12):
        with database.transaction() as session:
            _change(session, rng)
    with database.transaction() as session:
        kept = _rows(session)
        assert set(kept) == _expected(session)
        write_terms(
            session, list(session.scalars(select(CustomerAccount.id))), list(session.scalars(select(UsagePoint.id)))
        )
        assert _rows(session) == kept


def test_what_a_row_held_before_is_found_no_more(database: Database) -> None:
    with database.transaction() as session:
        settle(session, House("UP1", "A1", "Before"))
        session.execute(update(Customer).values(name="Behind"))
        write_terms(session, list(session.scalars(select(CustomerAccount.id))))
    with database.reading() as session:
        assert _numbers(session, system_viewer("test"), "before") == []
        assert _numbers(session, system_viewer("test"), "behind") == ["A1"]


def _numbers(session: Session, viewer: Viewer, term: str, limit: int = 1000) -> list[str]:
    """All pages of a search, one behind the other."""
    found: list[str] = []
    after = None
    while True:
        page = search_customers(session, viewer, term, region="CN", now=NOW, limit=limit, after=after)
        assert len(page.subjects) <= limit
        found += [session.get_one(CustomerAccount, subject.account_id).account_no for subject in page.subjects]
        after = page.next
        if after is None:
            return found


@pytest.fixture
def blocks(database: Database) -> Database:
    """A town whose rows lie in three blocks, of two districts; one account holds a usage point in each block."""
    with database.transaction() as session:
        for block in range(3):
            settle(
                session,
                *(House(f"U{block}{i}", f"A{block}{i}", "王明", district="north") for i in range(5)),
                House(f"U{block}x", "Ax", "王明", district="south"),
            )
            _next_row(session, BLOCK_ROWS * (block + 1) - 3)
    return database


def _next_row(session: Session, key: int) -> None:
    """Let rows that come now lie behind `key`."""
    session.add(SearchRow(id=key, usage_point_id=session.scalars(select(UsagePoint.id)).first(), number="gap"))
    session.flush()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT setval(pg_get_serial_sequence('search_row', 'id'), :key)"), {"key": key})


@pytest.mark.parametrize("limit", [1, 4, 1000])
def test_pages_over_many_blocks_name_each_account_once(blocks: Database, limit: int) -> None:
    everybody = [f"A0{i}" for i in range(5)] + ["Ax"] + [f"A{block}{i}" for block in (1, 2) for i in range(5)]
    with blocks.transaction() as session:
        north = Viewer(name="b", role="billing", districts=frozenset([district(session, "north")]))
        south = Viewer(name="b", role="billing", districts=frozenset([district(session, "south")]))
    with blocks.reading() as session:
        assert max(session.scalars(select(SearchRow.id))) > 2 * BLOCK_ROWS
        assert _numbers(session, system_viewer("test"), "王明", limit) == everybody
        assert _numbers(session, north, "王明", limit) == [number for number in everybody if number != "Ax"]
        assert _numbers(session, south, "王明", limit) == ["Ax"]
        assert _numbers(session, system_viewer("test"), "a2", limit) == [f"A2{i}" for i in range(5)]
        assert _numbers(session, system_viewer("test"), "ax", limit) == ["Ax"]


def test_who_moved_is_found_in_the_new_district_only(blocks: Database) -> None:
    with blocks.transaction() as session:
        point = session.scalars(select(UsagePoint.id).where(UsagePoint.code == "U23")).one()
        old = UsagePointDistrict.usage_point_id == point
        session.execute(update(UsagePointDistrict).where(old).values(ended_at=NOW))
        session.add(UsagePointDistrict(usage_point_id=point, district_id=district(session, "south"), began_at=NOW))
        write_terms(session, [], [point])
        north = Viewer(name="b", role="billing", districts=frozenset([district(session, "north")]))
        south = Viewer(name="b", role="billing", districts=frozenset([district(session, "south")]))
    with blocks.reading() as session:
        assert "A23" in _numbers(session, south, "王明")
        assert "A23" not in _numbers(session, north, "王明")
