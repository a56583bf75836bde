"""The past adds up: energy, registers and bills agree, payments fit bills, outages fit the network."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import networkx
import numpy as np
import pytest

from cis_power.demo import currents, faults, money, network
from cis_power.demo.codes import transformer_code
from cis_power.demo.occupancy import DISCONNECTED, VACANT, occupancy, standby
from cis_power.demo.past import (
    MONTHS,
    ZONE,
    Past,
    exchange_reads,
    hourly_kwh,
    means_kw,
    month_kwh,
    named,
    past,
    register_reads,
    supplied_share,
)
from cis_power.demo.plan import Plan, plan
from cis_power.demo.reach import Served, feeder_reach

UNTIL = datetime(2026, 11, 22, 3, 41, tzinfo=UTC)


@pytest.fixture(scope="module")
def town() -> Plan:
    return plan(1_500)


@pytest.fixture(scope="module")
def whole(town: Plan) -> Past:
    return past(town, UNTIL)


@pytest.fixture(scope="module")
def everybody(town: Plan) -> np.ndarray:
    return np.arange(town.customers)


@pytest.fixture(scope="module")
def bills(whole: Past, everybody: np.ndarray) -> money.Bills:
    return money.bills(whole, everybody)


@pytest.fixture(scope="module")
def events(town: Plan, whole: Past) -> list[faults.Event]:
    served, found = Served.of(town, whole.until), []
    for substation in range(town.substations):
        above = faults.substation_events(whole, served, substation)
        found += above
        for feeder in np.flatnonzero(town.substation_of_feeder == substation).tolist():
            section = f"CB{town.place_in_substation(feeder) % 2 + 1}"
            hit = [event for event in above if event.device.endswith(section)]
            found += faults.feeder_events(whole, served, feeder, hit)
    return found


def test_it_ends_at_the_last_full_hour_and_begins_with_a_local_month(whole: Past) -> None:
    assert whole.until == datetime(2026, 11, 22, 3, tzinfo=UTC)
    assert whole.hours[-1] + 3600 == whole.until.timestamp()
    assert datetime.fromtimestamp(int(whole.hours[0]), UTC) == datetime(2025, 9, 30, 16, tzinfo=UTC)
    assert len(whole.months) == MONTHS + 1
    assert np.diff(whole.hours).tolist() == [3600] * (len(whole.hours) - 1)


def test_an_hour_into_a_month_the_past_is_whole(town: Plan) -> None:
    edge = past(town, datetime(2026, 10, 31, 16, 20, tzinfo=UTC))
    assert edge.months[-1].isoformat() == "2026-11-01"
    assert edge.month_hours[-1].tolist() == [0.0] * 5
    assert np.allclose(edge.month_hours.sum(axis=0), edge.shape.sum(axis=0))


def test_registers_tell_the_energy_of_the_hours(town: Plan, whole: Past) -> None:
    some = named(town)[:20]
    hours, reads = hourly_kwh(whole, some), register_reads(whole, some)
    months = np.searchsorted(
        whole.hours, [int(datetime(2026, m, 1, tzinfo=UTC).timestamp()) - 8 * 3600 for m in (3, 4)]
    )
    for row, customer in enumerate(some.tolist()):
        own = reads.customer == customer
        value = dict(zip(reads.month[own].tolist(), reads.value[own].tolist(), strict=True))
        assert value[6] - value[5] == pytest.approx(hours[row, months[0] : months[1]].sum(), abs=0.02)
        assert value[0] >= 0


def test_an_exchanged_meter_takes_over_where_the_former_one_was_read(town: Plan, whole: Past) -> None:
    held = occupancy(town)
    customers = np.flatnonzero(held.exchanged)
    reads = register_reads(whole, customers)
    assert reads.value.min() >= 0
    for customer in customers.tolist():
        for former in (True, False):
            values = reads.value[(reads.customer == customer) & (reads.former == former)]
            assert (np.diff(values) >= 0).all()
    both = 0
    energy = month_kwh(whole, customers) * supplied_share(whole, customers)
    for row, customer in enumerate(customers.tolist()):
        own = reads.customer == customer
        old, new = own & reads.former, own & ~reads.former
        if not old.any() or not new.any():
            continue
        both += 1
        last, first = int(reads.month[old].max()), int(reads.month[new].min())
        rest = exchange_reads(town)[customer] - reads.value[old].max()
        assert first == last + 1
        assert rest >= 0
        assert rest + reads.value[new].min() == pytest.approx(energy[row, last], abs=0.05)
    assert both > 5


def test_bills_cover_everybodys_days_once(town: Plan, whole: Past, bills: money.Bills) -> None:
    held = occupancy(town)
    for customer in range(town.customers):
        own = bills.customer == customer
        spans = sorted(zip(bills.began[own].tolist(), bills.ended[own].tolist(), strict=True))
        assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))
        if held.state[customer] == 0 and not held.moved[customer] and not held.connected[customer]:
            assert spans[0][0] == whole.months[0]
            assert spans[-1][1] == whole.months[-1]
            assert len(spans) == MONTHS
    assert len(set(bills.numbers)) == len(bills.numbers)


def test_amounts_are_energy_times_tariff(town: Plan, whole: Past, bills: money.Bills) -> None:
    whole_month = (bills.ended - bills.began).astype(int) >= 28
    homes = np.flatnonzero(
        whole_month & (town.kind[bills.customer] == 0) & ~town.own[town.transformer_of_customer[bills.customer]]
    )
    for place in homes[:200].tolist():
        kwh = int(bills.energy_kwh[place])
        expected = kwh * 56 + max(0, kwh - 230) * 5 + max(0, kwh - 400) * 25
        assert bills.amount[place] == expected
    energy = month_kwh(whole, np.arange(town.customers))
    assert bills.energy_kwh[homes].sum() == pytest.approx(
        energy[bills.customer[homes], bills.month[homes]].sum(), rel=0.01
    )
    assert (bills.amount >= 0).all()


def test_payments_are_of_bills_never_more_and_some_are_owed(whole: Past, bills: money.Bills) -> None:
    columns = money.payment_columns(whole, bills, 1)
    due = dict(zip(bills.numbers, bills.amount.tolist(), strict=True))
    issued = dict(zip(bills.numbers, bills.issued(whole).tolist(), strict=True))
    paid: dict[str, int] = {}
    for reference, amount, at in zip(
        columns["reference"], columns["amount"].tolist(), columns["paid_at"].tolist(), strict=True
    ):
        number = reference.removesuffix("-2")
        paid[number] = paid.get(number, 0) + amount
        assert issued[number] <= (at + timedelta(hours=8)).date()
        assert at.replace(tzinfo=UTC) < whole.until
    assert all(0 < amount <= due[number] for number, amount in paid.items())
    owing = [number for number, amount in due.items() if paid.get(number, 0) < amount]
    assert 0.01 < len(owing) / len(due) < 0.15
    assert any(0 < paid.get(number, 0) < amount for number, amount in due.items())
    keys = list(zip(columns["batch_no"], columns["reference"], strict=True))
    assert len(set(keys)) == len(keys)


def test_whoever_was_out_hung_on_the_device(town: Plan, whole: Past, events: list[faults.Event]) -> None:
    graph = networkx.DiGraph()
    edges: dict[str, tuple[str, str]] = {}
    for part in network.parts(town):
        for row in part.equipment:
            if not row[4]:
                graph.add_edge(row[2], row[3])
                edges[str(row[0])] = str(row[2]), str(row[3])
    backed = {customer for customer, _, transfer in standby(town) if transfer == "auto"}
    held = occupancy(town)
    changing = set(
        np.flatnonzero((held.connected > 0) | (held.ended > 0) | np.isin(held.state, (DISCONNECTED, VACANT)))
    )
    low = {edges[transformer_code(town, number)][1]: number for number in range(town.transformers)}
    for event in events:
        _, end = edges[event.device]
        nodes = networkx.descendants(graph, end) | {end}
        below = {customer for node in nodes & low.keys() for customer in town.customers_of(low[node])}
        out = set(event.customer.tolist())
        assert out <= below
        assert below - out <= backed | changing
        assert len(out) == len(event.customer)


def test_nobody_is_out_twice_at_a_time(town: Plan, events: list[faults.Event]) -> None:
    spells: dict[int, list[tuple[int, int]]] = {}
    for event in events:
        for customer, restored in zip(event.customer.tolist(), event.restored.tolist(), strict=True):
            spells.setdefault(customer, []).append((event.began, restored))
    for times in spells.values():
        times.sort()
        assert all(end < begin for (_, end), (begin, _) in pairwise(times))


def test_three_years_look_like_a_utilitys(whole: Past) -> None:
    town = plan(20_000)
    given = past(town, UNTIL)
    served, minutes, times, short = Served.of(town, given.until), 0.0, 0, 0
    kinds = set()
    for feeder in range(town.feeders):
        for event in faults.feeder_events(given, served, feeder, []):
            lasted = (event.restored - event.began) / 60
            minutes += lasted[lasted > 5].sum()
            times, short = times + int((lasted > 5).sum()), short + int((lasted <= 5).sum())
            kinds |= {event.sub_kind, event.responsibility, event.kind}
            assert event.ended < given.until.timestamp()
            assert (event.step >= 1).all()
    years = 3 * town.customers
    assert 60 < minutes / years < 480
    assert 0.5 < times / years < 4
    assert 0.5 < short / years < 5
    assert {"momentary", "fault", "planned", "customer", "third_party"} <= kinds


def test_the_same_dice_make_the_same_past(town: Plan, whole: Past, events: list[faults.Event]) -> None:
    later = past(town, UNTIL + timedelta(hours=5))
    served = Served.of(town, later.until)
    again = {event.number: event for event in faults.feeder_events(later, served, 1, [])}
    before = [event for event in events if "-F002-" in event.number and event.number in again]
    assert before
    for event in before:
        assert (again[event.number].device, again[event.number].began) == (event.device, event.began)


def test_feeders_carry_what_their_transformers_do(town: Plan, whole: Past, events: list[faults.Event]) -> None:
    numbers = np.arange(town.transformers)
    power = currents.transformer_kw(whole, numbers, [])
    curves = currents.feeder_curves(whole, [0, 1], power, 0)
    told = dict(zip(curves.point_ids, curves.values, strict=True))
    answered = ~np.isnan(told["F002.p"])
    own = power[town.transformers_of(1).start : town.transformers_of(1).stop].sum(axis=0)
    assert np.allclose(told["F002.p"][answered], own[answered], rtol=1e-4)
    expected = np.hypot(told["F002.p"], told["F002.q"]) / (np.sqrt(3) * 10)
    assert np.allclose(told["F002.i"][answered], expected[answered], rtol=2e-3)
    assert 0 < (~answered).sum() < 60
    mean = means_kw(town)[town.customers_of_feeder(1).start : town.customers_of_feeder(1).stop].sum()
    assert power.mean() * len(numbers) == pytest.approx(means_kw(town).sum(), rel=0.05)
    assert own.mean() == pytest.approx(mean, rel=0.05)


def test_who_is_out_takes_nothing(town: Plan, whole: Past, events: list[faults.Event]) -> None:
    recent = [event for event in events if event.began > whole.hours[0] and event.ended - event.began > 3 * 3600]
    event = max(recent, key=lambda event: len(event.customer))
    numbers = np.arange(town.transformers)
    usual, power = currents.transformer_kw(whole, numbers, []), currents.transformer_kw(whole, numbers, [event])
    hour = int((event.began - whole.hours[0]) // 3600) + 1
    dead = np.unique(town.transformer_of_customer[event.customer[event.restored == event.ended]])
    reach = next(feeder_reach(town, f) for f in range(town.feeders) if f"F{f + 1:03d}" in event.device)
    assert set(dead.tolist()) <= set(reach.order.tolist())
    assert (power[dead, hour] < usual[dead, hour] * 0.6).all()
    assert np.array_equal(np.delete(power, reach.order, axis=0), np.delete(usual, reach.order, axis=0))
    assert np.array_equal(power[:, hour - 2], usual[:, hour - 2])


def test_nobody_is_interrupted_who_was_not_served(town: Plan, whole: Past, events: list[faults.Event]) -> None:
    held, day = occupancy(town), 86_400
    today = int(whole.until.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
    checked = 0
    for event in events:
        state, left = held.state[event.customer], np.where(held.state == VACANT, held.moved, held.ended)[event.customer]
        assert not (state == DISCONNECTED).any()
        assert (event.began < np.where(left > 0, today - left * day, np.inf)).all()
        checked += int((left > 0).sum())
    assert checked, "some of those who have left since were out before"
