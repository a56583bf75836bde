"""What people do to outages: it supersedes, it lasts through replays, and locked months wait."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from cis_power.access.viewer import system_viewer
from cis_power.core.db import Database
from cis_power.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from cis_power.outages.closing import Act, Correction, correct, estimate, lock_month, merge, reopen_month, review, split
from cis_power.outages.intake import record_entries
from cis_power.outages.models import Interruption, Restatement
from cis_power.outages.passes import run_engine
from cis_power.outages.reads import OutageFilter, list_outages, read_outage
from tests.outages.people import put_people, viewer
from tests.outages.stored import entry, snapshot
from tests.outages.worlds import at

NOW = at(600)
ALL = system_viewer("test")
UTC = ZoneInfo("UTC")


def happen(database: Database, *entries: tuple, now: float = 600) -> None:
    with database.transaction() as session:
        record_entries(session, [entry(database, *one) for one in entries], at(now))
    run_engine(database, at(now), zone=UTC)


def ids(database: Database) -> dict[str, str]:
    """Present outages: device → id, the newest of each device."""
    with database.reading() as session:
        rows = list_outages(session, ALL, at(900), OutageFilter(everything=True))
    return {row.device or "": row.id for row in reversed(rows)}


def ledger(database: Database) -> set[tuple]:
    with database.reading() as session:
        rows = session.scalars(select(Interruption).where(Interruption.superseded_at.is_(None))).all()
    return {(row.began_at, row.restored_at, row.kind, row.cause_code) for row in rows}


def test_a_corrected_beginning_restates_the_ledger_and_keeps_the_identity(database: Database) -> None:
    put_people(database)
    happen(database, ("switch", "A", 10, "open"), ("switch", "A", 40, "close"))
    outage = ids(database)["A"]
    with database.transaction() as session:
        said = Correction(began_at=at(4), restored_at=at(50))
        assert correct(session, ALL, outage, said, Act("liu", "log", at(610)))
    run_engine(database, at(611), zone=UTC)
    assert ledger(database) == {(at(4), at(50), "unplanned", None)}
    assert ids(database)["A"] == outage
    with database.reading() as session:
        assert read_outage(session, ALL, outage, at(700), at=at(605)).outage.began_at == at(10)
        assert read_outage(session, ALL, outage, at(700)).outage.began_at == at(4)


def test_a_corrected_cause_reaches_the_ledger_and_outlives_a_replay(database: Database) -> None:
    put_people(database)
    happen(database, ("switch", "A", 10, "open"), ("switch", "A", 40, "close"))
    with database.transaction() as session:
        said = Correction(cause_code="lightning", kind="planned")
        assert not correct(session, ALL, ids(database)["A"], said, Act("liu", "seen", at(610)))
    happen(database, ("switch", "C", 20, "open"), now=620)  # late: U3 stays out when A closes
    assert {row[2:] for row in ledger(database)} == {("planned", "lightning")}


@pytest.mark.parametrize("said", [Correction(began_at=at(40)), Correction(restored_at=at(9)),
                                  Correction(began_at=at(30), restored_at=at(20))])  # fmt: skip
def test_an_outage_cannot_end_before_it_begins(database: Database, said: Correction) -> None:
    put_people(database)
    happen(database, ("switch", "A", 10, "open"), ("switch", "A", 40, "close"))
    with pytest.raises(InvalidInput, match="end before it begins"), database.transaction() as session:
        correct(session, ALL, ids(database)["A"], said, Act("liu", "a slip", at(610)))


def test_a_false_outage_goes_and_stays_away(database: Database) -> None:
    put_people(database)
    happen(database, ("switch", "A", 10, "open"), ("switch", "A", 40, "close"))
    with database.transaction() as session:
        correct(session, ALL, ids(database)["A"], Correction(cancelled=True), Act("liu", "a test", at(610)))
    happen(database, ("switch", "D", 5, "open"), ("switch", "D", 6, "close"), now=620)
    assert {row[:2] for row in ledger(database)} == {(at(5), at(6))}
    with database.reading() as session:
        assert read_outage(session, ALL, ids(database)["A"], at(700)).outage.status == "cancelled"


def test_merge_and_split(database: Database) -> None:
    put_people(database)
    happen(database, ("switch", "A", 10, "open"), ("switch", "A", 40, "close"), ("switch", "B", 50, "open"),
           ("switch", "B", 60, "close"))  # fmt: skip
    known = ids(database)
    with database.transaction() as session:
        merge(session, ALL, known["A"], [known["B"]], Act("liu", "one storm", at(610)))
    with database.reading() as session:
        whole = read_outage(session, ALL, known["A"], at(620)).outage
        assert (whole.began_at, whole.restored_at, whole.customers_affected) == (at(10), at(60), 3)
        assert read_outage(session, ALL, known["B"], at(620)).outage.status == "cancelled"
    with database.transaction() as session:
        part = split(session, ALL, known["A"], ["U3"], Act("liu", "its own fuse", at(630)))
        with pytest.raises(InvalidInput):
            split(session, ALL, known["A"], ["U5"], Act("liu", "never in it", at(630)))
    before = snapshot(database)["ledger"]
    happen(database, ("switch", "D", 5, "open"), ("switch", "D", 6, "close"), now=640)  # replays all of it
    kept = [row for row in snapshot(database)["ledger"] if row[2] != at(5)]
    assert kept == before
    with database.reading() as session:
        assert read_outage(session, ALL, part, at(700)).outage.customers_affected == 1
        assert read_outage(session, ALL, known["A"], at(700)).outage.customers_affected == 2


def test_signed_outages_are_closed(database: Database) -> None:
    put_people(database)
    happen(database, ("switch", "A", 10, "open"))
    outage, act = ids(database)["A"], Act("liu", "done", at(610))
    with database.transaction() as session, pytest.raises(Conflict):
        review(session, ALL, outage, act, signs=True)  # not restored yet
    happen(database, ("switch", "A", 40, "close"))
    with database.transaction() as session:
        review(session, ALL, outage, act, signs=True)
        with pytest.raises(Conflict):
            correct(session, ALL, outage, Correction(cause_code="x"), act)
        with pytest.raises(NotFound):
            correct(session, ALL, "Onone", Correction(cause_code="x"), act)
        with pytest.raises(Forbidden):
            correct(session, viewer("agent"), outage, Correction(cause_code="x"), act)


def test_a_locked_month_waits_for_its_reopening(database: Database) -> None:
    """A late entry moves the live state at once; the ledger of the locked month follows when it is reopened."""
    put_people(database)
    happen(database, ("switch", "A", 10, "open"), ("switch", "A", 40, "close"))
    with database.transaction() as session:
        lock_month(session, ALL, date(2026, 3, 1), Act("liu", "closed", at(605)))
    before = ledger(database)
    happen(database, ("switch", "D", 20, "open"), ("switch", "A", 30, "close"), now=620)
    assert ledger(database) == before
    shot = snapshot(database)
    assert {row[3] for row in shot["members"] if row[2] == at(10)} == {at(30)}
    with database.reading() as session:
        assert {row.state for row in session.scalars(select(Restatement))} == {"proposed"}
    with database.transaction() as session:
        reopen_month(session, ALL, date(2026, 3, 1), Act("liu", "late report", at(630)))
    run_engine(database, at(640), zone=UTC)
    # the dual-fed usage point is out while both feeders are
    assert {row[:2] for row in ledger(database)} == {(at(10), at(30)), (at(20), None), (at(20), at(30))}


def test_an_expected_restoration_is_shown_until_it_is_back(database: Database) -> None:
    put_people(database)
    happen(database, ("switch", "A", 10, "open"))
    outage, act = ids(database)["A"], Act("liu", "crew", at(610))
    with database.transaction() as session:
        for latest in (700, 660):
            estimate(session, ALL, outage, act, latest_at=at(latest), earliest_at=at(640), source="crew")
        with pytest.raises(InvalidInput):
            estimate(session, ALL, outage, act, latest_at=at(600), earliest_at=None, source="crew")
    with database.reading() as session:
        expected = read_outage(session, ALL, outage, at(620)).outage.estimated_restoration
        assert expected is not None
        assert (expected.earliest, expected.latest, expected.source) == (at(640), at(660), "crew")
    happen(database, ("switch", "A", 630, "close"), now=640)
    with database.reading() as session:
        assert read_outage(session, ALL, outage, at(650)).outage.estimated_restoration is None
    with database.transaction() as session, pytest.raises(Conflict):
        estimate(session, ALL, outage, Act("liu", "crew", at(650)), latest_at=at(700), earliest_at=None, source="crew")
