"""S1: every route × method × role answers what the committed table says; what is not in the table fails.

`pytest tests/web/test_routes.py --write-routes` writes the table anew; read its difference before committing it.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from cis_power.access.permissions import GRANTABLE_ROLES, ROLES
from cis_power.core.entries import load_items
from reports.registry import reports
from tests.web.browsers import NOBODY, Browser, sign_in, visit
from tests.web.crawl import Call, calls, routes
from web.gate import declared_access

TABLE = Path(__file__).with_name("routes.csv")
ROLES_AND_NOBODY = (NOBODY, *GRANTABLE_ROLES)
Row = tuple[str, str, str]  # what, method, role


def committed() -> dict[Row, str]:
    """Return the committed table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {(row["what"], row["method"], row["role"]): row["answer"] for row in csv.DictReader(file)}


def declared_items() -> Iterator[tuple[Row, str]]:
    """Yield what each role may do with every report, layout and export that is registered."""
    for role in GRANTABLE_ROLES:
        for name, report in reports().items():
            yield (f"report {name}", "", role), _word(report.permission in ROLES[role])
        for layout in load_items("cis_power.layouts"):
            yield (f"layout {layout.name}", "", role), _word("exchange:file:import" in ROLES[role])


def _word(allowed: bool) -> str:
    return "open" if allowed else "403"


def answer_of(browser: Browser, call: Call, role: str) -> str:
    """Return the class of an answer: `login`, `401`, `403`, or `open` for whatever the view itself says."""
    answer = browser.open(call.method, call.path, body=call.body)
    assert answer.status_code < 500, f"{call}: {answer.status_code} {answer.text[:500]}"
    to_login = answer.status_code == 303 and answer.headers["Location"] == "/login"
    if to_login and (role == NOBODY or call.rule != "/logout"):
        return "login"
    return str(answer.status_code) if answer.status_code in (401, 403) else "open"


def first_calls(app: Flask, values: object) -> dict[tuple[str, str], Call]:
    """Return one call with own values for every route and method."""
    found: dict[tuple[str, str], Call] = {}
    for call in calls(app, values):  # type: ignore[arg-type]
        found.setdefault((call.rule, call.method), call)
    return found


def measured(open_site, values) -> dict[Row, str]:
    """Return what the application answers, each role on a copy of its own."""
    table: dict[Row, str] = dict(declared_items())
    for role in ROLES_AND_NOBODY:
        app = open_site().app
        # Signing out comes last: nothing can be asked after it.
        for (rule, method), call in sorted(first_calls(app, values).items(), key=lambda item: item[0][0] == "/logout"):
            browser = visit(app) if role == NOBODY else sign_in(app, f"{role}-own")
            table[rule, method, role] = answer_of(browser, call, role)
    return table


def test_every_route_method_and_role_is_in_the_table_and_answers_so(open_site, values, pytestconfig):
    found = measured(open_site, values)
    if pytestconfig.getoption("--write-routes"):
        write_table(found)
    expected = committed()
    assert found.keys() - expected.keys() == set(), "not in routes.csv: declare what each role gets there"
    assert expected.keys() - found.keys() == set(), "in routes.csv, but no longer served"
    assert {row: (expected[row], answer) for row, answer in found.items() if expected[row] != answer} == {}


def test_nothing_is_open_to_nobody(values):
    assert {
        row: answer for row, answer in committed().items() if row[2] == NOBODY and answer not in ("login", "401")
    } == {}


def test_every_view_declares_its_access(site):
    undeclared = {rule.rule for rule, _ in routes(site.app) if declared_access(site.app, rule.endpoint) is None}
    assert undeclared == set()


def test_a_planted_view_without_a_declaration_is_closed_and_fails_the_table(open_site, values):
    app = open_site().app
    app.add_url_rule("/planted", "planted", lambda: "secret")
    app.add_url_rule("/planted/<account_no:account_no>", "planted_too", lambda account_no: "secret", methods=["POST"])
    for role in GRANTABLE_ROLES:
        browser = sign_in(app, f"{role}-all")
        for method, path in (("GET", "/planted"), ("POST", "/planted/1")):
            answer = browser.open(method, path)
            assert (answer.status_code, "secret" in answer.text) == (403, False)
    assert {rule for rule, _ in first_calls(app, values)} - {row[0] for row in committed()} == {
        "/planted",
        "/planted/<account_no:account_no>",
    }


def test_a_planted_parameter_of_no_kind_fails(open_site, values):
    app = open_site().app
    app.add_url_rule("/planted/<secret>", "planted", lambda secret: secret)
    with pytest.raises((LookupError, AttributeError)):
        list(calls(app, values))


@pytest.mark.parametrize("group", ["cis_power.reports", "cis_power.layouts"])
def test_a_planted_report_or_layout_fails_the_table(group, monkeypatch):
    known = {row for row, _ in declared_items()}
    assert known <= committed().keys()
    planted = type("Planted", (), {"name": "planted", "permission": "reports:load:read"})()
    if group == "cis_power.reports":
        monkeypatch.setitem(reports(), "planted", planted)
    else:
        items = load_items(group)
        monkeypatch.setattr("tests.web.test_routes.load_items", lambda _group: [*items, planted])
    assert {row[0].split()[1] for row, _ in declared_items() if row not in committed()} == {"planted"}


def write_table(found: dict[Row, str]) -> None:
    """Write the committed table."""
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("what", "method", "role", "answer"))
        writer.writerows((*row, answer) for row, answer in sorted(found.items()))
