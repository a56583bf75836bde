"""Commands of the database: upgrade, check, backup, restore."""

import json
from pathlib import Path

import click


@click.group()
def db() -> None:
    """The database: schema, integrity, backup."""


@db.command()
def upgrade() -> None:
    """Bring the database to the newest schema; a new database gets all its tables."""
    from cis_power.core.config import load_settings
    from cis_power.core.db import Database
    from cis_power.migrations import current, head
    from cis_power.migrations import upgrade as bring_to_head

    database = Database(load_settings().database)
    before = current(database)
    bring_to_head(database)
    click.echo(f"at head {head()} already" if before == head() else f"upgraded from {before or 'nothing'} to {head()}")


@db.command()
@click.option("--json", "as_json", is_flag=True, help="Write JSON to stdout.")
def check(as_json: bool) -> None:
    """Check that the tables are those of this program and that the data is whole; exit 1 if not."""
    from cis_power.core.config import load_settings
    from cis_power.core.db import Database
    from cis_power.core.errors import Conflict
    from cis_power.migrations import current, head
    from cis_power.migrations.integrity import find_problems

    database = Database(load_settings().database)
    problems = find_problems(database)
    if as_json:
        found = {"revision": current(database), "head": head(), "problems": [item.as_dict() for item in problems]}
        click.echo(json.dumps(found, ensure_ascii=False))
    if problems:
        raise Conflict("the database is not in order", problems)
    if not as_json:
        click.echo(f"in order, at {head()}")


@db.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
def backup(folder: Path) -> None:
    """Write a backup of the running database into the new or empty folder DIR."""
    from cis_power.core.config import load_settings
    from cis_power.core.db import Database
    from cis_power.migrations.backup import write_backup

    file = write_backup(Database(load_settings().database), folder)
    click.echo(f"wrote {file} ({file.stat().st_size:,} bytes)")


@db.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
def restore(folder: Path) -> None:
    """Fill the database from the backup in DIR. The database must be new or empty of tables, and unused."""
    from cis_power.core.config import load_settings
    from cis_power.core.db import Database
    from cis_power.migrations.backup import read_backup

    revision = read_backup(Database(load_settings().database), folder)
    click.echo(f"restored, at {revision}")
