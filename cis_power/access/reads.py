"""Who a session or a key is, and what administrators see of users, keys and the audit."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cis_power.access.models import ApiKey, ApiKeyDistrict, AuditEntry, District, User, UserDistrict
from cis_power.access.viewer import Viewer
from cis_power.core.errors import InvalidInput, NotFound, Problem


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user as the security administrator sees him."""

    user_id: int
    user_name: str
    role: str
    districts: tuple[str, ...]
    created_at: datetime
    created_by: str
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A machine key, without the key."""

    key_id: int
    key_name: str
    role: str
    districts: tuple[str, ...]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry of the audit trail."""

    number: int
    occurred_at: datetime
    actor: str
    role: str
    action: str
    object_kind: str | None
    object_id: str | None
    outcome: str
    detail: Mapping[str, Any]


def districts_below(session: Session, roots: Collection[int]) -> frozenset[int]:
    """Return the keys of some districts and of everything that lies below them."""
    below: dict[int | None, list[int]] = defaultdict(list)
    for district_id, parent_id in session.execute(select(District.id, District.parent_id)):
        below[parent_id].append(district_id)
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        district_id = waiting.pop()
        if district_id not in found:
            found.add(district_id)
            waiting.extend(below[district_id])
    return frozenset(found)


def district_ids(session: Session, codes: Iterable[str]) -> frozenset[int]:
    """Return the keys of districts given by code. Raises InvalidInput naming every unknown one."""
    codes = list(codes)
    rows = session.execute(select(District.code, District.id).where(District.code.in_(codes)))
    known: dict[str, int] = {row.code: row.id for row in rows}
    unknown = [code for code in codes if code not in known]
    if unknown:
        raise InvalidInput(
            "unknown district",
            [Problem("unknown_district", f"there is no district {code}", field="district") for code in unknown],
        )
    return frozenset(known.values())


def in_district(session: Session, viewer: Viewer, code: str) -> Viewer:
    """Return the viewer with his territory narrowed to a district; to nothing if the code is unknown or foreign."""
    root = session.scalar(select(District.id).where(District.code == code))
    below = frozenset() if root is None else districts_below(session, [root])
    return replace(viewer, districts=below if viewer.districts is None else below & viewer.districts)


def viewer_of_user(session: Session, user: User) -> Viewer:
    """Return the viewer that a user is: his role, and his districts with all that lies below them."""
    own = session.scalars(select(UserDistrict.district_id).where(UserDistrict.user_id == user.id)).all()
    return Viewer(user.name, user.role, districts_below(session, own) if own else None, "user", user.id)


def viewer_of_key(session: Session, key: ApiKey) -> Viewer:
    """Return the viewer that a machine key is."""
    own = session.scalars(select(ApiKeyDistrict.district_id).where(ApiKeyDistrict.api_key_id == key.id)).all()
    return Viewer(key.name, key.role, districts_below(session, own) if own else None, "key", key.id)


def user_named(session: Session, name: str) -> User:
    """Return a user. Raises NotFound."""
    user = session.scalar(select(User).where(User.name == name))
    if user is None:
        raise NotFound(f"there is no user {name}")
    return user


def list_users(session: Session, viewer: Viewer) -> list[UserRow]:
    """Return all users by name."""
    viewer.require("access:user:read")
    codes = _codes(session, UserDistrict.user_id, UserDistrict.district_id)
    users = session.scalars(select(User).order_by(User.name))
    return [
        UserRow(user.id, user.name, user.role, codes[user.id], user.created_at, user.created_by, user.disabled_at)
        for user in users
    ]


def list_keys(session: Session, viewer: Viewer) -> list[KeyRow]:
    """Return all machine keys by name."""
    viewer.require("access:key:read")
    codes = _codes(session, ApiKeyDistrict.api_key_id, ApiKeyDistrict.district_id)
    keys = session.scalars(select(ApiKey).order_by(ApiKey.name))
    return [
        KeyRow(
            key.id,
            key.name,
            key.role,
            codes[key.id],
            key.created_at,
            key.created_by,
            key.expires_at,
            key.revoked_at,
            key.last_used_at,
        )
        for key in keys
    ]


def list_audit(
    session: Session, viewer: Viewer, *, before: int | None = None, limit: int = 100, action: str | None = None,
    outcome: str | None = None,
) -> list[AuditRow]:  # fmt: skip
    """Return entries of the audit, newest first, those numbered below `before`, of one action or outcome."""
    viewer.require("access:audit:read")
    entries = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if action is not None:
        entries = entries.where(AuditEntry.action == action)
    if outcome is not None:
        entries = entries.where(AuditEntry.outcome == outcome)
    if before is not None:
        entries = entries.where(AuditEntry.id < before)
    return [
        AuditRow(
            entry.id,
            entry.occurred_at,
            entry.actor,
            entry.role,
            entry.action,
            entry.object_kind,
            entry.object_id,
            entry.outcome,
            entry.detail,
        )
        for entry in session.scalars(entries)
    ]


def count_acts(session: Session, viewer: Viewer, action: str, *, since: datetime) -> int:
    """Count what a viewer himself did of one kind since an instant."""
    own = select(func.count()).select_from(AuditEntry)
    own = own.where(AuditEntry.actor == viewer.actor, AuditEntry.action == action, AuditEntry.occurred_at >= since)
    return session.scalar(own) or 0


def actor_names(session: Session, actors: Collection[str]) -> dict[str, str]:
    """Return what to call those who recorded something: a user's or key's name; others stand for themselves."""
    names = {actor: actor for actor in actors}
    for kind, model in (("user", User), ("key", ApiKey)):
        keys = [int(actor.partition(":")[2]) for actor in actors if re.fullmatch(rf"{kind}:\d{{1,18}}", actor)]
        if keys:
            found = session.execute(select(model.id, model.name).where(model.id.in_(keys)))
            names.update({f"{kind}:{key}": name for key, name in found})
    return names


def _codes(session: Session, owner: Any, district: Any) -> defaultdict[int, tuple[str, ...]]:
    codes: defaultdict[int, tuple[str, ...]] = defaultdict(tuple)
    pairs = select(owner, District.code).join(District, District.id == district).order_by(District.code)
    for owner_id, code in session.execute(pairs):
        codes[owner_id] += (code,)
    return codes
