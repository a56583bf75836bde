"""Which payment settles which bill: the oldest debt first, because payments name an account and no bill. Pure.

Whatever is owed is a *charge*: a bill, or a payment taken back that settles nothing. Whatever is given is a *credit*: a
payment, or a bill below zero. A payment taken back first undoes the latest payments before it.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Entry(Generic[Key]):
    """One bill or payment: its key, the day that puts it in order (of a bill: the due day), its amount."""

    key: Key
    on: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Part(Generic[Key]):
    """So much of a credit went to a charge."""

    key: Key
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Settlement(Generic[Key]):
    """`parts` and `open` by charge; `left` by credit that is not used up."""

    parts: dict[Key, list[Part[Key]]]
    open: dict[Key, Decimal]
    left: dict[Key, Decimal]
    due: dict[Key, date]

    @property
    def balance(self) -> Decimal:
        """What is owed in all; below zero it is a credit."""
        return sum(self.open.values(), _ZERO) - sum(self.left.values(), _ZERO)

    def overdue(self, today: date) -> Decimal:
        """What is owed and was due before today."""
        return sum((amount for key, amount in self.open.items() if self.due[key] < today), _ZERO)

    def overdue_since(self, today: date) -> date | None:
        """The due day of the oldest charge that is overdue."""
        return min(
            (self.due[key] for key, amount in self.open.items() if amount and self.due[key] < today), default=None
        )


def settle(bills: Sequence[Entry[Key]], payments: Sequence[Entry[Key]]) -> Settlement[Key]:
    """Settle the bills of one account and currency; keys are unique over both."""
    given, taken_back = _undone(sorted(payments, key=lambda entry: entry.on))
    charges = sorted([*(bill for bill in bills if bill.amount > 0), *taken_back], key=lambda entry: entry.on)
    credits = sorted([*_given(bills), *given], key=lambda entry: entry.on)
    parts: dict[Key, list[Part[Key]]] = {charge.key: [] for charge in charges}
    still = {charge.key: charge.amount for charge in charges}
    left: dict[Key, Decimal] = {}
    place = 0
    for credit in credits:
        rest = credit.amount
        while rest and place < len(charges):
            charge = charges[place]
            used = min(rest, still[charge.key])
            parts[charge.key].append(Part(credit.key, used))
            still[charge.key] -= used
            rest -= used
            place += not still[charge.key]
        if rest:
            left[credit.key] = rest
    return Settlement(parts, still, left, {charge.key: charge.on for charge in charges})


def _given(bills: Sequence[Entry[Key]]) -> list[Entry[Key]]:
    """Bills below zero as the credits that they are."""
    return [Entry(bill.key, bill.on, -bill.amount) for bill in bills if bill.amount < 0]


def _undone(payments: Sequence[Entry[Key]]) -> tuple[list[Entry[Key]], list[Entry[Key]]]:
    """Payments less what was taken back of them, and what was taken back beyond them; `payments` are in order."""
    rest: list[list[Decimal]] = []
    standing: list[Entry[Key]] = []
    beyond: list[Entry[Key]] = []
    for payment in payments:
        if payment.amount > 0:
            standing.append(payment)
            rest.append([payment.amount])
            continue
        back = -payment.amount
        for amount in reversed(rest):
            used = min(back, amount[0])
            amount[0] -= used
            back -= used
        if back:
            beyond.append(Entry(payment.key, payment.on, back))
    kept = [
        Entry(payment.key, payment.on, amount[0]) for payment, amount in zip(standing, rest, strict=True) if amount[0]
    ]
    return kept, beyond
