"""Usage points by where they hang, and outages by where they are."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.db import Database
from cis_power.core.errors import Forbidden
from cis_power.customers.hanging_reads import subjects_of, usage_points_by_feeder, usage_points_on
from cis_power.customers.models import UsagePoint
from cis_power.network.models import NetworkVersion
from cis_power.network.transformer_reads import find_transformer, supplied_elements, way_up
from cis_power.outages.intake import record_entries
from cis_power.outages.passes import run_engine
from cis_power.outages.place_reads import out_by_feeder, outages_at, points_out
from tests.outages.people import put_people
from tests.outages.stored import element, entry
from tests.outages.worlds import at

NOW = at(600)
ALL = system_viewer("test")
Do = Callable[..., None]


def happen(database: Database, *entries: tuple) -> None:
    with database.transaction() as session:
        record_entries(session, [entry(database, *one) for one in entries], NOW)
    run_engine(database, NOW)


def keys(session, *codes: str) -> list[int]:
    return [session.scalars(select(UsagePoint.id).where(UsagePoint.code == code)).one() for code in codes]


def test_what_hangs_on_elements_and_who_it_is(database: Database) -> None:
    put_people(database)
    with database.reading() as session:
        found = usage_points_on(
            session, ALL, [element(session, "equipment", "X2"), element(session, "node", "n5")], NOW
        )
        assert [(row.usage_point, row.role) for row in found] == [("U2", "main"), ("U5", "main"), ("UD", "standby")]
        subjects = subjects_of(session, [row.id for row in found], NOW)
        assert len(subjects) == len(set(subjects)) == 3
        with pytest.raises(Forbidden):
            usage_points_on(session, Viewer("b", "billing", None), [1], NOW)


def test_usage_points_are_counted_on_their_feeder_and_those_out_too(database: Database) -> None:
    put_people(database)
    happen(database, ("switch", "B", 10, "open"))
    with database.reading() as session:
        version = session.scalars(select(NetworkVersion.id)).one()
        feeder = element(session, "feeder", "F")
        assert usage_points_by_feeder(session, ALL, version, NOW) == {(feeder, None): 6}
        out = out_by_feeder(session, ALL, version, NOW)
        lost = points_out(session, ALL, keys(session, "U1", "U2", "U3", "U5", "UD"), NOW)
        assert lost == set(keys(session, "U2", "U3"))
        assert out == {(feeder, None): 2}


def test_counts_are_of_the_territory(database: Database) -> None:
    districts = put_people(database)
    happen(database, ("switch", "A", 10, "open"))
    with database.reading() as session:
        version = session.scalars(select(NetworkVersion.id)).one()
        nobody = Viewer("n", "engineer", frozenset())
        assert usage_points_by_feeder(session, nobody, version, NOW) == {}
        assert out_by_feeder(session, nobody, version, NOW) == {}
        assert points_out(session, nobody, keys(session, "U1", "U2", "U3"), NOW) == frozenset()
        feeder = element(session, "feeder", "F")
        east, west = (Viewer(code, "engineer", frozenset({key})) for code, key in districts.items())
        assert usage_points_by_feeder(session, east, version, NOW) == {(feeder, None): 4}
        assert usage_points_by_feeder(session, west, version, NOW) == {(feeder, None): 2}
        everybody = keys(session, "U1", "U2", "U3", "U5", "UD")
        assert points_out(session, east, everybody, NOW) == set(keys(session, "U1", "U2"))
        assert points_out(session, west, everybody, NOW) == set(keys(session, "U3"))
        assert out_by_feeder(session, west, version, NOW) == {(feeder, None): 1}


def test_outages_at_usage_points_are_told_once_each(database: Database) -> None:
    put_people(database)
    happen(database, ("switch", "B", 10, "open"), ("switch", "B", 40, "close"), ("switch", "C", 50, "open"))
    with database.reading() as session:
        rows = outages_at(session, ALL, keys(session, "U2", "U3"), at(0), NOW)
        assert [(row.device, row.usage_points, row.minutes, row.restored_at) for row in rows] == [
            ("C", 1, None, None), ("B", 2, 30.0, at(40)),
        ]  # fmt: skip
        assert [row.device for row in outages_at(session, ALL, keys(session, "U2"), at(20), NOW)] == []
        with pytest.raises(Forbidden):
            outages_at(session, Viewer("m", "marketing", None), [1], at(0), NOW)


def test_a_transformer_knows_its_way_up_and_what_hangs_behind_it(database: Database) -> None:
    put_people(database)
    with database.reading() as session:
        version, found = find_transformer(session, ALL, "X3", NOW)
        assert [step.device for step in way_up(session, ALL, version.id, found)] == ["C", "B", "A"]
        low = element(session, "node", "l3")
        assert supplied_elements(session, version.id, found) == [found.element_id, low]
