"""Backup of the running database into a folder, and back.

SQLite: its online backup, a consistent file however much is being written. PostgreSQL: `pg_dump` and `pg_restore`,
which must be installed and not older than the server. A manifest beside it names kind, revision and SHA-256.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

from sqlalchemy import inspect

from cis_power.core.db import Database
from cis_power.core.errors import Conflict, InvalidInput, Unavailable
from cis_power.core.time import iso, utc_now
from cis_power.migrations import _refuse_newer, current

MANIFEST = "manifest.json"
FILES = {"sqlite": "cis.db", "postgresql": "cis.dump"}
FORMAT = 1


def write_backup(database: Database, folder: Path) -> Path:
    """Write a backup into `folder` (new or empty) and answer its main file."""
    revision = current(database)
    if revision is None:
        raise Conflict("the database has no tables yet: there is nothing to back up")
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"{folder} is not empty: give a new folder")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / FILES[database.dialect]
    draft = file.with_suffix(".part")
    if database.dialect == "sqlite":
        _copy_sqlite(_sqlite_file(database), draft)
    else:
        _run(database, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={draft}")
    draft.chmod(0o600)
    _flush(draft)
    draft.rename(file)
    manifest = {
        "format": FORMAT,
        "kind": database.dialect,
        "revision": revision,
        "written_at": iso(utc_now()),
        "file": file.name,
        "sha256": _hash(file),
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return file


def read_backup(database: Database, folder: Path) -> str:
    """Fill an empty database from a backup; answers its revision. What is wrong with the backup raises InvalidInput.

    A backup of an older schema is welcome (upgrade it next), one of a newer program raises ConfigError.
    """
    manifest = _read_manifest(folder)
    if manifest["kind"] != database.dialect:
        raise InvalidInput(f"the backup is of {manifest['kind']}, the database is {database.dialect}")
    _refuse_newer(manifest["revision"])
    file = folder / Path(manifest["file"]).name
    if not file.is_file():
        raise InvalidInput(f"{file} is missing")
    if _hash(file) != manifest["sha256"]:
        raise InvalidInput(f"{file} is not the file that was written: its SHA-256 differs")
    if database.dialect == "sqlite":
        _place_sqlite(database, file)
    else:
        _refuse_filled(database)
        words = ("--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error")
        _run(database, "pg_restore", *words, str(file))
    return str(manifest["revision"])


def _read_manifest(folder: Path) -> dict[str, Any]:
    file = folder / MANIFEST
    try:
        manifest = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise InvalidInput(f"{folder} holds no backup: {MANIFEST} is missing") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} is not readable: {error}") from None
    missing = {"kind", "revision", "file", "sha256", "format"} - set(manifest if isinstance(manifest, dict) else ())
    if missing:
        raise InvalidInput(f"{file} lacks {', '.join(sorted(missing))}")
    if manifest["format"] != FORMAT:
        raise InvalidInput(f"{file} has format {manifest['format']}, this program reads {FORMAT}")
    return dict(manifest)


def _sqlite_file(database: Database) -> Path:
    name = database.url.database
    if not name or name == ":memory:":
        raise Conflict("a database in memory has no backup")
    return Path(name)


def _copy_sqlite(source: Path, target: Path) -> None:
    with sqlite3.connect(source) as from_, sqlite3.connect(target) as to:
        from_.backup(to)
        to.execute("PRAGMA journal_mode = DELETE")
    from_.close()
    to.close()


def _place_sqlite(database: Database, file: Path) -> None:
    target = _sqlite_file(database)
    if target.exists() and target.stat().st_size:
        _refuse_filled(database)
        database.dispose()
    draft = target.with_name(target.name + ".restoring")
    shutil.copyfile(file, draft)
    _flush(draft)
    for leftover in (target.with_name(target.name + "-wal"), target.with_name(target.name + "-shm")):
        leftover.unlink(missing_ok=True)
    draft.replace(target)


def _refuse_filled(database: Database) -> None:
    if inspect(database.engine).get_table_names():
        raise Conflict("the database has tables already: restore into a new one, nothing is written over")


def _flush(file: Path) -> None:
    with file.open("rb") as handle:
        os.fsync(handle.fileno())


def _hash(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _run(database: Database, tool: str, *words: str) -> None:
    program = shutil.which(tool)
    if program is None:
        raise Unavailable(f"{tool} is not installed: it comes with PostgreSQL's client programs")
    url = database.url
    target = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment = os.environ | ({"PGPASSWORD": str(url.password)} if url.password else {})
    done = subprocess.run(  # noqa: S603 - a program found on the search path, our own words
        [program, f"--dbname={target}", *words], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise Unavailable(f"{tool} failed: {lines[-1]}")
