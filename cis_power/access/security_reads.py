"""What the security administrator must see first: who is there, who is locked out, keys that end, failed sign-ins."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cis_power.access.login import BUDGET, WINDOW
from cis_power.access.models import ApiKey, LoginAttempt, User
from cis_power.access.tokens import token_hash
from cis_power.access.viewer import Viewer

ENDS_SOON = timedelta(days=30)
FAILED_WITHIN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class EndingKey:
    """A machine key that has ended or will soon."""

    key_name: str
    role: str
    expires_at: datetime
    ended: bool


@dataclass(frozen=True, slots=True)
class Security:
    """`users` by role without the disabled ones; `locked`: users whose attempts of the window are spent.

    `failed`: failed sign-ins of the last day, of which `failed_unknown` under names that nobody has; `sources`: from so
    many addresses.
    """

    users: dict[str, int]
    disabled: int
    locked: tuple[str, ...]
    keys: int
    ending: tuple[EndingKey, ...]
    failed: int
    failed_unknown: int
    sources: int


def security(session: Session, viewer: Viewer, now: datetime) -> Security:
    """The state of users, keys and sign-ins."""
    viewer.require("access:user:read")
    viewer.require("access:key:read")
    people = session.execute(select(User.name, User.role, User.disabled_at)).all()
    names = {token_hash(row.name): row.name for row in people}
    failed = session.execute(
        select(LoginAttempt.account_hash, func.count())
        .where(LoginAttempt.succeeded.is_(False), LoginAttempt.attempted_at > now - FAILED_WITHIN)
        .group_by(LoginAttempt.account_hash)
    ).all()
    addresses = session.scalar(
        select(func.count(LoginAttempt.source.distinct())).where(
            LoginAttempt.succeeded.is_(False), LoginAttempt.attempted_at > now - FAILED_WITHIN
        )
    )
    keys = session.scalars(select(ApiKey).where(ApiKey.revoked_at.is_(None)).order_by(ApiKey.expires_at)).all()
    return Security(
        users=dict(Counter(row.role for row in people if row.disabled_at is None)),
        disabled=sum(row.disabled_at is not None for row in people),
        locked=_locked(session, names, now),
        keys=sum(key.expires_at is None or key.expires_at > now for key in keys),
        ending=tuple(
            EndingKey(key.name, key.role, key.expires_at, key.expires_at <= now)
            for key in keys
            if key.expires_at is not None and key.expires_at <= now + ENDS_SOON
        ),
        failed=sum(row[1] for row in failed),
        failed_unknown=sum(row[1] for row in failed if row[0] not in names),
        sources=addresses or 0,
    )


def _locked(session: Session, names: dict[str, str], now: datetime) -> tuple[str, ...]:
    """Users under whose names so many wrong passwords came that a stranger's browser gets no further try."""
    spent = session.execute(
        select(LoginAttempt.account_hash)
        .where(LoginAttempt.evaluated.is_(True), LoginAttempt.succeeded.is_(False))
        .where(LoginAttempt.attempted_at > now - WINDOW)
        .group_by(LoginAttempt.account_hash, LoginAttempt.source, LoginAttempt.device_hash)
        .having(func.count() >= BUDGET)
    )
    return tuple(sorted({names[row.account_hash] for row in spent if row.account_hash in names}))
