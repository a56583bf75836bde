"""S11 and S12: CSRF, headers, host names, limits, hostile text; nothing that is sent makes a 5xx."""

import html
import re

import pytest

from tests.web.browsers import PASSWORD, Browser, sign_in, visit
from tests.web.crawl import calls, routes
from web.app import create_app
from web.gate import OPEN_VIEWS, SAFE_METHODS

HOSTILE = (
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "{{7*7}}", "'; DROP TABLE customer; --", "=1+1",
    "\u202egnp.exe", "${jndi:ldap://x}", "%s%n", "../../etc/passwd", "\r\nX-Evil: 1",
)  # fmt: skip


@pytest.mark.parametrize("token", [None, "", "wrong", "another"])
def test_every_unsafe_request_of_a_browser_needs_its_token(site, values, token):
    browser = sign_in(site.app, "manager-own")
    browser.token = visit(site.app).token if token == "another" else token
    unsafe = {call.rule: call for call in calls(site.app, values) if call.method not in SAFE_METHODS}
    assert unsafe
    for call in unsafe.values():
        answer = browser.open(call.method, call.path, body=call.body)
        assert answer.status_code == 403, call
    assert browser.get("/").status_code == 200, "and nothing was done: the session still lives"
    login = visit(site.app)
    login.token = browser.token
    assert login.post("/login", {"username": "agent-own", "password": PASSWORD}).status_code == 403


def test_every_answer_carries_the_headers(site, values):
    browser = sign_in(site.app, "engineer-own")
    first = {call.rule: call for call in calls(site.app, values, methods=("GET",))}
    for path in (*(call.path for call in first.values()), "/login", "/healthz", "/nowhere", "/api/v1/nowhere"):
        headers = browser.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "no-store" in headers["Cache-Control"], path
        assert re.fullmatch(r"[0-9a-f]{16}", headers["X-Request-ID"])


def test_pages_hold_no_inline_script_style_or_handler(site, values):
    for name in ("engineer-own", "agent-own", "billing-own", "dispatcher-own", "sysadmin-own", "secadmin-own"):
        browser = sign_in(site.app, name)
        for call in {call.rule: call for call in calls(site.app, values, methods=("GET",))}.values():
            answer = browser.get(call.path)
            if answer.mimetype == "text/html":
                page = re.sub(r'<script type="application/json"[^>]*>.*?</script>', "", answer.text, flags=re.DOTALL)
                assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", page), call
                assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page), call
                assert not re.search(r'(?:src|href)="(?:https?:)?//', page), call


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "[::1", "a b"]
)
def test_another_host_name_is_refused_everywhere(site, host):
    browser = Browser(site.app.test_client(), headers={"Host": host})
    for path in ("/", "/login", "/healthz", "/api/v1/customers", "/nowhere"):
        answer = browser.get(path)
        assert answer.status_code == 400
        assert "evil" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080", "CIS.example:443"])
def test_the_machine_itself_and_configured_names_are_answered(site, host):
    app = create_app(site.database, site.settings.model_copy(update={"web_hosts": ("cis.example",)}))
    answer = app.test_client().get("/login", headers={"Host": host})
    assert answer.status_code == 200
    cookies = [*answer.headers.getlist("Set-Cookie")]
    assert cookies
    assert all(("Secure" in cookie) is host.lower().startswith("cis") for cookie in cookies)
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)


def test_a_body_over_the_limit_is_refused(site):
    answer = visit(site.app).post("/login", {"username": "x" * (2 << 20), "password": "y"})
    assert answer.status_code == 413


def test_scripts_come_from_here_for_ever_and_only_under_their_digest(site):
    page = visit(site.app).get("/login").text
    addresses = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)
    assert addresses
    client = site.app.test_client()
    for address in addresses:
        answer = client.get(address)
        assert (answer.status_code, "immutable" in answer.headers["Cache-Control"]) == (200, True)
        assert client.get(re.sub(r"/assets/\w+/", "/assets/0000000000000000/", address)).status_code == 404
    digest = addresses[0].split("/")[2]
    for name in ("plotly/plotly.min.js", "leaflet/leaflet.js", "leaflet/leaflet.css", "leaflet/images/layers.png"):
        assert client.get(f"/assets/{digest}/{name}").status_code == 200
    for name in ("../app.py", "..%2fapp.py", "/etc/passwd", "plotly/../../app.py"):
        assert client.get(f"/assets/{digest}/{name}").status_code in (303, 308, 404)


