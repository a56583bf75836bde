"""The start page: which cards each role finds, in the order of their weight, each only if the role may read it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from web import home_administration, home_business, home_operations


@dataclass(frozen=True, slots=True)
class Card:
    """A part of the start page: the template of that kind, and what it shows."""

    kind: str
    content: Any


_Maker = Callable[[Session, Viewer, datetime], Any]
# kind of card → the permission that opens it, and what makes its content
MAKERS: dict[str, tuple[str, _Maker]] = {
    **home_operations.MAKERS, **home_business.MAKERS, **home_administration.MAKERS,
}  # fmt: skip

# What matters now, by role.
CARDS: dict[str, tuple[str, ...]] = {
    "agent": ("search", "outages", "calls"),
    "billing": ("owed", "exchange", "months"),
    "marketing": ("consumption", "segments", "owed", "outage_numbers"),
    "engineer": ("outages", "feeders", "loaded", "abnormal", "telemetry"),
    "dispatcher": ("outages", "calls", "abnormal", "telemetry", "conflicts"),
    "manager": ("kpis", "outages", "owed", "feeders", "months"),
    "sysadmin": ("health", "jobs", "sources"),
    "secadmin": ("people",),
    "auditor": ("chain", "unmaskings", "refusals"),
}


def home_cards(session: Session, viewer: Viewer, now: datetime) -> list[Card]:
    """The cards of the viewer's role."""
    wanted = [(kind, *MAKERS[kind]) for kind in CARDS.get(viewer.role, tuple(MAKERS))]
    return [Card(kind, make(session, viewer, now)) for kind, permission, make in wanted if viewer.may(permission)]
