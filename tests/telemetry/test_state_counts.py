"""Telemetry at a glance equals what the list of points says, by territory."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.errors import Forbidden
from cis_power.core.quality import Quality
from cis_power.network.models import EquipmentState
from cis_power.telemetry.models import LatestValue, Point, Source
from cis_power.telemetry.reads import list_points
from cis_power.telemetry.state_counts import loaded_transformers, quality_counts, troubled_sources
from tests.reports.utility import Utility

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL = system_viewer("test")


def engineer(*districts: int) -> Viewer:
    return Viewer("somebody", "engineer", frozenset(districts) or None, id=1)


@pytest.fixture
def utility(database):
    """Points on T1 (district N) and T2: kW and kvar of T1, kVA of T2, one never measured, one old, one bad."""
    with database.transaction() as session:
        made = Utility(session)
        made.district("N")
        made.network()
        session.execute(update(EquipmentState).where(EquipmentState.kind == "transformer").values(rated_kva=100.0))
        source = Source(name="rtu1", state="down", state_reason="no answer", last_good_poll_at=NOW - timedelta(hours=1))
        session.add_all([source, Source(name="rtu2", state="up")])
        session.flush()
        values = (
            ("T1.kw", "T1", "kW", 70.0, Quality.GOOD, 0), ("T1.kvar", "T1", "kvar", 60.0, Quality.GOOD, 0),
            ("T2.kva", "T2", "kVA", 120.0, Quality.SUSPECT, 30), ("T1.v", "T1", "V", 230.0, Quality.GOOD, 3600),
            ("T1.bad", "T1", "A", 1.0, Quality.BAD, 3600), ("T1.never", "T1", "A", None, None, None),
        )  # fmt: skip
        for code, device, unit, value, quality, age in values:
            point = Point(point_id=code, source_id=source.id, device_id=1, table="holding", address="0", kind="analog",
                          datatype="float32", unit=unit, element_id=made.element(device), poll_seconds=10)  # fmt: skip
            session.add(point)
            session.flush()
            if quality is not None:
                at = NOW - timedelta(seconds=age)
                session.add(LatestValue(point_id=point.id, value=value, quality=quality, measured_at=at, received_at=at,
                                        sequence=1, checked_at=at))  # fmt: skip
    return made


def test_counts_are_those_of_the_list(database, utility) -> None:
    with database.reading() as session:
        for viewer in (ALL, engineer(utility.districts["N"]), engineer(10**6)):
            listed = Counter(row.quality.name.lower() for row in list_points(session, viewer, NOW))
            assert quality_counts(session, viewer, NOW) == listed
        assert quality_counts(session, ALL, NOW) == {"good": 2, "suspect": 1, "stale": 1, "bad": 1, "missing": 1}
        assert quality_counts(session, ALL, NOW, 7200)["good"] == 3, "the setting says when a value is old"
        with pytest.raises(Forbidden):
            quality_counts(session, Viewer("a", "agent", None), NOW)


def test_sources_in_trouble(database, utility) -> None:
    with database.reading() as session:
        (row,) = troubled_sources(session, ALL, NOW)
        assert (row.source, row.state, row.reason, row.points) == ("rtu1", "down", "no answer", 6)
        assert troubled_sources(session, engineer(utility.districts["N"]), NOW)[0].points == 5
        assert troubled_sources(session, engineer(10**6), NOW) == []


def test_heavily_loaded_transformers(database, utility) -> None:
    with database.reading() as session:
        rows = loaded_transformers(session, ALL, NOW)
        assert [(row.transformer, row.feeder, round(row.load.percent)) for row in rows] == [
            ("T2", None, 120), ("T1", "F1", 92),
        ]  # fmt: skip
        assert [row.transformer for row in loaded_transformers(session, ALL, NOW, limit=1)] == ["T2"]
        own = loaded_transformers(session, engineer(utility.districts["N"]), NOW)
        assert [row.transformer for row in own] == ["T1"]
    with database.transaction() as session:
        session.execute(update(LatestValue).values(value=10.0))
    with database.reading() as session:
        assert loaded_transformers(session, ALL, NOW) == []
