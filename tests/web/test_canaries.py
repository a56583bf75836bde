"""S2 and S4: no row leaks by territory, no personal field unmasked; ten planted leaks are found."""

import dataclasses
import sys
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, g, request
from sqlalchemy import func, select, text

from cis_power.access import masking
from cis_power.access.permissions import GRANTABLE_ROLES
from cis_power.customers.models import CustomerAccount
from reports import registry
from tests.web.crawl import METHODS
from tests.web.leaks import leaks, visible
from tests.web.utility import EAST, PERSONAL, WEST
from web import errors, formats, paging

PLANTED_ROLES = ("engineer", "billing", "dispatcher", "manager", "agent")


@pytest.mark.parametrize("role", GRANTABLE_ROLES)
def test_nothing_foreign_is_shown_and_nothing_masked_is_full(open_site, values, role):
    both, own = open_site(), open_site(foreign=False)
    assert list(leaks(both.app, own.app, values, [role], METHODS)) == []


def test_the_own_canaries_are_seen_so_that_not_seeing_foreign_ones_means_something(site, values):
    seen = visible(site.app, values, EAST, ("agent", "billing", "engineer"))
    everything = set(EAST.texts())
    assert everything - set().union(*seen.values()) == set()
    assert seen["agent"] >= PERSONAL | {"account_no", "usage_point", "meter_no", "place"}
    assert seen["billing"] >= PERSONAL | {"paid", "billed"}
    assert seen["engineer"] >= {"address", "device", "feeder", "transformer", "point_id", "value", "outage_no"}


def test_whoever_sees_the_whole_utility_sees_the_other_district_too(site, values):
    browser_of = {"agent": "agent-all", "engineer": "engineer-all"}
    for role in browser_of:
        seen = visible_to(site.app, values, browser_of[role])
        assert {"account_no", "usage_point", "address"} <= seen


def visible_to(app: Flask, values: Any, name: str) -> set[str]:
    from tests.web.browsers import sign_in
    from tests.web.crawl import calls, shown

    browser = sign_in(app, name)
    texts = [
        shown(browser.open(call.method, call.path), ())
        for call in calls(app, values, methods=("GET",))
        if call.sort == "foreign"
    ]
    return {field for field, canary in WEST.texts().items() if any(canary in text for text in texts)}


def patch_everywhere(monkeypatch: pytest.MonkeyPatch, original: Any, replacement: Any) -> None:
    """Put a replacement wherever a module holds the original, under whatever name."""
    for module in list(sys.modules.values()):
        for name, value in (
            list(vars(module).items()) if module and module.__name__.startswith(("web", "reports")) else ()
        ):
            if value is original:
                monkeypatch.setattr(module, name, replacement)


def everything_when(app: Flask, wanted: Callable[[], bool]) -> None:
    """Drop the territory of whoever asks, for some requests."""

    def drop() -> None:
        if g.get("viewer") is not None and wanted():
            g.viewer = dataclasses.replace(g.viewer, districts=None)

    app.before_request(drop)


def file_format() -> str | None:
    return (request.view_args or {}).get("file_format")


def all_accounts() -> int:
    """Count without a territory, as a careless line would."""
    from web.shell import reading

    with reading() as session:
        return session.scalar(select(func.count()).select_from(CustomerAccount)) or 0


def leak_in_a_count(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    real = formats.json_list

    def counted(listing: Any) -> Any:
        response = real(listing)
        response.set_data(response.get_data(as_text=True).rstrip()[:-1] + f', "total": {all_accounts()}}}')
        return response

    patch_everywhere(monkeypatch, real, counted)


def leak_in_a_chart(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    real = app.jinja_env.filters["figure_json"]
    app.jinja_env.filters["figure_json"] = lambda figure: real({**figure, "extra": all_accounts()})


def leak_in_xlsx(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    everything_when(app, lambda: file_format() == "xlsx")


def leak_in_an_export(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    everything_when(app, lambda: file_format() == "csv")


def leak_in_search(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    everything_when(app, lambda: bool(request.args.get("q")))


def leak_in_a_report(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    real = registry.build_report

    def careless(session: Any, viewer: Any, *rest: Any) -> Any:
        return real(session, dataclasses.replace(viewer, districts=None), *rest)

    patch_everywhere(monkeypatch, real, careless)


def leak_in_an_error(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    real = errors._of_ours

    def talkative(error: Any) -> Any:
        from web.shell import reading

        asked = next(iter((request.view_args or {}).values()), "")
        tables = (("customer_account", "account_no"), ("outage", "code"), ("point", "point_id"), ("element", "code"))
        with reading() as session:
            known = any(
                session.execute(text(f"SELECT 1 FROM {table} WHERE {column} = :asked"), {"asked": asked}).first()
                for table, column in tables
            )
        if error.status == 404 and known:
            return errors._answer(404, "not_found", "It belongs to another district.")
        return real(error)

    app.register_error_handler(errors.CisError, talkative)


def leak_in_a_filename(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def name(response: Any) -> Any:
        if "Content-Disposition" in response.headers:
            response.headers["Content-Disposition"] = f'attachment; filename="{all_accounts()}-accounts"'
        return response

    app.after_request(name)


def leak_in_a_cursor(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    real = paging.make_cursor
    patch_everywhere(monkeypatch, real, lambda position: real([*(position or []), WEST.account_no]))


def leak_in_a_masked_field(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(masking._INSIDE, "engineer", frozenset(masking.Personal))


PLANTED = (
    leak_in_a_count,
    leak_in_a_chart,
    leak_in_xlsx,
    leak_in_an_export,
    leak_in_search,
    leak_in_a_report,
    leak_in_an_error,
    leak_in_a_filename,
    leak_in_a_cursor,
    leak_in_a_masked_field,
)


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_leak_is_found(open_site, values, monkeypatch, plant):
    both, own = open_site(), open_site(foreign=False)
    for site in (both, own):
        plant(site.app, monkeypatch)
    assert next(leaks(both.app, own.app, values, PLANTED_ROLES), None) is not None
