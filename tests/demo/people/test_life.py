"""People on a field of their own: what they do is safe, the same every time, and ends with everybody in supply."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cis_power.demo.people.acts import Call, Estimate, Finding, Move, Repair, Report
from cis_power.demo.people.life import Life, Utility
from cis_power.demo.people.manner import Manner
from cis_power.demo.people.truth import Happening
from tests.demo.people.yard import START, Yard, live_on, pieces

ZONE = ZoneInfo("Asia/Shanghai")
QUICK = Manner(pace=20.0, call_share=0.3, idle_calls_an_hour=0, planned_an_hour=0, business_days_an_hour=0)
STRIKABLE = [piece.code for piece in pieces() if piece.kind in ("line", "transformer")]
KINDS = ("permanent", "momentary", "broken_conductor")


def _life(yard: Yard, seed: int = 3, manner: Manner = QUICK, *, loose_ends: bool = False) -> Life:
    return Life(seed, manner, Utility(yard.wiring, yard.street, ZONE, loose_ends), START)


def _run(strikes, seed=3, manner=QUICK, minutes=60, *, loose_ends=False):
    yard = Yard()
    life = _life(yard, seed, manner, loose_ends=loose_ends)
    return yard, life, live_on(yard, life, START + timedelta(minutes=minutes), strikes)


strikes = st.lists(
    st.tuples(
        st.integers(1, 900).map(lambda seconds: START + timedelta(seconds=seconds)),
        st.sampled_from(STRIKABLE),
        st.sampled_from(KINDS),
    ),
    min_size=1, max_size=4,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(strikes, st.integers(0, 1000))
def test_whatever_breaks_nothing_broken_is_closed_onto_and_everybody_is_back_at_the_end(struck, seed):
    yard, life, _ = _run(struck, seed)
    assert yard.burnt == []
    assert yard.faults == {}
    assert yard.out == set()
    assert yard.open == {code for code, piece in yard.pieces.items() if piece.normal_open}
    assert life.crews.jobs == {}


@settings(max_examples=15, deadline=None)
@given(strikes, st.integers(0, 1000))
def test_the_same_truth_and_seed_make_the_same_people(struck, seed):
    assert _run(struck, seed)[2] == _run(struck, seed)[2]


@settings(max_examples=25, deadline=None)
@given(strikes, st.integers(0, 1000))
def test_nobody_without_a_reason_calls_about_himself_before_losing_supply(struck, seed):
    yard, _, acts = _run(struck, seed)
    lost_at: dict[str, list] = {}
    for happening in yard.happened:
        if happening.event == "lost":
            for point in happening["usage_points"]:
                lost_at.setdefault(point, []).append(happening.at)
    homes = {home.account_no: home.usage_point for home in yard.street.homes}
    for call in acts:
        if isinstance(call, Call) and call.honest and "account_no" in call.about:
            point = homes[call.about["account_no"]]
            assert any(at < call.at for at in lost_at.get(point, ())), call


def test_a_fault_in_the_middle_of_a_feeder_is_parted_from_the_rest_which_comes_back_in_steps() -> None:
    yard, _, acts = _run([(START + timedelta(seconds=10), "F1-LN1", "permanent")])
    moves = [(move.device, move.closed) for move in acts if isinstance(move, Move)]
    repair = next(place for place, act in enumerate(acts) if isinstance(act, Repair))
    before = [(act.device, act.closed) for act in acts[:repair] if isinstance(act, Move)]
    # The recloser SW1 stands below the fault, SW0 above it: the breaker tripped, so both are opened first.
    assert before == [("F1-SW0", False), ("F1-SW1", False), ("F1-CB", True), ("F1-TIE", True)]
    assert moves[4:] == [("F1-SW0", True), ("F1-SW1", True), ("F1-TIE", False)]
    restored = [happening for happening in yard.happened if happening.event == "restored"]
    assert len(restored) == 3  # the head of the feeder, its end, and at last the section itself
    assert not [act for act in acts if isinstance(act, Report)]  # all of these speak for themselves


def test_a_blown_fuse_is_found_by_a_call_reported_as_of_the_call_and_replaced() -> None:
    yard, _, acts = _run([(START + timedelta(seconds=10), "F2-T10", "permanent")])
    first_call = next(act for act in acts if isinstance(act, Call) and act.honest)
    opened, closed = [act for act in acts if isinstance(act, Report)]
    assert (opened.device, opened.closed, opened.happened_at) == ("F2-FU10", False, first_call.at)
    assert (closed.device, closed.closed) == ("F2-FU10", True)
    (move,) = [act for act in acts if isinstance(act, Move)]
    assert abs(closed.happened_at - move.at) < timedelta(seconds=15)
    assert opened.at <= move.at
    assert any(isinstance(act, Estimate) and "F2-FU10" in act.devices for act in acts)
    (finding,) = [act for act in acts if isinstance(act, Finding)]
    assert "F2-FU10" in finding.devices
    assert yard.out == set()


def test_a_broken_line_without_any_switch_is_told_as_open_until_it_is_mended() -> None:
    _, _, acts = _run([(START + timedelta(seconds=10), "F1-LN2", "broken_conductor")])
    told = [(act.device, act.closed) for act in acts if isinstance(act, Report)]
    assert told[0] == ("F1-LN2", False)
    assert ("F1-LN2", True) in told
    assert ("F1-SW2", False) in told  # it has no telemetry


def test_somebody_calls_even_where_nobody_was_going_to() -> None:
    silent = Manner(call_share=0.0, neighbours_share=0.0, idle_calls_an_hour=0, planned_an_hour=0)
    yard, _, acts = _run([(START + timedelta(seconds=10), "F1-T00", "permanent")], manner=silent)
    assert len([act for act in acts if isinstance(act, Call) and act.honest]) >= 1
    assert yard.out == set()


def test_a_device_that_somebody_opened_on_purpose_is_left_alone() -> None:
    yard = Yard()
    life = _life(yard)
    yard.act(Move(START + timedelta(seconds=5), "F3-CB", False, "somebody"))
    acts = live_on(yard, life, START + timedelta(minutes=30), [])
    assert [act for act in acts if isinstance(act, Move)] == []
    assert [act for act in acts if isinstance(act, Call)]


def test_planned_work_is_reported_as_planned_and_ends() -> None:
    manner = Manner(idle_calls_an_hour=0, planned_an_hour=60, planned_minutes=20, business_days_an_hour=0)
    yard, _, acts = _run([], manner=manner, minutes=20, loose_ends=True)
    opened = [act for act in acts if isinstance(act, Report) and not act.closed]
    assert len(opened) > 5
    assert {act.about["kind"] for act in opened} == {"planned"}
    moves = [act for act in acts if isinstance(act, Move)]
    assert {act.device for act in opened} <= {move.device for move in moves}
    assert len(yard.open) <= 2 + 3  # the ties, and what is being worked on now


def test_one_crew_does_one_thing_after_another() -> None:
    alone = Manner(call_share=0.3, idle_calls_an_hour=0, planned_an_hour=0, crews=1)
    struck = [(START + timedelta(seconds=10 + n), f"F{n}-LN0", "permanent") for n in (1, 2, 3)]
    yard, _, acts = _run(struck, manner=alone, minutes=90)
    repaired = [act.equipment for act in acts if isinstance(act, Repair)]
    assert sorted(repaired) == ["F1-LN0", "F2-LN0", "F3-LN0"]
    assert yard.out == set()


def test_what_was_reported_as_open_is_taken_back_when_the_field_begins_anew() -> None:
    yard = Yard()
    life = _life(yard)
    live_on(yard, life, START + timedelta(minutes=4), [(START + timedelta(seconds=10), "F2-T10", "permanent")])
    assert life.reported == {"F2-FU10"}
    anew = Happening(START + timedelta(minutes=5), "start", {"seed": 1})
    life.hear(anew)
    (told,) = life.due(anew.at + timedelta(seconds=1))
    assert (told.device, told.closed, told.happened_at) == ("F2-FU10", True, anew.at)
    assert life.reported == set()


def test_a_report_that_was_lost_with_its_process_is_made_up_for() -> None:
    yard = Yard()
    live_on(yard, _life(yard), START + timedelta(minutes=30), [(START + timedelta(seconds=10), "F2-T10", "permanent")])
    closed = next(told.at for told in yard.happened if told.event == "close")
    later = _life(yard)
    now = START + timedelta(minutes=31)
    later.resume(yard.happened, [], now, ["F2-FU10"])
    (told,) = later.due(now + timedelta(seconds=1))
    assert (told.device, told.closed, told.happened_at) == ("F2-FU10", True, closed)


def test_who_lost_supply_just_before_people_began_calls_and_calls_the_same_again() -> None:
    yard = Yard()
    yard.strike(START + timedelta(seconds=1), "F1-LN1")
    keys = []
    for _ in range(2):
        life = _life(yard)
        life.resume(yard.happened, [], START + timedelta(seconds=5))
        calls = [act for act in life.due(START + timedelta(minutes=1)) if isinstance(act, Call)]
        keys.append([(call.key, call.about) for call in calls])
    assert keys[0]
    assert keys[0] == keys[1]
    late = _life(yard)
    late.resume(yard.happened, [], START + timedelta(hours=2))
    assert not [act for act in late.due(START + timedelta(hours=2, seconds=1)) if isinstance(act, Call)]


@pytest.mark.parametrize("late_minutes", [1, 3, 6])
def test_people_who_begin_late_take_up_what_was_begun(late_minutes: int) -> None:
    """A killed process of people reads the log again; what should have been done meanwhile was not."""
    yard = Yard()
    struck = [(START + timedelta(seconds=10), "F1-LN1", "permanent")]
    before = _life(yard)
    live_on(yard, before, START + timedelta(minutes=late_minutes), struck)
    later = _life(yard)
    now = START + timedelta(minutes=late_minutes + 2)
    later.resume(yard.happened, before.moved, now)
    heard = len(yard.happened)
    while now < START + timedelta(minutes=60):
        for happening in yard.happened[heard:]:
            later.hear(happening)
        heard = len(yard.happened)
        for act in later.due(now):
            yard.act(act)
        now += timedelta(seconds=1)
    assert yard.burnt == []
    assert yard.out == set()
    assert yard.open == {code for code, piece in yard.pieces.items() if piece.normal_open}
