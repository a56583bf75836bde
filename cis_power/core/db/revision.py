"""The revision of the schema that this program works with, known without loading the migrations."""

from sqlalchemy import inspect, text

from cis_power.core.config import Settings
from cis_power.core.db.database import Database
from cis_power.core.errors import CisError, ConfigError

HEAD = "0001"  # a test holds it against the migrations


def open_database(settings: Settings) -> Database:
    """The database of the settings. Raises ConfigError unless its schema is the one this program works with."""
    database = Database(settings.database)
    try:
        require_head(database)
    except CisError:
        database.dispose()
        raise
    return database


def require_head(database: Database) -> None:
    """Raise ConfigError unless the schema is the one this program works with; the message says what to do."""
    found = _revision(database)
    if found == HEAD:
        return
    if found is None:
        raise ConfigError("the database has no tables yet: run `cis-power db upgrade`")
    if found > HEAD:
        raise ConfigError(
            f"the database is at revision {found}: it belongs to a newer version of this program ({HEAD})"
        )
    raise ConfigError(f"the database is at revision {found}, this program needs {HEAD}: run `cis-power db upgrade`")


def _revision(database: Database) -> str | None:
    with database.reading() as session:
        if not inspect(session.connection()).has_table("alembic_version"):
            return None
        return session.execute(text("SELECT version_num FROM alembic_version")).scalar()
