"""Users and keys: created, granted, revoked; the security administrator serves others, never himself (S8, S15)."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from cis_power.access.login import Attempt, log_in
from cis_power.access.models import ApiKey, AuditEntry, District, User
from cis_power.access.reads import list_audit, list_keys, list_users
from cis_power.access.sessions import viewer_of_bearer, viewer_of_session
from cis_power.access.viewer import Viewer, system_viewer
from cis_power.access.writes import add_key, add_user, change_password, disable_user, grant, revoke_key
from cis_power.core.errors import Conflict, Forbidden, InvalidInput, NotFound

CLI = system_viewer("root", kind="cli")
PASSWORD = "correct horse"


@pytest.fixture
def districts(database):
    with database.transaction() as session:
        session.add(District(id=1, code="EAST", name="East", parent_id=None))
        session.add(District(id=2, code="WEST", name="West", parent_id=None))
        session.flush()
        session.add(District(id=3, code="EAST-1", name="Inner east", parent_id=1))
    return database


@pytest.fixture
def act(districts, trail, now):
    """Call a write in a transaction of its own."""

    def call(write, viewer=CLI, **values):
        with districts.transaction() as session:
            return write(session, viewer, trail, now, **values)

    return call


def logged_in(database, trail, now, name, password=PASSWORD):
    welcome = log_in(database, trail, Attempt(name, password, "127.0.0.1", None), now)
    return welcome and welcome.session_token


def session_viewer(database, token, now):
    with database.reading() as session:
        return viewer_of_session(session, token, now)


def test_a_user_sees_his_districts_and_what_lies_below(districts, act, trail, now):
    act(add_user, name="ann", role="agent", password=PASSWORD, districts=("EAST",))
    act(add_user, name="bob", role="manager", password=PASSWORD)
    act(add_user, name="cleo", role="agent", password=PASSWORD, districts=("EAST-1", "WEST"))
    territory = {
        name: session_viewer(districts, logged_in(districts, trail, now, name), now).districts
        for name in ("ann", "bob", "cleo")
    }
    assert territory == {"ann": {1, 3}, "bob": None, "cleo": {2, 3}}


def test_a_wrong_account_is_refused_with_every_reason(act):
    with pytest.raises(InvalidInput) as refused:
        act(add_user, name=" ", role="king", password=PASSWORD)
    assert {problem.code for problem in refused.value.problems} == {"wrong_name", "unknown_role"}
    with pytest.raises(InvalidInput) as refused:
        act(add_user, name="ann", role="agent", password=PASSWORD, districts=("EAST", "NORTH", "SOUTH"))
    assert [problem.message for problem in refused.value.problems] == [
        "there is no district NORTH",
        "there is no district SOUTH",
    ]
    act(add_user, name="ann", role="agent", password=PASSWORD)
    with pytest.raises(Conflict):
        act(add_user, name="ann", role="agent", password=PASSWORD)


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaa", "Security-Officer", "x" * 257])
def test_a_password_that_would_be_guessed_is_refused(act, password):
    with pytest.raises(InvalidInput, match="password"):
        act(add_user, name="security-officer", role="agent", password=password)


def test_the_system_role_cannot_be_given(act):
    with pytest.raises(InvalidInput):
        act(add_user, name="ann", role="system", password=PASSWORD)
    with pytest.raises(InvalidInput):
        act(add_key, name="machine", role="system")


def test_the_security_administrator_grants_to_others_never_to_himself(districts, act):
    own_id = act(add_user, name="sec", role="secadmin", password=PASSWORD)
    act(add_user, name="ann", role="agent", password=PASSWORD)
    sec = Viewer("sec", "secadmin", None, "user", own_id)
    act(grant, sec, name="ann", role="engineer", districts=("WEST",))
    for write, values in ((grant, {"role": "manager"}), (disable_user, {})):
        with pytest.raises(Forbidden, match="his own"):
            act(write, sec, name="sec", **values)
    with districts.reading() as session:
        assert [(row.user_name, row.role, row.districts) for row in list_users(session, sec)] == [
            ("ann", "engineer", ("WEST",)),
            ("sec", "secadmin", ()),
        ]
        with pytest.raises(Forbidden):
            list_audit(session, sec)


@pytest.mark.parametrize("role", ["agent", "manager", "sysadmin", "auditor"])
def test_nobody_else_touches_accounts(districts, act, role):
    act(add_user, name="ann", role="agent", password=PASSWORD)
    viewer = Viewer("other", role, None, "user", 99)
    values = {"name": "ann", "role": "agent", "password": "another horse"}
    for write, keys in (
        (add_user, "name role password"), (grant, "name role"), (change_password, "name password"),
        (disable_user, "name"), (add_key, "name role"), (revoke_key, "name"),
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            act(write, viewer, **{key: values[key] for key in keys.split()})
    with districts.reading() as session:
        for read in (list_users, list_keys):
            with pytest.raises(Forbidden):
                read(session, viewer)


@pytest.mark.parametrize("ending", ["disable", "password", "grant", "idle", "absolute"])
def test_a_session_ends(districts, act, trail, now, ending):
    user_id = act(add_user, name="ann", role="agent", password=PASSWORD)
    token = logged_in(districts, trail, now, "ann")
    assert session_viewer(districts, token, now + timedelta(minutes=29)).id == user_id
    later = now + timedelta(minutes=1)
    if ending == "disable":
        act(disable_user, name="ann")
        assert logged_in(districts, trail, now, "ann") is None
    elif ending == "password":
        own = Viewer("ann", "agent", None, "user", user_id)
        act(change_password, own, name="ann", password="another horse")
        assert logged_in(districts, trail, now, "ann", "another horse")
    elif ending == "grant":
        act(grant, name="ann", role="engineer")
    else:
        later = now + {"idle": timedelta(minutes=30), "absolute": timedelta(hours=12)}[ending]
    assert session_viewer(districts, token, later) is None


def test_a_key_is_shown_once_and_kept_as_a_hash(districts, act, now):
    key = act(add_key, name="meter-hub", role="billing", districts=("EAST",))
    with districts.reading() as session:
        row = session.scalars(select(ApiKey)).one()
        viewer = viewer_of_bearer(session, key, now)
    assert key not in repr(vars(row))
    assert (viewer.actor, viewer.role, viewer.districts) == (f"key:{row.id}", "billing", {1, 3})


@pytest.mark.parametrize("wrong", ["expired", "revoked", "unknown", "cut", "hash", "empty"])
def test_a_key_used_wrongly_is_nobody(districts, act, now, wrong):
    key = act(add_key, name="machine", role="billing", expires_at=now + timedelta(days=1))
    with districts.reading() as session:
        stored = session.scalar(select(ApiKey.key_hash))
    if wrong == "revoked":
        act(revoke_key, name="machine")
    used = {"unknown": "cis_" + "A" * 43, "cut": key[:-1], "hash": stored, "empty": ""}.get(wrong, key)
    later = now + timedelta(days=1 if wrong == "expired" else 0)
    with districts.reading() as session:
        assert viewer_of_bearer(session, used, later) is None
        if wrong not in ("revoked", "expired"):
            assert viewer_of_bearer(session, key, later)


def test_keys_that_would_be_dead_doubled_or_unknown_are_refused(act, now):
    with pytest.raises(InvalidInput):
        act(add_key, name="machine", role="billing", expires_at=now)
    act(add_key, name="machine", role="billing")
    with pytest.raises(Conflict):
        act(add_key, name="machine", role="billing")
    with pytest.raises(NotFound):
        act(revoke_key, name="other")


def test_every_change_is_audited_by_surrogates_without_secrets(districts, act, trail, now):
    user_id = act(add_user, name="ann", role="agent", password=PASSWORD, districts=("EAST",))
    act(change_password, name="ann", password="another horse")
    act(grant, name="ann", role="manager")
    key = act(add_key, name="machine", role="billing")
    act(revoke_key, name="machine")
    act(disable_user, name="ann")
    with districts.reading() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        hashes = session.scalars(select(User.password_hash)).all()
    assert [(entry.action, entry.object_kind, entry.object_id) for entry in entries] == [
        ("access:user:add", "user", str(user_id)),
        ("access:user:password", "user", str(user_id)),
        ("access:user:grant", "user", str(user_id)),
        ("access:key:add", "key", "1"),
        ("access:key:revoke", "key", "1"),
        ("access:user:disable", "user", str(user_id)),
    ]
    written = repr([vars(entry) for entry in entries])
    assert not [secret for secret in (PASSWORD, "another horse", key, *hashes, "ann", "machine") if secret in written]
