"""S8, S9, S10, S15 and S16 over HTTP: sessions end, guesses are counted, administrators stay apart, keys are scoped."""

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from cis_power.access.login import BUDGET
from cis_power.access.models import ApiKey, AuditEntry, User
from cis_power.access.viewer import system_viewer
from cis_power.access.writes import add_key, disable_user, revoke_key
from tests.web.browsers import PASSWORD, Browser, sign_in, visit
from web.app import create_app

CLI = system_viewer("tests")
HOME = "/"
API = "/api/v1/customers?q=x"


def session_cookie(browser: Browser) -> str:
    found = browser.client.get_cookie("cis_session")
    assert found
    return found.value


def replay(app, cookie: str) -> Browser:
    """Return a browser that holds a copy of a cookie."""
    browser = Browser(app.test_client())
    browser.client.set_cookie("cis_session", cookie)
    return browser


def is_dead(browser: Browser) -> bool:
    page, api = browser.get(HOME), browser.get(API)
    return (page.status_code, page.headers.get("Location"), api.status_code) == (303, "/login", 401)


def test_signing_in_changes_the_session_and_leads_to_the_wanted_page(site):
    browser = visit(site.app)
    before = session_cookie(browser)
    assert browser.get("/admin/users").status_code == 303
    answer = browser.post("/login", {"username": "secadmin-own", "password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/users")
    after = session_cookie(browser)
    assert before != after
    assert is_dead(replay(site.app, before))
    assert replay(site.app, after).get("/admin/users").status_code == 200


def test_signing_in_again_does_not_go_on_with_the_old_session(site):
    browser = sign_in(site.app, "agent-own")
    first = site.app.session_interface.get_signing_serializer(site.app).loads(session_cookie(browser))["token"]
    browser.post("/login", {"username": "agent-own", "password": PASSWORD})
    second = site.app.session_interface.get_signing_serializer(site.app).loads(session_cookie(browser))["token"]
    assert first != second


@pytest.mark.parametrize("ending", ["logout", "disable", "password"])
def test_a_copied_cookie_is_dead_after_the_end(site, ending):
    for number in range(7):
        name = f"{('agent', 'billing', 'engineer', 'manager', 'dispatcher', 'marketing', 'sysadmin')[number]}-own"
        browser = sign_in(site.app, name)
        cookie = session_cookie(browser)
        assert replay(site.app, cookie).get(HOME).status_code == 200
        if ending == "logout":
            answer = browser.post("/logout")
            assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
        elif ending == "disable":
            with site.database.transaction() as session:
                disable_user(session, CLI, site.app.extensions["cis"].trail, site.at, name=name)
        else:
            secadmin = sign_in(site.app, "secadmin-own")
            answer = secadmin.post(f"/admin/users/{name}/password", {"password": "another horse"})
            assert answer.status_code == 303
        assert is_dead(replay(site.app, cookie))


@pytest.mark.parametrize(
    ("pauses", "alive"), [([29, 29, 29], True), ([30], False), ([29] * 24, True), ([29] * 25, False)]
)
def test_idle_and_absolute_limits(site, pauses, alive):
    moment = [site.at]
    app = create_app(site.database, site.settings, clock=lambda: moment[0])
    browser = sign_in(app, "agent-own")
    for pause in pauses:
        moment[0] += timedelta(minutes=pause)
        last = browser.get(HOME).status_code
    assert (last == 200) is alive


def test_guesses_are_counted_and_every_refusal_reads_alike(site):
    answers = []
    for name in ("agent-own", "no-such-user"):
        browser = visit(site.app)
        for _ in range(BUDGET + 2):
            answer = browser.post("/login", {"username": name, "password": "wrong"})
            answers.append((answer.status_code, re.sub(r'value="[^"]*"|[0-9a-f]{16}', "", answer.text)))
    assert {status for status, _ in answers} == {401}
    assert len(set(answers)) == 1
    browser = visit(site.app)
    assert browser.post("/login", {"username": "agent-own", "password": PASSWORD}).status_code == 401


def test_a_person_on_a_known_browser_gets_in_while_strangers_guess(site):
    known = sign_in(site.app, "agent-own")
    known.post("/logout")
    stranger = visit(site.app)
    for _ in range(BUDGET + 2):
        stranger.post("/login", {"username": "agent-own", "password": "wrong"})
    known.token = None
    page = known.get("/login")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]
    answer = known.post("/login", {"username": "agent-own", "password": PASSWORD, "csrf_token": token})
    assert answer.status_code == 303


@pytest.mark.parametrize("body", [{}, {"username": "agent-own"}, {"username": "x" * 3000, "password": "y"},
                                  {"username": "a\x1fb", "password": "y"}])  # fmt: skip
def test_a_malformed_login_is_refused_like_a_wrong_one(site, body):
    assert visit(site.app).post("/login", body).status_code == 401


