"""When somebody last looked at a page, so that it can mark what changed since; it outlives reloads and signing out.

A look goes on while the page is asked for again and again. What changed is marked against the end of the look before,
until the person says that it is seen.
"""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cis_power.access.models import PageLook
from cis_power.access.viewer import Viewer

AWAY_AFTER = timedelta(minutes=2)  # without asking: the next look is a new one
_NOTED_EVERY = timedelta(seconds=30)


def marked_since(session: Session, viewer: Viewer, page: str, now: datetime) -> datetime | None:
    """The instant behind which changes are marked for this viewer; None before his first look, and for a machine."""
    row = _row(session, viewer, page)
    if row is None:
        return None
    return row.looked_at if now - row.looked_at > AWAY_AFTER else row.since_at


def is_to_note(session: Session, viewer: Viewer, page: str, now: datetime) -> bool:
    """Whether this look is to be written down."""
    if viewer.kind != "user" or viewer.id is None:
        return False
    row = _row(session, viewer, page)
    return row is None or now - row.looked_at >= _NOTED_EVERY


def note_look(session: Session, viewer: Viewer, page: str, now: datetime, *, seen: bool = False) -> None:
    """Write down that the viewer looks now; `seen`: nothing up to now is to be marked any more."""
    if viewer.kind != "user" or viewer.id is None:
        return
    since = marked_since(session, viewer, page, now)
    session.merge(
        PageLook(user_id=viewer.id, page=page, since_at=now if seen or since is None else since, looked_at=now)
    )


def _row(session: Session, viewer: Viewer, page: str) -> PageLook | None:
    if viewer.kind != "user" or viewer.id is None:
        return None
    return session.scalar(select(PageLook).where(PageLook.user_id == viewer.id, PageLook.page == page))
