"""Search in the database equals a plain scan, obeys roles and territory, and pages without loss."""

import random
from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.db import Database
from cis_power.customers.models import CustomerAccount, SearchRow, UsagePoint
from cis_power.customers.search import search_customers
from cis_power.customers.search_terms import mark_feeders, write_terms
from cis_power.customers.search_text import TermKind, matches, parse_query
from cis_power.network.models import EquipmentState, NetworkActivation, NetworkVersion
from tests.customers.town import NOW, House, district, element, settle

SURNAMES, GIVEN = "王李张刘陈杨单曾解", "明华小丽伟芳秀英强磊"
STREETS = ["朝阳路", "人民路12号", "建设大街", "Main St", "O'Brien Rd", "100% Ave", "back\\slash"]
HOSTILE = [
    *(
        '"',
        "'",
        "%",
        "_",
        "%%%",
        "___",
        "*",
        "(",
        ")",
        "\\",
        "\x00",
        "\ud800",
        ";",
        "$1",
        ":x",
        "\n",
        "\u202e",
        "🙂",
        "é",
        " ",
    ),
    *(
        "a' OR 1=1 --",
        "AND",
        "NOT x",
        "NEAR(a b)",
        "{}",
        "[1]",
        "a" * 5000,
        "王" * 5000,
        "' UNION SELECT",
        "^a",
        "col:a",
    ),
]


def found(session: Session, viewer: Viewer, text: str, limit: int = 1000) -> set[str]:
    page = search_customers(session, viewer, text, region="CN", now=NOW, limit=limit)
    return {number(session, subject) for subject in page.subjects}


def number(session: Session, subject) -> str:
    if subject.account_id is not None:
        return session.get_one(CustomerAccount, subject.account_id).account_no
    return "vacant " + session.get_one(UsagePoint, subject.usage_point_id).code


def random_town(rng: random.Random, size: int) -> list[House]:
    return [
        House(
            usage_point=f"UP{1000 + i}",
            account_no=None if i % 11 == 0 else f"{rng.randrange(10**6):06d}{i:03d}",
            name=rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=rng.randint(1, 2))),
            phone=f"+861{rng.randrange(10**9, 10**10)}",
            address=f"{rng.choice(STREETS)} {rng.randint(1, 30)}",
            district=rng.choice(["north", "south"]),
            transformer=f"T-{rng.randint(1, 9):02d}",
        )
        for i in range(size)
    ]


def random_terms(rng: random.Random, texts: list[str], size: int) -> list[str]:
    terms = []
    for _ in range(size):
        text = rng.choice(texts)
        start = rng.randrange(len(text))
        term = text[start : start + rng.randint(1, 6)]
        terms.append(term if rng.random() < 0.8 else f"{term} {rng.choice(texts)[:2]}")
    return terms


Scan = Callable[[str], set[str]]


def scanner(session: Session) -> Scan:
    """The plain definition, over all rows of text."""
    numbers = dict(session.execute(select(CustomerAccount.id, CustomerAccount.account_no)).all())
    codes = dict(session.execute(select(UsagePoint.id, UsagePoint.code)).all())
    documents = [
        (
            numbers[row.account_id] if row.account_id is not None else "vacant " + codes[row.usage_point_id],
            [(kind, getattr(row, kind.value)) for kind in TermKind],
        )
        for row in session.scalars(select(SearchRow))
    ]

    def scan(text: str) -> set[str]:
        query = parse_query(text, "CN")
        return {name for name, told in documents if matches(query, told)}

    return scan


def test_search_equals_a_plain_scan(database: Database) -> None:
    rng = random.Random(20261121)
    town = random_town(rng, 150)
    with database.transaction() as session:
        settle(session, *town)
    texts = [
        text
        for house in town
        for text in (house.account_no, house.name, house.phone, house.address, house.usage_point, house.transformer)
        if text
    ]
    hits = 0
    with database.reading() as session:
        scan = scanner(session)
        for term in random_terms(rng, texts, 200):
            expected = scan(term)
            assert found(session, system_viewer("test"), term) == expected, term
            hits += bool(expected)
    assert hits > 100


def test_hostile_terms_are_only_text(database: Database) -> None:
    with database.transaction() as session:
        settle(session, House("UP1", "1001", "O'Brien", "+8613800138000", 'say "AND" 100% _x_ *'))
    with database.reading() as session:
        scan = scanner(session)
        for term in HOSTILE:
            assert found(session, system_viewer("test"), term) == scan(term), repr(term)
        assert found(session, system_viewer("test"), "100%") == {"1001"}
        assert found(session, system_viewer("test"), "1%0") == set()


