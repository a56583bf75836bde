"""What points show: currents are the sums of what is energized below, voltages sag, restored load takes more."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scada_bridge.points import Point
from scada_bridge.simulator.display import Display
from scada_bridge.simulator.field import Field
from scada_bridge.simulator.world import World
from tests.scada_bridge.simulator.fields import TOWN_EDGES, town

ZONE = ZoneInfo("Asia/Shanghai")
EVENING = 1_768_392_000.0  # Wednesday, 2026-01-14, 20:00 in Shanghai
TRANSFORMERS = ("F1-T1", "F1-T2", "F1-T3", "F2-T1")
SWITCHES = [edge[0] for edge in TOWN_EDGES if edge[1] not in ("line", "transformer")]


def point(equipment, quantity, unit, **others):
    fields = {"table": "holding", "address": 0, "datatype": "float32", "kind": "analog"} | others
    name = f"{equipment}.{quantity}.{unit}"
    return Point(name, "rtu1", 1, unit=unit, equipment=equipment, quantity=quantity, **fields)


def shown(world, *points, at=EVENING):
    """Values of some points at an instant."""
    laid = [Point(**{**one.as_dict(), "address": 4 * place}) for place, one in enumerate(points)]
    display = Display(laid, lambda _: 1, world, ZONE, seed=1)
    display.refresh(at)
    return display.values


def below(world, device):
    """Transformers fed through a device now, found by walking up by hand."""
    field, tree = world.field, world.state.tree
    found = []
    for code in TRANSFORMERS:
        (edge,) = field.edges_of(code)
        if world.state.live[field.edge_to[edge]] and field.edges_of(device)[0] in tree.path_up(
            int(field.edge_to[edge])
        ):
            found.append(code)
    return found


@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from(SWITCHES), max_size=5), st.integers(0, 365 * 24))
def test_a_feeders_current_is_the_sum_below_at_any_switch_state(moved, hour):
    world = World(town())
    for device in sorted(moved):
        world.move(device, EVENING, closed=not world.state.is_closed(device))
    world.drain()
    heads = ["F1-CB", "F2-CB", "F1-RC", "TIE"]
    units = (("current", "A"), ("power", "kW"), ("reactive_power", "kvar"), ("apparent_power", "kVA"))
    points = [point(code, *unit) for unit in units for code in (*heads, *TRANSFORMERS)]
    values = shown(world, *points, at=EVENING + 3600 * hour).reshape(len(units), -1)
    for row, (quantity, _) in enumerate(units):
        of_transformer = dict(zip(TRANSFORMERS, values[row, len(heads) :], strict=True))
        ratio = 0.4 / 10 if quantity == "current" else 1.0  # transformers are measured on their low side
        for place, head in enumerate(heads):
            expected = ratio * sum(of_transformer[code] for code in below(world, head))
            assert values[row, place] == pytest.approx(expected, rel=1e-3)
            if not world.state.is_closed(head) or not below(world, head):
                assert values[row, place] == 0
    p, q, s = values[1], values[2], values[3]
    assert np.hypot(p, q) == pytest.approx(s, rel=2e-3)


def test_current_power_and_voltage_agree_with_one_another():
    i, p, q, pf, v = shown(
        World(town()), point("F1-CB", "current", "A"), point("F1-CB", "power", "MW"), point("F1-CB", "q", "kvar"),
        point("F1-CB", "power_factor", ""), point("F1-CB", "voltage", "kV"),
    )  # fmt: skip
    assert np.sqrt(3) * 10 * i == pytest.approx(np.hypot(1000 * p, q), rel=2e-3)
    assert pf == pytest.approx(1000 * p / np.hypot(1000 * p, q), rel=2e-3)
    assert 9.5 < v < 10.5


def test_voltage_sags_with_load_and_distance_and_is_gone_when_dead():
    world = World(replace(town(), mean_kw=town().mean_kw * 40))
    points = [point(code, "voltage", "V") for code in ("F1-L1", "F1-L3", "F1-FU3")]
    peak, night = shown(world, *points), shown(world, *points, at=EVENING + 8 * 3600)
    assert (np.diff(peak) < -3).all(), "the farther the lower"
    assert (peak < night).all(), "the more load the lower"
    world.move("F1-RC", EVENING, closed=False)
    head, tail, end = shown(world, *points)
    assert (head > 9_000, tail, end) == (True, 0, 0)


def test_a_transformer_is_measured_on_the_side_that_its_limits_mean():
    world = World(town())
    line, neutral, high = shown(
        world, point("F1-T1", "voltage", "V", maximum=500.0),
        point("F1-T1", "voltage", "V", minimum=100.0, maximum=260.0),
        point("F1-T1", "voltage", "V", minimum=9_000.0, maximum=11_000.0),
    )  # fmt: skip
    assert line == pytest.approx(400, rel=0.05)
    assert neutral == pytest.approx(231, rel=0.05)
    assert high == pytest.approx(10_000, rel=0.05)
    (loading,) = shown(world, point("F1-T1", "loading", "%"))
    (apparent,) = shown(world, point("F1-T1", "s", "kVA"))
    assert loading == pytest.approx(apparent / 4, rel=2e-3)


def test_feeders_substations_and_nodes_are_places_too():
    world = World(town())
    by_feeder, by_breaker, busbar, both, node = shown(
        world, point("F1", "current", "A"), point("F1-CB", "current", "A"), point("SUB", "voltage", "V"),
        point("SUB", "current", "A"), point("A4", "power", "kW"),
    )  # fmt: skip
    assert by_feeder == pytest.approx(by_breaker, rel=1e-3)
    assert 10_000 < busbar < 10_500
    assert both > by_feeder
    assert node > 0


def test_load_that_comes_back_takes_more_for_a_while():
    world = World(town())
    at = EVENING
    (usual,) = shown(world, point("F1-T2", "power", "kW"), at=at + 3600)
    world.move("F1-CB", at, closed=False)
    world.move("F1-CB", at + 3600, closed=True)
    (back,) = shown(world, point("F1-T2", "power", "kW"), at=at + 3600)
    assert back == pytest.approx(usual * (1 + 0.9 * (1 - np.exp(-3))), rel=2e-3)
    later = [shown(world, point("F1-T2", "power", "kW"), at=at + 3600 + wait)[0] for wait in (600, 1200, 6000)]
    calm = World(town())
    usual = [shown(calm, point("F1-T2", "power", "kW"), at=at + 3600 + wait)[0] for wait in (600, 1200, 6000)]
    extra = np.array(later) / usual - 1
    assert extra[0] > 1.5 * extra[1] > 0.1
    assert abs(extra[2]) < 0.002


def test_energy_counts_what_was_supplied():
    world = World(town())
    points = [Point(**{**point(code, "energy", "kWh", kind="accumulator").as_dict(), "address": 4 * place})
              for place, code in enumerate(("F1-T2", "F1-CB"))]  # fmt: skip
    display = Display(points, lambda _: 1, world, ZONE, seed=1)
    display.refresh(EVENING)
    before = display.values
    for second in range(0, 3601, 60):
        display.refresh(EVENING + second)
    (power,) = shown(world, point("F1-T2", "power", "kW"), at=EVENING + 1800)
    assert display.values[0] - before[0] == pytest.approx(power, rel=0.06)
    world.move("F1-FU2", EVENING + 3600, closed=False)
    stood, feeder = display.values
    for second in range(3600, 7201, 60):
        display.refresh(EVENING + second)
    assert display.values[0] == pytest.approx(stood, abs=1.0)
    assert display.values[1] > feeder + 10


def test_positions_counters_and_alarms():
    world = World(town(), others=["X9"])
    points = [
        point("F1-RC", "position", None, kind="discrete", datatype="dpi"),
        point("TIE", "position", None, kind="discrete", datatype="bit"),
        point("F1-RC", "operations", None, kind="accumulator", datatype="uint32"),
        point("F1-RC", "trip", None, kind="discrete", datatype="bit", normal_state=0.0),
        point("X9", "position", None, kind="discrete", datatype="bit"),
        point("F1-T1", "temperature", "°C", minimum=0.0, maximum=100.0),
    ]
    assert shown(world, *points)[:5].tolist() == [1, 0, 0, 0, 1]
    world.strike("F1-L3", "permanent", EVENING)
    world.step(EVENING + 100)
    world.move("X9", EVENING + 100, closed=False)
    values = shown(world, *points, at=EVENING + 100)
    assert values[:5].tolist() == [0, 0, 3, 1, 0]
    assert 40 < values[5] < 60


def test_without_a_network_or_without_loads_curves_are_calm_and_open_devices_carry_nothing():
    for field in (Field(), town()):
        nobody, numbers = np.empty(0), np.empty(0, np.int64)
        bare = replace(
            field, usage_points=(), mean_kw=nobody, load_kind=numbers, link_point=numbers, link_node=numbers,
            link_standby=numbers > 0, link_manual=numbers > 0, link_phases=numbers.astype(np.uint8),
        )  # fmt: skip
        world = World(bare, others=["CB9"])
        points = [point("CB9", "current", "A", minimum=0.0, maximum=600.0), point("CB9", "voltage", "V"),
                  point("F1-CB", "current", "A", minimum=0.0, maximum=600.0)]  # fmt: skip
        current, voltage, other = shown(world, *points)
        assert 270 <= current <= 330
        assert 270 <= other <= 330
        assert voltage == pytest.approx(10_000, rel=0.02)
        world.move("CB9", EVENING, closed=False)
        assert shown(world, *points)[0] == 0
