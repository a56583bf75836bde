"""The demo's own configuration file: where its stand-in DMS listens, and where everything lies."""

import json
import shutil
import socket
from pathlib import Path

from cis_power.core.config import Settings
from cis_power.core.errors import Conflict
from cis_power.demo.codes import source_name
from cis_power.demo.plan import Plan

FILE = "demo.toml"
OURS = "made-by-demo"
HEAD = "# Written by `cis-power demo` at every start. CIS_CONFIG names it for further commands on the demo.\n"
ZONE = "Asia/Shanghai"
ARCHIVE = Path("simulator") / "archive.db"  # where the stand-in DMS keeps its history, below `run_dir`


def web_port(settings: Settings, wanted: int | None) -> int:
    """A free port for the web: the one asked for, else the setting's if it is free, else any.

    Raises Conflict when another program has the one that was asked for.
    """
    port = settings.port if wanted is None else wanted
    if port and is_free(port, settings.host):
        return port
    if port and wanted is not None:
        raise Conflict(f"port {port} is taken by another program: give another --port (0: any that is free)")
    return free_port()


def configure(settings: Settings, plan: Plan, port: int) -> Path:
    """Write the configuration and answer its path; each RTU of the stand-in DMS gets a free port."""
    names = [source_name(substation) for substation in range(plan.substations)]
    lines = [
        f"database = {json.dumps(settings.database)}",
        f'timezone = "{ZONE}"',
        'region = "CN"',
        f"run_dir = {json.dumps(str(settings.run_dir))}",
        f"host = {json.dumps(settings.host)}",
        f"port = {port}",
    ]
    for name, rtu_port in zip(names, _free_ports(len(names)), strict=True):
        lines += ["", f"[sources.{name}]", f'url = "modbus://127.0.0.1:{rtu_port}"', "timeout_seconds = 2"]
    archive = json.dumps(f"archive+sqlite:///{settings.run_dir / ARCHIVE}")
    lines += ["", "[sources.archive]", f"url = {archive}", f"serves = {json.dumps(names)}", 'table = "history"']
    if settings.people:
        lines += ["", "[people]", *(f"{name} = {value:g}" for name, value in settings.people.items())]
    settings.run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not any(settings.run_dir.iterdir()):
        (settings.run_dir / OURS).touch()
    file = settings.run_dir / FILE
    file.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    file.chmod(0o600)
    return file


def require_own(folder: Path) -> None:
    """Raises Conflict when something else stood in the run folder before the demo came."""
    if folder.exists() and any(folder.iterdir()) and not (folder / OURS).exists():
        raise Conflict(f"{folder} was there before the demo: remove what the former demo left in it, then try again")


def clear_run_dir(folder: Path) -> None:
    """Take the run folder of a former demo away."""
    require_own(folder)
    if folder.exists():
        shutil.rmtree(folder)


def require_space(folder: Path, wanted_mb: float) -> None:
    """Raises Conflict when the disk of a folder (which may not exist yet) has less free than that."""
    while not folder.exists():
        folder = folder.parent
    free_mb = shutil.disk_usage(folder).free / 1e6
    if free_mb < wanted_mb:
        raise Conflict(
            f"the demo needs about {wanted_mb:.0f} MB on the disk of {folder}, and {free_mb:.0f} MB are free"
        )


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    return _free_ports(1)[0]


def _free_ports(count: int) -> list[int]:
    """So many different ports: all are held until each is known."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether the web could listen on a port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
