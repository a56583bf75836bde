"""What the security administrator sees first."""

from datetime import timedelta

import pytest

from cis_power.access.login import BUDGET, Attempt, log_in
from cis_power.access.security_reads import security
from cis_power.access.viewer import Viewer, system_viewer
from cis_power.access.writes import add_key, add_user, disable_user
from cis_power.core.errors import Forbidden

SECADMIN = Viewer("s", "secadmin", None, id=99)
PASSWORD = "correct horse"


def attempt(name: str, password: str = "wrong horse", source: str = "192.0.2.1") -> Attempt:
    return Attempt(name, password, source, None)


def test_users_locks_keys_and_failed_sign_ins(database, trail, now) -> None:
    viewer = system_viewer("test")
    with database.transaction() as session:
        for name, role in (("ann", "agent"), ("ben", "agent"), ("eve", "engineer"), ("old", "agent")):
            add_user(session, viewer, trail, now, name=name, role=role, password=PASSWORD)
        disable_user(session, viewer, trail, now, name="old")
        for name, days in (("ended", -1), ("soon", 10), ("later", 100), ("ever", None)):
            ends = None if days is None else now + timedelta(days=days)
            add_key(session, viewer, trail, now - timedelta(days=2), name=name, role="agent", expires_at=ends)
    for _ in range(BUDGET):
        assert log_in(database, trail, attempt("ann"), now) is None
    log_in(database, trail, attempt("nobody", source="192.0.2.7"), now)
    assert log_in(database, trail, attempt("ben", PASSWORD), now) is not None
    with database.reading() as session:
        found = security(session, SECADMIN, now)
        assert (found.users, found.disabled) == ({"agent": 2, "engineer": 1}, 1)
        assert found.locked == ("ann",)
        assert (found.failed, found.failed_unknown, found.sources) == (BUDGET + 1, 1, 2)
        assert found.keys == 3
        assert [(key.key_name, key.ended) for key in found.ending] == [("ended", True), ("soon", False)]
        assert security(session, SECADMIN, now + timedelta(minutes=16)).locked == (), "the window is over"
        with pytest.raises(Forbidden):
            security(session, Viewer("m", "manager", None), now)
