"""Building the demo utility: generated files, loaded by the commands that load anybody's files."""

import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

from sqlalchemy import func, inspect, select, text

from cis_power.access.installation import Installation
from cis_power.access.models import User
from cis_power.access.writes import add_user
from cis_power.cli import commands
from cis_power.core.config import Settings
from cis_power.core.db import Database
from cis_power.core.errors import Conflict
from cis_power.core.jobs.scheduler import LOCK
from cis_power.core.locks import ProcessLock
from cis_power.core.models import Batch, Code
from cis_power.demo import files, network
from cis_power.demo.home import clear_run_dir

MARK = ("installation", "demo")
ROLES = ("agent", "billing", "marketing", "engineer", "dispatcher", "manager", "sysadmin", "secadmin", "auditor")
IMPORTS = ("districts", "network", "customers", "connections", "meters", "readings", "interruptions", "points")


@dataclass(frozen=True)
class Demo:
    """What a database says of itself: `state` is absent, empty, building, complete or foreign."""

    state: str
    customers: int = 0


@dataclass(frozen=True)
class Login:
    """A user of the demo with his password, known only at this moment."""

    name: str
    role: str
    district: str
    password: str


def look(database: Database) -> Demo:
    """Whether this database is a demo, may become one, or is somebody's own."""
    if database.dialect == "sqlite" and not Path(str(database.url.database)).exists():
        return Demo("absent")
    if "code" not in inspect(database.engine).get_table_names():
        return Demo("absent" if not inspect(database.engine).get_table_names() else "foreign")
    with database.reading() as session:
        mark = session.scalar(select(Code).where(Code.kind == MARK[0], Code.code == MARK[1]))
        if mark is not None:
            return Demo(str(mark.attributes["state"]), int(mark.attributes["customers"]))
        filled = session.scalar(select(func.count(Batch.id))) or session.scalar(select(func.count(User.id)))
    return Demo("foreign" if filled else "empty")


@contextmanager
def alone(database: Database) -> Iterator[None]:
    """Nobody else may work on the database while it is built. Raises Conflict when a scheduler does."""
    if database.dialect == "sqlite":
        Path(str(database.url.database)).parent.mkdir(parents=True, exist_ok=True)
    lock = ProcessLock(database, LOCK)
    if not lock.acquire():
        raise Conflict(f"the demo is running ({lock.holder()}): stop it first")
    try:
        yield
    finally:
        lock.close()


def clear(database: Database, settings: Settings) -> None:
    """Take a demo away: its tables, and what its processes left in `run_dir`. The caller knows that it is one."""
    if database.dialect == "sqlite":
        database.dispose()
        for ending in ("", "-wal", "-shm"):
            Path(f"{database.url.database}{ending}").unlink(missing_ok=True)
    else:
        with database.transaction() as session:
            name = str(session.scalar(text("SELECT current_schema()")))
            schema = database.engine.dialect.identifier_preparer.quote(name)
            session.execute(text(f"DROP SCHEMA {schema} CASCADE"))
            session.execute(text(f"CREATE SCHEMA {schema}"))
    clear_run_dir(settings.run_dir)


def build(
    database: Database,
    customers: int,
    poll_seconds: float,
    say: Callable[[str], None],
    kinds: Sequence[str] = IMPORTS,
    roles: Sequence[str] = ROLES,
) -> list[Login]:
    """Build the demo with this many usage points and a user a role; killed anywhere it is found as `building`."""
    _command("db", "upgrade")
    _mark(database, "building", customers)
    plan = network.plan(customers)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with tempfile.TemporaryDirectory(prefix="cis-demo-") as name:
        folder = Path(name)
        files.write(folder, plan, today, poll_seconds=poll_seconds)
        for kind in kinds:
            say(f"loading {kind}")
            match kind:
                case "network":
                    _command("network", "import", "csv", str(folder / "network"))
                case "points":
                    _command("points", "import", str(folder / "points.csv"))
                case _:
                    _command("import", kind, str(folder / f"{kind}.csv"))
    logins = list(_users(roles))
    _mark(database, "complete", customers)
    return logins


def _mark(database: Database, state: str, customers: int) -> None:
    attributes = {"state": state, "customers": customers}
    with database.transaction() as session:
        mark = session.scalar(select(Code).where(Code.kind == MARK[0], Code.code == MARK[1]))
        if mark is None:
            labels = {"label_en": "Demo utility", "label_zh": "示范系统"}
            session.add(Code(kind=MARK[0], code=MARK[1], attributes=attributes, **labels))
        else:
            mark.attributes = attributes


def _users(roles: Sequence[str]) -> Iterator[Login]:
    here = Installation.open()
    for role in roles:
        district = network.district_code(0) if role == "agent" else ""
        login = Login(role, role, district, secrets.token_urlsafe(12))
        with here.acting() as (session, viewer, now):
            add_user(
                session, viewer, here.trail, now,
                name=login.name, role=role, password=login.password, districts=[district] if district else [],
            )  # fmt: skip
        yield login
    here.database.dispose()


def _command(*words: str) -> None:
    """Run one of our own commands in this process; what it prints is shown only when it fails."""
    printed = StringIO()
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            commands.main(list(words), prog_name="cis-power", standalone_mode=False)
    except SystemExit as end:
        if end.code:
            sys.stderr.write(printed.getvalue())
            raise Conflict(f"`cis-power {' '.join(words)}` refused the demo's own file: this is a fault") from None
