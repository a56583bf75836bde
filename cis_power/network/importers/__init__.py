"""Readers of network formats: a path in, a plain model out, whatever is wrong with the files among its problems."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from cis_power.network.importers.cim import read_cim
from cis_power.network.importers.csv_folder import read_folder
from cis_power.network.importers.opendss import read_script
from cis_power.network.model import NetworkModel

READERS: dict[str, Callable[[Path], NetworkModel]] = {"csv": read_folder, "cim": read_cim, "opendss": read_script}


def content_hash(format_name: str, files: Iterable[Path]) -> str:
    """SHA-256, hexadecimal, over what some files hold, whatever they are called."""
    digests = sorted(hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file())
    return hashlib.sha256("\n".join([format_name, *digests]).encode()).hexdigest()
