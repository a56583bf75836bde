"""Sources, collectors, gaps and what waits in the spool."""

from datetime import UTC, datetime, timedelta

import pytest

from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.errors import Forbidden
from cis_power.telemetry.models import Gap, Point, PullWatermark, Source, SpoolBatch
from cis_power.telemetry.source_reads import list_collectors, list_gaps, list_sources, point_gaps
from cis_power.telemetry.spool_folder import spool_depth

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHO = system_viewer("test")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def stored(database):
    with database.transaction() as session:
        first, second = Source(name="rtu1", state="up", polls=9), Source(name="rtu2")
        session.add_all([first, second])
        session.flush()
        point = Point(
            point_id="A", source_id=first.id, device_id=1, table="coil", address="1", datatype="bit", kind="discrete",
            poll_seconds=1.0,
        )  # fmt: skip
        session.add(point)
        session.flush()
        session.add_all([
            Gap(source_id=first.id, began_at=NOW, ended_at=NOW + MINUTE, reason="no_answer", values_missing=7),
            Gap(source_id=first.id, point_id=point.id, began_at=NOW + 2 * MINUTE, reason="no_answer"),
            Gap(source_id=first.id, began_at=NOW - MINUTE, ended_at=NOW, reason="no_answer", values_missing=5,
                filled_at=NOW, filled_from="archive"),
            Gap(source_id=second.id, began_at=NOW, ended_at=NOW + MINUTE, reason="no_answer"),
            Gap(began_at=NOW, ended_at=NOW, reason="batch_missing", collector="c" * 12, first_number=3, last_number=7),
            Gap(began_at=NOW, ended_at=NOW, reason="batch_damaged", collector="c" * 12, first_number=9, last_number=9),
            SpoolBatch(collector="c" * 12, number=12, content_hash="x", samples=1, loaded_at=NOW),
            SpoolBatch(collector="c" * 12, number=11, content_hash="y", samples=1, loaded_at=NOW - MINUTE),
            PullWatermark(archive="archive", source_id=first.id, pulled_to_at=NOW, pulled_at=NOW),
        ])  # fmt: skip
    return database


def test_a_source_tells_its_gaps_and_how_far_its_history_was_pulled(stored):
    with stored.reading() as session:
        first, second = list_sources(session, WHO)
    assert (first.name, first.state, first.polls, first.points) == ("rtu1", "up", 9, 1)
    assert (first.gaps, first.open_gaps, first.values_missing) == (3, 2, 7)
    assert (first.pulled_from, first.pulled_to_at) == ("archive", NOW)
    assert (second.gaps, second.open_gaps, second.pulled_to_at) == (1, 1, None)


def test_a_collector_tells_its_lost_and_refused_batches(stored):
    with stored.reading() as session:
        (row,) = list_collectors(session, WHO)
    assert (row.last_number, row.last_loaded_at, row.batches_lost, row.batches_refused) == (12, NOW, 5, 1)


def test_the_gap_ledger_by_source_and_in_pages(stored):
    with stored.reading() as session:
        assert [row.values_missing for row in list_gaps(session, WHO, source="rtu1")[0]] == [None, 7, 5]
        assert len(list_gaps(session, WHO, source="rtu1", unfilled_only=True)[0]) == 2
        seen, before = [], None
        while True:
            rows, before = list_gaps(session, WHO, before=before, limit=2)
            seen += rows
            if before is None:
                break
        assert len(seen) == 6
        assert sorted(row.batches for row in seen if row.batches) == [1, 5]


def test_gaps_of_a_point_are_its_own_and_those_of_its_source(stored):
    with stored.reading() as session:
        rows = point_gaps(session, WHO, "A", NOW, NOW + 5 * MINUTE)
        assert [(row.point_id, row.began_at) for row in rows] == [("A", NOW + 2 * MINUTE), (None, NOW)]
        assert [row.began_at for row in point_gaps(session, WHO, "A", NOW - MINUTE, NOW)] == [NOW - MINUTE]


def test_only_who_may_see_the_installation_sees_it(stored):
    engineer = Viewer("e", "engineer", None)
    with stored.reading() as session:
        for read in (list_sources, list_collectors, list_gaps):
            with pytest.raises(Forbidden):
                read(session, engineer)


def test_what_waits_in_the_spool_is_what_is_not_loaded(tmp_path):
    name = "0123456789ab"
    for number in (1, 2, 3):
        (tmp_path / f"{name}-{number:012d}.batch").write_bytes(b"x" * 10)
    (tmp_path / "state.json").write_text("{}")
    (tmp_path / "quarantine").mkdir()
    (tmp_path / "quarantine" / "bad").write_text("")
    found = spool_depth(tmp_path, {name: 1})
    assert (found.batches, found.size_bytes, found.put_aside) == (2, 20, 1)
    assert found.oldest_at is not None
    assert spool_depth(tmp_path, {name: 3}).oldest_at is None
    assert spool_depth(tmp_path / "none", {}) is None
