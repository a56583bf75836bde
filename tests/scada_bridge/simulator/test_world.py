"""Faults, protection and people in virtual time; the truth log says exactly what an independent trace finds."""

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cis_power.core.errors import CisError, NotFound
from scada_bridge.simulator.happenings import ELECTRICAL, Timing
from scada_bridge.simulator.world import World
from tests.scada_bridge.simulator.fields import TOWN_EDGES, TOWN_LINKS, field_of, town

T0 = 1_800_000_000.0
BEHIND_RECLOSER = {f"U{transformer}{number}" for transformer in (2, 3) for number in range(4)} | {"HAND"}
BEHIND_BREAKER = BEHIND_RECLOSER | {f"U1{number}" for number in range(4)}


def story(world):
    """What was told: (seconds since T0, event, what it is about)."""
    about = {"open": "device", "close": "device", "fault": "equipment", "repaired": "id"}
    return [
        (round(one.at - T0, 3), one.event, set(one.facts["usage_points"]) if one.event in ("lost", "restored")
         else one.facts[about[one.event]])
        for one in world.drain()
    ]  # fmt: skip


def test_a_permanent_fault_is_reclosed_on_twice_and_then_locked_out():
    world = World(town())
    world.strike("F1-L3", "permanent", T0)
    world.step(T0 + 100)
    assert story(world) == [
        (0, "fault", "F1-L3"),
        (0.2, "open", "F1-RC"), (0.2, "lost", BEHIND_RECLOSER),
        (2.2, "close", "F1-RC"), (2.2, "restored", BEHIND_RECLOSER),
        (2.4, "open", "F1-RC"), (2.4, "lost", BEHIND_RECLOSER),
        (12.4, "close", "F1-RC"), (12.4, "restored", BEHIND_RECLOSER),
        (12.6, "open", "F1-RC"), (12.6, "lost", BEHIND_RECLOSER),
    ]  # fmt: skip
    assert world.state.openings == {"F1-RC": 3}
    assert world.tripped == {"F1-RC"}


def test_crews_isolate_restore_by_the_tie_mend_and_close():
    world = World(town())
    world.strike("F1-L3", "permanent", T0)
    world.step(T0 + 100)
    world.drain()
    world.move("F1-SW", T0 + 200, closed=False)
    world.move("TIE", T0 + 300, closed=True)
    assert story(world) == [
        (200, "open", "F1-SW"),
        (300, "close", "TIE"), (300, "restored", {"U30", "U31", "U32", "U33", "HAND"}),
    ]  # fmt: skip
    assert world.repair("F1-L3", T0 + 400) == ["F1-RC"]
    world.move("F1-RC", T0 + 500, closed=True)
    world.step(T0 + 1000)
    assert story(world) == [
        (400, "repaired", 1), (500, "close", "F1-RC"), (500, "restored", {"U20", "U21", "U22", "U23"}),
    ]  # fmt: skip
    assert not world.tripped
    assert not world.state.supply.dark.any()


def test_whoever_closes_on_a_fault_trips_at_once_and_without_reclosing():
    world = World(town())
    world.strike("F1-L3", "permanent", T0)
    world.step(T0 + 100)
    world.drain()
    world.move("TIE", T0 + 200, closed=True)
    world.step(T0 + 300)
    told = story(world)
    assert [one for one in told if one[1] in ("open", "close")] == [
        (200, "close", "TIE"), (200.2, "open", "F2-CB"), (201.2, "close", "F2-CB"), (201.4, "open", "F2-CB")
    ]  # fmt: skip
    assert world.state.supply.dark.sum() == len(BEHIND_RECLOSER) + 5, "now the other feeder is out as well"
    world.move("TIE", T0 + 400, closed=False)
    world.move("F1-RC", T0 + 400, closed=True)
    world.step(T0 + 500)
    assert [(at, event) for at, event, device in story(world) if device == "F1-RC"] == [
        (400, "close"), (400.2, "open")
    ]  # fmt: skip


def test_a_device_that_was_closed_by_hand_recloses_again_only_after_a_while():
    world = World(town())
    world.move("F1-RC", T0, closed=False)
    world.strike("F1-L3", "permanent", T0 + 10)
    world.move("F1-RC", T0 + 20, closed=True)
    world.step(T0 + 100)
    assert [(at, event) for at, event, device in story(world) if device == "F1-RC"] == [
        (0, "open"), (20, "close"), (20.2, "open")
    ]  # fmt: skip
    world.repair("F1-L3", T0 + 100)
    world.move("F1-RC", T0 + 110, closed=True)
    world.step(T0 + 150)
    world.strike("F1-L3", "momentary", T0 + 150)
    world.step(T0 + 200)
    assert world.state.is_closed("F1-RC")


