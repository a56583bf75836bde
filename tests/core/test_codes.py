"""Quality and phases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis_power.core.errors import InvalidInput, Problem
from cis_power.core.phases import ALL_PHASES, format_phases, parse_phases
from cis_power.core.quality import Quality


def test_the_worst_quality_wins() -> None:
    assert max(Quality.GOOD, Quality.STALE, Quality.SUBSTITUTED) is Quality.STALE
    assert [quality for quality in Quality if quality.decides] == [Quality.GOOD, Quality.SUBSTITUTED]


@given(st.integers(0, ALL_PHASES))
def test_phases_read_back(mask: int) -> None:
    assert parse_phases(format_phases(mask)) == mask


@pytest.mark.parametrize(("text", "mask"), [("abc", 7), ("A.C", 5), ("BN", 2), ("", 0), ("s1", None), ("ABCD", None)])
def test_phases(text: str, mask: int | None) -> None:
    if mask is None:
        with pytest.raises(ValueError, match="use the letters"):
            parse_phases(text)
    else:
        assert parse_phases(text) == mask


def test_a_problem_names_its_place() -> None:
    problem = Problem("bad_number", "'x' is not a number", file="a.csv", line=3, field="value")
    assert str(problem) == "a.csv:3: error [value] bad_number: 'x' is not a number"
    assert InvalidInput("refused", [problem]).problems == (problem,)
    assert problem.as_dict()["severity"] == "error"
