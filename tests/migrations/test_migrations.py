"""Migrations lead from nothing to the models and back, on both databases."""

import pytest
from sqlalchemy import inspect, text

from cis_power import migrations
from cis_power.core.db import Database
from cis_power.core.db.revision import require_head
from cis_power.core.errors import ConfigError
from cis_power.migrations.integrity import differing_tables


def _differences(database: Database) -> list:
    with database.engine.connect() as connection:
        return differing_tables(connection)


def test_head_equals_the_models(database: Database) -> None:
    assert migrations.current(database) == migrations.head()
    assert _differences(database) == []


def test_a_missing_column_would_be_seen(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("ALTER TABLE feedback DROP COLUMN rating"))
    assert [difference[0] for difference in _differences(database)] == ["add_column"]


def test_down_and_up_again(database: Database) -> None:
    migrations.downgrade(database, "base")
    assert set(inspect(database.engine).get_table_names()) == {"alembic_version"}
    migrations.upgrade(database)
    assert _differences(database) == []


def test_a_newer_database_is_refused(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'f00d'"))
    for act in (require_head, migrations.upgrade):
        with pytest.raises(ConfigError, match="newer version"):
            act(database)


def test_an_empty_database_is_told_what_to_do(tmp_path) -> None:
    database = Database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(ConfigError, match="cis-power db upgrade"):
        require_head(database)
