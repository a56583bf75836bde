"""How points hang on the network: told of a version put in force, they link to the devices that came with it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from cis_power.access.viewer import Viewer
from cis_power.network.attachments import Hanging
from cis_power.telemetry.writes import link_points


class Points:
    """Points as the network sees them (see `cis_power.network.attachments.Attachment`): nothing hangs on a device."""

    def activated(
        self, session: Session, version_id: int, valid_from: datetime | None, now: datetime, who: str
    ) -> None:
        """Link points that waited for the version's devices."""
        link_points(session)

    def hanging(self, session: Session, viewer: Viewer, elements: Sequence[int], at: datetime) -> Sequence[Hanging]:
        """Nothing is supplied through a point."""
        return ()

    def loaded_elements(self, session: Session, at: datetime) -> set[int]:
        """Nothing is supplied through a point."""
        return set()


ATTACHMENTS = (Points(),)
