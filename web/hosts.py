"""Which host names the web answers to, and which of them are this machine itself."""

import ipaddress

from cis_power.core.config import Settings


def host_name(host: str) -> str:
    """Return the name or address of a `Host` header without its port, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if host.count(":") == 1 else host.lower()


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
