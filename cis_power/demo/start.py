"""What `cis-power demo` decides and does before its processes run: whose database it is, what to build."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cis_power.access import sandbox
from cis_power.core.config import Settings, load_settings
from cis_power.core.errors import Conflict
from cis_power.demo import home
from cis_power.demo.build import Login, Wish, build, end_of_past
from cis_power.demo.plan import DEFAULT_CUSTOMERS, SEED
from cis_power.demo.post import add_past

FIRST_FAULT_SECONDS = "90"
BASE_MB, MB_A_CUSTOMER = 100.0, 0.02


def require_demo(settings: Settings) -> sandbox.Sandbox:
    """What the database says of itself. Raises Conflict where it is somebody's own."""
    found = sandbox.look(settings)
    if found.state == "foreign":
        where = settings.database.rpartition("@")[2]
        raise Conflict(f"{where} is not a demo: it is left alone; name another database in CIS_DATABASE")
    return found


def settle(
    found: sandbox.Sandbox, customers: int | None, seed: int | None, now: datetime, *, rebuild: bool
) -> tuple[Wish, bool]:
    """What there shall be, and whether it has to be built. Raises Conflict when the demo there is another one."""
    there, there_seed = int(found.about.get("customers", 0)), int(found.about.get("seed", SEED))
    if found.state != "complete" or rebuild:
        chosen = there_seed if seed is None else seed
        return Wish(customers or there or DEFAULT_CUSTOMERS, end_of_past(now), chosen), True
    if "until" not in found.about:
        raise Conflict("the demo was built by an older version: --rebuild builds it anew")
    if customers not in (None, there):
        raise Conflict(f"the demo has {there} usage points; --rebuild builds it with {customers}")
    if seed not in (None, there_seed):
        raise Conflict(f"the demo was built with seed {there_seed}; --rebuild builds it with seed {seed}")
    return Wish(there, datetime.fromisoformat(found.about["until"]).astimezone(UTC), there_seed), False


def make_new(settings: Settings, wish: Wish, say: Callable[[str], None]) -> list[Login]:
    """Take a former demo away and build the one that is wished for."""
    with sandbox.alone(settings), sandbox.full_disk_in_words():
        found = sandbox.look(settings)
        if found.state in ("building", "complete"):
            broken = found.state == "building"
            say("a demo was begun and not finished: it is built anew" if broken else "taking the former demo away")
            home.require_own(settings.run_dir)
            sandbox.mark(settings, "building", wish.about)  # whatever happens now, the next start builds it
            home.clear_run_dir(settings.run_dir)
            sandbox.erase(settings)
        home.require_space(_disk_of(settings), BASE_MB + MB_A_CUSTOMER * wish.customers)
        settings = configured(settings, wish, home.free_port())
        say(f"building a utility with {wish.customers} usage points (seed {wish.seed})")
        return build(settings, wish, say, past=add_past)


def configured(settings: Settings, wish: Wish, port: int) -> Settings:
    """Write the demo's configuration and let this process and its children go by it."""
    with sandbox.full_disk_in_words():
        file = home.configure(settings, wish.plan, port)
    for name in [name for name in os.environ if name.startswith("CIS_")]:
        del os.environ[name]
    os.environ["CIS_CONFIG"] = str(file)
    return load_settings()


def processes(settings: Settings, wish: Wish, faults_per_hour: float) -> list[list[str]]:
    """The commands that make the demo live. A first fault comes soon, so that somebody who looks sees one."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - compared, not bound
    people = ["people", "--web", f"http://{host}:{settings.port}", "--customers", str(wish.customers)]
    simulate = ["simulate", "--seed", str(wish.seed), "--faults-per-hour", f"{faults_per_hour:g}"]
    if faults_per_hour:
        simulate += ["--first-fault", FIRST_FAULT_SECONDS, "--comm-faults-per-hour", f"{faults_per_hour / 6:g}"]
    return [simulate, ["web"], ["scheduler"], ["collector"], [*people, "--seed", str(wish.seed)]]


def _disk_of(settings: Settings) -> Path:
    """Where most is written: beside the SQLite file; with a database server only the run folder is ours."""
    scheme, _, path = settings.database.partition(":///")
    return Path(path).parent if scheme.startswith("sqlite") else settings.run_dir
