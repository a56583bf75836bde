"""Tables of access: districts, users, keys, sessions, login attempts, audit."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cis_power.core.db import Base


class District(Base):
    """A part of the territory; districts form a tree and a user of a district sees what lies below it."""

    __tablename__ = "district"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"))


class User(Base):
    """A person who may log in, with one role."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    password_hash: Mapped[str] = mapped_column(comment="argon2id")
    password_changed_at: Mapped[datetime]
    language: Mapped[str | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    disabled_at: Mapped[datetime | None]


class UserDistrict(Base):
    """A district of a user; none at all means the whole utility."""

    __tablename__ = "user_district"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"), primary_key=True)


class ApiKey(Base):
    """A machine's key, one role; only its hash is kept."""

    __tablename__ = "api_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    key_hash: Mapped[str] = mapped_column(unique=True, comment="SHA-256 of 256 random bits, hexadecimal")
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class ApiKeyDistrict(Base):
    """A district of a key; none at all means the whole utility."""

    __tablename__ = "api_key_district"

    api_key_id: Mapped[int] = mapped_column(ForeignKey("api_key.id"), primary_key=True)
    district_id: Mapped[int] = mapped_column(ForeignKey("district.id"), primary_key=True)


class WebSession(Base):
    """A person's session in the browser, kept on the server."""

    __tablename__ = "web_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True, comment="SHA-256 of the cookie's token, hexadecimal")
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    source: Mapped[str] = mapped_column(comment="network address")


class LoginAttempt(Base):
    """One attempt to log in, counted before the password is looked at."""

    __tablename__ = "login_attempt"
    __table_args__ = (
        Index("ix_login_attempt_account", "account_hash", "attempted_at"),
        Index("ix_login_attempt_source", "source", "attempted_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_hash: Mapped[str] = mapped_column(comment="SHA-256 of the name given, known or not")
    source: Mapped[str] = mapped_column(comment="network address")
    device_hash: Mapped[str | None] = mapped_column(comment="known device")
    attempted_at: Mapped[datetime]
    evaluated: Mapped[bool]
    succeeded: Mapped[bool] = mapped_column(default=False)


class KnownDevice(Base):
    """A browser from which a user has logged in before; it has an attempt budget of its own."""

    __tablename__ = "known_device"
    __table_args__ = (UniqueConstraint("user_id", "device_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    device_hash: Mapped[str]
    seen_at: Mapped[datetime]


class PageLook(Base):
    """When a user looks at a page that marks what changed since his last look."""

    __tablename__ = "page_look"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    page: Mapped[str] = mapped_column(primary_key=True)
    since_at: Mapped[datetime] = mapped_column(comment="changes behind it are marked")
    looked_at: Mapped[datetime] = mapped_column(comment="last look; after a while without any the next is a new one")


class AuditEntry(Base):
    """One act, chained to the one before it; names only surrogate ids of persons."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_occurred", "occurred_at"),
        Index("ix_audit_entry_action", "action", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="1, 2, 3 … without a hole")
    occurred_at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(comment="user:<id>, key:<id>, cli:<os user> or system:<job>")
    role: Mapped[str]
    action: Mapped[str] = mapped_column(comment="scope:resource:action")
    object_kind: Mapped[str | None]
    object_id: Mapped[str | None] = mapped_column(comment="surrogate id")
    outcome: Mapped[str] = mapped_column(comment="done | refused")
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    previous_hash: Mapped[str]
    entry_hash: Mapped[str] = mapped_column(unique=True, comment="SHA-256 over this entry and the previous hash")
