"""Settings: a TOML file named by `CIS_CONFIG` (else ./cis.toml if it is there), overridden by `CIS_*` variables."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import phonenumbers
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from cis_power.core.errors import ConfigError, Problem

_PREFIX = "CIS_"
_FOR_TESTS = "CIS_TEST_"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone of the IANA database") from None
    return name


class SourceSettings(BaseModel):
    """One telemetry source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        description="Where it is: modbus://host:port, modbus+tls://…, archive+<SQLAlchemy URL>, file://folder"
    )
    timeout_seconds: float = Field(default=3.0, gt=0, le=120, description="How long one answer may take, in seconds")
    timezone: str | None = Field(default=None, description="Zone of the source's naive times; default: the utility's")
    identity: str | None = Field(default=None, description="Expected device identity (function 43/14)")
    serves: tuple[str, ...] = Field(default=(), description="Archive sources: the sources whose points it holds")
    table: str | None = Field(default=None, description="Archive sources: table (or file) name")
    columns: dict[str, str] = Field(default_factory=dict, description="Archive sources: our column name → theirs")
    step_seconds: int | None = Field(
        default=None,
        ge=1,
        le=86_400,
        description="Archive sources: a value is the mean of so many seconds from its time on; default: an instant",
    )

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        return None if value is None else _known_zone(value)

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        if "://" not in value:
            raise ValueError("is not a URL such as modbus://host:502")
        return value


class Settings(BaseModel):
    """Every setting of the system; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database: str = Field(default="sqlite:///cis.db", description="SQLAlchemy URL of the local store")
    timezone: str = Field(default="UTC", description="The utility's zone; days, months and naive input are local")
    region: str = Field(default="CN", description="Country of phone numbers without a country code (ISO 3166)")
    run_dir: Path = Field(default=Path("run"), description="Spool, published point list, sockets and locks")
    stale_after_seconds: float | None = Field(
        default=None, gt=0, description="Age at which a value is stale; default: max(60, 3 × poll_seconds) of the point"
    )
    language: Literal["en", "zh_CN"] = Field(default="en", description="Language of pages before a person chooses")
    host: str = Field(default="127.0.0.1", description="Address the web process listens on")
    port: int = Field(default=8080, ge=0, le=65535, description="Port the web process listens on; 0 takes a free one")
    web_hosts: tuple[str, ...] = Field(default=(), description="Further host names that the web answers to")
    spool_max_mb: int = Field(default=1024, ge=1, description="Size at which the spool drops its oldest batches, in MB")
    sources: dict[str, SourceSettings] = Field(default_factory=dict, description="Telemetry sources by name")
    people: dict[str, float] = Field(default_factory=dict, description="How the demo's simulated people behave")

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        return _known_zone(value)

    @field_validator("region")
    @classmethod
    def _region(cls, value: str) -> str:
        if value not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError(f"{value!r} is not a country code such as CN")
        return value

    @field_validator("database")
    @classmethod
    def _database(cls, value: str) -> str:
        try:
            url = make_url(value)
        except ArgumentError:
            raise ValueError("is not a database URL") from None
        if url.get_backend_name() not in ("sqlite", "postgresql"):
            raise ValueError(f"{url.get_backend_name()} is not supported: use sqlite or postgresql")
        return value

    @model_validator(mode="after")
    def _archives_name_what_they_serve(self) -> "Settings":
        for name, source in self.sources.items():
            if source.url.startswith("archive+") and not source.serves:
                raise ValueError(f"source {name!r} is an archive and must say what it serves")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


def load_settings(environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> Settings:
    """Settings from file and environment. Raises ConfigError naming every wrong or unknown key.

    Relative paths (`run_dir`, a SQLite file) count from the configuration file's folder, else from `cwd`.
    """
    environ = os.environ if environ is None else environ
    cwd = Path.cwd() if cwd is None else cwd
    file = Path(environ["CIS_CONFIG"]) if environ.get("CIS_CONFIG") else cwd / "cis.toml"
    values, name = _read_file(file, required=bool(environ.get("CIS_CONFIG")))
    base = file.resolve().parent if name else cwd
    unknown = _override(values, environ)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems = [*unknown, *(_problem(item, name) for item in error.errors())]
        raise ConfigError("the settings are wrong", problems) from None
    if unknown:
        raise ConfigError("the settings are wrong", unknown)
    return settings.model_copy(update=_absolute(settings, base, explicit="run_dir" in values))


def _read_file(file: Path, *, required: bool) -> tuple[dict[str, Any], str | None]:
    if not file.exists():
        if required:
            raise ConfigError(f"the configuration file {file} does not exist")
        return {}, None
    try:
        return tomllib.loads(file.read_text("utf-8")), str(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{file} is not a readable TOML file: {error}") from None


def _override(values: dict[str, Any], environ: Mapping[str, str]) -> list[Problem]:
    """Lay `CIS_*` variables over the file's values; answers the unknown ones."""
    unknown = []
    for variable, text in sorted(environ.items()):
        if not variable.startswith(_PREFIX) or variable.startswith(_FOR_TESTS) or variable == "CIS_CONFIG":
            continue
        field = variable.removeprefix(_PREFIX).lower()
        if field not in Settings.model_fields or field in ("sources", "people"):
            unknown.append(Problem("unknown_setting", "there is no such setting", field=variable))
        elif field == "web_hosts":
            values[field] = [host.strip() for host in text.split(",") if host.strip()]
        else:
            values[field] = text
    return unknown


def _problem(item: Any, file: str | None) -> Problem:
    code = "unknown_setting" if item["type"] == "extra_forbidden" else "wrong_setting"
    message = "there is no such setting" if code == "unknown_setting" else item["msg"].removeprefix("Value error, ")
    return Problem(code, message, file=file, field=".".join(str(part) for part in item["loc"]) or None)


def _absolute(settings: Settings, base: Path, *, explicit: bool) -> dict[str, Any]:
    """Paths made absolute; the default run folder stands beside the SQLite file, else beside the configuration."""
    url = make_url(settings.database)
    changed: dict[str, Any] = {}
    home = base
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        file = base / url.database
        changed["database"] = url.set(database=str(file)).render_as_string(hide_password=False)
        home = base if explicit else file.parent
    return changed | {"run_dir": home / settings.run_dir}
