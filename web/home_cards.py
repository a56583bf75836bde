"""The cards of the start page. Each wing's card is made only for a role that may read it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.batches.reads import batches
from cis_power.telemetry.reads import list_sources


@dataclass(frozen=True, slots=True)
class Card:
    """A part of the start page: the template of that kind, and what it shows."""

    kind: str
    content: Any


_Maker = Callable[[Session, Viewer, datetime], Any]
_FEW = 8


def _sources(session: Session, viewer: Viewer, now: datetime) -> Any:
    return list_sources(session, viewer)


def _exchange(session: Session, viewer: Viewer, now: datetime) -> Any:
    """Batches belong to no district: whoever has a territory sees none."""
    return batches(session, limit=_FEW) if viewer.districts is None else []


# kind of card, permission that opens it, what it shows
_MAKERS: tuple[tuple[str, str, _Maker], ...] = (
    ("exchange", "exchange:batch:read", _exchange),
    ("sources", "system:source:read", _sources),
)


def home_cards(session: Session, viewer: Viewer, now: datetime) -> list[Card]:
    """The cards that the viewer's role opens, in the order of their weight."""
    return [Card(kind, make(session, viewer, now)) for kind, permission, make in _MAKERS if viewer.may(permission)]
