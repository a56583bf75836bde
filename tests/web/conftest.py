"""The two-district utility, built once a run; every test that changes something works on its own copy."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask

from cis_power.access import passwords
from cis_power.core.config import Settings, load_settings
from cis_power.core.db import Database
from cis_power.core.time import utc_now
from reports.registry import reports
from tests.journeys.field import FieldDevice
from tests.web import browsers, utility
from tests.web.crawl import Values
from tests.web.samples import sample_values
from web.app import create_app
from web.security import installation_secret


@dataclass(frozen=True)
class Built:
    """The files of a built utility: with EAST alone, and with WEST besides; `at` is when it was finished."""

    own: Path
    both: Path
    run_dir: Path
    config: Path
    at: datetime


@dataclass(frozen=True)
class Site:
    """One copy of the utility with its application."""

    app: Flask
    database: Database
    settings: Settings
    at: datetime


@pytest.fixture(autouse=True, scope="session")
def cheap_hashes() -> Iterator[None]:
    """Hash passwords cheaply: what they cost is not what is tested here."""
    kept = passwords._HASHER
    passwords._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords._hash_of_nobody.cache_clear()
    yield
    passwords._HASHER = kept
    passwords._hash_of_nobody.cache_clear()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, cheap_hashes: None) -> Iterator[Built]:
    """The utility, through the commands; its people are added before the second district comes."""
    folder = tmp_path_factory.mktemp("utility")
    field = FieldDevice()
    config = folder / "cis.toml"
    config.write_text(f'timezone = "Asia/Shanghai"\n[sources.rtu1]\nurl = "{field.url}"\n')
    file = folder / "cis.db"
    builder = utility.Builder(folder, file, {"CIS_CONFIG": str(config)})
    utility.build_base(builder, folder, field)
    settings = load_settings(builder.environ, folder)
    database = Database(settings.database)
    browsers.add_people(database, settings, utility.EAST.district)
    installation_secret(folder / "run")  # one for all copies, so that equal cursors are equal
    _copy(file, folder / "own.db")
    utility.add_foreign(builder)
    _copy(file, folder / "both.db")
    database.dispose()
    field.close()
    yield Built(folder / "own.db", folder / "both.db", folder / "run", config, utc_now())


def _copy(file: Path, target: Path) -> None:
    """Copy a database that may be open: what stands in its write-ahead log too."""
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


@pytest.fixture
def open_site(built: Built, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Open copies of the utility: `open_site()` with both districts, `open_site(foreign=False)` with EAST alone."""
    opened: list[Database] = []

    def open_one(*, foreign: bool = True) -> Site:
        folder = tmp_path / f"site{len(opened)}"
        shutil.copytree(built.run_dir, folder / "run", ignore=shutil.ignore_patterns("*.sock", "*.lock*"))
        shutil.copyfile(built.both if foreign else built.own, folder / "cis.db")
        environ = {"CIS_CONFIG": str(built.config), "CIS_DATABASE": f"sqlite:///{folder / 'cis.db'}"}
        settings = load_settings({**environ, "CIS_RUN_DIR": str(folder / "run")}, folder)
        database = Database(settings.database)
        opened.append(database)
        return Site(create_app(database, settings, clock=lambda: built.at), database, settings, built.at)

    yield open_one
    for database in opened:
        database.dispose()


@pytest.fixture
def site(open_site: Callable[..., Site]) -> Site:
    """One copy of the utility with both districts."""
    return open_site()


@pytest.fixture(scope="session")
def values(built: Built) -> Values:
    """What the harness puts in the place of each kind of value, taken from the built utility."""
    with closing(sqlite3.connect(built.both)) as connection:
        found = connection.execute(
            "SELECT element.code, outage.code FROM outage JOIN outage_state ON outage_state.outage_id = outage.id"
            " JOIN element ON element.id = outage_state.device_id"
            " WHERE NOT outage.imported AND outage_state.superseded_at IS NULL"
        ).fetchall()
    outages = dict(found)
    named = {own.district: outages[own.device] for own in utility.DISTRICTS}
    return sample_values(named, tuple(reports()))
