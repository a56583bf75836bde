"""The cards of the start page. Each wing's card is made only for a role that may read it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Card:
    """A part of the start page: the template of that kind, and what it shows."""

    kind: str
    content: Any


_Maker = Callable[[Session, Viewer, datetime], Any]
_MAKERS: tuple[tuple[str, str, _Maker], ...] = ()


def home_cards(session: Session, viewer: Viewer, now: datetime) -> list[Card]:
    """The cards that the viewer's role opens, in the order of their weight."""
    return [
        Card(kind, make(session, viewer, now)) for kind, permission, make in _MAKERS if viewer.may(permission)
    ]