def test_a_momentary_fault_is_gone_after_the_first_attempt_and_spares_the_fuse():
    world = World(town())
    world.strike("F1-T2", "momentary", T0)
    world.step(T0 + 100)
    assert story(world) == [
        (0, "fault", "F1-T2"),
        (0.2, "open", "F1-RC"), (0.2, "lost", BEHIND_RECLOSER), (0.2, "repaired", 1),
        (2.2, "close", "F1-RC"), (2.2, "restored", BEHIND_RECLOSER),
    ]  # fmt: skip


def test_a_permanent_fault_behind_a_fuse_blows_it():
    world = World(town())
    world.strike("F1-T2", "permanent", T0)
    world.step(T0 + 100)
    told = world.drain()
    assert [(one.event, one.facts.get("by")) for one in told] == [("fault", None), ("open", "fuse"), ("lost", None)]
    assert set(told[2].facts["usage_points"]) == {"U20", "U21", "U22", "U23"}
    assert told[2].facts["device"] == "F1-FU2"


def test_a_broken_conductor_moves_no_switch():
    world = World(town())
    world.strike("F1-L4", "broken_conductor", T0)
    world.step(T0 + 100)
    assert story(world) == [
        (0, "fault", "F1-L4"), (0, "lost", {"U30", "U31", "U32", "U33", "HAND"}),
    ]  # fmt: skip
    world.repair("F1-L4", T0 + 200)
    assert story(world) == [(200, "repaired", 1), (200, "restored", {"U30", "U31", "U32", "U33", "HAND"})]


def test_of_one_phase_broken_nobody_of_three_phases_is_without_supply():
    world = World(town())
    world.strike("F1-L4", "broken_conductor", T0, phases=1)
    assert story(world) == [(0, "fault", "F1-L4")]
    assert world.state.supply.weights.sum() < world.state.normal_weights.sum()


def test_dual_supply_transfers_by_itself_or_by_hand():
    world = World(town())
    world.move("F1-CB", T0, closed=False)
    assert story(world)[-1] == (0, "lost", BEHIND_BREAKER), "DUAL is fed from the other side at once"
    world.transfer("HAND", T0 + 60, standby=True)
    assert story(world) == [(60, "restored", {"HAND"})]
    world.move("F2-CB", T0 + 90, closed=False)
    assert story(world)[-1] == (90, "lost", {"HAND", "DUAL", "V10", "V11", "V12", "V13"})
    with pytest.raises(CisError, match="not transferred by hand"):
        world.transfer("DUAL", T0, standby=True)


def test_repair_without_people_closes_what_the_fault_opened():
    world = World(town(), repair_seconds=600)
    world.strike("F1-L1", "permanent", T0)
    world.step(T0 + 1000)
    assert not world.state.supply.dark.any()
    last = [one for one in world.drain() if one.event in ("repaired", "close")][-2:]
    assert [(one.at - T0, one.event, one.facts.get("by")) for one in last] == [
        (600, "repaired", None), (600, "close", "repair")
    ]  # fmt: skip


def test_an_opening_by_hand_ends_reclosing():
    world = World(town())
    world.strike("F1-L3", "permanent", T0)
    world.step(T0 + 1)
    world.move("F1-RC", T0 + 1, closed=False)
    world.step(T0 + 100)
    assert not world.state.is_closed("F1-RC")
    assert world.state.openings == {"F1-RC": 1}


def test_attempts_begin_anew_after_a_while():
    world = World(town())
    for turn in range(3):
        world.strike("F1-L1", "momentary", T0 + 100 * turn)
        world.step(T0 + 100 * turn + 99)
        assert world.state.is_closed("F1-CB"), turn


def test_where_nothing_protects_the_conductor_burns():
    world = World(field_of([("L", "line", "BUS", "A", False)], [("U", "A", False, False)]))
    world.strike("L", "permanent", T0)
    world.step(T0 + 10)
    assert story(world)[-1][1:] == ("lost", {"U"})
    world.repair("L", T0 + 20)
    assert not world.state.supply.dark.any()


def test_unknown_and_impossible_acts_have_words():
    world = World(town(), others=["X1"])
    with pytest.raises(NotFound, match="NOWHERE"):
        world.move("NOWHERE", T0, closed=False)
    with pytest.raises(CisError, match="F1-L1 is a line: it cannot be switched"):
        world.move("F1-L1", T0, closed=False)
    with pytest.raises(NotFound, match="not in the network"):
        world.strike("X1", "permanent", T0)
    with pytest.raises(CisError, match="there are permanent, momentary, broken_conductor"):
        world.strike("F1-L1", "flood", T0)
    with pytest.raises(NotFound, match="nothing is broken at F1-L1"):
        world.repair("F1-L1", T0)
    assert world.move("X1", T0, closed=False) == "X1"
    assert world.move("f1-cb", T0, closed=False) == "F1-CB", "as people write it"
    world.strike("F1-L1", "permanent", T0)
    with pytest.raises(CisError, match="broken already"):
        world.strike("F1-L1", "permanent", T0)


