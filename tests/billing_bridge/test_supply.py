"""Connections, agreements, meters and readings from files."""

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import select

from cis_power.customers.linking import link_connections
from cis_power.customers.models import Customer, CustomerAgreement, SupplyConnection, UsagePoint
from cis_power.metering.models import Channel, Meter, MeterInstallation, RegisterReading
from cis_power.network.models import Element
from cis_power.series.reads import read_series, series_of
from tests.billing_bridge.files import NOW, plain_customers, put

LATER = NOW + timedelta(days=3)
HEAD = "usage_point,transformer,role,transfer,phases,valid_from,valid_to\n"
MAY, JUL = datetime(2026, 4, 30, 16, tzinfo=UTC), datetime(2026, 6, 30, 16, tzinfo=UTC)


@pytest.fixture(autouse=True)
def customers(database):
    put(database, "customers", plain_customers(3))
    with database.transaction() as session:
        session.add_all([Element(kind="node", code=code) for code in ("N1", "N2", "N3")])


def links(database, *, known_at=None):
    """(usage point, transformer, role, transfer, began, ended) held true now."""
    with database.reading() as session:
        query = select(SupplyConnection, UsagePoint.code).join(UsagePoint).order_by(UsagePoint.code)
        return [
            (code, link.transformer, link.role, link.transfer, link.began_at, link.ended_at)
            for link, code in session.execute(query)
            if link.superseded_at is None
        ]


def test_main_and_standby(database):
    text = (
        HEAD
        + "U1,N1,main,manual,A,,\nU1,N2,standby,manual,A,,\nU1,N3,standby,manual,,,\nU9,N1,main,,,,\nU2,N9,main,,,,\n"
    )
    result = put(database, "connections", text)
    assert (result.accepted, result.rejected) == (4, 1)
    assert [(p.line, p.code, p.severity) for p in result.problems] == [
        (5, "unknown_usage_point", "error"),
        (6, "unknown_transformer", "warning"),
    ]
    assert links(database) == [
        ("U1", "N1", "main", "manual", None, None),
        ("U1", "N2", "standby", "manual", None, None),
        ("U1", "N3", "standby", "manual", None, None),
        ("U2", "N9", "main", "auto", None, None),
    ]
    again = put(database, "connections", text + "\n")
    assert (again.accepted, again.unchanged, again.rejected) == (0, 4, 1)


def test_moved_on_a_date_ends_the_former_and_always_wrong_replaces_it(database):
    put(database, "connections", HEAD + "U1,N1,main,,,,\n")
    put(database, "connections", HEAD + "U1,N2,main,,,2026-05-01,\n", now=LATER)
    assert links(database) == [
        ("U1", "N1", "main", "auto", None, MAY),
        ("U1", "N2", "main", "auto", MAY, None),
    ]
    put(database, "connections", HEAD + "U1,N3,main,,,,\n", now=LATER)
    assert links(database) == [("U1", "N3", "main", "auto", None, None)]
    with database.reading() as session:
        known = session.scalars(select(SupplyConnection)).all()
    assert len(known) == 4
    assert all(link.recorded_at is not None for link in known)


def test_a_connection_for_a_while_leaves_what_is_around_it(database):
    put(database, "connections", HEAD + "U1,N1,main,,,,\n")
    put(database, "connections", HEAD + "U1,N2,main,,,2026-05-01,2026-07-01\n", now=LATER)
    assert sorted(links(database), key=str) == sorted(
        [
            ("U1", "N1", "main", "auto", None, MAY),
            ("U1", "N2", "main", "auto", MAY, JUL),
            ("U1", "N1", "main", "auto", JUL, None),
        ],
        key=str,
    )


def test_a_connection_is_linked_once_the_network_knows_its_transformer(database):
    put(database, "connections", HEAD + "U1,LATE,main,,,,\n")
    with database.transaction() as session:
        assert link_connections(session, LATER) == 0
        session.add(Element(kind="node", code="LATE"))
        session.flush()
        assert link_connections(session, LATER) == 1
        assert link_connections(session, LATER) == 0
    with database.reading() as session:
        rows = session.scalars(select(SupplyConnection).order_by(SupplyConnection.id)).all()
    assert [(row.element_id is None, row.superseded_at, row.recorded_at) for row in rows] == [
        (True, LATER, NOW),
        (False, None, LATER),
    ]


def test_agreements_name_owner_tenant_and_dates(database):
    head = "account_no,usage_point,customer_no,from,to,party\n"
    text = head + "A1,U1,,,2026-05-01,owner\nA2,U1,C77,2026-05-01,,tenant\nA9,U9,,,,\n"
    result = put(database, "agreements", text)
    assert (result.accepted, result.rejected) == (2, 1)
    assert [(p.line, p.code) for p in result.problems] == [
        (3, "unknown_customer"), (4, "unknown_account"), (4, "unknown_usage_point"),
    ]  # fmt: skip
    with database.reading() as session:
        point = session.scalars(select(UsagePoint).where(UsagePoint.code == "U1")).one()
        rows = session.scalars(
            select(CustomerAgreement)
            .where(CustomerAgreement.usage_point_id == point.id, CustomerAgreement.superseded_at.is_(None))
            .order_by(CustomerAgreement.id)
        ).all()
        tenant = session.scalars(select(Customer).where(Customer.customer_no == "C77")).one()
    assert [(row.party, row.began_at, row.ended_at) for row in rows] == [("owner", None, MAY), ("tenant", MAY, None)]
    assert rows[1].customer_id == tenant.id
    again = put(database, "agreements", text + "\n")
    assert (again.accepted, again.unchanged, again.rejected) == (0, 2, 1)


