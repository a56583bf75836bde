"""Work in a process of its own: its answer, its refusal, its death."""

import os

import pytest

from cis_power.core.errors import CisError, Conflict, InvalidInput, Problem
from cis_power.demo.aside import aside


def test_the_answer_comes_back_and_nothing_else_stays() -> None:
    kept: list[int] = []

    def work() -> tuple[int, list[int]]:
        kept.append(1)
        return os.getpid(), kept

    pid, found = aside(work)
    assert pid != os.getpid()
    assert found == [1]
    assert kept == []


def _refuse(error: CisError) -> None:
    raise error


def test_a_refusal_comes_back_with_its_words_and_problems() -> None:
    with pytest.raises(Conflict, match="somebody else's"):
        aside(lambda: _refuse(Conflict("somebody else's")))
    with pytest.raises(InvalidInput) as refused:
        aside(lambda: _refuse(InvalidInput("wrong", [Problem("code", "message", field="x")])))
    assert [problem.field for problem in refused.value.problems] == ["x"]


def test_a_death_is_an_end_with_an_error() -> None:
    with pytest.raises(SystemExit) as ended:
        aside(lambda: os._exit(9))  # type: ignore[return-value]
    assert ended.value.code == 1
