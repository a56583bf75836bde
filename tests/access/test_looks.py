"""A look goes on while somebody keeps asking; the next one marks what changed since the end of the one before."""

from datetime import UTC, datetime, timedelta

from cis_power.access.looks import AWAY_AFTER, is_to_note, marked_since, note_look
from cis_power.access.models import PageLook, User
from cis_power.access.viewer import Viewer
from cis_power.core.db import Database

START = datetime(2026, 11, 22, 8, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_looks(database: Database) -> None:
    with database.transaction() as session:
        user = User(name="a", role="agent", password_hash="-", password_changed_at=START, created_at=START,
                    created_by="t")  # fmt: skip
        session.add(user)
        session.flush()
        somebody = Viewer("a", "agent", None, "user", user.id)
        assert marked_since(session, somebody, "outages", START) is None, "nothing is new at the first look"
        assert is_to_note(session, somebody, "outages", START)
        note_look(session, somebody, "outages", START)
    with database.transaction() as session:
        assert not is_to_note(session, somebody, "outages", after(5)), "not written down every few seconds"
        note_look(session, somebody, "outages", after(100))
        assert marked_since(session, somebody, "outages", after(110)) == START, "the look goes on"
        away = after(100) + AWAY_AFTER + timedelta(seconds=1)
        assert marked_since(session, somebody, "outages", away) == after(100), "a new look"
        note_look(session, somebody, "outages", away)
        assert marked_since(session, somebody, "outages", away + timedelta(seconds=5)) == after(100), "a reload"
        note_look(session, somebody, "outages", away + timedelta(seconds=10), seen=True)
        seen = away + timedelta(seconds=10)
        assert marked_since(session, somebody, "outages", away + timedelta(seconds=11)) == seen
        assert marked_since(session, somebody, "other page", seen) is None
        machine = Viewer("k", "agent", None, "key", user.id)
        assert not is_to_note(session, machine, "outages", START)
        note_look(session, machine, "outages", START)
        assert session.query(PageLook).count() == 1
