"""When a usage point was served."""

from datetime import UTC, datetime

from cis_power.customers.service_dates import (
    Span,
    Told,
    changed_time_line,
    first_time_line,
    joint_time_line,
    status_at,
)

JAN, MAR, MAY, JUL, NOW = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 3, 5, 7, 11))
ACTIVE = (Span("active", None, None),)


def test_without_dates_it_was_served_always():
    assert first_time_line(Told(None, None, None)) == ACTIVE
    assert first_time_line(Told("active", None, None)) == ACTIVE
    assert first_time_line(Told("disconnected", None, None)) == (Span("disconnected", None, None),)


def test_dates_bound_it():
    assert first_time_line(Told("closed", JAN, MAY)) == (Span("active", JAN, MAY), Span("closed", MAY, None))
    assert first_time_line(Told("active", JAN, None)) == (Span("active", JAN, None),)


def test_the_same_again_changes_nothing():
    for told in (
        Told("active", None, None),
        Told("closed", JAN, MAY),
        Told("closed", None, None),
        Told(None, JAN, None),
    ):
        line = first_time_line(told)
        assert changed_time_line(line, told, NOW) == line


def test_a_new_status_without_a_date_holds_from_now_on():
    assert changed_time_line(ACTIVE, Told("disconnected", None, None), NOW) == (
        Span("active", None, NOW),
        Span("disconnected", NOW, None),
    )


def test_dates_given_later_correct_what_was_said():
    assert changed_time_line(ACTIVE, Told("active", JAN, None), NOW) == (Span("active", JAN, None),)
    closed = changed_time_line(ACTIVE, Told("closed", None, MAY), NOW)
    assert closed == (Span("active", None, MAY), Span("closed", MAY, None))
    assert changed_time_line(closed, Told("closed", None, JUL), NOW) == (
        Span("active", None, JUL),
        Span("closed", JUL, None),
    )


def test_supply_taken_up_again_begins_on_its_day():
    line = first_time_line(Told("closed", JAN, MAR))
    assert changed_time_line(line, Told("active", MAY, None), NOW) == (
        Span("active", JAN, MAR),
        Span("closed", MAR, MAY),
        Span("active", MAY, None),
    )


def test_of_several_accounts_the_best_status_counts():
    line = joint_time_line([Span("active", JAN, MAR), Span("disconnected", MAR, None), Span("active", MAY, JUL)])
    assert line == (
        Span("active", JAN, MAR),
        Span("disconnected", MAR, MAY),
        Span("active", MAY, JUL),
        Span("disconnected", JUL, None),
    )
    assert joint_time_line([Span("closed", None, None)]) == (Span("closed", None, None),)
    assert joint_time_line([Span("active", None, MAR), Span("active", MAY, None)]) == (
        Span("active", None, MAR),
        Span("closed", MAR, MAY),
        Span("active", MAY, None),
    )


def test_the_status_at_an_instant():
    line = first_time_line(Told("closed", JAN, MAY))
    assert status_at(line, MAR) == "active"
    assert status_at(line, MAY) == "closed"
    assert status_at(line, datetime(2025, 1, 1, tzinfo=UTC)) is None
