"""The roll-up rule on a feeder: breaker 0, recloser 1, fuses 2 and 5, transformers 3, 4, 6, 7 of ten customers."""

import numpy as np
import pytest

from cis_power.outages.prediction.candidates import Candidates
from cis_power.outages.prediction.escalation import Rule, escalate

LO, HI = np.arange(8), np.array([8, 8, 5, 4, 5, 8, 7, 8])
SEATS = np.repeat([3, 4, 6, 7], 10)
FEEDER, _ = Candidates.of(LO, HI, np.full(8, 7), SEATS, np.full(40, 7))
TRANSFORMERS = np.isin(np.arange(8), [3, 4, 6, 7])
EVERYTHING = np.ones(8, bool)


@pytest.mark.parametrize(
    ("callers", "expected"),
    [
        ([], []),
        ([0], []),
        ([0, 1], [3]),
        ([0, 1, 10, 11], [2]),
        ([0, 1, 20, 21], [1]),
        ([0, 1, 10, 11, 20, 21, 30, 31], [1]),
    ],
)
def test_rolls_up(callers: list[int], expected: list[int]) -> None:
    found = escalate(FEEDER, TRANSFORMERS, EVERYTHING, np.array(callers, np.int64))
    assert found.tolist() == expected


def test_a_live_meter_vetoes_what_is_above_it() -> None:
    callers, live = np.array([0, 1, 10, 11, 20, 21]), np.array([35])
    assert escalate(FEEDER, TRANSFORMERS, EVERYTHING, callers, live).tolist() == [2, 6]


def test_what_is_known_to_be_closed_is_passed_over() -> None:
    eligible = EVERYTHING.copy()
    eligible[1] = False
    callers = np.array([0, 1, 20, 21])
    assert escalate(FEEDER, TRANSFORMERS, eligible, callers).tolist() == [3, 6]


def test_a_share_of_few_customers_is_enough() -> None:
    rule = Rule(callers=5, share=0.1)
    assert escalate(FEEDER, TRANSFORMERS, EVERYTHING, np.array([0]), rule=rule).tolist() == [3]
