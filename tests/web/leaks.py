"""What must never be seen, sought in everything that the application answers. No view is named here.

Four rules, each over every call of every route:

- a text or number of the foreign district is shown to nobody whose territory is the own one (call-taking apart);
- a personal field that a role sees masked is shown to it nowhere;
- the answer with the foreign district's business loaded equals the answer without (declared totals apart);
- a foreign id and a missing id are answered alike (call-taking apart).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from flask import Flask
from werkzeug.test import TestResponse

from cis_power.access.permissions import GRANTABLE_ROLES, ROLES
from tests.web.browsers import Browser, sign_in
from tests.web.crawl import Call, Values, calls, shown
from tests.web.utility import EAST, PERSONAL, WEST, District
from web.gate import declared_access

ADMINISTRATORS = frozenset({"sysadmin", "secadmin", "auditor"})
KNOWN_TO_ADMINISTRATORS = {
    "sysadmin": frozenset(),
    "secadmin": frozenset({"district", "district_name"}),  # whoever grants districts knows them
    "auditor": frozenset({"device"}),  # the audit says which switch somebody entered
}
MASKED: dict[str, frozenset[str]] = {
    "engineer": PERSONAL - {"address"},
    "dispatcher": PERSONAL - {"address", "phone", "important_phone"},  # the one called, the other is important
    "marketing": PERSONAL,
    "manager": PERSONAL,
}
CALL_TAKING = frozenset({
    "account_no", "usage_point", "meter_no", "place", "transformer", "device", "device_name", "feeder", "substation",
    "node", "rated", "point_id", "district", "district_name", "outage_no", "cause", "important_account",
    "important_usage_point",
})  # fmt: skip
CALL_TAKING_PERMISSIONS = frozenset({
    "customers:place:find", "customers:record:read", "customers:supply:read", "outages:call:read", "outages:call:write",
})  # fmt: skip
_DECLARED_TOTAL = re.compile(r'"customers_(affected|out)_total": \d+')


def leaks(
    both: Flask, own: Flask, values: Values, roles: Iterable[str], methods: Iterable[str] = ("GET",)
) -> Iterator[str]:
    """Yield every breach of the four rules, for users of the own district."""
    for role in roles:
        yield from _leaks_of(role, both, own, values, methods)


def _leaks_of(role: str, both: Flask, own: Flask, values: Values, methods: Iterable[str]) -> Iterator[str]:
    with_foreign, without = sign_in(both, f"{role}-own"), sign_in(own, f"{role}-own")
    answered: dict[str, dict[str, dict[str, Call]]] = defaultdict(lambda: defaultdict(dict))
    for call in sorted(calls(both, values, methods), key=lambda call: call.method != "GET"):
        if call.sort == "malformed" or call.rule == "/logout":
            continue
        answer = _open(with_foreign, call)
        if answer.status_code >= 500:
            yield f"{role}: {call}: breaks: {answer.text[:300]}"
            continue
        yield from (f"{role}: {call}: {words}" for words in _seen(role, both, call, answer))
        if call.method == "GET" and call.sort == "own" and not _about_everything(role, both, call):
            other = _open(without, call)
            if _comparable(answer, call) != _comparable(other, call):
                yield f"{role}: {call}: differs with the foreign district: {_difference(answer, other, call)}"
        excepted = _call_taking(role, both, call) or _about_everything(role, both, call)
        if call.sort in ("foreign", "missing") and not excepted:
            answered[call.key][call.sort][_comparable(answer, call)] = call
    for found in answered.values():
        for text, call in found["foreign"].items():
            if found["missing"] and text not in found["missing"]:
                yield f"{role}: {call}: a foreign id is not answered like a missing one"


def _open(browser: Browser, call: Call) -> TestResponse:
    return browser.open(call.method, call.path, body=call.body)


def _seen(role: str, app: Flask, call: Call, answer: TestResponse) -> Iterator[str]:
    text = shown(answer, call.texts)
    for field in _hidden(role, app, call):
        if WEST.texts()[field] in text:
            yield f"shows the foreign {field}"
    for field in () if _unmasks(app, call) else _masked(role):
        if EAST.texts()[field] in text:
            yield f"shows {field} unmasked"


def _hidden(role: str, app: Flask, call: Call) -> frozenset[str]:
    """Return the foreign fields that a call must not show."""
    everything = frozenset(WEST.texts())
    if role in ADMINISTRATORS:
        return everything - KNOWN_TO_ADMINISTRATORS[role]
    return everything - CALL_TAKING if _call_taking(role, app, call) and call.sort == "foreign" else everything


def _masked(role: str) -> frozenset[str]:
    """Return the own fields that a role must not see."""
    if role in ADMINISTRATORS:
        return frozenset(EAST.texts()) - KNOWN_TO_ADMINISTRATORS[role]
    return MASKED.get(role, frozenset())


def _call_taking(role: str, app: Flask, call: Call) -> bool:
    """Say whether the declared exception holds: a role that may find any supply point, on a view about one."""
    declared = declared_access(app, call.endpoint)
    return (
        "customers:place:find" in ROLES[role]
        and declared is not None
        and bool(declared.permissions & CALL_TAKING_PERMISSIONS)
    )


def _unmasks(app: Flask, call: Call) -> bool:
    """Say whether a view is the logged act of unmasking."""
    declared = declared_access(app, call.endpoint)
    return declared is not None and declared.permissions == {"customers:personal:unmask"}


def _about_everything(role: str, app: Flask, call: Call) -> bool:
    """Say whether a view is about the installation and not about a territory: its users, its audit, its jobs.

    The start page of an administrator is: it sums up what his own pages say.
    """
    declared = declared_access(app, call.endpoint)
    scopes = ("access", "system", "session") if role in ADMINISTRATORS else ("access", "system")
    return declared is not None and all(name.split(":")[0] in scopes for name in declared.permissions)


def _comparable(answer: TestResponse, call: Call) -> str:
    return f"{answer.status_code}\n" + _DECLARED_TOTAL.sub("", shown(answer, call.asked))


def _difference(answer: TestResponse, other: TestResponse, call: Call) -> str:
    here, there = (set(_comparable(one, call).splitlines()) for one in (answer, other))
    return f"{sorted(here - there)[:5]} instead of {sorted(there - here)[:5]}"


def visible(app: Flask, values: Values, own: District, roles: Iterable[str] = GRANTABLE_ROLES) -> dict[str, set[str]]:
    """Return which canaries of a district each role meets anywhere, asking for its own."""
    found: dict[str, set[str]] = {}
    for role in roles:
        browser = sign_in(app, f"{role}-own")
        texts = [shown(_open(browser, call), call.texts) for call in calls(app, values, methods=("GET",))
                 if call.sort == "own"]  # fmt: skip
        found[role] = {field for field, canary in own.texts().items() if any(canary in text for text in texts)}
    return found
