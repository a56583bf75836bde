"""What a command needs: the settings, the database, the audit trail, and the person at the command line as viewer."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy.orm import Session

from cis_power.access.trail import AuditTrail
from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.config import Settings, load_settings
from cis_power.core.db import Database, open_database
from cis_power.core.time import utc_now


@dataclass(frozen=True, slots=True)
class Installation:
    """One installation as a command meets it."""

    settings: Settings
    database: Database
    trail: AuditTrail
    viewer: Viewer

    @classmethod
    def open(cls) -> Self:
        """Open the installation that the environment names."""
        settings = load_settings()
        return cls(settings, open_database(settings), AuditTrail(settings.run_dir), cli_viewer())

    @contextmanager
    def acting(self) -> Iterator[tuple[Session, Viewer, datetime]]:
        """Yield a transaction with who acts and when."""
        with self.database.transaction() as session:
            yield session, self.viewer, utc_now()


def cli_viewer() -> Viewer:
    """Return the viewer of the command line, audited as `cli:<os user>`."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # an account number without a name, as in some containers
        name = str(os.getuid())
    return system_viewer(name, kind="cli")
