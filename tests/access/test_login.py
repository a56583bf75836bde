"""Guessing passwords (S10): five a name, source and window are looked at; the person still gets in."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from cis_power.access import login
from cis_power.access.login import BUDGET, SOURCE_BUDGET, WINDOW, Attempt, log_in
from cis_power.access.models import AuditEntry, KnownDevice, WebSession
from cis_power.access.sessions import viewer_of_session
from cis_power.access.viewer import system_viewer
from cis_power.access.writes import add_user, disable_user

PASSWORD = "correct horse"
EVIL, HOME = "203.0.113.9", "198.51.100.1"


@pytest.fixture
def ann(database, trail, now):
    with database.transaction() as session:
        add_user(session, system_viewer("test"), trail, now, name="ann", role="agent", password=PASSWORD)
    return database


@pytest.fixture
def evaluated(monkeypatch):
    """Count the passwords that are really looked at, by their hash."""
    counted = Counter()
    real = login.verify_password

    def verify(password_hash, password):
        counted["known" if password_hash else "unknown"] += 1
        return real(password_hash, password)

    monkeypatch.setattr(login, "verify_password", verify)
    return counted


def attempt(database, trail, now, name="ann", password="wrong", source=EVIL, device=None):
    return log_in(database, trail, Attempt(name, password, source, device), now)


@pytest.mark.parametrize("name", ["ann", "nobody"])
def test_known_and_unknown_names_are_counted_and_answered_alike(ann, trail, now, evaluated, name):
    for number in range(40):
        assert attempt(ann, trail, now + timedelta(seconds=number), name) is None
    assert evaluated.total() == BUDGET
    assert attempt(ann, trail, now + timedelta(seconds=41), name, PASSWORD) is None, "the budget is spent"
    assert evaluated.total() == BUDGET


def test_the_person_gets_in_from_elsewhere_and_on_a_known_browser_from_the_same_place(ann, trail, now):
    welcome = attempt(ann, trail, now, password=PASSWORD)
    for number in range(BUDGET + 3):
        attempt(ann, trail, now + timedelta(seconds=number))
    assert attempt(ann, trail, now + timedelta(seconds=60), password=PASSWORD) is None
    assert attempt(ann, trail, now + timedelta(seconds=61), password=PASSWORD, source=HOME)
    assert attempt(ann, trail, now + timedelta(seconds=62), password=PASSWORD, device=welcome.device)


def test_a_known_browser_has_a_budget_too_and_none_for_other_names(ann, trail, now, evaluated):
    welcome = attempt(ann, trail, now, password=PASSWORD)
    evaluated.clear()
    for _ in range(20):
        attempt(ann, trail, now, device=welcome.device)
    assert evaluated.total() == BUDGET
    for _ in range(20):
        attempt(ann, trail, now, name="bob", device=welcome.device)
    assert evaluated["unknown"] == BUDGET


def test_the_window_passes(ann, trail, now):
    for _ in range(BUDGET):
        attempt(ann, trail, now)
    assert attempt(ann, trail, now + WINDOW - timedelta(seconds=1), password=PASSWORD) is None
    assert attempt(ann, trail, now + WINDOW, password=PASSWORD)


def test_one_source_cannot_try_one_password_on_every_name(ann, trail, now, evaluated):
    for number in range(SOURCE_BUDGET + 20):
        attempt(ann, trail, now, name=f"user{number}")
    assert evaluated.total() == SOURCE_BUDGET
    assert attempt(ann, trail, now, password=PASSWORD, source=HOME)


def test_guesses_at_the_same_time_do_not_slip_through(ann, trail, now, evaluated):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: attempt(ann, trail, now), range(40)))
    assert evaluated.total() == BUDGET


def test_right_logins_are_never_counted_against_anybody(ann, trail, now):
    assert all(attempt(ann, trail, now, password=PASSWORD) for _ in range(BUDGET + 5))


def test_a_login_opens_a_new_session_and_is_audited_with_its_source(ann, trail, now):
    first, second = (attempt(ann, trail, now, password=PASSWORD) for _ in range(2))
    assert first.session_token != second.session_token
    attempt(ann, trail, now)
    with ann.reading() as session:
        assert viewer_of_session(session, first.session_token, now).name == "ann"
        hashes = session.scalars(select(WebSession.token_hash)).all()
        devices = session.scalars(select(KnownDevice.device_hash)).all()
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "session:self:login")).all()
    assert first.session_token not in hashes
    assert first.device not in devices
    assert [(entry.actor, entry.outcome, entry.detail) for entry in entries] == [
        ("user:1", "done", {"source": EVIL}),
        ("user:1", "done", {"source": EVIL}),
        ("system:login", "refused", {"source": EVIL}),
    ]


def test_a_disabled_user_is_nobody(ann, trail, now):
    with ann.transaction() as session:
        disable_user(session, system_viewer("test"), trail, now, name="ann")
    assert attempt(ann, trail, now, password=PASSWORD) is None