def test_a_language_is_chosen_and_kept(site):
    browser = visit(site.app)
    assert 'lang="zh-CN"' in browser.get("/login?lang=zh_CN").text
    assert 'lang="zh-CN"' in browser.get("/login").text
    browser.post("/login", {"username": "agent-own", "password": PASSWORD})
    assert 'lang="zh-CN"' in browser.get("/").text
    assert 'lang="en"' in browser.get("/?lang=en").text
    assert browser.get("/?lang=../../x").status_code == 200


def test_hostile_text_is_shown_as_text(site, values):
    for name in ("agent-own", "engineer-own", "secadmin-own"):
        browser = sign_in(site.app, name)
        for rule in {call.rule: call for call in calls(site.app, values, methods=("GET",))}.values():
            for words in HOSTILE:
                answer = browser.client.get(rule.path.split("?")[0], query_string={"q": words, "lang": words})
                assert answer.status_code < 500
                if answer.mimetype == "text/html" and "<" in words:
                    assert words not in answer.text
                assert "X-Evil" not in answer.headers
    assert html.escape("<") == "&lt;"


def test_whatever_is_sent_nothing_breaks(site, values):
    """Every route with own, foreign, missing and malformed values and odd extras, asked by whoever may enter it."""
    extras = (
        "limit=0",
        "limit=x",
        "limit=99999999999999999999",
        "cursor=%00",
        "at=%F0%9F",
        "from=9999-99-99&to=1",
        "q=%ff",
    )
    roles = ("agent", "engineer", "billing", "dispatcher", "secadmin", "auditor", "sysadmin", "manager", "marketing")
    browsers = [sign_in(site.app, f"{role}-all") for role in roles]
    entered: dict[str, Browser] = {}
    for call in calls(site.app, values):
        if call.rule == "/logout":
            continue
        for browser in [entered[call.rule]] if call.rule in entered else browsers:
            answer = browser.open(call.method, call.path, body=call.body)
            assert answer.status_code < 500, f"{call}: {answer.text[:1000]}"
            if answer.status_code != 403:
                break
        if call.rule not in entered and call.method == "GET":
            entered[call.rule] = browser
            for extra in extras:
                path = f"{call.path}{'&' if '?' in call.path else '?'}{extra}"
                answer = browser.get(path)
                assert answer.status_code < 500, f"{path}: {answer.text[:1000]}"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'"x"', b"1e999", b'{"a": "\\ud800"}', b"\xff\xfe", b'{"account_no": {"a": []}}',
     b'{"account_no": "\\u0000"}', b"[" * 5000],
)  # fmt: skip
def test_a_body_that_is_no_proper_json_is_an_error_of_the_sender(site, content):
    browser = sign_in(site.app, "agent-own")
    posts = [rule.rule for rule, method in routes(site.app) if method == "POST" and rule.rule.startswith("/api/")]
    assert posts
    for path in posts:
        headers = {"X-CSRFToken": browser.token, "Content-Type": "application/json"}
        answer = browser.client.post(path, data=content, headers=headers)
        assert 400 <= answer.status_code < 500, answer.text[:500]
        assert answer.mimetype == "application/problem+json"


def test_wrong_methods_and_paths_answer_as_errors(site):
    browser = sign_in(site.app, "agent-own")
    assert browser.get("/nowhere").status_code == 404
    assert browser.get("/api/v1/nowhere").mimetype == "application/problem+json"
    wrong = browser.open("DELETE", "/customers")
    assert (wrong.status_code, "GET" in wrong.headers["Allow"]) == (405, True)
    assert browser.open("TRACE", "/").status_code == 405
    assert browser.get("/customers/%00").status_code == 400


def test_only_the_listed_views_are_open(site):
    served = {rule.endpoint for rule in site.app.url_map.iter_rules()}
    assert served >= OPEN_VIEWS
    assert sorted(OPEN_VIEWS) == [
        "assets.file", "health.healthz", "health.metrics", "health.readyz", "login.form", "login.submit",
    ]  # fmt: skip
    assert not site.app.debug
