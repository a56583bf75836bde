"""Loading of transformers out of what is measured on them."""

from math import sqrt

import pytest

from cis_power.core.quality import Quality
from cis_power.telemetry.measured import NOT_MEASURED, Measured, band_of, first, load_of


def value(what: str, number: float | None, quality: Quality = Quality.GOOD, age: float = 5.0) -> Measured:
    return Measured(1, f"P.{what}", what, number, number, "", what, quality, None, None, age)


@pytest.mark.parametrize(
    ("values", "percent", "basis"),
    [
        ([value("apparent_kva", 320)], 80, "apparent"),
        ([value("power_kw", 240), value("reactive_kvar", 180)], 75, "apparent"),
        ([value("power_kw", 200)], 50, "power"),
        ([value("power_kw", -200)], 50, "power"),
        ([value("current_a", 577.35)], 100, "current"),
        ([value("apparent_kva", 320), value("power_kw", 1)], 80, "apparent"),
        ([value("voltage_v", 400)], None, None),
    ],
)
def test_loading_is_of_the_best_that_is_measured(values, percent, basis):
    found = load_of(values, 400, 400)
    assert found.basis == basis
    assert found.percent == (None if percent is None else pytest.approx(percent, rel=1e-4))


def test_without_a_rating_or_a_value_there_is_no_loading():
    assert load_of([value("power_kw", 200)], None, 400).percent is None
    assert load_of([value("power_kw", 200)], None, 400).kw == 200
    assert load_of([], 400, 400) is NOT_MEASURED
    assert load_of([value("power_kw", None, Quality.MISSING)], 400, 400).quality == Quality.MISSING
    assert load_of([value("current_a", 100)], 400, None).percent is None


def test_the_worst_quality_and_age_of_what_went_in_are_those_of_the_load():
    found = load_of([value("power_kw", 300, Quality.STALE, 900), value("reactive_kvar", 400)], 1000, 400)
    assert (found.percent, found.quality, found.age_seconds) == (50, Quality.STALE, 900)
    assert found.kva == sqrt(300**2 + 400**2)


def test_a_bad_value_is_shown_but_not_judged():
    assert load_of([value("power_kw", 500, Quality.BAD)], 400, 400).band == "unknown"
    assert load_of([value("power_kw", 500, Quality.STALE)], 400, 400).band == "over"


def test_the_better_of_two_points_counts():
    assert load_of([value("power_kw", 9, Quality.BAD), value("power_kw", 200)], 400, 400).percent == 50
    assert first([value("voltage_v", 1, Quality.BAD), value("voltage_v", 2)], "voltage_v").value == 2
    assert first([], "voltage_v") is None


def test_bands():
    assert [band_of(percent) for percent in (None, 79.9, 80, 99.9, 100)] == [
        "unknown", "normal", "heavy", "heavy", "over",
    ]  # fmt: skip
