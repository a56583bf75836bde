"""What every view may reach: the installation, who asks, and when. Views take nothing else from the air."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app, g
from sqlalchemy.orm import Session

from cis_power.access.trail import AuditTrail
from cis_power.access.viewer import Viewer
from cis_power.core.config import Settings
from cis_power.core.db import Database


@dataclass(frozen=True, slots=True)
class Shell:
    """One installation as the web meets it."""

    database: Database
    settings: Settings
    trail: AuditTrail
    clock: Callable[[], datetime]


def shell() -> Shell:
    """Return the installation of the running app."""
    installed: Shell = current_app.extensions["cis"]
    return installed


def viewer() -> Viewer:
    """Return who asks; the gate has made sure that there is somebody."""
    asking: Viewer = g.viewer
    return asking


def viewer_or_none() -> Viewer | None:
    """Return who asks, on the few pages that are open to nobody in particular."""
    asking: Viewer | None = g.get("viewer")
    return asking


def now() -> datetime:
    """Return the moment of the request, one and the same for all of it."""
    moment: datetime = g.now
    return moment


def reading() -> AbstractContextManager[Session]:
    """Return a context with a session over one snapshot."""
    return shell().database.reading()


@contextmanager
def acting(
    action: str,
    *,
    object_kind: str | None = None,
    object_id: int | str | None = None,
    detail: dict[str, Any] | None = None,
) -> Iterator[Session]:
    """Yield a transaction whose act is audited at its end: both are kept, or neither.

    What becomes known in it (a new row's key) is told by `audit_subject`.
    """
    with shell().database.transaction() as session:
        yield session
        subject = g.pop("audit_subject", (object_kind, object_id))
        shell().trail.append(
            session, viewer(), action, now(), object_kind=subject[0], object_id=subject[1], detail=detail
        )


def audit_subject(kind: str, surrogate_id: int | str) -> None:
    """Name the object of the act or of the personal data shown, by its surrogate key, for the audit."""
    g.audit_subject = (kind, surrogate_id)
