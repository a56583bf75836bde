"""History pull: what polling missed is filled from the DMS's archive, and nothing better is written over."""

import csv
import sqlite3
from datetime import timedelta

import pytest

from cis_power.core.config import Settings, SourceSettings
from cis_power.core.errors import ConfigError, Unavailable
from cis_power.core.quality import Quality
from scada_bridge.batch import from_ms
from scada_bridge.pull import pull_archive
from tests.scada_bridge.making import MINUTE_MS, START_MS, analog, batch, position
from tests.scada_bridge.stored import BEGIN, Store

MINUTES = 30
POINTS = [
    analog("CB1", 0, poll_seconds=60.0),
    position("CB1", 0, poll_seconds=60.0),
    analog("X", 0, source="other", poll_seconds=60.0),
]


def truth(minute):
    """What the field was at a minute: the breaker is open from 12 to 15."""
    is_closed = not 12 <= minute < 15
    return (100.0 + minute if is_closed else 0.0), float(is_closed)


@pytest.fixture
def store(database, tmp_path) -> Store:
    made = Store(database, tmp_path / "run")
    made.post(POINTS)
    return made


@pytest.fixture
def archive(tmp_path):
    """The DMS's own archive: every minute of every point, in tables of its own naming, naive times of its zone."""
    file = tmp_path / "dms.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE samples (tag TEXT, ts TIMESTAMP, val REAL, q TEXT)")
        for minute in range(MINUTES):
            local = (BEGIN + timedelta(hours=8, minutes=minute)).replace(tzinfo=None).isoformat(" ")
            current, closed = truth(minute)
            rows = [("A_CB1", local, current, "GOOD"), ("P_CB1", local, closed, "GOOD"), ("A_X", local, 9.0, "GOOD")]
            connection.executemany("INSERT INTO samples VALUES (?, ?, ?, ?)", rows)
    connection.close()
    return SourceSettings(
        url=f"archive+sqlite:///{file}",
        serves=("rtu1",),
        table="samples",
        columns={"point_id": "tag", "measured_at": "ts", "value": "val", "quality": "q"},
        timezone="Asia/Shanghai",
    )


def settings(store, source):
    return Settings(run_dir=store.run_dir, sources={"dms": source})


def poll_with_a_dead_collector(store, dead=range(10, 20)):
    """Polls of every minute but those in which the collector is dead; one value of them is of poor quality."""
    spool, before = store.spool(), None
    closed_before = None
    for minute in range(MINUTES):
        if minute in dead:
            continue
        at = START_MS + minute * MINUTE_MS
        current, closed = truth(minute)
        resumed = None if before is None or minute - before == 1 else START_MS + before * MINUTE_MS
        one = batch(at, {"A_CB1": current, "P_CB1": closed}, poll_seconds=60.0, resumed_ms=resumed)
        if closed_before is None:
            from scada_bridge.batch import Change

            rows = one.rows.__class__(**{name: getattr(one.rows, name) for name in one.rows.__slots__}
                                      | {"changes": (Change(1, None, None, True),)})  # fmt: skip
            one = one.__class__(**{name: getattr(one, name) for name in one.__slots__} | {"rows": rows})
        if minute == 5:
            one.rows.quality[0] = Quality.SUSPECT
            one.rows.values[0] = 9_999.0
        spool.append(one, at)
        before, closed_before = minute, closed
    store.load()


def picture(store):
    return store.latest(), store.events(), store.history("A_CB1"), [
        (gap.reason, gap.began_at, gap.ended_at, gap.filled_from) for gap in store.gaps()
    ]  # fmt: skip


def test_ten_minutes_without_a_collector_are_filled_from_the_archive(store, archive):
    poll_with_a_dead_collector(store)
    (gap,) = store.gaps()
    assert (gap.reason, gap.ended_at - gap.began_at, gap.filled_at) == ("collector_down", timedelta(minutes=11), None)
    before = {at: (value, quality) for at, value, quality in store.history("A_CB1")}
    assert len(before) == 20
    told = store.latest()

    pulled = pull_archive(store.database, settings(store, archive), "dms")
    assert pulled.gaps_filled == 1
    after = {at: (value, quality) for at, value, quality in store.history("A_CB1")}
    assert len(after) == MINUTES
    for minute in range(MINUTES):
        at = from_ms(START_MS + minute * MINUTE_MS)
        assert after[at] == (truth(minute)[0], Quality.GOOD), minute
        if minute != 5 and at in before:
            assert after[at] == before[at]
    (gap,) = store.gaps()
    assert gap.filled_from == "dms"
    assert store.latest() == told
    minute = timedelta(minutes=1)
    assert [(name, value, at) for name, value, _, at, *_ in store.events()] == [
        ("P_CB1", 1.0, BEGIN),
        ("P_CB1", 0.0, BEGIN + 12 * minute),
        ("P_CB1", 1.0, BEGIN + 15 * minute),
    ]

    once = picture(store)
    pull_archive(store.database, settings(store, archive), "dms")
    assert picture(store) == once, "twice gives the same rows"


