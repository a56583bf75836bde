"""Sessions, column types and bulk loading, on both databases."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pytest
from psycopg.errors import UniqueViolation
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from cis_power.core.db import Database, bulk_insert, bulk_upsert
from cis_power.core.errors import Unavailable
from cis_power.core.models import Code, JobRun

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CODES = Code.__table__


def _codes(kind: str, labels: list[str]) -> dict:
    count = len(labels)
    return {
        "kind": [kind] * count,
        "code": [str(number) for number in range(count)],
        "label_en": labels,
        "label_zh": ["停电"] * count,
        "attributes": [{"rank": number} for number in range(count)],
        "active": np.ones(count, dtype=bool),
    }


def test_transaction_commits_at_the_end_and_rolls_back_on_error(database: Database) -> None:
    with database.transaction() as session:
        session.add(Code(kind="cause", code="tree", label_en="tree", label_zh="树"))
    with pytest.raises(ZeroDivisionError), database.transaction() as session:
        session.add(Code(kind="cause", code="ice", label_en="ice", label_zh="冰"))
        session.flush()
        raise ZeroDivisionError
    with database.reading() as session:
        assert session.scalars(select(Code.code)).all() == ["tree"]


def test_a_rolled_back_bulk_load_leaves_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction() as session:
        bulk_insert(session, CODES, _codes("cause", ["a", "b"]))
        bulk_upsert(session, CODES, _codes("cause", ["a", "c"]), key=("kind", "code"))
        raise ZeroDivisionError
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Code)) == 0


def test_bulk_upsert_updates_and_keeps(database: Database) -> None:
    with database.transaction() as session:
        assert bulk_insert(session, CODES, _codes("cause", ["a", "b"])) == 2
        assert bulk_upsert(session, CODES, _codes("cause", ["x", "y", "z"]), key=("kind", "code")) == 3
        bulk_upsert(session, CODES, _codes("cause", ["no", "no"]), key=("kind", "code"), update=())
    with database.reading() as session:
        rows = session.execute(select(Code.label_en, Code.label_zh, Code.attributes).order_by(Code.code)).all()
    assert [tuple(row) for row in rows] == [
        ("x", "停电", {"rank": 0}),
        ("y", "停电", {"rank": 1}),
        ("z", "停电", {"rank": 2}),
    ]


def test_of_doubled_keys_the_last_counts(database: Database) -> None:
    columns = _codes("cause", ["first", "last"]) | {"code": ["1", "1"]}
    with database.transaction() as session:
        bulk_upsert(session, CODES, columns, key=("kind", "code"))
    with database.reading() as session:
        assert session.scalars(select(Code.label_en)).all() == ["last"]


def test_bulk_insert_refuses_a_doubled_key_and_ragged_columns(database: Database) -> None:
    with pytest.raises((IntegrityError, UniqueViolation)), database.transaction() as session:
        bulk_insert(session, CODES, _codes("cause", ["a", "b"]) | {"code": ["1", "1"]})
    with pytest.raises(ValueError, match="differ in length"), database.transaction() as session:
        bulk_insert(session, CODES, _codes("cause", ["a", "b"]) | {"code": ["1"]})


def test_instants_come_back_in_utc_and_naive_ones_are_refused(database: Database) -> None:
    beijing = NOON.astimezone(timezone(timedelta(hours=8)))
    with database.transaction() as session:
        session.add(JobRun(job="j", period="p", status="done", begun_at=beijing, heartbeat_at=NOON))
    with database.reading() as session:
        run = session.scalars(select(JobRun)).one()
        assert (run.begun_at, run.begun_at.tzinfo) == (NOON, UTC)
        assert session.scalar(select(func.count()).where(JobRun.begun_at <= beijing)) == 1
    with pytest.raises((StatementError, ValueError)), database.transaction() as session:
        session.add(JobRun(job="k", period="p", status="done", begun_at=datetime(2026, 3, 1), heartbeat_at=NOON))  # noqa: DTZ001


def test_money_is_exact(database: Database) -> None:
    from cis_power.core.db import Money

    dialect = database.engine.dialect
    money = Money()
    assert money.process_bind_param(Decimal("12.30"), dialect) == 1230
    assert money.process_result_value(1230, dialect) == Decimal("12.30")
    with pytest.raises(ValueError, match="whole number of cents"):
        money.process_bind_param(Decimal("0.001"), dialect)
    with pytest.raises(TypeError):
        money.process_bind_param(0.1, dialect)


def test_reading_keeps_nothing(database: Database) -> None:
    if database.dialect == "postgresql":
        with pytest.raises(Exception, match="read-only"), database.reading() as session:
            session.execute(CODES.delete())
    else:
        with database.reading() as session:
            session.add(Code(kind="cause", code="x", label_en="x", label_zh="x"))
            session.flush()
        with database.reading() as session:
            assert session.scalar(select(func.count()).select_from(Code)) == 0


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    with database.transaction() as writer:
        writer.add(Code(kind="cause", code="x", label_en="x", label_zh="x"))
        writer.flush()
        with database.reading() as reader:
            assert reader.scalar(select(func.count()).select_from(Code)) == 0


def test_a_database_that_is_not_there_says_so() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(Unavailable, match="does not answer"), database.reading() as session:
        session.execute(text("SELECT 1"))
