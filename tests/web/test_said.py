"""Sentences of the wings below come in the reader's language, values and all; none is without words."""

import re
from importlib.metadata import entry_points

import pytest
from babel.messages.pofile import read_po

from cis_power.core.layouts.registry import layouts
from tests.web.browsers import sign_in
from web.catalogues import catalogue_file
from web.labels import LABELS
from web.said import said
from web.sentences import _said_in, sentences

CASES = {
    "account '7' is not known": "没有户号 '7'",
    "the trailer says 2 rows, the file holds 1": "尾行称 2 行，文件实有 1 行",
    "device 1: no answer; device 2: exception 4: device failure": "设备 1：无应答；设备 2：异常码 4：设备故障",
    "rtu1: 3 rows, 2 gaps filled; rtu2: 4 rows, 0 gaps filled": "rtu1：3 行，补齐 2 处缺数；rtu2：4 行，补齐 0 处缺数",
    "5 entries applied, 1 outages written, replayed": "已处理 5 条事件，写入 1 起停电，并重演",
    "5 entries applied, 0 outages written": "已处理 5 条事件，写入 0 起停电",
    "'x; y' is not an amount": "'x; y' 不是金额",
    "something that nobody of us wrote; or did he": "something that nobody of us wrote; or did he",
}


@pytest.mark.parametrize("sentence", CASES)
def test_a_sentence_comes_in_chinese_with_its_values(site, sentence: str) -> None:
    with site.app.test_request_context("/?lang=zh_CN"):
        assert said(sentence) == CASES[sentence]
    with site.app.test_request_context("/?lang=en"):
        assert said(sentence) == sentence


def test_every_sentence_below_has_chinese_words_with_the_same_values() -> None:
    with catalogue_file("zh_CN").open("rb") as file:
        known = {str(one.id): str(one.string) for one in read_po(file, locale="zh_CN") if one.id}
    found = sentences()
    assert len(found) > 200
    missing = {text: file for text, file in found.items() if not known.get(text)}
    assert missing == {}, "run `python -m web.messages` and give them Chinese words"
    for text in found:
        assert set(re.findall(r"\{\d+\}", text)) == set(re.findall(r"\{\d+\}", known[text])), text
        assert re.search(r"[\u4e00-\u9fff]", known[text]), text


def test_new_problems_and_errors_are_collected() -> None:
    import ast

    source = '''
def check(name, odd):
    """Not a docstring."""
    log.warning("not what is logged")
    words = "an odd thing" if odd else f"an even thing {name}"
    yield Problem("odd_thing", words)
    yield "field", "bad_thing", "a bad thing: " + name
    raise NotFound(f"no thing {name!r} at {now:%Y}")
'''
    assert set(_said_in(ast.parse(source), everything=False)) == {
        "an odd thing", "an even thing {0}", "a bad thing: {0}", "no thing {0} at {1}",
    }  # fmt: skip


def test_every_job_and_layout_has_a_name() -> None:
    jobs = {job.name for entry in entry_points(group="cis_power.jobs") for job in entry.load()}
    assert jobs - LABELS["job"].keys() == set()
    assert layouts().keys() - LABELS["layout"].keys() == set()


def test_pages_and_programs_get_the_same_words(site) -> None:
    browser = sign_in(site.app, "engineer-all")
    browser.get("/?lang=zh_CN")
    page = browser.get("/points?limit=0")
    assert page.status_code == 422
    assert "应不小于 1" in page.text
    assert browser.get("/points.json?limit=0").get_json()["problems"][0]["message"] == "应不小于 1"
    assert browser.get("/points.json?limit=0&lang=en").get_json()["problems"][0]["message"].startswith("Input should")
