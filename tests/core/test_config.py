"""Settings are checked at start; every problem is named at once."""

from pathlib import Path

import pytest

from cis_power import migrations
from cis_power.core.config import load_settings
from cis_power.core.db import Database, open_database
from cis_power.core.db.revision import HEAD
from cis_power.core.errors import ConfigError


def _fields(error: ConfigError) -> dict[str | None, str]:
    return {problem.field: problem.code for problem in error.problems}


def test_defaults_need_no_file(tmp_path: Path) -> None:
    settings = load_settings({}, tmp_path)
    assert settings.database == f"sqlite:///{tmp_path}/cis.db"
    assert settings.run_dir == tmp_path / "run"
    assert (settings.timezone, settings.region, settings.stale_after_seconds) == ("UTC", "CN", None)


def test_file_is_overridden_by_variables(tmp_path: Path) -> None:
    (tmp_path / "cis.toml").write_text(
        'timezone = "Asia/Shanghai"\n[sources.rtu1]\nurl = "modbus://127.0.0.1:502"\ntimeout_seconds = 2\n'
    )
    settings = load_settings({"CIS_TIMEZONE": "UTC", "CIS_DATABASE": "sqlite:////var/cis/store.db"}, tmp_path)
    assert settings.timezone == "UTC"
    assert settings.sources["rtu1"].timeout_seconds == 2
    assert settings.run_dir == Path("/var/cis/run")


def test_relative_paths_count_from_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "power.toml").write_text('run_dir = "state"\n')
    settings = load_settings({"CIS_CONFIG": str(folder / "power.toml")}, tmp_path)
    assert settings.run_dir == folder / "state"
    assert settings.database == f"sqlite:///{folder}/cis.db"


def test_every_problem_is_named(tmp_path: Path) -> None:
    (tmp_path / "cis.toml").write_text(
        'timezone = "Mars/Olympus"\nregion = "ZZ"\ndatabase = "oracle://x"\ncolour = "red"\n'
        '[sources.a]\nurl = "nowhere"\ntimeout_seconds = -1\nretries = 3\n'
    )
    with pytest.raises(ConfigError) as caught:
        load_settings({"CIS_COLOR": "red"}, tmp_path)
    assert _fields(caught.value) == {
        "timezone": "wrong_setting",
        "region": "wrong_setting",
        "database": "wrong_setting",
        "colour": "unknown_setting",
        "CIS_COLOR": "unknown_setting",
        "sources.a.url": "wrong_setting",
        "sources.a.timeout_seconds": "wrong_setting",
        "sources.a.retries": "unknown_setting",
    }


@pytest.mark.parametrize("text", ["= 1", "timezone = ", "\udcff"])
def test_an_unreadable_file_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "cis.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=r"cis\.toml is not a readable TOML file"):
        load_settings({}, tmp_path)


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        load_settings({"CIS_CONFIG": str(tmp_path / "none.toml")}, tmp_path)


def test_an_archive_says_what_it_serves(tmp_path: Path) -> None:
    (tmp_path / "cis.toml").write_text('[sources.history]\nurl = "archive+sqlite:///h.db"\n')
    with pytest.raises(ConfigError) as caught:
        load_settings({}, tmp_path)
    assert "must say what it serves" in str(caught.value.problems[0])


def test_the_known_revision_is_that_of_the_migrations() -> None:
    assert migrations.head() == HEAD


def test_opening_a_database_without_tables_or_of_a_newer_program(tmp_path: Path) -> None:
    settings = load_settings({}, tmp_path)
    with pytest.raises(ConfigError, match="cis-power db upgrade"):
        open_database(settings)
    database = Database(settings.database)
    migrations.upgrade(database)
    open_database(settings).dispose()
    with database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigError, match="newer version"):
        open_database(settings)