def test_the_security_administrator_serves_others_and_never_himself(site):
    browser = sign_in(site.app, "secadmin-own")
    made = browser.post("/admin/users", {"name": "new", "role": "agent", "password": PASSWORD, "districts": "EASTQ"})
    assert made.status_code == 303
    assert sign_in(site.app, "new").get(HOME).status_code == 200
    for path, body in (("grant", {"role": "manager"}), ("disable", {})):
        assert browser.post(f"/admin/users/secadmin-own/{path}", body).status_code == 403
    answer = browser.post("/admin/users/agent-own/grant", {"role": "system"})
    assert answer.status_code == 422
    assert browser.get("/customers").status_code == 403


def test_a_field_that_is_not_in_the_form_changes_nothing(site):
    browser = sign_in(site.app, "secadmin-own")
    browser.post("/admin/users", {
        "name": "new", "role": "agent", "password": PASSWORD, "id": "1", "password_hash": "x", "created_by": "nobody",
        "disabled_at": "2020-01-01",
    })  # fmt: skip
    with site.database.reading() as session:
        user = session.scalars(select(User).where(User.name == "new")).one()
    assert (user.disabled_at, user.created_by.split(":")[0], user.password_hash[:7]) == (None, "user", "$argon2")


@pytest.fixture
def keys(site):
    """Machine keys: a good one, one that ends in a minute, a revoked one."""
    trail = site.app.extensions["cis"].trail
    with site.database.transaction() as session:
        good = add_key(session, CLI, trail, site.at, name="good", role="agent", districts=("EASTQ",))
        ending = add_key(
            session, CLI, trail, site.at, name="ending", role="agent", expires_at=site.at + timedelta(minutes=1)
        )
        revoked = add_key(session, CLI, trail, site.at, name="revoked", role="agent")
        revoke_key(session, CLI, trail, site.at, name="revoked")
    return {"good": good, "ending": ending, "revoked": revoked}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_key_opens_what_its_role_opens_without_cookie_or_token(site, keys, scheme):
    browser = Browser(site.app.test_client(), headers={"Authorization": f"{scheme} {keys['good']}"})
    answer = browser.get(API)
    assert (answer.status_code, answer.headers.getlist("Set-Cookie")) == (200, [])
    assert browser.get("/admin/users").status_code == 403


@pytest.mark.parametrize("used", ["revoked", "hash", "cut", "basic", "empty", "query", "cookie"])
def test_a_key_used_wrongly_is_refused(site, keys, used):
    with site.database.reading() as session:
        stored = session.scalar(select(ApiKey.key_hash).where(ApiKey.name == "good"))
    client = site.app.test_client()
    header = {
        "revoked": f"Bearer {keys['revoked']}", "hash": f"Bearer {stored}", "cut": f"Bearer {keys['good'][:-1]}",
        "basic": f"Basic {keys['good']}", "empty": "Bearer ",
    }.get(used)  # fmt: skip
    if used == "cookie":
        client.set_cookie("cis_session", keys["good"])
    path = f"{API}&key={keys['good']}" if used == "query" else API
    answer = client.get(path, headers={"Authorization": header} if header is not None else {})
    assert answer.status_code == 401
    assert json.loads(answer.data)["status"] == 401


def test_a_key_ends(site, keys):
    moment = [site.at]
    app = create_app(site.database, site.settings, clock=lambda: moment[0])
    browser = Browser(app.test_client(), headers={"Authorization": f"Bearer {keys['ending']}"})
    assert browser.get(API).status_code == 200
    moment[0] += timedelta(minutes=1)
    assert browser.get(API).status_code == 401


def test_metrics_are_for_this_machine_or_a_key(site, keys):
    client = site.app.test_client()
    assert client.get("/metrics").status_code == 200
    away = {"REMOTE_ADDR": "203.0.113.9"}
    assert client.get("/metrics", environ_base=away).status_code == 401
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 401
    with_key = {"Authorization": f"Bearer {keys['good']}"}
    assert b"cis_" in client.get("/metrics", environ_base=away, headers=with_key).data


def test_what_happened_is_in_the_audit_without_names_or_secrets(site, keys):
    browser = sign_in(site.app, "agent-own")
    browser.get("/admin/users")
    browser.post("/logout")
    visit(site.app).post("/login", {"username": "agent-own", "password": "wrong horse"})
    with site.database.reading() as session:
        _, problems = site.app.extensions["cis"].trail.verify(session)
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(4)).all()
    assert problems == []
    assert [(entry.action, entry.outcome) for entry in reversed(entries)] == [
        ("session:self:login", "done"),
        ("access:view:open", "refused"),
        ("session:self:logout", "done"),
        ("session:self:login", "refused"),
    ]
    written = repr([vars(entry) for entry in entries])
    assert not [secret for secret in (PASSWORD, "wrong horse", "agent-own", keys["good"]) if secret in written]


def test_when_the_audit_cannot_be_written_nothing_happens(site):
    browser = sign_in(site.app, "secadmin-own")
    agent = sign_in(site.app, "agent-own")
    anchor = site.settings.run_dir / "audit.anchor"
    anchor.unlink()
    anchor.mkdir()
    answer = browser.post("/admin/users", {"name": "new", "role": "agent", "password": PASSWORD})
    assert answer.status_code == 503
    assert agent.get("/customers.json?q=E7731001").status_code == 503, "personal data unseen is personal data unshown"
    with site.database.reading() as session:
        assert session.scalar(select(User.id).where(User.name == "new")) is None
