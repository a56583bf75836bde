"""The cards of the start page. Each wing's card is made only for a role that may read it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.batches.reads import batches
from cis_power.outages.call_reads import CallFilter, CallRecord, list_calls
from cis_power.outages.reads import list_outages
from cis_power.outages.records import OutageRecord
from cis_power.telemetry.reads import list_sources


@dataclass(frozen=True, slots=True)
class Card:
    """A part of the start page: the template of that kind, and what it shows."""

    kind: str
    content: Any


_Maker = Callable[[Session, Viewer, datetime], Any]
_FEW = 8


@dataclass(frozen=True, slots=True)
class OpenOutages:
    """How much is out now, and the outages to look at first."""

    outages: int
    out: int
    partial: int
    priority: int
    first: Sequence[OutageRecord]


def _outages(session: Session, viewer: Viewer, now: datetime) -> OpenOutages:
    rows = list_outages(session, viewer, now)
    return OpenOutages(
        outages=len(rows),
        out=sum(row.customers_out for row in rows),
        partial=sum(row.customers_partial for row in rows),
        priority=sum(row.priority_customers_out for row in rows),
        first=rows[:_FEW],
    )


def _calls(session: Session, viewer: Viewer, now: datetime) -> Sequence[CallRecord]:
    return [record for record, _ in list_calls(session, viewer, now, CallFilter(limit=_FEW))]


def _sources(session: Session, viewer: Viewer, now: datetime) -> Any:
    return list_sources(session, viewer)


def _exchange(session: Session, viewer: Viewer, now: datetime) -> Any:
    """Batches belong to no district: whoever has a territory sees none."""
    return batches(session, limit=_FEW) if viewer.districts is None else []


# kind of card, permission that opens it, what it shows
_MAKERS: tuple[tuple[str, str, _Maker], ...] = (
    ("outages", "outages:outage:read", _outages),
    ("calls", "outages:call:read", _calls),
    ("exchange", "exchange:batch:read", _exchange),
    ("sources", "system:source:read", _sources),
)


def home_cards(session: Session, viewer: Viewer, now: datetime) -> list[Card]:
    """The cards that the viewer's role opens, in the order of their weight."""
    return [Card(kind, make(session, viewer, now)) for kind, permission, make in _MAKERS if viewer.may(permission)]
