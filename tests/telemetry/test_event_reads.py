"""Signal events: filters, pages, what they say."""

from datetime import UTC, datetime, timedelta

import pytest

from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.errors import Forbidden
from cis_power.core.quality import Quality
from cis_power.telemetry.event_reads import EventFilter, page_events
from cis_power.telemetry.models import Point, SignalEvent, Source

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHO = system_viewer("test")


@pytest.fixture
def stored(database):
    """Twenty events of two breakers, two at each instant; every fifth of doubtful quality."""
    with database.transaction() as session:
        source = Source(name="rtu1")
        session.add(source)
        session.flush()
        for code in ("CB1", "CB2"):
            point = Point(
                point_id=f"{code}.pos", source_id=source.id, device_id=1, table="coil", address=code, datatype="bit",
                kind="discrete", equipment=code, quantity="position", poll_seconds=1.0,
            )  # fmt: skip
            session.add(point)
            session.flush()
            for number in range(10):
                at = NOW + timedelta(minutes=number)
                session.add(SignalEvent(
                    point_id=point.id, value=float(number % 2), previous_value=float((number + 1) % 2),
                    quality=int(Quality.SUSPECT if number % 5 == 0 else Quality.GOOD), occurred_at=at, latest_at=at,
                    received_at=at, sequence=number,
                ))  # fmt: skip
    return database


def found(session, **wanted):
    return page_events(session, WHO, NOW, EventFilter(**wanted), limit=1000)[0]


def test_the_latest_come_first_and_pages_join(stored):
    with stored.reading() as session:
        whole = found(session)
        assert [row.occurred_at for row in whole] == sorted((row.occurred_at for row in whole), reverse=True)
        assert len(whole) == 20
        seen, before = [], None
        while True:
            rows, before = page_events(session, WHO, NOW, EventFilter(), before=before, limit=3)
            seen += rows
            if before is None:
                break
        assert seen == whole


def test_filters(stored):
    with stored.reading() as session:
        assert {row.equipment for row in found(session, equipment="CB1")} == {"CB1"}
        assert {row.value for row in found(session, to="open")} == {0.0}
        assert {row.value for row in found(session, to="closed", point_id="CB2.pos")} == {1.0}
        assert len(found(session, quality="suspect")) == 4
        assert len(found(session, from_at=NOW + timedelta(minutes=2), to_at=NOW + timedelta(minutes=4))) == 4
        assert len(found(session, text="cb1")) == 10
        assert found(session, source="rtu9") == found(session, quantity="trip") == []
        row = found(session, point_id="CB1.pos")[0]
        assert (row.previous_value, row.value, row.quantity, row.source) == (0.0, 1.0, "position", "rtu1")


def test_territory_and_role(stored):
    with stored.reading() as session:
        assert page_events(session, Viewer("w", "engineer", frozenset({1})), NOW, EventFilter()) == ([], None)
        with pytest.raises(Forbidden):
            page_events(session, Viewer("c", "billing", None), NOW, EventFilter())
