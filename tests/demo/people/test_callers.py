"""Who calls: few, soon, with mistakes, and the same every time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cis_power.demo.people.callers import Callers, Loss
from cis_power.demo.people.manner import Manner
from tests.demo.people.yard import Street, pieces

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
STREET = Street(pieces())
EVERYBODY = tuple(home.usage_point for home in STREET.homes)
HONEST = Manner(mistake_share=0, doubled_share=0, withheld_share=0, neighbours_share=0)
BY_NUMBER = {
    getattr(home, name): home.usage_point for home in STREET.homes for name in ("account_no", "phone", "usage_point")
}


def _calls(manner: Manner, seed: int = 1, points: tuple[str, ...] = EVERYBODY, name: str = "L"):
    return Callers(seed, manner, STREET).after_loss(Loss(name, AT, points))


def test_a_small_share_calls_most_of_them_within_minutes() -> None:
    calls = [call for seed in range(40) for call in _calls(HONEST, seed)]
    share = len(calls) / (40 * len(EVERYBODY))
    assert 0.06 < share < 0.08
    minutes = sorted((call.at - AT).total_seconds() / 60 * HONEST.pace for call in calls)
    assert minutes[0] < 2.5
    assert 5 < minutes[len(minutes) // 2] < 8
    assert min(minutes) > 0


@given(st.integers(0, 10_000), st.integers(1, len(EVERYBODY)), st.floats(0, 1))
def test_calls_come_after_the_loss_in_order_and_one_at_least_is_true(seed: int, count: int, share: float) -> None:
    points = EVERYBODY[:count]
    calls = _calls(Manner(call_share=share), seed, points)
    assert [call.at for call in calls] == sorted(call.at for call in calls)
    assert all(call.at > AT for call in calls)
    assert all(len(call.about) == 1 for call in calls)
    true = [call for call in calls if call.honest]
    assert true
    for call in true:
        ((what, said),) = call.about.items()
        if what in ("account_no", "phone", "usage_point"):
            assert BY_NUMBER[said] in points


@given(st.integers(0, 10_000))
def test_a_doubled_call_has_the_same_key_and_the_same_words_or_another_key(seed: int) -> None:
    calls = _calls(Manner(doubled_share=1.0, call_share=0.2), seed)
    by_key: dict[str, list] = {}
    for call in calls:
        by_key.setdefault(call.key, []).append(call)
    for same in by_key.values():
        assert len({(tuple(call.about.items()), call.trouble_code, call.text) for call in same}) == 1
    assert len(calls) > len(by_key) or any(key.endswith("/again") for key in by_key)


def test_mistakes_are_marked_and_differ_from_the_truth() -> None:
    wrong = [call for call in _calls(replace(HONEST, mistake_share=1.0, call_share=1.0)) if not call.honest]
    assert len(wrong) == len(EVERYBODY)
    assert sum(next(iter(call.about.values())) not in BY_NUMBER for call in wrong) > 50
    withheld = _calls(replace(HONEST, withheld_share=1.0, call_share=0.5))
    assert {call.shown for call in withheld} == {None}


def test_neighbours_in_supply_call_too() -> None:
    calls = _calls(replace(HONEST, neighbours_share=1.0, call_share=0), points=EVERYBODY[:40])
    others = [call for call in calls if not call.honest]
    assert len(others) > 5
    lost = set(EVERYBODY[:40])
    assert not [call for call in others if BY_NUMBER.get(next(iter(call.about.values()))) in lost]


def test_who_is_still_out_calls_again() -> None:
    manner = replace(HONEST, still_out_share=1.0)
    calls = Callers(1, manner, STREET).still_out(Loss("L", AT, EVERYBODY), AT + timedelta(minutes=5), EVERYBODY[:3])
    assert len(calls) == 3
    assert all(call.at > AT + timedelta(minutes=5) for call in calls)
    assert len({call.key for call in calls}) == 3


def test_hazards_are_told_near_by_and_idle_calls_are_nobodys_outage() -> None:
    callers = Callers(1, replace(HONEST, hazard_share=1.0), STREET)
    (call,) = callers.hazard("X1", "line", AT, "F1-T00")
    assert (call.trouble_code, call.about) == ("wire_down", {"transformer": "F1-T00"})
    assert callers.hazard("X1", "fuse", AT, "F1-T00") == []
    idle = [callers.idle(number, AT) for number in range(50)]
    assert all(call is not None and not call.honest and call.at > AT for call in idle)
    assert len({call.key for call in idle if call}) == 50