# An independent reading of the same story: networkx over what the log says of devices and broken conductors.


class Witness:
    """Folds the log as somebody would who only knows the network and reads the lines."""

    def __init__(self):
        self.is_open = {edge[0] for edge in TOWN_EDGES if edge[4]}
        self.faults, self.dark = {}, set()
        self.expected = self.unsupplied()

    def unsupplied(self):
        parted = self.is_open | {code for kind, code in self.faults.values() if kind == "broken_conductor"}
        graph = networkx.Graph([(edge[2], edge[3]) for edge in TOWN_EDGES if edge[0] not in parted])
        graph.add_node("BUS")
        live = networkx.node_connected_component(graph, "BUS")
        secondary = {edge[0]: edge[3] for edge in TOWN_EDGES}
        fed = {point for point, where, standby, manual in TOWN_LINKS
               if secondary[where] in live and not (manual and standby)}  # fmt: skip
        return {link[0] for link in TOWN_LINKS} - fed

    def take(self, one):
        facts = one.facts
        if one.event in ("lost", "restored"):
            named = set(facts["usage_points"])
            assert len(named) == len(facts["usage_points"])
            assert named.isdisjoint(self.dark) if one.event == "lost" else named <= self.dark
            self.dark = self.dark | named if one.event == "lost" else self.dark - named
            return
        assert self.dark == self.expected, "before anything else happens the log has told who is without supply"
        if one.event == "fault":
            self.faults[facts["id"]] = facts["kind"], facts["equipment"]
        elif one.event == "repaired":
            del self.faults[facts["id"]]
        elif one.event == "open":
            self.is_open.add(facts["device"])
        elif one.event == "close":
            self.is_open.discard(facts["device"])
        self.expected = self.unsupplied()


DEVICES = [edge[0] for edge in TOWN_EDGES if edge[1] not in ("line", "transformer")]
ACTS = st.one_of(
    st.tuples(st.just("open"), st.sampled_from(DEVICES)),
    st.tuples(st.just("close"), st.sampled_from(DEVICES)),
    st.tuples(st.sampled_from(sorted(ELECTRICAL)), st.sampled_from([edge[0] for edge in TOWN_EDGES])),
    st.tuples(st.just("repair"), st.sampled_from([edge[0] for edge in TOWN_EDGES])),
)
STORIES = st.lists(st.tuples(st.sampled_from((0.1, 0.3, 1.0, 5.0, 60.0)), ACTS), max_size=15)


def play(acts, steps, repair_seconds):
    """Let the acts happen; `steps` says how finely time is stepped between them."""
    world = World(town(), timing=Timing(), repair_seconds=repair_seconds)
    now = T0
    for wait, (act, target) in acts:
        for part in range(1, steps + 1):
            world.step(now + wait * part / steps)
        now += wait
        try:
            if act in ("open", "close"):
                world.move(target, now, closed=act == "close")
            elif act == "repair":
                world.repair(target, now)
            else:
                world.strike(target, act, now)
        except CisError:
            continue
    world.step(now + 5000)
    return world


@settings(max_examples=150, deadline=None)
@given(STORIES, st.sampled_from((None, 90.0)))
def test_the_log_equals_an_independent_trace_however_finely_time_is_stepped(acts, repair_seconds):
    world = play(acts, 1, repair_seconds)
    told = world.drain()
    assert [one.at for one in told] == sorted(one.at for one in told)
    witness = Witness()
    for one in told:
        if one.event == "fault" and witness.faults.get(one.facts["id"]):
            raise AssertionError("a number is given twice")
        witness.take(one)
    assert witness.dark == witness.expected
    dark = {code for code, is_dark in zip(world.field.usage_points, world.state.supply.dark, strict=True) if is_dark}
    assert witness.dark == dark
    assert play(acts, 7, repair_seconds).drain() == told
    live_faults = [fault for fault in world.faults.values() if fault.kind != "broken_conductor"]
    ends = [(world.field.edge_from[fault.edge], world.field.edge_to[fault.edge]) for fault in live_faults]
    lines = [end for fault, end in zip(live_faults, ends, strict=True) if world.field.kind_of(fault.edge) == "line"]
    assert not any(world.state.live[np.array(end)].any() for end in lines), "no short circuit stays fed"
