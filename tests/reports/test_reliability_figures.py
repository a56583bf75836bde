"""Indices: the worked cases of the standards, the rules one by one, and plain sums over random ledgers."""

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.reliability.dlt836 import user_figures
from reports.reliability.indices import (
    Served,
    customers_with_interruptions,
    customers_with_long_interruptions,
    indices,
)
from reports.reliability.major_events import threshold
from reports.reliability.spells import OPEN, UNNAMED, spells
from tests.reports.ledgers import rows, worked_case

YEAR_MINUTES = 8760 * 60
NOW = 10**7


def classified(*given, now=NOW, threshold_seconds=300):
    return spells(rows(*given), now, threshold_seconds)


@pytest.mark.parametrize("named", [True, False])
def test_worked_case_of_ieee_1366(named):
    found = indices(spells(worked_case(named), NOW, 300), Served(2000, 4000, YEAR_MINUTES))
    assert found.saifi == 1.6075
    assert found.saidi == pytest.approx(86.113, abs=5e-4)
    assert found.caidi == pytest.approx(53.569, abs=1e-3)  # 53.5696…, printed as 53.569
    assert found.asai == pytest.approx(0.999836, abs=5e-7)
    assert found.maifi == 1.2
    assert found.maifie == 1.2
    assert found.asifi == 2.11875
    assert found.asidi == pytest.approx(140.19, abs=5e-3)
    if named:
        assert found.ctaidi == pytest.approx(95.68, abs=5e-3)
        assert found.caifi == pytest.approx(1.786, abs=5e-4)
    else:
        assert found.ctaidi is None
        assert found.caifi is None


def test_worked_case_of_the_major_event_threshold():
    found = threshold(np.array([0, 0, 0, math.e**-2, math.e**-1, 1, math.e, math.e**2]), years=5)
    assert found.days == 5
    assert found.alpha == pytest.approx(0, abs=1e-12)
    assert found.beta == pytest.approx(1.58114, abs=5e-6)
    assert found.minutes == pytest.approx(52.083, abs=5e-4)
    assert not found.provisional
    assert threshold(np.array([0.0, 3.0]), years=1).minutes is None


def test_worked_case_of_dl_t_836():
    given = classified(
        {"customers": 20, "began": 0, "restored": 3 * 3600}, {"customers": 5, "began": 0, "restored": 1800}
    )
    found = user_figures(given, users=500, period_hours=720)
    assert found.user_hours == 62.5
    assert found.aihc == 0.125
    assert found.aitc == 0.05
    assert found.rs == pytest.approx(0.999826, abs=5e-7)


def test_exactly_five_minutes_is_momentary():
    found = indices(classified({"restored": 300}, {"restored": 301}), Served(10, 1, 1000))
    assert (found.saifi, found.maifi) == (0.1, 0.1)


def test_each_step_has_its_own_duration_and_a_customer_counts_once():
    """Customer 1 comes back after 10 min, is taken out again by the same outage for 20; customer 2 waits 60 min."""
    given = classified(
        {"outage": 1, "usage_point": 1, "began": 0, "restored": 600},
        {"outage": 1, "usage_point": 1, "began": 1200, "restored": 2400},
        {"outage": 1, "usage_point": 2, "began": 0, "restored": 3600},
    )
    found = indices(given, Served(100, 1, 1000))
    assert found.saifi == 0.02
    assert found.saidi == pytest.approx(0.9)


def test_rows_of_one_interruption_that_touch_are_one():
    given = classified(
        {"outage": 1, "usage_point": 1, "began": 0, "restored": 200, "kva": 5.0},
        {"outage": 1, "usage_point": 1, "began": 200, "restored": 400, "kva": 5.0},
    )
    assert given.sustained.tolist() == [True]
    assert given.seconds.tolist() == [400.0]
    assert indices(given, Served(1, 10, 1000)).asifi == 0.5


def test_an_open_interruption_counts_in_frequency_only():
    long, short = {"usage_point": 1, "began": NOW - 301}, {"usage_point": 2, "began": NOW - 300}
    given = classified(long, short)
    assert given.open.tolist() == [True, True]
    found = indices(given, Served(10, 1, 1000))
    assert (found.saifi, found.saidi, found.maifi) == (0.1, 0.0, 0.0)


def test_operations_within_five_minutes_are_one_event():
    given = classified(
        {"usage_point": 1, "began": 0, "restored": 20},
        {"usage_point": 1, "began": 300, "restored": 310},  # within five minutes of the first
        {"usage_point": 1, "began": 600, "restored": 610},  # of the second only: an event of its own
    )
    found = indices(given, Served(1, 1, 1000))
    assert (found.maifi, found.maifie) == (3.0, 2.0)


