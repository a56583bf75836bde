"""Building the demo utility: generated files, loaded by the commands that load anybody's files."""

import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

from cis_power.access import sandbox
from cis_power.cli import commands
from cis_power.core.config import Settings
from cis_power.core.errors import Conflict
from cis_power.demo import codes, files
from cis_power.demo.plan import SEED, Plan, plan
from cis_power.demo.points import POLL_SECONDS

ROLES = ("agent", "billing", "marketing", "engineer", "dispatcher", "manager", "sysadmin", "secadmin", "auditor")
IMPORTS = (
    "districts", "network", "places", "customers", "agreements", "connections", "terms", "contacts", "meters", "points",
)  # fmt: skip


@dataclass(frozen=True)
class Login:
    """A user of the demo with his password, known only at this moment."""

    name: str
    role: str
    district: str
    password: str


@dataclass(frozen=True)
class Wish:
    """What to build: everything of the demo is a function of this. `until` (aware) is the end of its past."""

    customers: int
    until: datetime
    seed: int = SEED
    poll_seconds: float = POLL_SECONDS

    @property
    def plan(self) -> Plan:
        return plan(self.customers, self.seed)

    @property
    def about(self) -> dict[str, Any]:
        """What the database keeps of it."""
        return {"customers": self.customers, "seed": self.seed, "until": self.until.isoformat()}


def end_of_past(now: datetime) -> datetime:
    """The last full hour before an instant."""
    return now.replace(minute=0, second=0, microsecond=0)


def build(
    settings: Settings,
    wish: Wish,
    say: Callable[[str], None],
    kinds: Sequence[str] = IMPORTS,
    roles: Sequence[str] = ROLES,
    past: Callable[[Wish, Callable[[str], None]], None] | None = None,
) -> list[Login]:
    """Build the demo and a user a role; killed anywhere it is found as `building`. `past` adds its history."""
    run("db", "upgrade")
    sandbox.mark(settings, "building", wish.about)
    run("import", "codes", "--standard")
    with tempfile.TemporaryDirectory(prefix="cis-demo-") as name:
        for kind in kinds:
            begin = time.perf_counter()
            load(kind, files.write(Path(name), kind, wish.plan, wish.until.astimezone(settings.zone).date(),
                                   wish.poll_seconds))  # fmt: skip
            say(f"loaded {kind} ({time.perf_counter() - begin:.1f} s)")
    if past is not None:
        past(wish, say)
    logins = list(_users(roles))
    sandbox.mark(settings, "complete", wish.about)
    return logins


def load(kind: str, path: Path) -> None:
    """Let the importer of a kind read its file."""
    match kind:
        case "network":
            run("network", "import", "csv", str(path))
        case "points":
            run("points", "import", str(path))
        case _:
            run("import", kind, str(path))


def _users(roles: Sequence[str]) -> Iterator[Login]:
    for role in roles:
        district = codes.district_code(0) if role == "agent" else ""
        login = Login(role, role, district, secrets.token_urlsafe(12))
        where = ("--district", district) if district else ()
        run("user", "add", login.name, "--role", role, *where, "--password-stdin", entered=login.password + "\n")
        yield login


def run(*words: str, entered: str = "") -> None:
    """Run one of our own commands in this process; what it prints is shown only when it fails."""
    printed, stdin = StringIO(), sys.stdin
    sys.stdin = StringIO(entered)
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            commands.main(list(words), prog_name="cis-power", standalone_mode=False)
    except SystemExit as end:
        if end.code:
            sys.stderr.write(printed.getvalue())
            raise Conflict(f"`cis-power {' '.join(words)}` refused the demo's own file: this is a fault") from None
    finally:
        sys.stdin = stdin
