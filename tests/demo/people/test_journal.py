"""What outlives a process of people."""

from datetime import UTC, datetime, timedelta

from cis_power.core.time import utc_now
from cis_power.demo.people.acts import Report
from cis_power.demo.people.journal import Journal

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _report(closed: bool, minute: int = 0) -> Report:
    return Report(AT, "F1-FU01", closed, AT + timedelta(minutes=minute), "crew")


def test_what_was_entered_as_open_stands_until_a_closing_was_entered(tmp_path) -> None:
    file = tmp_path / "journal.json"
    journal = Journal(file)
    journal.note(_report(closed=False), "done")
    journal.note(_report(closed=True), "cancelled")
    journal.keep(["F1-SW1"])
    later = Journal(file)
    assert (later.reported, later.moved) == ({"F1-FU01"}, {"F1-SW1"})
    later.note(_report(closed=True), "done")
    later.keep([])
    assert (Journal(file).reported, Journal(file).moved) == (set(), set())


def test_an_opening_that_was_not_entered_is_nothing_to_take_back(tmp_path) -> None:
    journal = Journal(tmp_path / "journal.json")
    journal.note(_report(closed=False), "cancelled")
    assert journal.reported == set()


def test_a_report_that_was_refused_is_made_again_a_few_times(tmp_path) -> None:
    journal = Journal(tmp_path / "journal.json")
    made = 0
    for _ in range(20):
        journal.note(_report(closed=True), "exit 1: the database does not answer")
        assert journal.again(utc_now()) == []
        made += len(journal.again(utc_now() + timedelta(minutes=1)))
    assert made == 4


def test_a_torn_file_is_as_none(tmp_path) -> None:
    (tmp_path / "journal.json").write_text("{")
    assert Journal(tmp_path / "journal.json").moved == set()
