"""All tables of the system: which migrations there are, and bringing a database to head."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import MetaData

from cis_power.core.db import Base, Database
from cis_power.core.entries import load_items
from cis_power.core.errors import ConfigError

_HERE = Path(__file__).parent


def metadata() -> MetaData:
    """The tables of every wing, found through the entry points `cis_power.models`."""
    load_items("cis_power.models")
    return Base.metadata


def head() -> str:
    """The newest revision that this program knows."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def current(database: Database) -> str | None:
    """The revision the database is at; None if it has no tables of ours."""
    with database.reading() as session:
        return MigrationContext.configure(session.connection()).get_current_revision()


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the database to `revision`. Raises ConfigError if it belongs to a newer version of the program."""
    _run(database, "upgrade", revision)


def downgrade(database: Database, revision: str) -> None:
    """Take the database back to `revision` (`base`: no tables)."""
    _run(database, "downgrade", revision)


def _run(database: Database, direction: str, revision: str) -> None:
    found = current(database)
    if found is not None:
        _refuse_newer(found)
    config = _config()
    with database._writing.begin() as connection:
        config.attributes["connection"] = connection
        getattr(command, direction)(config, revision)


def _refuse_newer(found: str) -> None:
    try:
        ScriptDirectory.from_config(_config()).get_revision(found)
    except CommandError:
        raise ConfigError(
            f"the database is at revision {found}, which this program does not know: it belongs to a newer version"
        ) from None


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    return config
