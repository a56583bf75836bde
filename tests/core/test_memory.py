"""Freed memory goes back to the system."""

from pathlib import Path

from cis_power.core.memory import give_back


def _held_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


def test_what_was_freed_is_given_back() -> None:
    pieces = [bytes(1_000) + bytes([n % 256]) for n in range(100_000)]  # in the heap, too small for maps of their own
    kept = pieces[::1_000]  # pins that keep the heap from shrinking by itself
    pieces.clear()
    before = _held_kb()
    give_back()
    assert _held_kb() < before - 40_000
    assert len(kept) == 100
