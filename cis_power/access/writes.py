"""Changes of users and machine keys. Each checks the right, changes, and audits in the caller's transaction."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from cis_power.access.models import ApiKey, ApiKeyDistrict, User, UserDistrict, WebSession
from cis_power.access.passwords import hash_password
from cis_power.access.permissions import GRANTABLE_ROLES
from cis_power.access.reads import district_ids, user_named
from cis_power.access.tokens import new_token, token_hash
from cis_power.access.trail import AuditTrail
from cis_power.access.viewer import Viewer
from cis_power.core.errors import Conflict, Forbidden, InvalidInput, NotFound, Problem

KEY_PREFIX = "cis_"
_NAME_LENGTH = 64


def add_user(
    session: Session,
    viewer: Viewer,
    trail: AuditTrail,
    now: datetime,
    *,
    name: str,
    role: str,
    password: str,
    districts: Collection[str] = (),
) -> int:
    """Create a user and return his key. Districts are codes; none means the whole utility.

    Raises InvalidInput for a wrong name, role, district or password, Conflict for a name that is taken.
    """
    viewer.require("access:user:write")
    _check_grant(name, role)
    found = district_ids(session, districts)
    if session.scalar(select(User.id).where(User.name == name)) is not None:
        raise Conflict(f"there is a user {name} already")
    user = User(
        name=name,
        role=role,
        password_hash=hash_password(name, password),
        password_changed_at=now,
        created_at=now,
        created_by=viewer.actor,
    )
    session.add(user)
    session.flush()
    session.add_all(UserDistrict(user_id=user.id, district_id=district_id) for district_id in found)
    detail = {"role": role, "districts": sorted(found)}
    trail.append(session, viewer, "access:user:add", now, object_kind="user", object_id=user.id, detail=detail)
    return user.id


def grant(
    session: Session,
    viewer: Viewer,
    trail: AuditTrail,
    now: datetime,
    *,
    name: str,
    role: str,
    districts: Collection[str] = (),
) -> None:
    """Give a user another role and other districts, and end his sessions. Nobody grants to himself."""
    viewer.require("access:user:write")
    _check_grant(name, role)
    user = user_named(session, name)
    _refuse_self(viewer, user)
    found = district_ids(session, districts)
    user.role = role
    session.execute(delete(UserDistrict).where(UserDistrict.user_id == user.id))
    session.add_all(UserDistrict(user_id=user.id, district_id=district_id) for district_id in found)
    end_sessions(session, user.id, now)
    detail = {"role": role, "districts": sorted(found)}
    trail.append(session, viewer, "access:user:grant", now, object_kind="user", object_id=user.id, detail=detail)


def change_password(
    session: Session, viewer: Viewer, trail: AuditTrail, now: datetime, *, name: str, password: str
) -> None:
    """Set a user's password and end his sessions. A person may set his own; others' need the right."""
    user = user_named(session, name)
    if viewer.kind != "user" or viewer.id != user.id:
        viewer.require("access:user:write")
    user.password_hash = hash_password(name, password)
    user.password_changed_at = now
    end_sessions(session, user.id, now)
    trail.append(session, viewer, "access:user:password", now, object_kind="user", object_id=user.id)


def disable_user(session: Session, viewer: Viewer, trail: AuditTrail, now: datetime, *, name: str) -> None:
    """Disable a user and end his sessions; his row stays, because the audit points at it."""
    viewer.require("access:user:write")
    user = user_named(session, name)
    _refuse_self(viewer, user)
    if user.disabled_at is None:
        user.disabled_at = now
        end_sessions(session, user.id, now)
        trail.append(session, viewer, "access:user:disable", now, object_kind="user", object_id=user.id)


def end_sessions(session: Session, user_id: int, now: datetime) -> None:
    """End every session of a user, wherever it is open."""
    session.execute(
        update(WebSession).where(WebSession.user_id == user_id, WebSession.ended_at.is_(None)).values(ended_at=now)
    )


def add_key(
    session: Session,
    viewer: Viewer,
    trail: AuditTrail,
    now: datetime,
    *,
    name: str,
    role: str,
    districts: Collection[str] = (),
    expires_at: datetime | None = None,
) -> str:
    """Issue a machine key and return it: the only time that it can be seen. Raises like `add_user`."""
    viewer.require("access:key:write")
    _check_grant(name, role)
    if expires_at is not None and expires_at <= now:
        raise InvalidInput("the key is refused", [Problem("expired", "it would be expired at once", field="expires")])
    found = district_ids(session, districts)
    if session.scalar(select(ApiKey.id).where(ApiKey.name == name)) is not None:
        raise Conflict(f"there is a key {name} already")
    key = new_token(KEY_PREFIX)
    row = ApiKey(
        name=name, role=role, key_hash=token_hash(key), created_at=now, created_by=viewer.actor, expires_at=expires_at
    )
    session.add(row)
    session.flush()
    session.add_all(ApiKeyDistrict(api_key_id=row.id, district_id=district_id) for district_id in found)
    detail = {"role": role, "districts": sorted(found)}
    trail.append(session, viewer, "access:key:add", now, object_kind="key", object_id=row.id, detail=detail)
    return key


def revoke_key(session: Session, viewer: Viewer, trail: AuditTrail, now: datetime, *, name: str) -> None:
    """Revoke a machine key for good. Raises NotFound."""
    viewer.require("access:key:write")
    key = session.scalar(select(ApiKey).where(ApiKey.name == name))
    if key is None:
        raise NotFound(f"there is no key {name}")
    if key.revoked_at is None:
        key.revoked_at = now
        trail.append(session, viewer, "access:key:revoke", now, object_kind="key", object_id=key.id)


def _check_grant(name: str, role: str) -> None:
    problems = []
    if not name.strip() or name != name.strip() or len(name) > _NAME_LENGTH or not name.isprintable():
        message = f"a name has 1 to {_NAME_LENGTH} visible characters and no blank at its ends"
        problems.append(Problem("wrong_name", message, field="name"))
    if role not in GRANTABLE_ROLES:
        problems.append(Problem("unknown_role", f"a role is one of {', '.join(GRANTABLE_ROLES)}", field="role"))
    if problems:
        raise InvalidInput("the account is refused", problems)


def _refuse_self(viewer: Viewer, user: User) -> None:
    if viewer.kind == "user" and viewer.id == user.id:
        raise Forbidden("nobody changes his own rights")
