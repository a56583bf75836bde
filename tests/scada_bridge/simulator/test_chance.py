"""What breaks by chance is a function of the seed alone."""

import contextlib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cis_power.core.errors import CisError
from scada_bridge.simulator.chance import Chance, Rates
from scada_bridge.simulator.field import Field
from scada_bridge.simulator.happenings import ELECTRICAL
from scada_bridge.simulator.state import State
from scada_bridge.simulator.troubles import COMMUNICATION
from scada_bridge.simulator.world import World
from tests.scada_bridge.simulator.fields import town

T0 = 1_800_000_000.0
RATES = Rates(faults_per_hour=20, comm_faults_per_hour=10, first_fault_s=60)


def told(seed, ends, rates=RATES, sources=("rtu2", "rtu1")):
    chance = Chance(seed, rates, State(town()), sources, began=T0)
    return [blow for end in ends for blow in chance.due(T0 + end)]


@given(st.integers(0, 2**32), st.lists(st.integers(1, 36_000), max_size=20))
def test_the_same_seed_the_same_faults_however_it_is_asked(seed, ends):
    whole = told(seed, [36_000])
    assert told(seed, [*sorted(ends), 36_000]) == whole
    assert told(seed, [36_000], sources=("rtu1", "rtu2")) == whole
    assert [blow.at for blow in whole] == sorted(blow.at for blow in whole)
    for blow in whole:
        assert blow.kind in (ELECTRICAL if blow.seconds is None else COMMUNICATION)


def test_rates_are_kept_and_seeds_differ():
    whole = told(1, [100 * 3600])
    electrical = [blow for blow in whole if blow.seconds is None]
    assert 1800 < len(electrical) < 2200
    assert 850 < len(whole) - len(electrical) < 1150
    assert {blow.kind for blow in electrical} == set(ELECTRICAL)
    assert told(2, [3600]) != told(1, [3600])


def test_the_first_fault_trips_a_breaker():
    (blow,) = told(5, [61], Rates(first_fault_s=60))
    assert blow.at == T0 + 60
    world = World(town())
    world.strike(blow.target, blow.kind, blow.at)
    world.step(blow.at + 100)
    assert any(device.endswith("CB") for device in world.tripped)
    assert world.state.supply.dark.any()


def two_hours(seed, tick):
    """What happens by chance in two hours that are lived through in ticks."""
    world = World(town(), repair_seconds=900)
    chance = Chance(seed, Rates(faults_per_hour=30, first_fault_s=60), world.state, ("rtu1",), began=T0)
    now = T0
    while now < T0 + 7200:
        now += tick
        for blow in chance.due(now):
            world.step(blow.at)
            with contextlib.suppress(CisError):
                world.strike(blow.target, blow.kind, blow.at)
        world.step(now)
    return world.drain()


def test_two_hours_of_a_seed_are_the_same_however_they_are_lived():
    told = two_hours(11, 1.0)
    assert two_hours(11, 600.0) == told
    assert {one.event for one in told} == {"fault", "open", "close", "lost", "restored", "repaired"}
    assert len(told) > 100
    assert two_hours(12, 600.0) != told


def test_nothing_to_break_nothing_breaks():
    chance = Chance(1, RATES, State(Field()), (), began=T0)
    assert chance.due(T0 + 1e6) == []
    assert chance.next_at == float("inf")
    assert told(1, [1e6], Rates()) == []


def test_every_kind_of_fault_is_documented():
    text = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text("utf-8")
    kinds = {*ELECTRICAL, *COMMUNICATION} - {"none"}
    assert {kind for kind in kinds if f"`{kind}`" not in text} == set()
