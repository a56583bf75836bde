"""Parameters are read whole: everything wrong is named at once."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from cis_power.core.errors import InvalidInput
from reports.parameters import Parameter, choice, read_parameters, whole

ZONE = ZoneInfo("Asia/Shanghai")
BY = (Parameter("by", "grouping", choice("feeder", "district"), "feeder"), Parameter("top", "rows", whole(1, 9)))


def test_dates_are_local_midnights_and_defaults_hold():
    found = read_parameters(BY, {"from": "2026-03-01", "to": "2026-04-01T00:00:00Z"}, ["N"], ZONE)
    assert found.from_at == datetime(2026, 2, 28, 16, tzinfo=UTC)
    assert found.to_at == datetime(2026, 4, 1, tzinfo=UTC)
    assert (found.option("by"), found.option("top")) == ("feeder", None)
    assert found.as_dict() == {
        "from": "2026-03-01T00:00:00+08:00",
        "to": "2026-04-01T08:00:00+08:00",
        "districts": ["N"],
        "by": "feeder",
    }


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({}, ["from", "to"]),
        ({"from": "soon", "to": "2026-01-01", "by": "moon", "top": "99", "x": "1"}, ["from", "by", "top", "x"]),
        ({"from": "2026-01-02", "to": "2026-01-02"}, ["to"]),
        ({"from": "1900-01-01", "to": "2026-01-02", "top": "many"}, ["to", "top"]),
    ],
)
def test_everything_wrong_is_named(given, fields):
    with pytest.raises(InvalidInput) as refused:
        read_parameters(BY, given, [], ZONE)
    assert [problem.field for problem in refused.value.problems] == fields
