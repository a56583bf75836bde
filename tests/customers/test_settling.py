"""Payments settle the oldest debt; nothing is lost or made."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from cis_power.customers.settling import Entry, Part, settle

FIRST = date(2026, 1, 1)
amounts = st.integers(-50_000, 50_000).map(lambda cents: Decimal(cents) / 100)
entries = st.lists(st.tuples(st.integers(0, 60), amounts), max_size=12)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def named(kind: str, rows: list[tuple[int, Decimal]]) -> list[Entry[str]]:
    return [Entry(f"{kind}{place}", day(number), amount) for place, (number, amount) in enumerate(rows)]


def test_the_oldest_bill_comes_first_and_a_payment_may_settle_parts_of_several() -> None:
    found = settle(
        [Entry("b2", day(40), Decimal(100)), Entry("b1", day(10), Decimal(80))],
        [Entry("p1", day(12), Decimal(50)), Entry("p2", day(45), Decimal(60))],
    )
    assert found.parts == {"b1": [Part("p1", Decimal(50)), Part("p2", Decimal(30))], "b2": [Part("p2", Decimal(30))]}
    assert found.open == {"b1": Decimal(0), "b2": Decimal(70)}
    assert (found.balance, found.overdue(day(40)), found.overdue(day(41))) == (70, 0, 70)
    assert (found.overdue_since(day(40)), found.overdue_since(day(41))) == (None, day(40))


def test_a_payment_taken_back_undoes_the_one_before_it_and_beyond_that_is_owed() -> None:
    undone = settle(
        [Entry("b", day(10), Decimal(80))], [Entry("p", day(5), Decimal(80)), Entry("q", day(6), Decimal(-80))]
    )
    assert (undone.open["b"], undone.parts["b"], undone.left) == (80, [], {})
    beyond = settle([], [Entry("q", day(6), Decimal(-30))])
    assert (beyond.balance, beyond.overdue(day(7))) == (30, 30)


def test_a_credit_note_settles_too_and_what_is_paid_ahead_is_left() -> None:
    found = settle(
        [Entry("note", day(3), Decimal(-20)), Entry("b", day(10), Decimal(50))], [Entry("p", day(4), Decimal(45))]
    )
    assert found.parts["b"] == [Part("note", Decimal(20)), Part("p", Decimal(30))]
    assert (found.left, found.balance) == ({"p": Decimal(15)}, -15)


@given(entries, entries)
def test_nothing_is_lost_or_made(bills: list[tuple[int, Decimal]], payments: list[tuple[int, Decimal]]) -> None:
    found = settle(named("b", bills), named("p", payments))
    assert found.balance == sum((row[1] for row in bills), Decimal(0)) - sum((row[1] for row in payments), Decimal(0))
    for place, (_, amount) in enumerate(bills):
        if amount > 0:
            key = f"b{place}"
            assert found.open[key] + sum((part.amount for part in found.parts[key]), Decimal(0)) == amount
    assert all(amount >= 0 for amount in [*found.open.values(), *found.left.values()])
    assert not (any(found.open.values()) and any(found.left.values())), "who owes has nothing left over"
    later = [found.due[key] for key, amount in found.open.items() if amount]
    settled = [found.due[key] for key, parts in found.parts.items() if parts and not found.open[key]]
    assert not later or not settled or max(settled) <= min(later), "the oldest first"
