"""The kinds of source, found by the scheme of their URL through the entry points `scada_bridge.sources`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from cis_power.core.config import SourceSettings
from cis_power.core.entries import load_items
from cis_power.core.errors import ConfigError
from scada_bridge.modbus import Connection, parse_url
from scada_bridge.reader import Channel

OpenChannel = Callable[[SourceSettings, int], Channel]


@dataclass(frozen=True, slots=True)
class SourceType:
    """A kind of source. `open_channel(settings, device_id)` makes the way to one device without connecting yet.

    Sources without it are not polled: they are archives that the history pull reads.
    """

    scheme: str
    summary: str
    open_channel: OpenChannel | None = None


def _modbus(settings: SourceSettings, device_id: int) -> Channel:
    return Connection(parse_url(settings.url), device_id, settings.timeout_seconds, settings.identity)


SOURCES = (
    SourceType("modbus", "Modbus TCP: modbus://host:port[?unit=N]", _modbus),
    SourceType(
        "modbus+tls", "Modbus TCP over TLS: modbus+tls://host:port[?ca=FILE][&cert=FILE&key=FILE][&unit=N]", _modbus
    ),
    SourceType("archive", "a database that keeps history: archive+<SQLAlchemy URL>, with serves, table, columns"),
    SourceType("file", "a folder of CSV files that keep history: file://folder, with serves, columns"),
)


def source_type(settings: SourceSettings) -> SourceType:
    """The kind of a configured source. Raises ConfigError for a scheme that nothing offers."""
    scheme = settings.url.partition("://")[0]
    if scheme.startswith("archive+"):
        scheme = "archive"
    try:
        return _types()[scheme]
    except KeyError:
        raise ConfigError(f"no source understands {scheme}://; there are {', '.join(_types())}") from None


@cache
def _types() -> dict[str, SourceType]:
    return {found.scheme: found for found in load_items("scada_bridge.sources")}
