"""People and machines as the web meets them: users of every role in a territory, signed in through the form."""

import re
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cis_power.access.permissions import GRANTABLE_ROLES
from cis_power.access.trail import AuditTrail
from cis_power.access.viewer import system_viewer
from cis_power.access.writes import add_key, add_user
from cis_power.core.config import Settings
from cis_power.core.db import Database
from cis_power.core.time import utc_now

PASSWORD = "correct horse"
NOBODY = "nobody"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def add_people(database: Database, settings: Settings, district: str) -> None:
    """Add one user and one key a role who see a district, and one of each who see the whole utility."""
    viewer, trail, now = system_viewer("tests"), AuditTrail(settings.run_dir), utc_now()
    with database.transaction() as session:
        for role in GRANTABLE_ROLES:
            for where, districts in (("own", (district,)), ("all", ())):
                name = f"{role}-{where}"
                add_user(session, viewer, trail, now, name=name, role=role, password=PASSWORD, districts=districts)
                add_key(session, viewer, trail, now, name=name, role=role, districts=districts)


@dataclass
class Browser:
    """One person's browser; it sends the form's token with every unsafe request unless told otherwise."""

    client: FlaskClient
    token: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.open("GET", path, **options)

    def post(self, path: str, body: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        return self.open("POST", path, body=body, **options)

    def open(self, method: str, path: str, *, body: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        headers = {**self.headers, **options.pop("headers", {})}
        if method not in ("GET", "HEAD", "OPTIONS"):
            if self.token:
                headers.setdefault("X-CSRFToken", self.token)
            if path.startswith("/api/"):
                options["json"] = body or {}
            else:
                options["data"] = body or {}
        return self.client.open(path, method=method, headers=headers, **options)


def visit(app: Flask) -> Browser:
    """Open a browser for somebody who has not signed in."""
    browser = Browser(app.test_client())
    browser.token = token_of(browser.get("/login"))
    return browser


def sign_in(app: Flask, name: str, password: str = PASSWORD) -> Browser:
    """Sign in through the form."""
    browser = visit(app)
    answer = browser.post("/login", {"username": name, "password": password})
    assert answer.status_code == 303, answer.text
    browser.token = token_of(browser.get("/login"))
    return browser


def token_of(page: TestResponse) -> str:
    """Return the CSRF token in a page's form."""
    found = _TOKEN.search(page.text)
    assert found, f"no token in {page.status_code} {page.text[:300]}"
    return found.group(1)
