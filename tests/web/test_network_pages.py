"""Pages of engineers: what they say of the two-district utility, and how large they are."""

import json
import re

import numpy as np
import pytest

from tests.web.browsers import sign_in
from tests.web.utility import EAST, SHARED
from web.load_chart import SLOT_SECONDS, quarter_hours


@pytest.fixture
def engineer(site):
    return sign_in(site.app, "engineer-own")


def test_the_feeder_page_draws_each_device_once_and_says_the_same_in_its_table(engineer):
    page = engineer.get(f"/network/{EAST.feeder}").text
    drawing = re.search(r"<svg.*?</svg>", page, re.DOTALL)[0]
    titles = re.findall(r"<title>(.*?)</title><use", drawing)
    assert [title.split(" · ")[0] for title in titles] == [EAST.device, EAST.transformer]
    assert "open, not normal" in titles[0]
    assert "without supply" in titles[1]
    table = page[page.index("<tbody>") :]
    assert table.count(f'data-key="{EAST.device}"') == table.count(f'data-key="{EAST.transformer}"') == 1
    assert "not normal" in table
    assert "without supply" in table


def test_the_map_has_the_same_devices(engineer):
    page = engineer.get(f"/network/{EAST.feeder}").text
    data = json.loads(re.search(r"data-map-data>(.*?)</script>", page, re.DOTALL)[1])
    assert {mark[2] for mark in data["marks"]} == {EAST.device, EAST.transformer}
    words = {mark[2]: data["words"][mark[3]] for mark in data["marks"]}
    assert words[EAST.transformer][:2] == ["✕", "alarm"]
    assert words[EAST.device][0] == "□"


def test_an_unchanged_feeder_page_is_not_sent_again(engineer):
    first = engineer.get(f"/network/{EAST.feeder}")
    again = engineer.get(f"/network/{EAST.feeder}", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_the_transformer_page_leads_to_its_customers_and_its_outage(engineer):
    page = engineer.get(f"/transformers/{EAST.transformer}").text
    assert "2 out now" in page
    assert EAST.device in page
    assert re.search(r'href="/outages/[^"]+"', page)
    customers = engineer.get(f"/transformers/{EAST.transformer}/customers.json").get_json()["items"]
    assert {row["account_no"] for row in customers} == {EAST.account_no, EAST.important_account}
    assert all(row["name"] != EAST.name for row in customers)  # an engineer sees no names


def test_customers_of_a_transformer_come_in_pages(engineer):
    path = f"/transformers/{EAST.transformer}/customers.json?limit=1"
    first = engineer.get(path).get_json()
    second = engineer.get(f"{path}&cursor={first['next']}").get_json()
    assert second["next"] is None
    assert first["items"][0]["account_no"] != second["items"][0]["account_no"]


def test_transformers_by_loading_say_what_is_not_measured(engineer):
    rows = engineer.get("/transformers.json").get_json()["items"]
    assert [row["transformer"] for row in rows] == [EAST.transformer, SHARED["border_transformer"]]
    assert {row["loading"] for row in rows} == {"unknown"}
    assert engineer.get("/transformers.json?loading=heavy").get_json()["items"] == []
    assert len(engineer.get("/transformers.json?loading=unknown&limit=1").get_json()["items"]) == 1
    assert "Nothing fits" in engineer.get("/transformers?feeder=none").text


def test_a_substation_tells_its_feeders_with_load_and_who_is_out(engineer):
    (row,) = engineer.get("/substations.json").get_json()["items"]
    assert (row["substation"], row["feeders"], row["out_now"], row["breakers_open"]) == (EAST.substation, 2, 2, 1)
    feeders = {row["feeder"]: row for row in engineer.get(f"/substations/{EAST.substation}.json").get_json()["items"]}
    assert (feeders[EAST.feeder]["breaker"], feeders[EAST.feeder]["position"]) == (EAST.device, "open")
    assert feeders[EAST.feeder]["current_a"] == float(EAST.value)
    assert feeders[EAST.feeder]["usage_points"] == 2


def test_the_administrator_sees_sources_and_the_spool(site):
    browser = sign_in(site.app, "sysadmin-all")
    page = browser.get("/admin/sources").text
    assert "rtu1" in page
    assert "Batches that wait" in page
    assert browser.get("/admin/gaps.json?state=all").status_code == 200


def test_quarter_hours_keep_the_largest_value_and_its_quality():
    seconds = np.array([0.0, 60, 120, SLOT_SECONDS, SLOT_SECONDS + 1])
    value = np.array([1.0, 5, np.nan, np.nan, np.nan])
    at, top, quality = quarter_hours(seconds, value, np.array([0, 2, 5, 5, 5], np.uint8))
    assert at.astype("datetime64[s]").astype(int).tolist() == [0, SLOT_SECONDS]
    assert top[0] == 5
    assert np.isnan(top[1])
    assert quality.tolist() == [2, 5]
