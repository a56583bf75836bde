"""What every test may ask for: databases at head, the shared data, the real command line, a browser.

`CIS_TEST_DATABASES=sqlite` narrows the databases; `CIS_TEST_DATA` names the shared data (default: ../shared/data).
"""

import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import postgresql
from tests.command_line import CommandLine

CHECKOUT = Path(__file__).resolve().parents[1]
RUN_DIR = "CIS_TEST_RUN_DIR"
DATABASES = tuple(os.environ.get("CIS_TEST_DATABASES", "sqlite,postgresql").split(","))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of ours."""
    parser.addoption("--write-routes", action="store_true", help="write tests/web/routes.csv anew")


def pytest_configure(config: pytest.Config) -> None:
    """The process that starts the run makes a folder which its workers share."""
    if not hasattr(config, "workerinput"):
        os.environ[RUN_DIR] = tempfile.mkdtemp(prefix="cis-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that started the run stops what any worker started."""
    if hasattr(config, "workerinput"):
        return
    folder = Path(os.environ.pop(RUN_DIR))
    cluster = folder / "cluster"
    if cluster.exists():
        postgresql.Cluster(Path(cluster.read_text())).stop()
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _once(name: str) -> Iterator[Path]:
    """The path of something that is made once a run; workers that come while it is being made wait."""
    folder = Path(os.environ[RUN_DIR])
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder / name


@pytest.fixture(scope="session")
def cluster() -> postgresql.Cluster:
    """The run's own PostgreSQL cluster."""
    with _once("cluster") as mark:
        if not mark.exists():
            if not postgresql.usable():
                pytest.fail("no PostgreSQL for the tests: see `make test`, or narrow with CIS_TEST_DATABASES=sqlite")
            mark.write_text(str(postgresql.start().folder))
    return postgresql.Cluster(Path(mark.read_text()))


def _at_head(url: str) -> None:
    from cis_power.core.db import Database
    from cis_power.migrations import upgrade

    database = Database(url)
    upgrade(database)
    database.dispose()


@pytest.fixture(scope="session")
def sqlite_template() -> Path:
    """A SQLite file at the head schema, to be copied."""
    with _once("template.db") as file:
        if not file.exists():
            draft = file.with_name("draft.db")
            draft.unlink(missing_ok=True)
            _at_head(f"sqlite:///{draft}")
            draft.rename(file)
    return file


@pytest.fixture(scope="session")
def postgresql_template(cluster: postgresql.Cluster) -> str:
    """The name of a PostgreSQL database at the head schema, to be used as a template."""
    name = "cis_template"
    with _once("postgresql_template") as mark:
        if not mark.exists():
            _statement(cluster, f"DROP DATABASE IF EXISTS {name}")
            _statement(cluster, f"CREATE DATABASE {name}")
            _at_head(cluster.url(name))
            mark.touch()
    return name


def _statement(cluster: postgresql.Cluster, statement: str) -> None:
    import psycopg

    with psycopg.connect(cluster.conninfo(), autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


@contextmanager
def _postgresql_copy(cluster: postgresql.Cluster, template: str) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex[:16]}"
    _statement(cluster, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield cluster.url(name)
    _statement(cluster, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a SQLite database of this test's own, at the head schema, empty."""
    file = tmp_path / "cis.db"
    shutil.copyfile(sqlite_template, file)
    return f"sqlite:///{file}"


@pytest.fixture
def postgresql_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a PostgreSQL database of this test's own, at the head schema, empty."""
    if "postgresql" not in DATABASES:
        pytest.skip("CIS_TEST_DATABASES leaves postgresql out")
    cluster, template = request.getfixturevalue("cluster"), request.getfixturevalue("postgresql_template")
    with _postgresql_copy(cluster, template) as url:
        yield url


@pytest.fixture
def empty_postgresql_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a PostgreSQL database of this test's own, without any table."""
    if "postgresql" not in DATABASES:
        pytest.skip("CIS_TEST_DATABASES leaves postgresql out")
    with _postgresql_copy(request.getfixturevalue("cluster"), "template0") as url:
        yield url


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database of this test's own, at the head schema, empty; once SQLite, once PostgreSQL."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture(params=DATABASES)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any table; once SQLite, once PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return request.getfixturevalue("empty_postgresql_url")


@pytest.fixture
def database(database_url: str) -> Iterator[Any]:
    """A `Database` at the head schema, empty; once SQLite, once PostgreSQL."""
    yield from _opened(database_url)


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Any]:
    """A SQLite `Database` at the head schema, empty."""
    yield from _opened(sqlite_url)


def _opened(url: str) -> Iterator[Any]:
    from cis_power.core.db import Database

    opened = Database(url)
    yield opened
    opened.dispose()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of the shared test data. Absent: the test is skipped, or fails when `CIS_TEST_DATA` is set."""
    named = os.environ.get("CIS_TEST_DATA")
    folder = Path(named) if named else CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no shared test data at {folder} (CIS_TEST_DATA)")
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Any:
    """A skip for missing shared data (its reason names CIS_TEST_DATA) fails when that variable promises the data."""
    report = yield
    if report.skipped and os.environ.get("CIS_TEST_DATA") and "CIS_TEST_DATA" in str(call.excinfo):
        report.outcome = "failed"
        report.longrepr = f"skipped although CIS_TEST_DATA is set: {call.excinfo}"
    return report


@pytest.fixture
def cli(sqlite_url: str, tmp_path: Path) -> Iterator[CommandLine]:
    """The real command in processes of its own, in a folder of its own, on a SQLite database at head."""
    folder = tmp_path / "home"
    folder.mkdir()
    command = CommandLine(folder, sqlite_url)
    yield command
    command.stop_all()


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The distribution's Chromium. Without one the browser tests are skipped, and the summary says so."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if found := shutil.which(name):
            return Path(found)
    pytest.skip("BROWSER TESTS DID NOT RUN: no Chromium on this machine")


@pytest.fixture
def browser(chromium: Path) -> Iterator[Any]:
    """A headless browser (playwright's sync API) that looks up no host of its maker's."""
    from playwright.sync_api import sync_playwright

    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=str(chromium), args=[*quiet, "--disable-component-update", "--disable-sync"]
        )
        yield opened
        opened.close()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say loudly which kinds of test did not run here."""
    reasons = {str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", ()) if report.longrepr}
    for reason in sorted(reasons):
        if "DID NOT RUN" in reason:
            terminalreporter.write_line(reason.removeprefix("Skipped: "), yellow=True, bold=True)
