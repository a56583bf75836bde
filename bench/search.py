"""The search box at full size: time by kind of term, and every answer against a plain scan.

Ours: `search_customers` and the rows of its page, over customers that came through the importer. Peer: a plain LIKE
scan of the same texts and, where the database has one, its own trigram index (FTS5 trigram, pg_trgm) asked for one
page, which misses terms of two characters and knows neither roles nor tokens. Limit: fifty accounts read by their key.
"""

import contextlib
import random
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, func, or_, select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from bench import crowd
from bench.result import Result, peak_memory_mb, percentile, seconds_of
from bench.stores import fresh, kinds
from cis_power.access.models import District
from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.batches import Import, import_file
from cis_power.core.config import load_settings
from cis_power.core.db import Database, among, bulk_insert, chunked
from cis_power.core.layouts.registry import find_layout
from cis_power.core.time import utc_now
from cis_power.customers.models import CustomerAccount, SearchRow
from cis_power.customers.read_rows import customer_rows
from cis_power.customers.search import search_customers
from cis_power.customers.search_text import TermKind, document, matches, parse_query
from cis_power.network.models import Element, EquipmentState, NetworkActivation, NetworkVersion

SIZES = {"small": 2_000, "full": 200_000}
PAGE = 50
MOST_TERMS = 40
CHECKED = 6
SEED = 5
Terms = dict[str, list[str]]