def test_a_meter_a_transformer_and_a_feeder_are_found(database: Database) -> None:
    with database.transaction() as session:
        settle(session, House("UP1", "1001", transformer="T7"), House("UP2", "1002", transformer="T8"))
        point = session.scalars(select(UsagePoint.id).where(UsagePoint.code == "UP1")).one()
        write_terms(session, meters={point: ["M-4711"]})
        _network(session, {"T7": "F-East", "T8": "F-West"})
        mark_feeders(session)
    with database.reading() as session:
        viewer = system_viewer("test")
        assert found(session, viewer, "4711") == {"1001"}
        assert found(session, viewer, "T7") == {"1001"}
        assert found(session, viewer, "f-west") == {"1002"}
        assert found(session, viewer, "F-") == {"1001", "1002"}
        assert found(session, viewer, "f-west 1001") == set()


def _network(session: Session, feeders: dict[str, str]) -> None:
    version = NetworkVersion(number=1, format="csv", content_hash="x", recorded_at=NOW, activated_at=NOW)
    session.add(version)
    session.flush()
    session.add(NetworkActivation(version_id=version.id, activated_at=NOW, activated_by="test"))
    for transformer, feeder in feeders.items():
        session.add(
            EquipmentState(
                version_id=version.id,
                element_id=element(session, "equipment", transformer),
                kind="transformer",
                from_node_id=element(session, "node", f"{transformer}-hv"),
                to_node_id=element(session, "node", f"{transformer}-lv"),
                normal_open=False,
                telemetered=False,
                phases=7,
                feeder_id=element(session, "feeder", feeder),
            )
        )


@pytest.fixture
def two_districts(database: Database) -> Database:
    with database.transaction() as session:
        settle(
            session,
            House("UP1", "1001", "王小明", "+8613800138000", "朝阳路1号", "north"),
            House("UP2", "1002", "王小红", "+8613800138001", "朝阳路2号", "south"),
            House("UP3", "1003", "Both", "", "朝阳路3号", "north"),
            House("UP4", "1003", "Both", "", "人民路4号", "south"),
        )
    return database


def _viewer(session: Session, role: str, *districts: str) -> Viewer:
    return Viewer(name=role, role=role, districts=frozenset(district(session, code) for code in districts))


def test_a_territory_bounds_what_is_found(two_districts: Database) -> None:
    with two_districts.transaction() as session:
        north, south = _viewer(session, "billing", "north"), _viewer(session, "billing", "south")
    with two_districts.reading() as session:
        assert found(session, north, "朝阳路") == {"1001", "1003"}
        assert found(session, south, "朝阳路") == {"1002"}
        assert found(session, north, "人民路") == set(), "the place of 1003 in the south"
        assert found(session, south, "both") == {"1003"}
        assert found(session, south, "13800138000") == set()


def test_call_taking_searches_everywhere(two_districts: Database) -> None:
    with two_districts.transaction() as session:
        agent = _viewer(session, "agent", "north")
    with two_districts.reading() as session:
        assert found(session, agent, "王小") == {"1001", "1002"}
        assert found(session, agent, "138 0013 8001") == {"1002"}


@pytest.mark.parametrize(
    ("role", "name", "phone", "address"),
    [
        ("billing", 1, 1, 1),
        ("engineer", 0, 0, 1),
        ("dispatcher", 0, 0, 1),
        ("marketing", 0, 0, 0),
        ("manager", 0, 0, 0),
    ],
)
def test_a_role_searches_only_by_what_it_sees(two_districts, role: str, name: int, phone: int, address: int) -> None:
    viewer = Viewer(name=role, role=role, districts=None)
    with two_districts.reading() as session:
        assert len(found(session, viewer, "王小明")) == name
        assert len(found(session, viewer, "wxm")) == name
        assert len(found(session, viewer, "13800138000")) == phone
        assert len(found(session, viewer, "朝阳路1号")) == address
        assert found(session, viewer, "1001") == {"1001"}


def test_changed_data_is_found_anew(two_districts: Database) -> None:
    with two_districts.transaction() as session:
        account = session.scalars(select(CustomerAccount).where(CustomerAccount.account_no == "1001")).one()
        account.account_no = "9009"
        write_terms(session, [account.id])
    with two_districts.reading() as session:
        assert found(session, system_viewer("test"), "9009") == {"9009"}
        assert found(session, system_viewer("test"), "1001") == set()
        assert found(session, system_viewer("test"), "王小明") == {"9009"}


def test_pages_follow_each_other_and_exact_numbers_come_first(database: Database) -> None:
    with database.transaction() as session:
        settle(session, *[House(f"UP{i:02d}", f"00{i:02d}", "王明") for i in range(25)], House("X", "王明"))
    seen, after = [], None
    with database.reading() as session:
        while True:
            page = search_customers(session, system_viewer("test"), "王明", region="CN", now=NOW, limit=10, after=after)
            seen += [number(session, subject) for subject in page.subjects]
            after = page.next
            if after is None:
                break
    assert seen[0] == "王明"
    assert seen[1:] == [f"00{i:02d}" for i in range(25)]
