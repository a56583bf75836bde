"""The commands, as people type them: contract, exit codes, errors that name what is wrong."""

import signal

import pytest
from sqlalchemy import select

from cis_power.core.db import Database
from cis_power.core.models import JobRun
from cis_power.outages.entries import CLOSED, OPENED, Entry
from cis_power.outages.intake import record_entries
from cis_power.outages.models import IntakeEntry, Interruption
from tests.command_line import CommandLine
from tests.outages.people import put_people
from tests.outages.stored import element
from tests.outages.worlds import at
from tests.waiting import wait_for

OUTAGE_KEYS = {
    "id", "kind", "sub_kind", "status", "began_at", "began_earliest", "began_latest", "restored_at", "device", "feeder",
    "customers_affected", "customers_out", "customers_partial", "customers_affected_total", "customers_out_total",
    "priority_customers_out", "probability", "estimated_restoration", "evidence",
}  # fmt: skip


@pytest.fixture
def utility(cli: CommandLine, sqlite_url: str) -> CommandLine:
    database = Database(sqlite_url)
    put_people(database)
    database.dispose()
    return cli


def test_an_outage_from_switching_to_signing(utility: CommandLine) -> None:
    told = utility("switch", "open", "A", "--at", "2026-03-02T10:00:00Z", "--by", "liu", "--json").json
    assert (told["what"], told["act"], told["conflict"], len(told["outages"])) == ("A", "open", None, 1)
    (row,) = utility("outage", "list", "--json").json
    assert set(row) >= OUTAGE_KEYS
    assert (row["id"], row["device"], row["customers_out"]) == (told["outages"][0], "A", 3)
    customers = utility("outage", "customers", row["id"], "--json").json
    assert [one["usage_point"] for one in customers] == ["U2", "U1", "U3"]  # priority first
    assert set(customers[0]) >= {"account_no", "usage_point", "began_at", "restored_at"}
    utility("switch", "close", "A", "--at", "2026-03-02T11:00:00Z", "--by", "liu")
    assert utility("outage", "list", "--json").json == []
    shown = utility("outage", "show", row["id"], "--json").json
    assert (shown["status"], shown["restored_at"], shown["transformers"]) == (
        "restored", "2026-03-02T11:00:00+00:00", ["X2", "X3"],
    )  # fmt: skip
    as_of = utility("outage", "list", "--as-of", "2026-03-02T10:30:00Z", "--json").json
    assert [(one["status"], one["restored_at"]) for one in as_of] == [("confirmed", None)]
    assert utility("outage", "list", "--at", "2026-03-02T10:30:00Z", "--json").json == []
    utility("outage", "correct", row["id"], "--cause", "lightning", "--by", "liu", "--reason", "seen")
    utility("outage", "sign", row["id"], "--by", "liu")
    utility("outage", "correct", row["id"], "--cause", "x", "--by", "liu", "--reason", "y", expect=1)
    (all_of_them,) = utility("outage", "list", "--all", "--json").json
    assert (all_of_them["cause"], all_of_them["review_state"]) == ("lightning", "signed")


@pytest.mark.parametrize("words", [
    ("list", "--at", "2026-03-02", "--as-of", "2026-03-02"),
    ("show", "x", "--at", "2026-03-02", "--as-of", "2026-03-02"),
    ("customers", "x", "--at", "2026-03-02", "--as-of", "2026-03-02"),
    ("list", "--from", "2026-03-02", "--to", "2026-03-01"),
])  # fmt: skip
def test_options_that_exclude_one_another_are_wrong_usage(utility: CommandLine, words: tuple[str, ...]) -> None:
    assert "Error: " in utility("outage", *words, expect=2).err


def test_transfers_and_calls(utility: CommandLine) -> None:
    utility("switch", "transfer", "UD", "standby", "--at", "2026-03-02T10:00:00Z", "--by", "liu")
    utility("switch", "transfer", "U1", "standby", "--at", "2026-03-02T10:00:00Z", "--by", "liu", expect=1)
    answer = utility("call", "add", "--account", "9-U1", "--code", "no_power", "--json").json
    assert (answer["usage_point"], answer["supply"]["usage_points"][0]["energized"]) == ("U1", "full")
    assert utility("call", "add", "--phone", "13800000001", "--json").json["account_no"] == "9-U1"
    kept = utility("call", "add", "--account", "none", "--json", expect=1)
    assert kept.json["problems"][0]["code"] == "unknown_account"
    utility("call", "add", expect=2)
    utility("call", "add", "--account", "9-U1", "--phone", "13800000001", expect=2)


def test_wrong_input_is_named(utility: CommandLine) -> None:
    unknown = utility("switch", "open", "NO-SUCH", "--at", "2026-03-02T10:00:00Z", "--by", "liu", expect=1)
    assert "NO-SUCH" in unknown.err
    future = utility("switch", "open", "A", "--at", "2999-01-01T00:00:00Z", "--by", "liu", expect=1)
    assert "future" in future.err
    utility("switch", "open", "A", "--at", "yesterday", "--by", "liu", expect=2)
    utility("switch", "open", "A", "--at", "2026-03-02T10:00:00Z", expect=2)
    utility("outage", "show", "Onone", expect=1)
    assert utility("engine", "--once").out.strip() == "nothing to do"


def test_a_killed_scheduler_loses_nothing(utility: CommandLine, sqlite_url: str) -> None:
    """R11 with real processes: kill -9 while entries come; the next scheduler goes on from the database."""
    database = Database(sqlite_url)
    expected = []
    for minute in range(4):
        scheduler = utility.start("scheduler")
        act = "open" if minute % 2 == 0 else "close"
        with database.transaction() as session:
            device = element(session, "equipment", "A")
            record_entries(session, [
                Entry("switch", at(60 + minute), "manual", f"{act}{minute}", element_id=device,
                      value=OPENED if act == "open" else CLOSED)
            ], at(60 + minute))  # fmt: skip
        if minute % 2 == 1:
            wait_for(lambda: _applied(database), 60, "the engine's pass")
            expected.append((at(59 + minute), at(60 + minute)))
        scheduler.stop(signal.SIGKILL)
    utility("engine", "--once")
    with database.reading() as session:
        rows = session.execute(
            select(Interruption.began_at, Interruption.restored_at)
            .where(Interruption.superseded_at.is_(None)).distinct()
        )  # fmt: skip
        assert sorted(tuple(row) for row in rows) == expected
        assert session.scalar(select(JobRun.status).where(JobRun.job == "outages.engine")) is not None
    database.dispose()


def _applied(database: Database) -> bool:
    with database.reading() as session:
        return session.scalar(select(IntakeEntry.id).where(IntakeEntry.applied_at.is_(None)).limit(1)) is None


def test_a_running_scheduler_applies_what_a_command_records(utility: CommandLine, sqlite_url: str) -> None:
    database = Database(sqlite_url)
    utility.start("scheduler")

    def running() -> bool:
        with database.reading() as session:
            query = select(JobRun.id).where(JobRun.job == "outages.engine", JobRun.status == "running")
            return session.scalar(query) is not None

    wait_for(running, 60, "the engine's row")
    told = utility("switch", "open", "A", "--at", "2026-03-02T10:00:00Z", "--by", "liu", "--json").json
    assert len(told["outages"]) == 1
    database.dispose()