def test_operations_before_a_lockout_are_no_event():
    given = classified(
        {"usage_point": 1, "began": 0, "restored": 20, "operations": 2},
        {"usage_point": 1, "began": 60, "restored": 4000},
        {"usage_point": 2, "began": 0, "restored": 20, "operations": 2},
    )
    found = indices(given, Served(1, 1, 1000))
    assert (found.maifi, found.maifie, found.saifi) == (4.0, 1.0, 1.0)


def test_rows_of_one_event_number_are_one_event():
    given = classified(
        {"usage_point": 1, "began": 0, "restored": 20, "event": 7},
        {"usage_point": 1, "began": 900, "restored": 920, "event": 7},
        {"customers": 50, "began": 0, "restored": 20, "event": 7},
        {"customers": 40, "began": 60, "restored": 80, "event": 7},
        {"customers": 5, "began": 0, "restored": 20},
        {"customers": 5, "began": 0, "restored": 20},
    )
    found = indices(given, Served(1, 1, 1000))
    assert (found.maifi, found.maifie) == (102.0, 61.0)


def test_customers_with_many_and_long_interruptions():
    hour = 3600
    given = classified(
        {"usage_point": 1, "began": 0, "restored": hour},
        {"usage_point": 1, "began": 10 * hour, "restored": 12 * hour},
        {"usage_point": 1, "began": 30 * hour, "restored": 30 * hour + 30},
        {"usage_point": 2, "began": 0, "restored": 2 * hour},
        {"usage_point": UNNAMED, "customers": 9, "began": 0, "restored": 9 * hour},
    )
    assert customers_with_interruptions(given, (1, 2, 3)) == {1: 2, 2: 1, 3: 0}
    assert customers_with_interruptions(given, (1, 2, 3), momentary=True) == {1: 2, 2: 1, 3: 1}
    assert customers_with_long_interruptions(given, (2, 3), total=False) == {2: 2, 3: 0}
    assert customers_with_long_interruptions(given, (2, 3), total=True) == {2: 2, 3: 1}


def test_nothing_served_is_unknown_and_not_zero():
    assert indices(classified({"restored": 900}), Served(0, 0, 1000)).saidi is None
    assert indices(classified(), Served(5, 5, 1000)).caidi is None


intervals = st.tuples(
    st.integers(1, 4),  # usage point
    st.integers(0, 20),  # beginning, in steps of 700 s: intervals of one customer do not touch
    st.integers(1, 600),  # seconds
    st.floats(0.5, 50),  # kVA
)


@given(st.lists(intervals, unique_by=lambda row: row[:2], max_size=40))
def test_indices_are_plain_sums_over_the_customers(drawn):
    given = classified(
        *(
            {"usage_point": point, "began": at * 700, "restored": at * 700 + seconds, "kva": kva}
            for point, at, seconds, kva in drawn
        )
    )
    found = indices(given, Served(20, 100, 1000))
    long = [row for row in drawn if row[2] > 300]
    by_customer = defaultdict(float)
    for point, _, seconds, _ in long:
        by_customer[point] += seconds / 60
    assert found.saifi == pytest.approx(len(long) / 20)
    assert found.saidi == pytest.approx(sum(by_customer.values()) / 20)
    assert found.asai == pytest.approx(1 - sum(by_customer.values()) / 20_000)
    assert found.maifi == pytest.approx((len(drawn) - len(long)) / 20)
    assert found.asidi == pytest.approx(sum(kva * seconds / 60 for _, _, seconds, kva in long) / 100)
    if by_customer:
        assert found.ctaidi == pytest.approx(sum(by_customer.values()) / len(by_customer))
        assert found.caidi == pytest.approx(found.saidi / found.saifi)
    assert found.maifie <= found.maifi


@given(st.lists(intervals, unique_by=lambda row: row[:2], max_size=40), st.randoms())
def test_the_order_of_rows_does_not_matter(drawn, random):
    given = [
        {"usage_point": point, "outage": at, "began": at * 250, "restored": OPEN if kva > 49 else at * 250 + seconds}
        for point, at, seconds, kva in drawn
    ]
    mixed = list(given)
    random.shuffle(mixed)
    assert indices(classified(*given), Served(20, 1, 1000)) == indices(classified(*mixed), Served(20, 1, 1000))
