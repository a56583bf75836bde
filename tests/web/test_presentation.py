"""What is said aloud, drawn and written: pure pieces of the pages."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from flask import Flask

from cis_power.core.quality import Quality
from cis_power.outages.records import Estimate, SupplyPoint
from reports.model import Column, Figure
from web.charts import Curve, curve_figure
from web.labels import LABELS, SEVERITIES, label
from web.presentation import clock_time, duration, evidence_text, figure_json, file_path, heading, number, worded_figure
from web.speech import spoken_answer

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)  # 14:00 in Shanghai
SINCE = datetime(2026, 11, 21, 4, 5, tzinfo=UTC)


@pytest.fixture
def page(site):
    with site.app.test_request_context("/outages?feeder=F1&cursor=x&lang=en"):
        yield


@pytest.fixture
def chinese_page(site):
    with site.app.test_request_context("/?lang=zh_CN"):
        yield


def point(energized: str, reason: str, **more) -> SupplyPoint:
    given = {
        "usage_point": "U", "phases_out": "", "sources_lost": 0, "since": None, "outage_id": None, "cause": None,
        "estimated_restoration": None, "evidence": (), "service_priority": "ordinary",
    } | more  # fmt: skip
    return SupplyPoint(energized=energized, reason=reason, **given)


SINCE_NOON = "supply has been interrupted since 12:05."
NO_CAUSE = "The cause is not known yet."
NO_TIME = "I cannot say yet when supply will be back."
CREW = Estimate(SINCE, NOW, "crew")
PLAN = Estimate(None, NOW, "plan")


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (point("none", "outage", since=SINCE), f"Your {SINCE_NOON} {NO_CAUSE} {NO_TIME}"),
        (
            point("partial", "outage", since=SINCE, cause="tree"),
            f"Part of your {SINCE_NOON} The cause is known: tree. {NO_TIME}",
        ),
        (
            point("none", "planned", since=SINCE, estimated_restoration=PLAN),
            f"Your {SINCE_NOON} The reason is planned work. Supply is expected back by 14:00.",
        ),
        (
            point("none", "outage", estimated_restoration=CREW),
            f"Your supply is interrupted. {NO_CAUSE} Supply is expected back between 12:05 and 14:00.",
        ),
        (point("none", "disconnected"), "This connection is disconnected under its contract; it is not an outage."),
    ],
)
def test_the_answer_is_said_in_plain_sentences(answer: SupplyPoint, said: str) -> None:
    assert spoken_answer(answer, NOW) == said


@pytest.mark.usefixtures("page")
def test_what_is_not_known_is_not_said() -> None:
    assert "cannot see" in spoken_answer(point("unknown", "unknown"), NOW)
    assert "main breaker" in spoken_answer(point("full", "none"), NOW)
    assert "other one" in spoken_answer(point("full", "none", sources_lost=1), NOW)


@pytest.mark.usefixtures("chinese_page")
def test_the_answer_is_said_in_chinese() -> None:
    said = spoken_answer(point("none", "outage", since=SINCE), NOW)
    assert said == "您的供电自 12:05 起中断。原因尚未查明。目前还无法告知恢复供电的时间。"


@pytest.mark.usefixtures("page")
def test_times_spans_and_numbers() -> None:
    assert clock_time(SINCE, NOW) == "12:05"
    assert clock_time(SINCE, datetime(2026, 11, 23, tzinfo=UTC)) == "12:05 on November 21, 2026"
    assert [duration(seconds) for seconds in (None, 3.4, 61, 3725, 90_000)] == [
        "–",
        "3 s",
        "1 min",
        "1 h 2 min",
        "1 d 1 h",
    ]
    assert [number(value) for value in (None, 0, 1234.56)] == ["–", "0", "1,234.6"]
    assert file_path("/outages", "csv") == "/outages.csv?feeder=F1"


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize(
    ("detail", "shown"),
    [
        ("CB-A open (point CB-A.pos)", "CB-A open · CB-A.pos"),
        ("CB-A closed, by user:1", "CB-A closed · by user:1"),
        ("call C12 no_power", "C12 · no power"),
        ("whatever else", "whatever else"),
    ],
)
def test_evidence_is_told_in_the_readers_language(detail: str, shown: str) -> None:
    assert evidence_text(detail) == shown


def test_no_text_ends_the_script_that_holds_a_figure() -> None:
    hostile = {"name": "</script><script>alert(1)</script>&<!--"}
    text = figure_json(hostile)
    assert not set("<>&") & set(text)
    assert json.loads(text) == hostile


def curve(count: int, **odd: Quality) -> Curve:
    at = np.datetime64("2026-01-01T00:00:00") + np.arange(count) * np.timedelta64(60, "s")
    value = np.sin(np.arange(count) / 50.0)
    quality = np.zeros(count, np.uint8)
    for place, code in odd.items():
        quality[int(place[1:])] = code
    return Curve("c", at, value, quality)


@pytest.mark.usefixtures("page")
def test_doubtful_values_are_marked_and_missing_ones_are_a_break() -> None:
    given = curve(5, _1=Quality.STALE, _3=Quality.MISSING)
    given.value[3] = np.nan
    line, marks = curve_figure([given], "A")["data"]
    assert line["y"][3] is None
    assert line["connectgaps"] is False
    assert (len(marks["x"]), marks["text"]) == (1, ["stale"])
    assert line["x"][0] == "2026-01-01T08:00:00", "local time"


@pytest.mark.usefixtures("page")
def test_a_long_curve_is_thinned_but_keeps_its_extremes() -> None:
    given = curve(100_000)
    given.value[77_777] = 9.0
    given.value[55_555] = -9.0
    (line,) = curve_figure([given], "A")["data"]
    assert len(line["y"]) <= 4_000
    assert (max(line["y"]), min(line["y"])) == (9.0, -9.0)
    assert line["x"] == sorted(line["x"])


def test_every_severity_belongs_to_a_named_code() -> None:
    for kind, codes in SEVERITIES.items():
        assert codes.keys() <= LABELS[kind].keys(), kind
    assert label("outage_status", "their own word") == "their own word"


def test_pages_carry_no_script_or_style_of_their_own(site, values) -> None:
    import re

    from tests.web.browsers import sign_in

    browser = sign_in(site.app, "engineer-all")
    assert isinstance(site.app, Flask)
    for path in ("/", "/outages", "/points", "/network", "/reports", "/customers?q=1"):
        text = browser.get(path).text
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text), path
        assert not re.search(r"<script(?![^>]*(src=|application/json))", text), path
        assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", text), path


def test_columns_of_reports_read_as_words(site):
    with site.app.test_request_context("/?lang=en"):
        assert heading(Column("energy_high_kwh", "kWh")) == "energy high"
        assert heading(Column("duration_minutes", "min")) == "duration"
        assert heading(Column("usage_points")) == "usage points"
    with site.app.test_request_context("/?lang=zh_CN"):
        assert heading(Column("load_factor", "fraction")) == "负荷率"


def test_figures_of_reports_are_in_the_language_of_the_page(site):
    layout = {"xaxis": {"title": {"text": "customer minutes"}}, "margin": {"t": 24}}
    figure = Figure("causes", "t", [{"y": ["a fallen tree (planned)"]}, {"y": [1.5, None]}], layout)
    with site.app.test_request_context("/?lang=zh_CN"):
        drawn = worded_figure(figure)
    assert drawn["layout"] == {"xaxis": {"title": {"text": "停电用户分钟"}}, "margin": {"t": 24}}
    assert drawn["data"] == [{"y": ["a fallen tree (计划)"]}, {"y": [1.5, None]}]
