"""Logging in: attempts are counted before a password is looked at, and the answer never says why.

Of one name, source and window at most `BUDGET` wrong passwords are evaluated. A browser that has logged in before under
that name has a budget of its own, so that strangers' guesses do not lock the person out.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from cis_power.access.models import KnownDevice, LoginAttempt, User
from cis_power.access.passwords import verify_password
from cis_power.access.sessions import open_session
from cis_power.access.tokens import new_token, token_hash
from cis_power.access.trail import AuditTrail
from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.db import Database
from cis_power.core.db.serial import one_at_a_time

BUDGET = 5
SOURCE_BUDGET = 100  # wrong passwords of one source under any names
WINDOW = timedelta(minutes=15)
KEPT = timedelta(days=1)
DEVICE_KNOWN_FOR = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a browser sent; `device` is the mark that it was given at an earlier login."""

    name: str
    password: str
    source: str
    device: str | None


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a browser gets after a right password."""

    user_id: int
    session_token: str
    device: str


def log_in(database: Database, trail: AuditTrail, attempt: Attempt, now: datetime) -> Welcome | None:
    """Evaluate one attempt, if its budget allows; None for every kind of failure."""
    with database.transaction() as session:
        attempt_id, user_id, password_hash = _admit(session, attempt, now)
    if attempt_id is None:
        return None
    right = verify_password(password_hash, attempt.password)
    with database.transaction() as session:
        user = session.get(User, user_id) if right and user_id is not None else None
        if user is None or user.disabled_at is not None or user.password_hash != password_hash:
            detail = {"source": attempt.source}
            trail.append(
                session,
                system_viewer("login"),
                "session:self:login",
                now,
                object_kind="user",
                object_id=user_id,
                outcome="refused",
                detail=detail,
            )
            return None
        return _welcome(session, trail, user, attempt, attempt_id, now)


def _admit(session: Session, attempt: Attempt, now: datetime) -> tuple[int | None, int | None, str | None]:
    """Count an attempt; answers its key (None: the budget is spent), the user's key and hash (None: unknown)."""
    account = token_hash(attempt.name)
    one_at_a_time(session, f"login {account}")
    session.execute(delete(LoginAttempt).where(LoginAttempt.attempted_at < now - KEPT))
    user = session.scalar(select(User).where(User.name == attempt.name, User.disabled_at.is_(None)))
    device = _known_device(session, user, attempt.device, now)
    spent = _spent(session, account, attempt.source, device, now)
    row = LoginAttempt(
        account_hash=account, source=attempt.source, device_hash=device, attempted_at=now, evaluated=not spent
    )
    session.add(row)
    session.flush()
    if spent:
        return None, None, None
    return row.id, (user.id if user else None), (user.password_hash if user else None)


def _spent(session: Session, account: str, source: str, device: str | None, now: datetime) -> bool:
    of_account = LoginAttempt.account_hash == account
    if device is not None:
        return _wrong(session, of_account, LoginAttempt.device_hash == device, now=now) >= BUDGET
    of_source = (LoginAttempt.source == source) & LoginAttempt.device_hash.is_(None)
    if _wrong(session, of_account, of_source, now=now) >= BUDGET:
        return True
    return _wrong(session, of_source, now=now) >= SOURCE_BUDGET


def _wrong(session: Session, *criteria: ColumnElement[bool], now: datetime) -> int:
    """Count evaluated attempts of the window that did not succeed; one that is being evaluated counts as wrong."""
    return (
        session.scalar(
            select(func.count())
            .select_from(LoginAttempt)
            .where(
                *criteria,
                LoginAttempt.evaluated.is_(True),
                LoginAttempt.succeeded.is_(False),
                LoginAttempt.attempted_at > now - WINDOW,
            )
        )
        or 0
    )


def _known_device(session: Session, user: User | None, device: str | None, now: datetime) -> str | None:
    if user is None or not device:
        return None
    return session.scalar(
        select(KnownDevice.device_hash).where(
            KnownDevice.user_id == user.id,
            KnownDevice.device_hash == token_hash(device),
            KnownDevice.seen_at > now - DEVICE_KNOWN_FOR,
        )
    )


def _welcome(
    session: Session, trail: AuditTrail, user: User, attempt: Attempt, attempt_id: int, now: datetime
) -> Welcome:
    row = session.get_one(LoginAttempt, attempt_id)
    row.succeeded = True
    device = attempt.device or new_token()
    known = session.scalar(
        select(KnownDevice).where(KnownDevice.user_id == user.id, KnownDevice.device_hash == token_hash(device))
    )
    if known is None:
        device = new_token()
        session.add(KnownDevice(user_id=user.id, device_hash=token_hash(device), seen_at=now))
    else:
        known.seen_at = now
    token = open_session(session, user.id, attempt.source, now)
    viewer = Viewer(user.name, user.role, None, "user", user.id)
    trail.append(
        session,
        viewer,
        "session:self:login",
        now,
        object_kind="user",
        object_id=user.id,
        detail={"source": attempt.source},
    )
    return Welcome(user.id, token, device)
