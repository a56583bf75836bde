"""How many pages connections keep."""

from cis_power.core.db.cache import FEW_MB, keep_few_pages


def _kept_kb(session) -> int:
    return -session.connection().exec_driver_sql("PRAGMA cache_size").scalar()


def test_every_connection_keeps_few_pages(sqlite_database) -> None:
    with sqlite_database.reading() as session:
        assert _kept_kb(session) > FEW_MB * 1024
    keep_few_pages(sqlite_database)
    with sqlite_database.reading() as session, sqlite_database.transaction() as other:
        assert {_kept_kb(session), _kept_kb(other)} == {FEW_MB * 1024}


def test_postgresql_has_its_own_ways(database) -> None:
    keep_few_pages(database)
    with database.reading() as session:
        assert session.connection().exec_driver_sql("SELECT 1").scalar() == 1