def test_better_values_are_not_written_over(store, archive):
    poll_with_a_dead_collector(store, dead=range(0))
    with sqlite3.connect(archive.url.removeprefix("archive+sqlite:///")) as connection:
        connection.execute("UPDATE samples SET val = val + 1000, q = 'SUSPECT'")
    connection.close()
    before = store.history("A_CB1")
    pull_archive(store.database, settings(store, archive), "dms")
    assert store.history("A_CB1") == before


def test_only_what_the_archive_serves_is_taken(store, archive):
    pull_archive(store.database, settings(store, archive), "dms")
    assert store.history("A_X") == []
    assert len(store.history("A_CB1")) == MINUTES


def test_a_folder_of_csv_files(store, tmp_path):
    folder = tmp_path / "csv"
    folder.mkdir()
    for part in range(2):
        with (folder / f"{part}.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["point_id", "measured_at", "value"])
            for minute in range(part * 10, part * 10 + 10):
                at = from_ms(START_MS + minute * MINUTE_MS).isoformat()
                writer.writerow(["A_CB1", at, "" if minute == 3 else truth(minute)[0]])
            writer.writerow(["A_CB1", "yesterday", 5])
            writer.writerow(["A_CB1", at, "five"])
    source = SourceSettings(url=f"file://{folder}", serves=("rtu1",))
    pulled = pull_archive(store.database, settings(store, source), "dms")
    assert (pulled.rows, pulled.unreadable) == (20, 4)
    assert [value for _, value, quality in store.history("A_CB1") if quality == Quality.GOOD] == [
        truth(minute)[0] for minute in range(20) if minute != 3
    ]


def test_files_in_another_zone_and_in_gbk(store, tmp_path):
    folder = tmp_path / "csv"
    folder.mkdir()
    text = "#TZ=Asia/Shanghai\n备注,point_id,measured_at,value\n正常,A_CB1,2026-01-01 08:00:00,5\n,A_CB1\n"
    (folder / "a.csv").write_bytes(text.encode("gbk"))
    (folder / "b.csv").write_text(f"point_id,measured_at,value\nA_CB1,{START_MS // 1000 + 60},6\n")
    pulled = pull_archive(
        store.database, settings(store, SourceSettings(url=f"file://{folder}", serves=("rtu1",))), "dms"
    )
    assert (pulled.rows, pulled.unreadable) == (2, 1)
    assert [(at, value) for at, value, _ in store.history("A_CB1")] == [
        (BEGIN, 5.0),
        (BEGIN + timedelta(minutes=1), 6.0),
    ]
    (folder / "c.csv").write_bytes(b"point_id,measured_at,value\n\xff\xfe\xff,2026-01-01,1\n")
    with pytest.raises(Unavailable, match=r"c\.csv"):
        pull_archive(store.database, settings(store, SourceSettings(url=f"file://{folder}", serves=("rtu1",))), "dms")


def test_what_cannot_be_pulled_is_named(store, archive, tmp_path):
    absent = archive.model_copy(update={"table": "nothing"})
    with pytest.raises(Unavailable, match="nothing"):
        pull_archive(store.database, settings(store, absent), "dms")
    wrong = archive.model_copy(update={"columns": {"colour": "tag"}})
    with pytest.raises(ConfigError, match="colour"):
        pull_archive(store.database, settings(store, wrong), "dms")
    missing = archive.model_copy(update={"columns": {"point_id": "name"}})
    with pytest.raises(ConfigError, match="name"):
        pull_archive(store.database, settings(store, missing), "dms")
    folder = SourceSettings(url=f"file://{tmp_path / 'none'}", serves=("rtu1",))
    with pytest.raises(Unavailable, match="not there"):
        pull_archive(store.database, settings(store, folder), "dms")
