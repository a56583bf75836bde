"""A silent device is asked more and more seldom, never all of them at one moment, and at once after an answer."""

import random

from scada_bridge.backoff import Backoff


def waits(backoff, count):
    found = []
    for _ in range(count):
        backoff.failed(100.0)
        found.append(backoff.next_at - 100.0)
    return found


def test_it_begins_patiently_and_grows_up_to_its_limit():
    found = waits(Backoff(dice=random.Random(1)), 20)
    assert all(0.5 <= wait <= 1.0 for wait in found[:6])
    for number, longest in enumerate((2, 4, 8, 16, 30, 30), start=6):
        assert longest / 2 <= found[number] <= longest
    assert max(found) <= 30


def test_two_devices_that_fail_together_do_not_come_back_together():
    assert waits(Backoff(dice=random.Random(1)), 5) != waits(Backoff(dice=random.Random(2)), 5)


def test_one_failure_is_forgiven_and_an_answer_forgets_all():
    backoff = Backoff()
    backoff.failed(0.0)
    assert not backoff.down
    backoff.failed(0.0)
    assert backoff.down
    assert not backoff.due(0.1)
    assert backoff.due(1.0)
    backoff.succeeded()
    assert not backoff.down
    assert backoff.due(0.0)