def run(size: int, databases: str) -> Result:
    """Measure on each database; the ratios are the worse of them, for the slowest kind of term."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for kind in kinds(databases):
        with fresh(kind) as database:
            _build(database, size)
            found[kind] = _measure(database, min(MOST_TERMS, 3 + size // 100))
    parts = {part: {kind: figures[part] for kind, figures in found.items()} for part in ("ours", "peer", "limit")}
    worst = {kind: figures["ours"]["worst_p99_ms"] for kind, figures in found.items()}
    return Result(
        "search",
        {"customers": size, "terms_a_kind": min(MOST_TERMS, 3 + size // 100), "page": PAGE},
        **parts,
        ratio_to_peer=min(found[kind]["peer"]["like_scan"]["p99_ms"] / worst[kind] for kind in found),
        ratio_to_limit=min(found[kind]["limit"]["p99_ms"] / worst[kind] for kind in found),
        memory_mb=peak_memory_mb(),
    )


def _build(database: Database, size: int) -> None:
    """A network of transformers alone, and customers through the importer."""
    settings, layout = load_settings(), find_layout("customers")
    _network(database, size)
    began = time.perf_counter()
    for number, file in enumerate(crowd.files(size)):
        result = import_file(database, settings, Import(layout, file, "bench", utc_now()))
        assert result.ok, list(result.problems)[:5]
        done = min((number + 1) * crowd.PART, size)
        print(f"{done:,} customers in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    if database.dialect == "postgresql":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _network(database: Database, size: int) -> None:
    count = crowd.transformers(size)
    codes = [crowd.transformer(number) for number in range(count)]
    feeders = list(dict.fromkeys(code.partition("-")[0] for code in codes))
    now = utc_now()
    with database.transaction() as session:
        elements = cast(Table, Element.__table__)
        for kind, named in (("equipment", codes), ("feeder", feeders), ("node", [*codes, *(f"{c}-lv" for c in codes)])):
            bulk_insert(session, elements, {"kind": [kind] * len(named), "code": named})
        keys = {(row.kind, row.code): row.id for row in session.execute(select(Element.kind, Element.code, Element.id))}
        version = NetworkVersion(number=1, format="csv", content_hash="bench", recorded_at=now, activated_at=now)
        session.add(version)
        session.flush()
        session.add(NetworkActivation(version_id=version.id, activated_at=now, activated_by="bench"))
        columns: dict[str, list[Any]] = {
            "version_id": [version.id] * count,
            "element_id": [keys["equipment", code] for code in codes],
            "leg": [0] * count,
            "kind": ["transformer"] * count,
            "from_node_id": [keys["node", code] for code in codes],
            "to_node_id": [keys["node", f"{code}-lv"] for code in codes],
            "normal_open": [False] * count,
            "open_phases": [0] * count,
            "telemetered": [False] * count,
            "phases": [7] * count,
            "owner": ["utility"] * count,
            "feeder_id": [keys["feeder", code.partition("-")[0]] for code in codes],
        }
        bulk_insert(session, cast(Table, EquipmentState.__table__), columns)


def _terms(session: Session, count: int) -> Terms:
    """Terms of every kind as people type them, taken from customers anywhere in the table."""
    chance = random.Random(SEED)
    highest = session.scalar(select(func.max(SearchRow.id))) or 1
    picked = [chance.randint(1, highest) for _ in range(count * 3)]
    rows = [row for row in session.scalars(select(SearchRow).where(SearchRow.id.in_(picked))) if not row.name.isascii()]
    chance.shuffle(rows)
    people = [(row, row.name.split("\n")[1::2]) for row in rows][:count]
    first = {kind: [getattr(row, kind.value).split("\n")[1::2] for row, _ in people] for kind in TermKind}
    mobile = [words[0] for words in first[TermKind.PHONE] if words]
    address = [words[0] for words in first[TermKind.ADDRESS] if words]
    return {
        "account": [words[0] for words in first[TermKind.ACCOUNT]],
        "account, part": [words[0][2:8] for words in first[TermKind.ACCOUNT]],
        "account, beginning": [words[0][:3] for words in first[TermKind.ACCOUNT]],
        "phone": mobile,
        "phone, grouped": [f"{n[:3]} {n[3:7]} {n[7:]}" for n in mobile],
        "phone, +86": [f"+86 {n[:3]}-{n[3:7]}-{n[7:]}" for n in mobile],
        "phone, end": [n[-4:] for n in mobile],
        "name": [words[0] for _, words in people],
        "name, two characters": [words[0][:2] for _, words in people],
        "surname": [words[0][:1] for _, words in people],
        "pinyin": [words[1] for _, words in people if len(words) > 1],
        "pinyin, beginning": [words[1][:4] for _, words in people if len(words) > 1],
        "initials": [words[2] for _, words in people if len(words) > 2],
        "address": address,
        "street": [a[:3] for a in address],
        "compound": [a[a.index("号") + 1 : a.index("花园") + 2] for a in address],
        "meter": [words[0] for words in first[TermKind.METER] if words],
        "transformer": [words[1] for words in first[TermKind.SUPPLY] if len(words) > 1],
        "feeder": [words[1].partition("-")[0] for words in first[TermKind.SUPPLY] if len(words) > 1],
        "usage point": [words[0] for words in first[TermKind.SUPPLY]],
        "e-mail": [words[0] for words in first[TermKind.EMAIL] if words],
        "e-mail, domain": ["example.com", "mail.example.cn", "@example.org"],
        "name and street": [f"{words[0][:1]} {a[:3]}" for (_, words), a in zip(people, address, strict=False)],
        "name and end of phone": [f"{words[0]} {n[-4:]}" for (_, words), n in zip(people, mobile, strict=False)],
        "surname and another's compound": [
            f"{words[0][:1]} {a[a.index('号') + 1 : a.index('花园')]}"
            for (_, words), a in zip(people, address[1:], strict=False)
        ],
        "no hit": ["nobody-here", "9999999999999", "魑魅魍魉", "王魑", "zzzzzz", "foo bar", "13800000000", "龘"],
    }


def _viewers(session: Session) -> dict[str, Viewer]:
    """Who asks: the whole utility; call-taking from one district; one district alone, the last and smallest part."""
    keys = sorted(session.scalars(select(District.id)))
    return {
        "everything": system_viewer("bench"),
        "call-taking": Viewer(name="agent", role="agent", districts=frozenset(keys[:1])),
        "one district": Viewer(name="billing", role="billing", districts=frozenset(keys[-1:])),
    }


def _measure(database: Database, count: int) -> dict[str, dict[str, Any]]:
    with database.reading() as session:
        terms, now = _terms(session, count), utc_now()
        ours: dict[str, Any] = {"worst_p99_ms": 0.0}
        for name, viewer in _viewers(session).items():
            ours[name] = _by_kind(terms, _asking(session, viewer, now))
            ours["worst_p99_ms"] = max(ours["worst_p99_ms"], *(figures["p99_ms"] for figures in ours[name].values()))
        ours |= _differences(session, terms, now)
        peer = {"like_scan": _overall(_few(terms), lambda term: _like(session, term))}
        keys = session.scalars(select(CustomerAccount.id).order_by(func.random()).limit(20 * PAGE)).all()
        limit = _figures([seconds_of(lambda part=part: _by_key(session, part)) for part in chunked(keys, PAGE)])
    with contextlib.suppress(DatabaseError):  # a database without trigrams of its own has no such figure
        peer["trigram"] = _trigram(database, _few(terms))
    return {"ours": ours, "peer": peer, "limit": limit}


Ask = Callable[[str], Any]


def _asking(session: Session, viewer: Viewer, now: datetime) -> Ask:
    """A search and the rows of its page, as the page of customers does it."""

    def ask(term: str) -> None:
        found = search_customers(session, viewer, term, region="CN", now=now, limit=PAGE)
        customer_rows(session, viewer, found.subjects, now)

    return ask


def _by_kind(terms: Terms, ask: Ask) -> dict[str, dict[str, float]]:
    ask(next(iter(terms.values()))[0])
    return {kind: _overall({kind: listed}, ask) for kind, listed in terms.items()}


def _overall(terms: Terms, ask: Ask) -> dict[str, float]:
    return _figures([seconds_of(lambda term=term: ask(term)) for listed in terms.values() for term in listed])


def _figures(seconds: Sequence[float]) -> dict[str, float]:
    return {"p50_ms": 1000 * percentile(seconds, 0.5), "p99_ms": 1000 * percentile(seconds, 0.99)}


def _few(terms: Terms) -> Terms:
    return {kind: listed[:2] for kind, listed in terms.items()}


def _differences(session: Session, terms: Terms, now: datetime) -> dict[str, int]:
    """Every hit of some terms of each kind, against the definition over all rows: how many are wrong, how many miss."""
    queries = {term: parse_query(term, "CN") for listed in terms.values() for term in listed[:CHECKED]}
    feeders = {
        key: document([code])
        for key, code in session.execute(select(Element.id, Element.code).where(Element.kind == "feeder"))
    }
    expected: dict[str, set[tuple[int | None, int | None]]] = {term: set() for term in queries}
    rows = session.scalars(select(SearchRow).execution_options(yield_per=5_000))
    for row in rows:
        told = [(kind, getattr(row, kind.value)) for kind in TermKind]
        fed = [feeders[int(mark[1:])] for mark in row.marks.split() if mark[0] == "f"]
        told += [(TermKind.SUPPLY, text_) for text_ in fed]
        for term, query in queries.items():
            if matches(query, told):
                expected[term].add((row.account_id, row.usage_point_id if row.account_id is None else None))
    wrong = missing = hits = 0
    for term, wanted in expected.items():
        found: set[tuple[int | None, int | None]] = set()
        after = None
        while True:
            page = search_customers(
                session, system_viewer("bench"), term, region="CN", now=now, limit=10_000, after=after
            )
            found.update((subject.account_id, subject.usage_point_id) for subject in page.subjects)
            after = page.next
            if after is None:
                break
        hits += len(wanted)
        wrong += len(found - wanted)
        missing += len(wanted - found)
    return {"terms_checked": len(expected), "hits_checked": hits, "wrong": wrong, "missing": missing}


def _like(session: Session, term: str) -> None:
    texts = [getattr(SearchRow, kind.value) for kind in TermKind]
    holds = [or_(*(column.contains(token, autoescape=True) for column in texts)) for token in term.lower().split()]
    session.execute(select(SearchRow.account_id).where(*holds).order_by(SearchRow.id).limit(PAGE)).all()


def _by_key(session: Session, keys: Sequence[int]) -> None:
    session.execute(select(CustomerAccount.account_no).where(among(session, CustomerAccount.id, keys))).all()


def _trigram(database: Database, terms: Terms) -> dict[str, float]:
    """The database's own trigrams over the same texts; terms shorter than three characters find nothing there."""
    kinds_ = "||".join(kind.value for kind in TermKind)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT", cis_write=True) as connection:
        if database.dialect == "postgresql":
            connection.execute(text("CREATE EXTENSION pg_trgm"))
            connection.execute(text(f"CREATE INDEX bench_trgm ON search_row USING gin (({kinds_}) gin_trgm_ops)"))
            query = f"SELECT account_id FROM search_row WHERE {kinds_} LIKE :term ORDER BY id LIMIT {PAGE}"
        else:
            connection.execute(text("CREATE VIRTUAL TABLE bench_fts USING fts5(words, tokenize='trigram')"))
            connection.execute(text(f"INSERT INTO bench_fts(rowid, words) SELECT id, {kinds_} FROM search_row"))
            query = f"SELECT rowid FROM bench_fts WHERE words LIKE :term ORDER BY rowid LIMIT {PAGE}"
        return _overall(terms, lambda term: connection.execute(text(query), {"term": f"%{term.lower()}%"}).all())
