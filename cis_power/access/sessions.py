"""Sessions on the server: the browser holds a random token, the database its hash and the limits."""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cis_power.access.models import ApiKey, User, WebSession
from cis_power.access.reads import viewer_of_key, viewer_of_user
from cis_power.access.tokens import new_token, token_hash
from cis_power.access.viewer import Viewer

IDLE_LIMIT = timedelta(minutes=30)
ABSOLUTE_LIMIT = timedelta(hours=12)
SEEN_AGAIN_AFTER = timedelta(minutes=1)  # a session is marked as seen at most once a minute


def open_session(session: Session, user_id: int, source: str, now: datetime) -> str:
    """Open a session for a user who has just proved who he is; return its new token."""
    token = new_token()
    session.add(
        WebSession(token_hash=token_hash(token), user_id=user_id, created_at=now, last_seen_at=now, source=source)
    )
    return token


def viewer_of_session(session: Session, token: str, now: datetime) -> Viewer | None:
    """Return who a live session belongs to; None when it is unknown, ended, over a limit, or its user disabled."""
    found = session.execute(
        select(User)
        .join(WebSession, WebSession.user_id == User.id)
        .where(
            WebSession.token_hash == token_hash(token),
            WebSession.ended_at.is_(None),
            WebSession.last_seen_at > now - IDLE_LIMIT,
            WebSession.created_at > now - ABSOLUTE_LIMIT,
            User.disabled_at.is_(None),
        )
    ).scalar_one_or_none()
    return None if found is None else viewer_of_user(session, found)


def needs_touch(session: Session, token: str, now: datetime) -> bool:
    """Say whether a live session was last marked as seen so long ago that it must be marked again."""
    seen_at = session.scalar(select(WebSession.last_seen_at).where(WebSession.token_hash == token_hash(token)))
    return seen_at is not None and seen_at <= now - SEEN_AGAIN_AFTER


def touch_session(session: Session, token: str, now: datetime) -> None:
    """Mark a session as seen."""
    session.execute(update(WebSession).where(WebSession.token_hash == token_hash(token)).values(last_seen_at=now))


def close_session(session: Session, token: str, now: datetime) -> None:
    """End one session."""
    session.execute(
        update(WebSession)
        .where(WebSession.token_hash == token_hash(token), WebSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def viewer_of_bearer(session: Session, key: str, now: datetime) -> Viewer | None:
    """Return who a machine key belongs to; None when it is unknown, expired or revoked."""
    row = session.scalar(select(ApiKey).where(ApiKey.key_hash == token_hash(key), ApiKey.revoked_at.is_(None)))
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    return viewer_of_key(session, row)
