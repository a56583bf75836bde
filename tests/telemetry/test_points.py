"""Points in the store: lists posted whole, linked to devices, held by hand, read within the territory."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from cis_power.access.models import District
from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from cis_power.core.quality import Quality
from cis_power.network.models import Element, EquipmentState, NetworkActivation, NetworkVersion
from cis_power.series.writes import fold
from cis_power.telemetry.models import LatestValue, Point, SignalEvent, Source
from cis_power.telemetry.reads import find_point, list_points, point_history
from cis_power.telemetry.samples import KnownPoint, PointDirectory, Sample, put_history, put_latest
from cis_power.telemetry.writes import link_points, post_points, release_point, set_point, tag_point

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WHO = system_viewer("test")


def columns(*names, source="rtu1", **others):
    count = len(names)
    base = {
        "point_id": list(names), "source": [source] * count, "device_id": [1] * count, "table": ["holding"] * count,
        "address": [str(place) for place in range(count)], "datatype": ["uint16"] * count,
        "byte_order": ["big"] * count, "scale": [1.0] * count, "offset": [0.0] * count, "unit": ["A"] * count,
        "kind": ["analog"] * count, "equipment": [None] * count, "quantity": ["current"] * count,
        "normal_state": [None] * count, "min_value": [None] * count, "max_value": [None] * count,
        "deadband": [None] * count, "poll_seconds": [5.0] * count,
    }  # fmt: skip
    return base | {name: [value] * count for name, value in others.items()}


def post(database, table, now=NOW):
    with database.transaction() as session:
        return post_points(session, WHO, table, now)


def active(database):
    with database.reading() as session:
        return [row.point_id for row in list_points(session, WHO, NOW)]


def keys(session):
    return dict(session.execute(select(Point.point_id, Point.id)).all())


def put(database, name, value, at, quality=Quality.GOOD, sequence=1):
    with database.transaction() as session:
        known = KnownPoint(keys(session)[name], "analog", 1, 5.0)
        sample = Sample(known, value, round(at.timestamp() * 1000), quality, None, True)
        put_latest(session, [sample], sequence, at, at)
        put_history(session, PointDirectory(), [sample], round(at.timestamp() * 1000))


def network(database, *devices, district="EAST"):
    """A version that holds now, with these devices in a district."""
    with database.transaction() as session:
        row = session.scalar(select(District).where(District.code == district))
        if row is None:
            row = District(code=district, name=district)
            session.add(row)
            session.flush()
        node = Element(kind="node", code="N1")
        session.add(node)
        version = NetworkVersion(number=1, format="csv", content_hash="x", recorded_at=NOW)
        session.add(version)
        session.flush()
        session.add(NetworkActivation(version_id=version.id, activated_at=NOW, activated_by="test"))
        for code in devices:
            element = Element(kind="equipment", code=code)
            session.add(element)
            session.flush()
            session.execute(
                insert(EquipmentState).values(
                    version_id=version.id,
                    element_id=element.id,
                    leg=0,
                    kind="breaker",
                    from_node_id=node.id,
                    to_node_id=node.id,
                    normal_open=False,
                    open_phases=0,
                    telemetered=True,
                    phases=7,
                    district_id=row.id,
                    owner="utility",
                )
            )
        return row.id


def test_a_list_replaces_the_points_of_its_sources_and_leaves_the_others(database):
    assert post(database, columns("A", "B")).changed == 2
    assert post(database, columns("X", source="rtu2")).changed == 1
    posted = post(database, columns("B", "C"))
    assert (posted.changed, posted.unchanged, posted.retired) == (2, 0, 1)  # B moved to another address
    assert active(database) == ["B", "C", "X"]
    again = post(database, columns("B", "C"))
    assert (again.changed, again.unchanged, again.retired) == (0, 2, 0)
    assert post(database, columns("A", "B", "C")).retired == 0
    assert active(database) == ["A", "B", "C", "X"]


def test_points_link_to_devices_whenever_those_come(database):
    table = columns("P", kind="discrete", quantity="position", equipment="CB1")
    assert post(database, table).unlinked == ("CB1",)
    with database.transaction() as session:
        key = keys(session)["P"]
        session.add(
            SignalEvent(point_id=key, value=0.0, quality=0, occurred_at=NOW, latest_at=NOW, received_at=NOW, sequence=3)
        )
    with database.reading() as session:
        (before,) = session.scalars(select(SignalEvent.id))
    network(database, "CB1")
    with database.transaction() as session:
        session.add(
            SignalEvent(
                point_id=key,
                value=1.0,
                quality=0,
                occurred_at=NOW + timedelta(seconds=1),
                latest_at=NOW,
                received_at=NOW,
                sequence=4,
            )
        )
    with database.transaction() as session:
        assert link_points(session) == ()
    with database.reading() as session:
        assert session.scalar(select(Point.element_id)) is not None
        again = session.execute(select(SignalEvent.id, SignalEvent.value).order_by(SignalEvent.id)).all()
    assert [value for _, value in again] == [0.0, 1.0]
    assert min(key for key, _ in again) > before, "told again behind every mark"


def test_the_newest_value_wins_in_any_order(database):
    post(database, columns("A"))
    told = [(1.0, 0, 0, 1), (2.0, 10, 0, 2), (3.0, 10, 0, 3), (4.0, 10, 2, 3), (5.0, 10, 2, 3), (9.0, 5, 4, 9)]
    for order in (told, told[::-1], told[3:] + told[:3]):
        with database.transaction() as session:
            session.query(LatestValue).delete()
        for value, seconds, quality, sequence in order:
            put(database, "A", value, NOW + timedelta(seconds=seconds), quality, sequence)
        with database.reading() as session:
            latest = session.scalars(select(LatestValue)).one()
            assert (latest.value, latest.quality, latest.sequence) == (5.0, 2, 3)


def test_a_point_as_the_contract_wants_it(database):
    post(database, columns("A"))
    put(database, "A", 5.5, NOW)
    with database.reading() as session:
        found = find_point(session, WHO, "A", NOW + timedelta(seconds=30)).as_dict()
        old = find_point(session, WHO, "A", NOW + timedelta(seconds=90)).as_dict()
        strict = find_point(session, WHO, "A", NOW + timedelta(seconds=30), stale_after_seconds=10).as_dict()
    assert {name: found[name] for name in ("point_id", "value", "unit", "quality", "reason", "age_seconds")} == {
        "point_id": "A", "value": 5.5, "unit": "A", "quality": "GOOD", "reason": None, "age_seconds": 30.0,
    }  # fmt: skip
    assert found["measured_at"] == found["received_at"] == "2026-06-01T12:00:00+00:00"
    assert (old["quality"], old["value"], old["reason"]) == ("STALE", 5.5, "older than 60 s")
    assert strict["quality"] == "STALE"


def test_history_of_values_and_of_signals(database):
    post(database, columns("A"))
    for turn in range(4):
        put(database, "A", float(turn), NOW + timedelta(seconds=5 * turn), Quality.BAD if turn == 2 else Quality.GOOD)
    with database.reading() as session:
        found = point_history(session, WHO, "A", NOW + timedelta(seconds=5), NOW + timedelta(seconds=20), NOW)
        assert found.as_dict() == {
            "point_id": "A",
            "unit": "A",
            "rows": [
                ["2026-06-01T12:00:05+00:00", 1.0, "GOOD"],
                ["2026-06-01T12:00:10+00:00", 2.0, "BAD"],
                ["2026-06-01T12:00:15+00:00", 3.0, "GOOD"],
            ],
            "grid_seconds": 5,
            "kept": "the last value of each slot",
        }
        with pytest.raises(NotFound):
            point_history(session, WHO, "none", NOW, NOW, NOW)


def test_history_keeps_what_the_datatype_can_hold(database):
    post(database, columns("A", datatype="float32"))
    put(database, "A", 1e300, NOW)
    with database.transaction() as session:
        fold(session, NOW + timedelta(days=1))
    with database.reading() as session:
        found = point_history(session, WHO, "A", NOW, NOW + timedelta(seconds=5), NOW)
    assert [(value, quality) for _, value, quality in found.rows] == [(None, Quality.BAD)]
    assert KnownPoint(1, "analog", 1, 5.0, "float64").wide
    assert not KnownPoint(1, "analog", 1, 5.0, "int32").wide


def test_the_territory_and_the_role(database):
    post(database, columns("A", equipment="CB1"))
    post(database, columns("B", source="rtu2"))
    east = network(database, "CB1")
    with database.transaction() as session:
        link_points(session)
    own = Viewer("e", "engineer", frozenset({east}))
    foreign = Viewer("w", "engineer", frozenset({east + 1}))
    nobody = Viewer("n", "engineer", frozenset())
    with database.reading() as session:
        assert [row.point_id for row in list_points(session, own, NOW)] == ["A"]
        assert list_points(session, foreign, NOW) == list_points(session, nobody, NOW) == []
        with pytest.raises(NotFound) as foreign_point:
            find_point(session, foreign, "A", NOW)
        with pytest.raises(NotFound) as missing_point:
            find_point(session, foreign, "Z", NOW)
        assert str(foreign_point.value).replace("A", "Z") == str(missing_point.value)
        with pytest.raises(NotFound):
            point_history(session, foreign, "A", NOW, NOW, NOW)
        with pytest.raises(Forbidden):
            list_points(session, Viewer("c", "billing", None), NOW)


def test_pages_of_a_list_join_without_gap_or_double(database):
    post(database, columns(*[f"P{i:02d}" for i in range(25)]))
    seen, after = [], None
    with database.reading() as session:
        while page := list_points(session, WHO, NOW, after=after, limit=10):
            seen += [row.point_id for row in page]
            after = seen[-1]
    assert seen == [f"P{i:02d}" for i in range(25)]


def test_what_a_person_sets_holds_until_released(database):
    post(database, columns("P", kind="discrete", quantity="position", equipment="CB1"))
    later = NOW + timedelta(minutes=5)
    with database.transaction() as session:
        set_point(session, WHO, "P", 0.0, "liu", NOW, "no telemetry")
        with pytest.raises(InvalidInput):
            set_point(session, WHO, "P", 2.0, "liu", NOW)
    with database.transaction() as session:
        tag_point(session, WHO, "P", "work", "wang", later)
    with database.reading() as session:
        found = find_point(session, WHO, "P", later)
        assert (found.value, found.quality, found.reason) == (0.0, Quality.SUBSTITUTED, "tag work by wang")
    with database.transaction() as session:
        assert release_point(session, WHO, "P", "wang", later) == 2
        with pytest.raises(Conflict):
            release_point(session, WHO, "P", "wang", later)
        with pytest.raises(NotFound):
            set_point(session, WHO, "Q", 1.0, "liu", NOW)
    with database.reading() as session:
        assert find_point(session, WHO, "P", later).quality == Quality.MISSING
        assert session.scalar(select(Source.state)) == "unknown"
