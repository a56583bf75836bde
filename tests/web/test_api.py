"""The API: answers are what its description says, every route is described, calls are kept once."""

import json
from typing import Any

import pytest

from cis_power.access.trail import AuditTrail
from cis_power.access.viewer import system_viewer
from cis_power.access.writes import add_key
from tests.web.browsers import sign_in
from tests.web.utility import EAST, WEST
from web.api import schemas
from web.api.description import PREFIX, description

ANSWERS: list[tuple[str, str, type]] = [
    ("agent", f"/customers?q={EAST.account_no}", schemas.Many[schemas.CustomerLine]),
    ("agent", f"/customers/{EAST.account_no}", schemas.Customer),
    ("agent", f"/customers/{EAST.account_no}/supply", schemas.Supply),
    ("agent", f"/customers/{EAST.account_no}/supply?at=2026-10-01T00:00:00Z", schemas.Supply),
    ("engineer", "/outages?all=1", schemas.Many[schemas.Outage]),
    ("engineer", f"/outages/{EAST.outage_no}", schemas.Outage),
    ("engineer", f"/outages/{EAST.outage_no}/customers", schemas.Many[schemas.OutageCustomer]),
    ("engineer", "/points", schemas.Many[schemas.Point]),
    ("engineer", f"/points/{EAST.point_id}", schemas.Point),
    ("engineer", f"/points/{EAST.point_id}/history?from=2026-01-01&to=2027-01-01", schemas.History),
    ("engineer", "/reports/reliability?from=2026-01-01&to=2027-01-01", schemas.Report),
    ("engineer", "/reports/load?from=2026-03-01&to=2026-03-02&by=usage_point", schemas.Report),
]


@pytest.fixture
def api(site):
    """Ask the API as a role that sees the whole utility."""
    keys: dict[str, str] = {}

    def ask(role: str, path: str, method: str = "GET", body: Any = None, **headers: str) -> Any:
        if role not in keys:
            trail = AuditTrail(site.settings.run_dir)
            with site.database.transaction() as session:
                keys[role] = add_key(session, system_viewer("tests"), trail, site.at, name=f"api-{role}", role=role)
        headers = {"Authorization": f"Bearer {keys[role]}"} | headers
        return site.app.test_client().open(PREFIX + path, method=method, json=body, headers=headers)

    return ask


@pytest.mark.parametrize(("role", "path", "model"), ANSWERS, ids=[path for _, path, _ in ANSWERS])
def test_answers_are_as_described(api, role: str, path: str, model: type) -> None:
    answer = api(role, path)
    assert answer.status_code == 200, answer.text
    model.model_validate_json(answer.text)  # type: ignore[attr-defined]
    if "items" in answer.json and "cursor" not in path:
        assert answer.json["items"], "nothing to compare"


def test_a_list_goes_on_by_its_cursor(api) -> None:
    every = api("engineer", "/points").json
    first = api("engineer", "/points?limit=1").json
    second = api("engineer", f"/points?limit=1000&cursor={first['next']}").json
    assert first["items"] + second["items"] == every["items"]
    assert (every["next"], second["next"]) == (None, None)
    assert api("engineer", "/points?cursor=nonsense").status_code == 422


def test_a_call_is_kept_once(api) -> None:
    body = {"account_no": EAST.account_no, "trouble_code": "no_power", "text": "dark"}
    first = api("agent", "/calls", "POST", body, **{"Idempotency-Key": "k1"})
    again = api("agent", "/calls", "POST", body, **{"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json["id"] == again.json["id"]
    assert first.json["supply"]["usage_points"][0]["usage_point"] == EAST.usage_point
    other = api("agent", "/calls", "POST", body | {"trouble_code": "fire"}, **{"Idempotency-Key": "k1"})
    assert other.status_code == 409
    third = api("agent", "/calls", "POST", body, **{"Idempotency-Key": "k2"})
    assert third.json["id"] != first.json["id"]
    assert third.json["joined_to"] in (first.json["id"], first.json["joined_to"])
    assert api("agent", "/calls", "POST", {"text": "?"}).status_code == 422


def test_a_phone_finds_the_caller_in_any_notation(api) -> None:
    body = {"phone": f"+86 {EAST.phone[:3]}-{EAST.phone[3:7]} {EAST.phone[7:]}"}
    assert api("agent", "/calls", "POST", body).json["account_no"] == EAST.account_no
    event = {"event": "newCall", "from": WEST.phone, "to": "95598", "direction": "in", "callId": "c-1"}
    answer = api("agent", "/cti/events", "POST", event)
    assert answer.status_code == 201
    assert [row["account_no"] for row in answer.json["candidates"]] == [WEST.account_no]
    assert api("agent", "/cti/events", "POST", event | {"event": "ring"}).status_code == 422
    withheld = api("agent", "/cti/events", "POST", event | {"from": "", "to": " ", "queue": ""})
    assert (withheld.status_code, withheld.json["candidates"]) == (201, [])


def test_every_route_of_the_api_is_described(site) -> None:
    with site.app.app_context():
        told = description(site.app)
    served = {
        rule.rule
        for rule in site.app.url_map.iter_rules()
        if rule.rule.startswith(PREFIX) and not rule.endpoint.startswith("api_documents.")
    }
    assert len(told["paths"]) == len(served) >= 12
    text = json.dumps(told)
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in told["components"]["schemas"], name
    assert told["openapi"].startswith("3.1")
    assert {"from", "to"} <= {
        parameter["name"] for parameter in told["paths"]["/api/v1/points/{point_id}/history"]["get"]["parameters"]
    }


def test_an_unchanged_page_is_not_sent_again(site) -> None:
    browser = sign_in(site.app, "engineer-all")
    first = browser.get("/outages")
    assert browser.get("/outages", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert browser.get("/outages?all=1", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200
