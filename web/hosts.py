"""Which host names the web answers to, and which of them are this machine itself."""

import ipaddress
import re

from cis_power.core.config import Settings

_HOST = re.compile(r"(?:\[(?P<address>[0-9a-fA-F:.]+)\]|(?P<name>[0-9a-zA-Z._-]+))(?::\d{1,5})?")


def host_name(host: str) -> str:
    """Return the name or address of a `Host` header without its port, in lower case; nothing if it is malformed."""
    found = _HOST.fullmatch(host)
    return (found["address"] or found["name"]).lower() if found else ""


def is_loopback(name: str) -> bool:
    """Say whether a name or address means this machine itself."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def host_is_allowed(host: str, settings: Settings) -> bool:
    """Say whether a `Host` header names this server: the machine itself, its own address, or a configured name."""
    name = host_name(host)
    return is_loopback(name) or name in {settings.host.lower(), *(known.lower() for known in settings.web_hosts)}
