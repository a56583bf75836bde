"""Outbound files: exact, safe to open, numbered, and the same content is the same batch."""

import csv
import io
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from billing_bridge.exporting import make_export
from billing_bridge.outbound.months import Period
from cis_power.access.models import District
from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.errors import Forbidden, NotFound
from cis_power.core.tables import original_text
from tests.billing_bridge.files import NOW, SETTINGS, customers_text, put

SYSTEM = system_viewer("test")
OCTOBER = Period.parse("2026-10-01", "2026-11-01", SETTINGS.zone, NOW)


@pytest.fixture
def data(database):
    put(
        database,
        "customers",
        customers_text(
            [
                {"account_no": "A1", "name": "One", "usage_point": "=U1", "meter_no": "M1", "district": "D1"},
                {"account_no": "A2", "name": "Two", "usage_point": "U2", "meter_no": "M2", "district": "D2"},
            ]
        ),
    )
    meters = "meter_no,usage_point,channel,kind,multiplier\nM1,=U1,1,interval,10\nM2,U2,1,register,2\n"
    put(database, "meters", meters)
    put(
        database,
        "readings",
        "#TZ=Asia/Shanghai\nmeter_no,channel,began_at,seconds,value,quality\n"
        "M1,1,2026-09-30T23:00,3600,100,measured\n"
        "M1,1,2026-10-01T00:00,3600,1,measured\n"
        "M1,1,2026-10-31T23:00,3600,2,estimated\n"
        "M1,1,2026-11-01T00:00,3600,100,measured\n"
        "M2,1,2026-10-01T00:00,,1000,measured\n"
        "M2,1,2026-11-01T00:00,,1250,measured\n",
    )
    put(
        database,
        "interruptions",
        "#TZ=Asia/Shanghai\noutage_no,usage_point,began_at,restored_at,kind\n"
        "O1,=U1,2026-09-30T23:30,2026-10-01T00:20,unplanned\n"
        "O2,=U1,2026-10-05T10:00,2026-10-05T10:00:30,planned\n"
        "O3,U2,2026-10-31T23:00,,unplanned\n",
    )


def made(database, name, viewer=SYSTEM, period=OCTOBER):
    with database.transaction() as session:
        return make_export(session, viewer, name, period, NOW)


def rows(exported):
    return list(csv.DictReader(io.StringIO(exported.text)))


@pytest.mark.usefixtures("data")
def test_usage_is_energy_of_the_month_times_the_multiplier(database):
    first, second = rows(made(database, "usage"))
    assert original_text(first["usage_point"]) == "=U1"
    assert first["usage_point"] == "'=U1"
    assert (first["account_no"], first["meter_no"], first["month"]) == ("A1", "M1", "2026-10")
    assert float(first["energy_kwh"]) == 30
    assert float(first["peak_kw"]) == 20
    assert first["peak_at"] == "2026-10-31T23:00:00+08:00"
    assert (first["intervals"], first["expected_intervals"]) == ("2", str(31 * 24))
    assert float(first["good_share"]) == pytest.approx(1 / 744)
    assert (second["usage_point"], float(second["energy_kwh"]), second["peak_kw"]) == ("U2", 500, "")


@pytest.mark.usefixtures("data")
def test_outage_minutes_are_clipped_to_the_month_and_to_now(database):
    first, second = rows(made(database, "outage-minutes"))
    assert (first["interruptions"], float(first["outage_minutes"])) == ("1", 20.5)
    assert (float(first["planned_minutes"]), float(first["unplanned_minutes"])) == (0.5, 20)
    assert (second["interruptions"], float(second["outage_minutes"]), second["still_out"]) == ("1", 60, "true")


@pytest.mark.usefixtures("data")
def test_the_same_content_is_the_same_batch_and_new_content_the_next_number(database):
    one, two = made(database, "outage_minutes"), made(database, "outage-minutes")
    assert (one.batch, one.number, one.text) == (two.batch, two.number, two.text)
    put(
        database,
        "interruptions",
        "outage_no,usage_point,began_at,restored_at\nO9,U2,2026-10-02T00:00,2026-10-02T01:00\n",
    )
    three = made(database, "outage-minutes")
    assert three.number == one.number + 1
    assert three.totals["outage_minutes"] == one.totals["outage_minutes"] + 60


@pytest.mark.usefixtures("data")
def test_only_the_viewers_districts_are_exported(database):
    with database.reading() as session:
        keys = {district.code: district.id for district in session.scalars(select(District))}
    viewer = Viewer("b", "billing", frozenset({keys["D2"]}), id=7)
    assert [row["usage_point"] for row in rows(made(database, "usage", viewer))] == ["U2"]
    assert [row["usage_point"] for row in rows(made(database, "outage-minutes", viewer))] == ["U2"]
    with pytest.raises(Forbidden):
        made(database, "usage", Viewer("a", "agent", None, id=8))
    with pytest.raises(NotFound):
        made(database, "everything")


def test_a_period_is_the_last_whole_month_unless_told():
    period = Period.parse(None, None, SETTINGS.zone, NOW)
    assert (period.from_at, period.to_at) == (OCTOBER.from_at, OCTOBER.to_at)
    assert [month.name for month in Period.parse("2026-12-15", "2027-02-02", SETTINGS.zone, NOW).months()] == [
        "2026-12",
        "2027-01",
        "2027-02",
    ]
    assert Period.parse(None, None, SETTINGS.zone, datetime(2026, 1, 5, tzinfo=UTC)).months()[0].name == "2025-12"
    for wrong in (("2026-10-01", None), ("2026-10-02", "2026-10-01"), ("x", "y")):
        with pytest.raises(ValueError, match=r"."):
            Period.parse(*wrong, SETTINGS.zone, NOW)


def test_the_command_writes_files_and_names_what_is_wrong(cli, tmp_path):
    file = tmp_path / "usage.csv"
    cli("export", "usage", "--from", "2026-10-01", "--to", "2026-11-01", "-o", file)
    assert file.read_text().startswith("usage_point,account_no,")
    answer = cli("export", "outage_minutes", "--json").json
    assert set(answer) >= {"batch", "number", "kind", "from", "to", "totals", "rows"}
    assert "cannot write" in cli("export", "usage", "-o", tmp_path / "absent" / "x.csv", expect=1).err
    cli("export", "everything", expect=2)
    cli("export", "usage", "--from", "2026-10-01", expect=2)
    cli("export", "usage", "--from", "2026-10-01", "--to", "2026-09-01", expect=2)