def test_meters_with_channels_and_dates(database):
    head = "meter_no,usage_point,channel,quantity,direction,unit,kind,multiplier,from,to,start_read,end_read\n"
    text = head + (
        "M1,U1,E1,energy,import,Wh,interval,80,,2026-05-01,,\n"
        "M7,U1,E1,energy,import,kWh,register,1,2026-05-01,,10,\n"
        "M7,U1,E2,energy,export,kWh,interval,1,2026-05-01,,,\n"
        "M8,U9,E1,,,,,,,,,\n"
        "M8,U2,E1,,,furlong,,,,,,\n"
        "M8,U2,E1,,,,,0,2026-05-01,,,\n"
    )
    result = put(database, "meters", text)
    assert (result.accepted, result.rejected) == (3, 3)
    assert [(p.line, p.code) for p in result.problems] == [
        (5, "unknown_usage_point"), (6, "unknown_unit"), (7, "out_of_range"),
    ]  # fmt: skip
    with database.reading() as session:
        rows = session.execute(
            select(Meter.meter_no, Channel.code, Channel.kind, Channel.unit, MeterInstallation.multiplier,
                   MeterInstallation.began_at, MeterInstallation.ended_at)
            .join(Meter, Meter.id == MeterInstallation.meter_id)
            .join(Channel, Channel.id == MeterInstallation.channel_id)
            .order_by(Meter.meter_no, Channel.code)
        ).all()  # fmt: skip
    assert [tuple(row) for row in rows] == [
        ("M1", "E1", "interval", "kWh", 80, None, MAY),
        ("M7", "E1", "register", "kWh", 1, MAY, None),
        ("M7", "E2", "interval", "kWh", 1, MAY, None),
    ]
    again = put(database, "meters", text + "\n")
    assert (again.accepted, again.unchanged) == (0, 3)


def test_readings_by_meter_and_by_usage_point(database):
    text = (
        "#TZ=Asia/Shanghai\nmeter_no,usage_point,channel,began_at,seconds,value,unit,quality\n"
        "M1,,1,2026-10-01T00:00,900,250,Wh,measured\n"
        ",U1,1,2026-10-01T00:15,900,0.5,kWh,estimated\n"
        "M1,,1,2026-10-01T00:30,900,NaN,kWh,measured\n"
        "M77,,1,2026-10-01T00:30,900,1,kWh,measured\n"
        ",,1,2026-10-01T00:45,900,1,kWh,measured\n"
        "M2,,R,2026-10-01T00:00,,1000,kWh,measured\n"
    )
    result = put(database, "readings", text)
    assert (result.accepted, result.rejected) == (3, 3)
    assert [(p.line, p.code) for p in result.problems] == [
        (5, "bad_number"), (6, "unknown_meter"), (7, "missing_value"),
    ]  # fmt: skip
    with database.reading() as session:
        channels = {channel.kind: channel.id for channel in session.scalars(select(Channel))}
        series = series_of(session, "channel", [channels["interval"]])
        history = read_series(
            session, list(series.values()), datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
        )
        register = session.scalars(select(RegisterReading)).one()
    assert np.allclose(history.value, [0.25, 0.5])
    assert history.quality.tolist() == [0, 1]
    assert register.value == 1000
    again = put(database, "readings", text.replace("M77", "M78"))
    assert (again.accepted, again.unchanged, again.rejected) == (0, 3, 3)


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_readings_with_doubles_ends_the_same(database, seed):
    began = [datetime(2026, 10, 1, tzinfo=UTC) + timedelta(minutes=15 * n) for n in range(200)]
    rows = [f"M{n % 3 + 1},1,{at.isoformat()},900,{n / 8},kWh,measured\n" for n, at in enumerate(began)]
    shuffled = rows + rows[:60]
    random.Random(seed).shuffle(shuffled)
    result = put(database, "readings", "meter_no,channel,began_at,seconds,value,unit,quality\n" + "".join(shuffled))
    assert (result.rows, result.accepted, result.rejected, result.unchanged) == (260, 200, 0, 60)
    with database.reading() as session:
        channels = session.scalars(select(Channel.id).order_by(Channel.id)).all()
        series = series_of(session, "channel", channels)
        history = read_series(session, list(series.values()), began[0], began[-1] + timedelta(hours=1))
    assert np.isclose(history.value.sum(), sum(n / 8 for n in range(200)))


def test_every_kind_takes_a_row_that_comes_twice(database):
    files = {
        "districts": "code,name\nD1,x\n",
        "customers": "account_no,name,usage_point,meter_no,transformer\nB1,x,V1,W1,N1\n",
        "agreements": "account_no,usage_point,from\nA1,U1,2026-05-01\n",
        "connections": HEAD + "U1,N1,main,,,,\n",
        "meters": "meter_no,usage_point,channel\nM1,U1,E1\n",
        "readings": "meter_no,channel,began_at,seconds,value\nM1,E1,2026-05-01,900,1\n",
        "interruptions": "outage_no,usage_point,began_at,restored_at\nO1,U1,2026-05-01,2026-05-02\n",
    }
    for kind, text in files.items():
        result = put(database, kind, text + text.splitlines()[-1] + "\n")
        assert (result.accepted, result.rejected, result.unchanged) == (1, 0, 1), kind
