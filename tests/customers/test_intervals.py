"""Intervals with open ends, against a set of days."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cis_power.customers.intervals import Interval

ZERO = datetime(2026, 1, 1, tzinfo=UTC)
SPAN = range(-2, 12)


def day(number):
    return ZERO + timedelta(days=number)


def days(interval):
    return {
        number
        for number in SPAN
        if (interval.began_at is None or interval.began_at <= day(number))
        and (interval.ended_at is None or day(number) < interval.ended_at)
    }


ends = st.one_of(st.none(), st.integers(0, 9))


@st.composite
def intervals(draw):
    began, ended = draw(ends), draw(ends)
    if began is not None and ended is not None and ended <= began:
        ended = began + 1
    return Interval(None if began is None else day(began), None if ended is None else day(ended))


@given(intervals(), intervals())
def test_what_is_left_is_the_difference(one, other):
    left = [days(part) for part in one.minus(other)]
    assert set().union(*left) == days(one) - days(other)
    assert sum(map(len, left)) == len(days(one) - days(other))
    assert all(left)
    assert one.overlaps(other) == bool(days(one) & days(other))
