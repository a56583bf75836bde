"""The demo's own configuration file: where its stand-in DMS listens, and where everything lies."""

import json
import shutil
import socket
from pathlib import Path

from cis_power.core.config import Settings
from cis_power.core.errors import Conflict
from cis_power.demo.points import SOURCE

FILE = "demo.toml"
OURS = "made-by-demo"
HEAD = "# Written by `cis-power demo` at every start. CIS_CONFIG names it for further commands on the demo.\n"


def configure(settings: Settings, web_port: int | None) -> Path:
    """Write the configuration and answer its path; the stand-in DMS gets a free port."""
    wanted = settings.port if web_port is None else web_port
    if web_port is None and not _is_free(wanted):
        wanted = 0
    lines = [
        f"database = {json.dumps(settings.database)}",
        'timezone = "Asia/Shanghai"',
        'region = "CN"',
        f"run_dir = {json.dumps(str(settings.run_dir))}",
        f"host = {json.dumps(settings.host)}",
        f"port = {wanted}",
        "",
        f"[sources.{SOURCE}]",
        f'url = "modbus://127.0.0.1:{free_port()}"',
        "timeout_seconds = 2",
    ]
    settings.run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not any(settings.run_dir.iterdir()):
        (settings.run_dir / OURS).touch()
    file = settings.run_dir / FILE
    file.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    file.chmod(0o600)
    return file


def clear_run_dir(folder: Path) -> None:
    """Empty the run folder of a former demo. Raises Conflict when something else stood there before the demo came."""
    if not folder.exists():
        return
    if not (folder / OURS).exists():
        raise Conflict(f"{folder} was there before the demo: remove what the former demo left in it, then try again")
    shutil.rmtree(folder)


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
