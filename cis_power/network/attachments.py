"""What hangs on the network: wings above it are told of changes and asked, through entry points, never imported.

The group is `cis_power.network_attachments`; each entry point names a tuple of objects that fit `Attachment`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.core.entries import load_items

GROUP = "cis_power.network_attachments"


@dataclass(frozen=True, slots=True)
class Hanging:
    """Something that hangs on an element: its code, and the phases it takes (0: all there are)."""

    element_id: int
    code: str
    phases: int


class Attachment(Protocol):
    """A wing that hangs things on network elements."""

    def activated(
        self, session: Session, version_id: int, valid_from: datetime | None, now: datetime, who: str
    ) -> None:
        """A version holds from `valid_from` (None: ever) on: take over its loads, link what waits for its elements."""

    def hanging(self, session: Session, viewer: Viewer, elements: Sequence[int], at: datetime) -> Sequence[Hanging]:
        """What hangs on some elements at an instant, as far as the viewer may see it."""

    def loaded_elements(self, session: Session, at: datetime) -> set[int]:
        """All elements on which anything hangs at an instant."""


def attachments() -> list[Attachment]:
    """All that is installed."""
    return load_items(GROUP)
